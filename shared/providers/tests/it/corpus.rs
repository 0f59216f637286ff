//! Bodies written by other projects, where they are at hand: `HADAR_CORPUS` names a folder with an `index.json` that
//! says for each file what must be found in it.

use domain::identity::Person;
use domain::message::{Content, MediaKind, ReportedError};
use domain::provider::Provider;
use providers::event::{Echo, Event, EventKind, InboundMessage, Status};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Here `from` is one number and the only contact another: whoever pairs them merges two people.
const CONTACT_IS_SOMEBODY_ELSE: &str = "pywa/edited_message__image.json";

#[expect(clippy::disallowed_methods, reason = "a test asks where its optional corpus is")]
fn corpus() -> Option<PathBuf> {
    std::env::var_os("HADAR_CORPUS").map(PathBuf::from)
}

#[test]
fn what_the_corpus_expects_is_found() {
    let Some(root) = corpus() else {
        println!("skipped: HADAR_CORPUS is not set");
        return;
    };
    let index: Vec<Value> = serde_json::from_slice(&fs::read(root.join("index.json")).unwrap()).unwrap();
    assert!(!index.is_empty());
    for entry in &index {
        let file = entry["file"].as_str().unwrap();
        let provider = Provider::parse(entry["provider"].as_str().unwrap()).unwrap();
        let parsed = providers::parse(provider, &fs::read(root.join(file)).unwrap()).unwrap();
        assert_eq!(parsed.unreadable, [], "{file}");
        let expected = entry["expect"].as_array().unwrap();
        for expect in expected {
            let found = parsed.events.iter().any(|event| matches(file, expect, event));
            assert!(found, "{file}: {expect} is not in {:#?}", parsed.events);
        }
        assert_eq!(parsed.events.len(), expected.len() + unlisted(file), "{file}: {:#?}", parsed.events);
    }
    println!("{} files", index.len());
}

/// A call that ended with errors is itself an event beside them.
fn unlisted(file: &str) -> usize {
    usize::from(file == "pywa/call_terminate__call_terminate.json")
}

fn text<'v>(expect: &'v Value, key: &str) -> Option<&'v str> {
    expect[key].as_str().filter(|text| !text.is_empty())
}

fn matches(file: &str, expect: &Value, event: &Event) -> bool {
    match (text(expect, "kind").unwrap(), &event.kind) {
        ("event", EventKind::Account { field, event }) => {
            text(expect, "field") == Some(field) && text(expect, "event") == event.as_deref()
        }
        ("event", EventKind::Preference(_)) => text(expect, "field") == Some("user_preferences"),
        ("event", EventKind::IdentityChanged(..)) => text(expect, "field") == Some("user_id_update"),
        ("value_error", EventKind::Error(error)) => expect["code"] == error.code,
        ("message", EventKind::Message(message)) => {
            let account = &event.account;
            assert_eq!(account.waba_id.as_deref(), text(expect, "waba"), "{file}");
            assert_eq!(account.phone_number_id.as_deref(), text(expect, "phone_number_id"), "{file}");
            check_message(file, expect, message);
            true
        }
        ("message_received", EventKind::Message(message)) => {
            assert_eq!(event.account.instance_id.as_deref(), text(expect, "instanceId"), "{file}");
            assert_eq!(message.id, text(expect, "id").unwrap(), "{file}");
            assert_eq!(message.sent_at.unix_ms() / 1000, expect["time"].as_u64().unwrap(), "{file}");
            let sender = text(expect, "sender").unwrap().strip_suffix("@c.us").unwrap();
            assert_eq!(named(&message.sender), Some(sender.to_owned()), "{file}");
            assert_eq!(message.group.is_some(), expect["group"].as_bool().unwrap(), "{file}");
            let body = text(expect, "body").unwrap().to_owned();
            assert_eq!(message.body.content, Content::Text { body }, "{file}");
            true
        }
        ("status", EventKind::Status(status)) => {
            check_status(file, expect, status);
            true
        }
        ("echo", EventKind::Echo(echo)) => {
            check_echo(file, expect, echo);
            true
        }
        _ => false,
    }
}

/// The phone, or what else stands for it, as the wire spells it.
fn named(person: &Person) -> Option<String> {
    person.opaque.clone().or_else(|| person.phone.as_ref().map(|phone| phone.wa_id().to_owned()))
}

fn lower(text: Option<&str>) -> Option<String> {
    text.map(|text| if text.starts_with('<') { text.to_lowercase() } else { text.to_owned() })
}

fn codes(errors: &[ReportedError]) -> Vec<i64> {
    errors.iter().map(|error| error.code).collect()
}

fn expected_codes(expect: &Value) -> Vec<i64> {
    expect["error_codes"].as_array().into_iter().flatten().map(|code| code.as_i64().unwrap()).collect()
}

