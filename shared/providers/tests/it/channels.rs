//! What holds for every channel, whoever carries it and whatever its wire (B25).

use crate::adapters::{Adapter, all};
use crate::capabilities::everything;
use crate::kit::{self, AT};
use crate::outbound::{To, text, to_phone};
use crate::outbound_failures::answer;
use crate::outbound_templates::{filled, template};
use domain::outgoing::{Interactive, MediaSource, Outgoing, OutgoingMedia};
use proptest::prelude::*;
use providers::channel::{Channel, Line};
use providers::event::{EventKind, InboundMessage, Parsed};
use providers::outbound::{Accepted, Outcome, Sender};

/// Bodies that are nobody's.
const NOTHING: [&[u8]; 11] = [
    b"",
    b" \n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"null",
    b"7",
    b"\"text\"",
    b"[]",
    b"{}",
    b"a=b",
    b"<html>Bad gateway</html>",
];

fn read(adapter: &Adapter, body: &str) -> Parsed {
    adapter.channel.parse(body.as_bytes()).unwrap()
}

fn written(adapter: &Adapter) -> InboundMessage {
    kit::message(read(adapter, adapter.text.body))
}

#[test]
fn a_text_from_a_person_becomes_one_message_with_its_sender_id_time_and_words() {
    for adapter in all() {
        let message = written(&adapter);
        let name = adapter.channel.name();
        assert_eq!((message.id.as_str(), message.sent_at), (adapter.text.id, AT), "{name}");
        assert_eq!(message.sender.phone, kit::phone("971501234567"), "{name}");
        assert!(!message.sender.identities().is_empty(), "{name}");
        assert_eq!(message.body.content, kit::text(adapter.text.words), "{name}");
        assert_eq!((message.group, message.identity_change), (None, None), "{name}");
    }
}

#[test]
fn an_event_names_the_number_it_happened_on_as_the_line_does() {
    for adapter in all() {
        for body in [adapter.text.body, adapter.receipt.body] {
            let account = kit::only(read(&adapter, body)).account;
            let named = (account.phone_number_id.as_deref(), account.instance_id.as_deref());
            let ours = (adapter.line.number_id, adapter.line.account_id);
            assert_eq!(named, ours, "{}", adapter.channel.name());
        }
    }
}

#[test]
fn the_same_body_read_twice_gives_equal_events() {
    for adapter in all() {
        for body in [adapter.text.body, adapter.receipt.body] {
            let padded = format!("\u{feff}{body}\n");
            assert_eq!(read(&adapter, body), read(&adapter, &padded), "{}", adapter.channel.name());
        }
    }
}

#[test]
fn what_is_stored_of_a_message_is_as_received_and_reads_the_same_again() {
    for adapter in all() {
        let event = kit::only(read(&adapter, adapter.text.body));
        let name = adapter.channel.name();
        assert!(adapter.text.body.contains(&event.raw), "{name}: {}", event.raw);
        let again = adapter.channel.message_body(&event.raw).unwrap();
        assert_eq!(again, written(&adapter).body, "{name}");
        for other in NOTHING.iter().filter_map(|body| std::str::from_utf8(body).ok()) {
            let no = adapter.channel.message_body(other).unwrap_err();
            assert!(!no.0.is_empty(), "{name}: {other}");
        }
    }
}

#[test]
fn a_receipt_names_the_message_its_recipient_and_what_became_of_it() {
    for adapter in all() {
        let status = kit::status(read(&adapter, adapter.receipt.body));
        let name = adapter.channel.name();
        assert_eq!(status.id, adapter.receipt.id, "{name}");
        assert_eq!(status.receipt, Some(adapter.receipt.receipt), "{name}");
        assert_eq!(status.recipient.phone, kit::phone("971501234567"), "{name}");
        assert!(status.at.is_none_or(|at| at == AT), "{name}");
    }
}

