//! What each provider carries, and that the table and the requests agree.

use crate::outbound::{D360, META, To, file, link, text, to_phone};
use crate::outbound_templates::{filled, template};
use crate::outbound_ultramsg::ULTRAMSG;
use domain::message::MediaKind;
use domain::outgoing::{Interactive, MediaSource, Outgoing, OutgoingLocation, ReplyButton};
use domain::provider::Provider;
use providers::capability::{capabilities, carries};
use providers::outbound::request;
use serde_json::json;

fn interactives() -> [Interactive; 4] {
    let interactive = |json| serde_json::from_value(json).unwrap();
    [
        interactive(json!({"type": "buttons", "body": "b", "buttons": [{"id": "a", "title": "A"}]})),
        interactive(json!({"type": "list", "body": "b", "button": "x",
            "sections": [{"rows": [{"id": "a", "title": "A"}]}]})),
        interactive(
            json!({"type": "cta_url", "body": "b", "display_text": "d", "url": "https://a.example/"}),
        ),
        interactive(json!({"type": "flow", "body": "b", "flow_id": "1", "flow_cta": "c", "flow_token": "t"})),
    ]
}

/// One of every kind.
pub(crate) fn everything() -> Vec<Outgoing> {
    let mut all = vec![
        text("t"),
        template(),
        Outgoing::Location(OutgoingLocation { latitude: 25.0, longitude: 55.0, name: None, address: None }),
        Outgoing::Contacts { contacts: vec![json!({"name": {"formatted_name": "S", "first_name": "S"}})] },
        Outgoing::Contacts { contacts: vec![json!({"name": {"formatted_name": "S", "first_name": "S"}}); 2] },
        Outgoing::Reaction { target: "wamid.T".to_owned(), emoji: None },
    ];
    all.extend(MediaKind::ALL.map(|kind| Outgoing::Media(file(kind, link()))));
    all.extend(MediaKind::ALL.map(|kind| Outgoing::Media(file(kind, MediaSource::Id("1".to_owned())))));
    all.extend(interactives().map(|interactive| Outgoing::Interactive { interactive }));
    all
}

#[test]
fn what_the_table_carries_makes_a_request_and_what_it_does_not_makes_none() {
    for sender in [META, D360, ULTRAMSG] {
        for content in everything() {
            for (phone, bsuid) in [(to_phone().phone, None), (None, crate::kit::bsuid("AE.1"))] {
                for reply_to in [None, Some("wamid.Q")] {
                    let to =
                        To { phone: phone.clone(), bsuid: bsuid.clone(), filled: Some(filled()), reply_to };
                    let said = carries(sender.provider, &content, reply_to.is_some(), to.phone.is_some());
                    let made = request(&sender, &to.send(&content)).map(drop);
                    assert_eq!(said, made, "{} {}", sender.provider, content.kind());
                }
            }
        }
    }
}

#[test]
fn the_cloud_api_and_the_sandbox_carry_everything() {
    for provider in [Provider::Meta, Provider::Dialog360, Provider::Sandbox] {
        for content in everything() {
            assert_eq!(carries(provider, &content, true, false), Ok(()), "{provider} {}", content.kind());
        }
    }
}

#[test]
fn a_refusal_names_the_field_and_a_way_out() {
    let refused = |content: &Outgoing| {
        let no = carries(Provider::Ultramsg, content, false, true).unwrap_err();
        (no.field, no.alternative)
    };
    let buttons = vec![ReplyButton { id: "a".to_owned(), title: "A".to_owned() }];
    let interactive = Interactive::Buttons { body: "b".to_owned(), header: None, footer: None, buttons };
    let (field, alternative) = refused(&Outgoing::Interactive { interactive });
    assert_eq!(
        (field.as_str(), alternative.as_str()),
        ("interactive.type", "Send a text that lists the choices.")
    );
    for interactive in interactives() {
        assert_eq!(refused(&Outgoing::Interactive { interactive }).0, "interactive.type");
    }
    let by_id = Outgoing::Media(file(MediaKind::Image, MediaSource::Id("1".to_owned())));
    assert_eq!(refused(&by_id).0, "media.id");
    let cards = Outgoing::Contacts { contacts: vec![json!({}), json!({})] };
    assert_eq!(refused(&cards).0, "contacts");
    let hidden = carries(Provider::Ultramsg, &text("t"), false, false).unwrap_err();
    assert_eq!(hidden.field, "to");
    assert!(
        hidden.to_string().starts_with("UltraMsg cannot carry messages to a customer whose phone"),
        "{hidden}"
    );
}

#[test]
fn the_table_is_shown_with_stable_names() {
    let shown = serde_json::to_value(capabilities(Provider::Ultramsg)).unwrap();
    assert_eq!(shown["template"], "rendered_as_text");
    assert_eq!(shown["interactive_buttons"], false);
    assert_eq!(shown["reaction"], true);
    let shown = serde_json::to_value(capabilities(Provider::Meta)).unwrap();
    assert_eq!((&shown["template"], &shown["bsuid_recipients"]), (&json!("native"), &json!(true)));
}