fn check_message(file: &str, expect: &Value, message: &InboundMessage) {
    assert_eq!(message.id, text(expect, "id").unwrap(), "{file}");
    let seconds = (message.sent_at.unix_ms() / 1000).to_string();
    assert_eq!(seconds, text(expect, "timestamp").unwrap(), "{file}");
    if let Some(from) = text(expect, "from") {
        assert_eq!(named(&message.sender), lower(Some(from)), "{file}");
    }
    if file == CONTACT_IS_SOMEBODY_ELSE {
        assert_eq!((&message.sender.bsuid, &message.sender.name), (&None, &None), "{file}");
    } else {
        let bsuid = message.sender.bsuid.as_ref().map(domain::identity::Bsuid::as_str);
        if expect.get("user_id").is_some() {
            assert_eq!(bsuid, text(expect, "user_id"), "{file}");
        }
        assert_eq!(message.sender.name.as_deref(), text(expect, "profile_name"), "{file}");
    }
    let body = &message.body;
    assert_eq!(codes(&body.errors), expected_codes(expect), "{file}");
    let referral = |key: &str| text(expect, key).map(str::to_owned);
    let ad = body.referral.clone().unwrap_or_default();
    assert_eq!(
        (ad.source_id, ad.ctwa_clid),
        (referral("referral.source_id"), referral("referral.ctwa_clid"))
    );
    let context = body.context.clone().unwrap_or_default();
    let expected = &expect["context"];
    assert_eq!(context.id.as_deref(), text(expected, "id"), "{file}");
    assert_eq!(context.from.as_deref(), text(expected, "from"), "{file}");
    assert_eq!(context.forwarded, expected["forwarded"] == true, "{file}");
    assert_eq!(context.frequently_forwarded, expected["frequently_forwarded"] == true, "{file}");
    check_content(file, expect, &body.content);
}

fn check_content(file: &str, expect: &Value, content: &Content) {
    let kind = text(expect, "type").unwrap();
    let own = |key: &str| text(expect, &format!("{kind}.{key}")).map(str::to_owned);
    match content {
        Content::Text { body } => assert_eq!(Some(body.as_str()), text(expect, "text"), "{file}"),
        Content::Media(media_kind, media) => {
            assert_eq!(*media_kind == MediaKind::Voice, expect["audio.voice"] == true, "{file}");
            assert!(media_kind.as_str() == kind || *media_kind == MediaKind::Voice, "{file}");
            let given =
                [&media.id, &media.mime_type, &media.caption, &media.filename, &media.url].map(Clone::clone);
            assert_eq!(given, ["id", "mime_type", "caption", "filename", "url"].map(own), "{file}");
            return;
        }
        Content::Location(place) => {
            assert_eq!(place.latitude, expect["location.latitude"].as_f64(), "{file}");
            assert_eq!(place.longitude, expect["location.longitude"].as_f64(), "{file}");
            assert_eq!(place.url, own("url"), "{file}");
        }
        Content::Interactive(reply) => {
            assert_eq!(reply.reply_type, own("type"), "{file}");
            let Some(name) = &reply.reply_type else { return };
            let part = &expect[format!("interactive.{name}")];
            if let Some(whole) = &reply.reply {
                assert_eq!(whole, part, "{file}");
                return;
            }
            let given = [reply.id.as_deref(), reply.title.as_deref(), reply.description.as_deref()];
            assert_eq!(given, ["id", "title", "description"].map(|key| text(part, key)), "{file}");
        }
        Content::Button { text: label, payload } => {
            assert_eq!((label, payload), (&own("text"), &own("payload")), "{file}");
        }
        Content::Reaction { target, emoji } => {
            assert_eq!((Some(target), emoji), (own("message_id").as_ref(), &own("emoji")), "{file}");
        }
        Content::Edit { target, .. } | Content::Revoke { target } => {
            assert_eq!(Some(target), own("original_message_id").as_ref(), "{file}");
        }
        Content::Contacts(_) | Content::Order(_) | Content::System { .. } | Content::Unsupported { .. } => {}
        Content::Unknown { .. } => panic!("{file}: every type of the corpus is known"),
    }
    assert_eq!(content.kind(), kind, "{file}");
}

fn check_status(file: &str, expect: &Value, status: &Status) {
    assert_eq!(Some(status.id.as_str()), text(expect, "id"), "{file}");
    assert_eq!(Some(status.reported.as_str()), text(expect, "status"), "{file}");
    assert_eq!(
        status.receipt.map(domain::receipt::Receipt::as_str),
        text(expect, "status").filter(|s| *s != "RINGING")
    );
    let at = status.at.unwrap().unix_ms() / 1000;
    assert_eq!(Some(at.to_string().as_str()), text(expect, "timestamp"), "{file}");
    if file.ends_with("message_status__group.json") {
        // `recipient_id` is the group there; the receipt is one member's.
        assert_eq!(status.recipient.bsuid, domain::identity::Bsuid::parse("US.123456"));
    } else {
        assert_eq!(named(&status.recipient).as_deref(), text(expect, "recipient_id"), "{file}");
    }
    assert_eq!(status.our_id.as_deref(), text(expect, "opaque"), "{file}");
    assert_eq!(codes(&status.errors), expected_codes(expect), "{file}");
    let pricing: Value =
        status.pricing.as_deref().map_or(Value::Null, |json| serde_json::from_str(json).unwrap());
    assert_eq!(pricing, expect["pricing"], "{file}");
}

fn check_echo(file: &str, expect: &Value, echo: &Echo) {
    assert_eq!(Some(echo.id.as_str()), text(expect, "id"), "{file}");
    assert_eq!(Some(echo.body.content.kind()), text(expect, "type"), "{file}");
    assert_eq!(named(&echo.recipient), lower(text(expect, "to")), "{file}");
    let seconds = (echo.sent_at.unix_ms() / 1000).to_string();
    assert_eq!(Some(seconds.as_str()), text(expect, "timestamp"), "{file}");
}