#[test]
fn a_message_that_will_not_arrive_is_a_receipt_that_says_why() {
    for adapter in all() {
        let Some((reported, code)) = &adapter.failed else { continue };
        let status = kit::status(read(&adapter, reported.body));
        let name = adapter.channel.name();
        assert_eq!((status.id.as_str(), status.receipt), (reported.id, Some(reported.receipt)), "{name}");
        assert_eq!(status.recipient.phone, kit::phone("971501234567"), "{name}");
        let [error] = status.errors.as_slice() else { panic!("{name}: {:?}", status.errors) };
        assert_eq!(error.code, *code, "{name}");
        assert!(error.title.is_some(), "{name}");
    }
}

#[test]
fn a_body_that_is_none_is_refused_with_a_reason() {
    for adapter in all() {
        let foreign = adapter.foreign.iter().map(|body| body.as_bytes());
        for body in NOTHING.into_iter().chain(foreign) {
            let no = adapter.channel.parse(body).unwrap_err();
            let shown = String::from_utf8_lossy(body);
            assert!(no.0.contains(' '), "{}: {shown}: {no}", adapter.channel.name());
            assert!(!no.0.contains("971501234567"), "{}: {shown}: {no}", adapter.channel.name());
        }
    }
}

#[test]
fn a_text_to_send_becomes_a_request_that_names_recipient_and_words() {
    let words = "مرحبا \"سارة\" & ok=1\n+ 🏠";
    for adapter in all() {
        let (to, content) = (to_phone(), text(words));
        let request = adapter.channel.request(&adapter.line, &to.send(&content)).unwrap();
        let name = adapter.channel.name();
        assert_eq!(request.method(), "POST", "{name}");
        assert!(request.uri().host().is_none(), "{name}: the root is configuration");
        assert_eq!((adapter.asked)(&request), ("+971501234567".to_owned(), words.to_owned()), "{name}");
    }
}

#[test]
fn a_template_that_is_not_filled_in_is_no_message() {
    for adapter in all() {
        let (to, content) = (to_phone(), template());
        let no = adapter.channel.request(&adapter.line, &to.send(&content)).unwrap_err();
        assert_eq!(no.field, "template", "{}", adapter.channel.name());
    }
}

/// A request's body may hold the secret, for UltraMsg takes it there; nothing prints bodies.
#[test]
fn the_secret_is_in_no_debug_output() {
    for adapter in all() {
        let (to, content) = (to_phone(), text("hello"));
        let send = to.send(&content);
        let request = adapter.channel.request(&adapter.line, &send).unwrap();
        let nameless = Line { number_id: Some("../1"), account_id: Some("../2"), ..adapter.line };
        let unusable = adapter.channel.request(&nameless, &send);
        let printed = format!(
            "{:?} {send:?} {} {:?} {:?}",
            adapter.line,
            request.uri(),
            request.headers(),
            unusable.map(|request| request.uri().clone())
        );
        assert!(!printed.contains(adapter.line.secret), "{}: {printed}", adapter.channel.name());
        assert!(!printed.contains("97150"), "{}: {printed}", adapter.channel.name());
    }
}

#[test]
fn a_number_whose_id_would_leave_its_path_makes_no_request() {
    for adapter in all() {
        let (to, content) = (to_phone(), text("hello"));
        // Where the path names neither, as at 360dialog, there is nothing to leave.
        let odd = Line { number_id: Some("1/../2"), account_id: Some("1?token=x"), ..adapter.line };
        match adapter.channel.request(&odd, &to.send(&content)) {
            Err(no) => assert_eq!(no.field, "provider", "{}", adapter.channel.name()),
            Ok(request) => assert_eq!(request.uri(), "/messages", "{}", adapter.channel.name()),
        }
    }
}

