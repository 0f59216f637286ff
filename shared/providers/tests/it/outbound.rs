//! Messages as Meta and 360dialog want them, byte for byte (D23, D44).

use crate::kit::{self, bsuid, phone};
use bytes::Bytes;
use domain::identity::Bsuid;
use domain::ids::MessageId;
use domain::message::MediaKind;
use domain::outgoing::{
    Interactive, ListRow, ListSection, MediaSource, Outgoing, OutgoingLocation, OutgoingMedia, ReplyButton,
};
use domain::phone::Phone;
use domain::provider::Provider;
use domain::template::Filled;
use http::Request;
use proptest::prelude::*;
use providers::outbound::{Recipient, Send, Sender, mark_read, our_id, request};
use serde_json::json;

pub(crate) const ID: &str = "msg_01JCXPTB6QS9QK5S4D93GZ2T7N";
pub(crate) const FENCE: &str = "0123456789abcdef0123456789abcdef";
const OURS: &str =
    r#","biz_opaque_callback_data":"msg_01JCXPTB6QS9QK5S4D93GZ2T7N.0123456789abcdef0123456789abcdef"}"#;
const TO_PHONE: &str =
    r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+971501234567","#;

pub(crate) const META: Sender<'_> = Sender {
    provider: Provider::Meta,
    phone_number_id: Some("106540352242922"),
    instance_id: None,
    secret: "EAAGm0secret",
};
pub(crate) const D360: Sender<'_> = Sender {
    provider: Provider::Dialog360,
    phone_number_id: Some("106540352242922"),
    instance_id: None,
    secret: "d360-secret",
};

pub(crate) fn text(body: &str) -> Outgoing {
    Outgoing::Text { body: body.to_owned(), preview_url: false }
}

pub(crate) fn file(media_kind: MediaKind, source: MediaSource) -> OutgoingMedia {
    OutgoingMedia { media_kind, source, caption: None, filename: None }
}

pub(crate) fn link() -> MediaSource {
    MediaSource::Url("https://cdn.example/a.jpg".to_owned())
}

/// A message to a known phone.
pub(crate) struct To {
    pub(crate) phone: Option<Phone>,
    pub(crate) bsuid: Option<Bsuid>,
    pub(crate) filled: Option<Filled>,
    pub(crate) reply_to: Option<&'static str>,
}

pub(crate) fn to_phone() -> To {
    To { phone: phone("971501234567"), bsuid: None, filled: None, reply_to: None }
}

impl To {
    pub(crate) fn send<'a>(&'a self, content: &'a Outgoing) -> Send<'a> {
        Send {
            message_id: MessageId::parse(ID).unwrap(),
            fence: FENCE,
            recipient: Recipient { phone: self.phone.as_ref(), bsuid: self.bsuid.as_ref() },
            content,
            filled: self.filled.as_ref(),
            reply_to: self.reply_to,
        }
    }
}

pub(crate) fn body(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

/// What both hosts of the Cloud API are asked, which is the same.
pub(crate) fn wire(content: &Outgoing, to: &To) -> String {
    let meta = request(&META, &to.send(content)).unwrap();
    let d360 = request(&D360, &to.send(content)).unwrap();
    assert_eq!(meta.body(), d360.body());
    body(&meta).to_owned()
}

/// The content's part of the body, as it stands between the recipient and our id.
fn said(content: &Outgoing) -> String {
    inner(&wire(content, &to_phone()))
}

pub(crate) fn inner(body: &str) -> String {
    let rest = body.strip_prefix(TO_PHONE).unwrap_or_else(|| panic!("{body}"));
    rest.strip_suffix(OURS).unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[test]
fn a_text_to_meta_is_what_meta_documents() {
    let content = Outgoing::Text { body: "مرحبا \"سارة\"".to_owned(), preview_url: true };
    let to = to_phone();
    let request = request(&META, &to.send(&content)).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/v26.0/106540352242922/messages");
    assert_eq!(request.headers()["authorization"], "Bearer EAAGm0secret");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers().len(), 2);
    assert_eq!(
        body(&request),
        r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+971501234567","type":"text","text":{"body":"مرحبا \"سارة\"","preview_url":true},"biz_opaque_callback_data":"msg_01JCXPTB6QS9QK5S4D93GZ2T7N.0123456789abcdef0123456789abcdef"}"#
    );
}