/// Whether the table says yes, told from its own names and not by the rule under test.
fn said_to_carry(channel: &dyn Channel, content: &Outgoing) -> bool {
    let can = serde_json::to_value(channel.capabilities()).unwrap();
    let flag = |name: &str| can[name].as_bool().unwrap_or_else(|| panic!("no flag {name}"));
    match content {
        Outgoing::Text { .. } => flag("text"),
        // By name or as words, every channel carries them.
        Outgoing::Template(_) => can["template"].is_string(),
        Outgoing::Media(media) => {
            let source = match media.source {
                MediaSource::Url(_) => "media_by_url",
                MediaSource::Id(_) => "media_by_id",
            };
            flag(media.media_kind.as_str()) && flag(source)
        }
        Outgoing::Interactive { interactive } => flag(match interactive {
            Interactive::Buttons { .. } => "interactive_buttons",
            Interactive::List { .. } => "interactive_list",
            Interactive::CtaUrl { .. } => "interactive_cta_url",
            Interactive::Flow { .. } => "interactive_flow",
        }),
        Outgoing::Location(_) => flag("location"),
        Outgoing::Contacts { contacts } => {
            can["contact_cards"].as_u64().unwrap() >= u64::try_from(contacts.len()).unwrap()
        }
        Outgoing::Reaction { .. } => flag("reaction"),
    }
}

#[test]
fn what_the_table_says_is_what_is_sent_and_the_rest_is_refused_with_a_field_and_a_way_out() {
    for Adapter { channel, line, .. } in all() {
        let can = channel.capabilities();
        for content in everything() {
            for (phone, bsuid) in [(to_phone().phone, None), (None, kit::bsuid("AE.1"))] {
                for reply_to in [None, Some("id.Q")] {
                    let to =
                        To { phone: phone.clone(), bsuid: bsuid.clone(), filled: Some(filled()), reply_to };
                    // What a reaction quotes is what it reacts to.
                    let quotes = reply_to.is_some() && !matches!(content, Outgoing::Reaction { .. });
                    let expected = said_to_carry(channel, &content)
                        && (to.phone.is_some() || can.bsuid_recipients)
                        && (!quotes || can.reply);
                    let made = channel.request(&line, &to.send(&content)).map(drop);
                    let case =
                        format!("{} {} {to_phone:?}", channel.name(), content.kind(), to_phone = phone);
                    assert_eq!(made.is_ok(), expected, "{case}");
                    let asked = channel.carries(&content, reply_to.is_some(), to.phone.is_some());
                    assert_eq!(made, asked, "{case}");
                    let Err(no) = made else { continue };
                    assert!(no.what.starts_with(channel.name()) && no.what.ends_with('.'), "{case}: {no}");
                    assert!(!no.field.is_empty() && no.alternative.ends_with('.'), "{case}: {no}");
                }
            }
        }
    }
}

#[test]
fn a_way_out_is_one_that_the_channel_has() {
    let url = MediaSource::Url("https://cdn.example/a.jpg".to_owned());
    for Adapter { channel, .. } in all() {
        for content in everything() {
            let Err(no) = channel.carries(&content, false, true) else { continue };
            let instead = match (&content, no.alternative.as_str()) {
                (Outgoing::Media(media), way) if way.contains("`media.url`") => {
                    Outgoing::Media(OutgoingMedia { source: url.clone(), ..media.clone() })
                }
                (Outgoing::Contacts { contacts }, way) if way.contains("each contact card") => {
                    Outgoing::Contacts { contacts: contacts[..1].to_vec() }
                }
                (_, way) => {
                    assert!(way.starts_with("Send a text "), "{}: {way}", channel.name());
                    text("instead")
                }
            };
            assert_eq!(channel.carries(&instead, false, true), Ok(()), "{}: {no}", channel.name());
        }
    }
}

#[test]
fn a_message_is_marked_as_read_exactly_where_the_table_says_so() {
    for Adapter { channel, line, text, .. } in all() {
        let can = channel.capabilities();
        let (silent, typing) =
            (channel.mark_read(&line, text.id, false), channel.mark_read(&line, text.id, true));
        assert_eq!((silent.is_some(), typing.is_some()), (can.mark_as_read, can.mark_as_read));
        let (Some(silent), Some(typing)) = (silent, typing) else { continue };
        assert!(String::from_utf8_lossy(silent.body()).contains(text.id), "{}", channel.name());
        assert_eq!(silent.body() != typing.body(), can.typing, "{}", channel.name());
    }
}

fn id(accepted: Accepted) -> Option<String> {
    accepted.provider_message_id.or(accepted.queue_id)
}

#[test]
fn an_accepted_answer_gives_the_providers_id() {
    for adapter in all() {
        let (status, body, expected) = adapter.accepted;
        let Outcome::Accepted(accepted) = adapter.channel.outcome(&answer(status, body)) else {
            panic!("{}", adapter.channel.name())
        };
        assert_eq!(id(accepted).as_deref(), Some(expected), "{}", adapter.channel.name());
    }
}

#[test]
fn a_refused_answer_is_a_failure_of_its_class_with_a_sentence() {
    for adapter in all() {
        for (status, body, class) in adapter.refused {
            let answer = answer(status, body);
            let name = adapter.channel.name();
            let Outcome::Refused(failure) = adapter.channel.outcome(&answer) else { panic!("{name} {body}") };
            assert_eq!(failure.class, class, "{name} {body}");
            assert!(!failure.code.is_empty() && failure.message.contains(' '), "{name} {failure:?}");
            assert_eq!(failure, adapter.channel.refusal(&answer), "{name} {body}");
        }
    }
}

#[test]
fn an_answer_that_cannot_be_read_leaves_it_open() {
    for adapter in all() {
        let (accepted, taken, _) = adapter.accepted;
        let unreadable = ["", "{}", "[]", "null", "<html>ok</html>", r#"{"success":true}"#];
        let broken = [301, 302, 408, 500, 502, 503, 504].map(|status| (status, taken));
        for (status, body) in unreadable.map(|body| (accepted, body)).into_iter().chain(broken) {
            match adapter.channel.outcome(&answer(status, body)) {
                Outcome::Uncertain { reason } => assert!(reason.contains("is open"), "{reason}"),
                other => panic!("{} {status} {body}: {other:?}", adapter.channel.name()),
            }
        }
    }
}

#[test]
fn a_sender_is_its_line_and_its_provider() {
    let sender = Sender { instance_id: Some("41580"), ..crate::outbound::META };
    let line = sender.line();
    let named = (line.number_id, line.account_id, line.secret);
    assert_eq!(named, (sender.phone_number_id, sender.instance_id, sender.secret));
}

/// Whatever was read as a message reads the same again from what is stored of it.
fn reads_or_refuses(adapter: &Adapter, body: &[u8]) {
    let Ok(parsed) = adapter.channel.parse(body) else { return };
    for event in parsed.events {
        let EventKind::Message(message) = event.kind else { continue };
        assert_eq!(adapter.channel.message_body(&event.raw), Ok(message.body), "{}", adapter.channel.name());
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused_and_never_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for adapter in all() {
            reads_or_refuses(&adapter, &body);
            if let Ok(text) = std::str::from_utf8(&body) {
                let _ = adapter.channel.message_body(text);
            }
        }
    }

    #[test]
    fn a_body_that_was_cut_off_is_read_or_refused_and_never_panics(at in any::<prop::sample::Index>()) {
        for adapter in all() {
            for body in [adapter.text.body, adapter.receipt.body] {
                let body = body.as_bytes();
                reads_or_refuses(&adapter, &body[..at.index(body.len())]);
            }
        }
    }

    #[test]
    fn no_answer_panics_and_none_that_was_cut_off_counts_as_taken(
        at in any::<prop::sample::Index>(),
        status in 200u16..=599,
        noise in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        for adapter in all() {
            let (accepted, taken, _) = adapter.accepted;
            let cut = answer(accepted, &taken[..at.index(taken.len())]);
            let outcome = adapter.channel.outcome(&cut);
            prop_assert!(matches!(outcome, Outcome::Uncertain { .. }), "{}: {outcome:?}", adapter.channel.name());
            let noise = answer(status, &String::from_utf8_lossy(&noise));
            let outcome = adapter.channel.outcome(&noise);
            prop_assert!(!matches!(outcome, Outcome::Accepted(_)), "{}: {outcome:?}", adapter.channel.name());
        }
    }
}