#[test]
fn a_text_to_360dialog_differs_in_door_and_key_only() {
    let content = text("hello");
    let to = to_phone();
    let request = request(&D360, &to.send(&content)).unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/messages"));
    assert_eq!(request.headers()["D360-API-KEY"], "d360-secret");
    assert!(request.headers()["D360-API-KEY"].is_sensitive());
    assert_eq!(request.headers().get("authorization"), None);
    assert_eq!(inner(body(&request)), r#""type":"text","text":{"body":"hello","preview_url":false}"#);
}

#[test]
fn a_customer_without_a_phone_is_named_by_user_id_and_a_phone_wins() {
    let content = text("hello");
    let hidden = To { phone: None, bsuid: bsuid("AE.7301945528164402"), ..to_phone() };
    let start = r#"{"messaging_product":"whatsapp","recipient_type":"individual","recipient":"AE.7301945528164402","type":"text""#;
    assert!(wire(&content, &hidden).starts_with(start));
    let both = To { bsuid: bsuid("AE.7301945528164402"), ..to_phone() };
    assert_eq!(wire(&content, &both), wire(&content, &to_phone()));
    let nobody = To { phone: None, ..to_phone() };
    assert_eq!(request(&META, &nobody.send(&content)).unwrap_err().field, "to");
}

#[test]
fn a_reply_names_what_it_quotes_and_a_reaction_never_does() {
    let quoting = To { reply_to: Some("wamid.Q"), ..to_phone() };
    assert_eq!(
        inner(&wire(&text("yes"), &quoting)),
        r#""type":"text","text":{"body":"yes","preview_url":false},"context":{"message_id":"wamid.Q"}"#
    );
    let reaction = Outgoing::Reaction { target: "wamid.T".to_owned(), emoji: Some("👍".to_owned()) };
    let golden = r#""type":"reaction","reaction":{"message_id":"wamid.T","emoji":"👍"}"#;
    assert_eq!(inner(&wire(&reaction, &quoting)), golden);
    let taken_back = Outgoing::Reaction { target: "wamid.T".to_owned(), emoji: None };
    assert_eq!(said(&taken_back), r#""type":"reaction","reaction":{"message_id":"wamid.T","emoji":""}"#);
}

#[test]
fn files_go_by_id_or_by_address() {
    let id = || MediaSource::Id("1908647269898587".to_owned());
    let cases = [
        (
            OutgoingMedia { caption: Some("شقة".to_owned()), ..file(MediaKind::Image, link()) },
            r#""type":"image","image":{"link":"https://cdn.example/a.jpg","caption":"شقة"}"#,
        ),
        (file(MediaKind::Video, id()), r#""type":"video","video":{"id":"1908647269898587"}"#),
        (file(MediaKind::Audio, id()), r#""type":"audio","audio":{"id":"1908647269898587"}"#),
        (file(MediaKind::Voice, id()), r#""type":"audio","audio":{"id":"1908647269898587","voice":true}"#),
        (file(MediaKind::Sticker, id()), r#""type":"sticker","sticker":{"id":"1908647269898587"}"#),
        (
            OutgoingMedia {
                caption: Some("c".to_owned()),
                filename: Some("عقد.pdf".to_owned()),
                ..file(MediaKind::Document, id())
            },
            r#""type":"document","document":{"id":"1908647269898587","caption":"c","filename":"عقد.pdf"}"#,
        ),
    ];
    for (media, golden) in cases {
        assert_eq!(said(&Outgoing::Media(media)), golden);
    }
}

#[test]
fn a_place_and_a_card_go_as_they_are() {
    let place = OutgoingLocation { latitude: 25.0805, longitude: 55.1403, name: None, address: None };
    let bare = r#""type":"location","location":{"latitude":25.0805,"longitude":55.1403}"#;
    assert_eq!(said(&Outgoing::Location(place.clone())), bare);
    let named =
        OutgoingLocation { name: Some("Marina".to_owned()), address: Some("Dubai".to_owned()), ..place };
    let golden = r#""type":"location","location":{"latitude":25.0805,"longitude":55.1403,"name":"Marina","address":"Dubai"}"#;
    assert_eq!(said(&Outgoing::Location(named)), golden);
    let card = json!({"name": {"first_name": "Sara", "formatted_name": "Sara A"}});
    assert_eq!(
        said(&Outgoing::Contacts { contacts: vec![card] }),
        r#""type":"contacts","contacts":[{"name":{"first_name":"Sara","formatted_name":"Sara A"}}]"#
    );
}

fn asked(interactive: Interactive) -> String {
    said(&Outgoing::Interactive { interactive })
}

#[test]
fn buttons_and_lists_are_what_meta_documents() {
    let button = |id: &str, title: &str| ReplyButton { id: id.to_owned(), title: title.to_owned() };
    let buttons = Interactive::Buttons {
        body: "View?".to_owned(),
        header: Some("Marina".to_owned()),
        footer: Some("Hadar".to_owned()),
        buttons: vec![button("yes", "نعم"), button("no", "لا")],
    };
    assert_eq!(
        asked(buttons),
        r#""type":"interactive","interactive":{"type":"button","header":{"type":"text","text":"Marina"},"body":{"text":"View?"},"footer":{"text":"Hadar"},"action":{"buttons":[{"type":"reply","reply":{"id":"yes","title":"نعم"}},{"type":"reply","reply":{"id":"no","title":"لا"}}]}}"#
    );
    let row = |id: &str, description: Option<&str>| ListRow {
        id: id.to_owned(),
        title: id.to_uppercase(),
        description: description.map(str::to_owned),
    };
    let list = Interactive::List {
        body: "When?".to_owned(),
        header: None,
        footer: None,
        button: "Times".to_owned(),
        sections: vec![
            ListSection {
                title: Some("Today".to_owned()),
                rows: vec![row("a", Some("10:00")), row("b", None)],
            },
            ListSection { title: None, rows: vec![row("c", None)] },
        ],
    };
    assert_eq!(
        asked(list),
        r#""type":"interactive","interactive":{"type":"list","body":{"text":"When?"},"action":{"button":"Times","sections":[{"title":"Today","rows":[{"id":"a","title":"A","description":"10:00"},{"id":"b","title":"B"}]},{"rows":[{"id":"c","title":"C"}]}]}}"#
    );
}

#[test]
fn link_buttons_and_flows_are_what_meta_documents() {
    let link = Interactive::CtaUrl {
        body: "Look".to_owned(),
        header: None,
        footer: None,
        display_text: "Open".to_owned(),
        url: "https://hadar.example/l/1?a=b&c=d".to_owned(),
    };
    assert_eq!(
        asked(link),
        r#""type":"interactive","interactive":{"type":"cta_url","body":{"text":"Look"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://hadar.example/l/1?a=b&c=d"}}}"#
    );
    let flow = |screen: Option<&str>, data| Interactive::Flow {
        body: "Book".to_owned(),
        header: None,
        footer: None,
        flow_id: "77".to_owned(),
        flow_cta: "Start".to_owned(),
        flow_token: "t1".to_owned(),
        screen: screen.map(str::to_owned),
        data,
    };
    let start = r#""type":"interactive","interactive":{"type":"flow","body":{"text":"Book"},"action":{"name":"flow","parameters":{"flow_message_version":"3","flow_token":"t1","flow_id":"77","flow_cta":"Start","flow_action":"navigate""#;
    assert_eq!(asked(flow(None, None)), format!("{start}}}}}}}"));
    assert_eq!(
        asked(flow(Some("FIRST"), Some(json!({"n": 1})))),
        format!(r#"{start},"flow_action_payload":{{"screen":"FIRST","data":{{"n":1}}}}}}}}}}"#)
    );
}

#[test]
fn a_read_mark_may_say_that_an_answer_is_being_written() {
    let quiet = mark_read(&META, "wamid.R", false).unwrap();
    assert_eq!(quiet.uri(), "/v26.0/106540352242922/messages");
    assert_eq!(body(&quiet), r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.R"}"#);
    let typing = mark_read(&D360, "wamid.R", true).unwrap();
    assert_eq!(typing.uri(), "/messages");
    assert_eq!(
        body(&typing),
        r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.R","typing_indicator":{"type":"text"}}"#
    );
}

#[test]
fn ids_and_secrets_that_would_bend_the_request_are_refused() {
    let content = text("hello");
    let to = to_phone();
    for sender in [
        Sender { phone_number_id: None, ..META },
        Sender { phone_number_id: Some(""), ..META },
        Sender { phone_number_id: Some("../1/x?y="), ..META },
        Sender { secret: "a\r\nX-Evil: 1", ..META },
        Sender { secret: "a\nb", ..D360 },
        Sender { provider: Provider::Sandbox, ..META },
    ] {
        assert_eq!(request(&sender, &to.send(&content)).unwrap_err().field, "provider", "{sender:?}");
        assert!(mark_read(&sender, "wamid.R", false).is_none());
    }
}

#[test]
fn nothing_secret_or_personal_is_printed() {
    let content = text("private words");
    let to = to_phone();
    let send = to.send(&content);
    let printed = format!("{META:?} {send:?} {:?}", request(&META, &send).unwrap().headers());
    for word in ["EAAGm0secret", "private", "501234567"] {
        assert!(!printed.contains(word), "{printed}");
    }
}

#[test]
fn our_id_comes_back_from_what_receipts_carry() {
    let id = MessageId::parse(ID).unwrap();
    assert_eq!(our_id(ID), Some((id, None)));
    assert_eq!(our_id(&format!("{ID}.{FENCE}")), Some((id, Some(FENCE.to_owned()))));
    assert_eq!(our_id(&format!("{ID}.1")), Some((id, Some("1".to_owned()))));
    let long = "a".repeat(65);
    for foreign in [
        "",
        ".",
        "order-17",
        "msg_",
        "msg_x.1",
        &format!("{ID}."),
        &format!("{ID}.a.b"),
        &format!("{ID}.{long}"),
    ] {
        assert_eq!(our_id(foreign), None, "{foreign}");
    }
}

#[test]
fn echoes_and_receipts_bring_our_id_back() {
    let envelope = |field: &str, list: &str| {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"{field}","value":{{"{list}":[{{"id":"wamid.A","to":"971501234567","recipient_id":"971501234567","status":"sent","type":"text","text":{{"body":"b"}},"timestamp":"1793520000","biz_opaque_callback_data":"{ID}.{FENCE}"}}]}}}}]}}]}}"#
        )
    };
    let echoed =
        kit::echo(kit::read(Provider::Meta, &envelope("smb_message_echoes", "message_echoes"))).our_id;
    let received = kit::status(kit::read(Provider::Dialog360, &envelope("messages", "statuses"))).our_id;
    for carried in [echoed, received] {
        assert_eq!(our_id(&carried.unwrap()).unwrap().1.as_deref(), Some(FENCE));
    }
    let odd = envelope("smb_message_echoes", "message_echoes").replace(&format!("\"{ID}.{FENCE}\""), "{}");
    assert_eq!(kit::echo(kit::read(Provider::Meta, &odd)).our_id, None);
}

proptest! {
    #[test]
    fn any_id_and_fence_make_the_round_trip(bits in any::<u128>(), fence in "[0-9a-f]{32}") {
        let id = MessageId::from_ulid(bits.into());
        prop_assert_eq!(our_id(&format!("{id}.{fence}")), Some((id, Some(fence))));
        prop_assert_eq!(our_id(&id.to_string()), Some((id, None)));
    }

    #[test]
    fn reading_our_id_never_panics(text in "\\PC{0,80}") {
        let _ = our_id(&text);
    }

    #[test]
    fn whatever_is_said_is_json_that_says_it(words in "\\PC{1,80}") {
        let json: serde_json::Value = serde_json::from_str(&wire(&text(&words), &to_phone())).unwrap();
        prop_assert_eq!(json["text"]["body"].as_str(), Some(words.as_str()));
    }
}
