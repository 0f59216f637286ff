//! Templates as Meta and 360dialog want them, byte for byte (D44).

use crate::outbound::{META, To, inner, link, to_phone, wire};
use domain::message::MediaKind;
use domain::outgoing::{MediaSource, Outgoing};
use domain::template::{ButtonParameter, Filled, FilledButton, FilledHeader, Parameter};
use providers::outbound::request;
use serde_json::json;

pub(crate) fn filled() -> Filled {
    Filled {
        name: "viewing_reminder".to_owned(),
        language: "ar".to_owned(),
        header: None,
        body: Vec::new(),
        buttons: Vec::new(),
        rendered: "موعدك غدا مع سارة".to_owned(),
    }
}

pub(crate) fn template() -> Outgoing {
    let json = json!({"kind": "template", "name": "viewing_reminder"});
    serde_json::from_value(json).unwrap()
}

fn template_wire(filled: Filled) -> String {
    inner(&wire(&template(), &To { filled: Some(filled), ..to_phone() }))
}

#[test]
fn a_template_goes_by_name_with_named_or_ordered_values() {
    let start = r#""type":"template","template":{"name":"viewing_reminder","language":{"code":"ar"}"#;
    assert_eq!(template_wire(filled()), format!("{start}}}"));
    let value =
        |name: Option<&str>, text: &str| Parameter { name: name.map(str::to_owned), text: text.to_owned() };
    let named = Filled {
        header: Some(FilledHeader::Text(value(Some("city"), "دبي"))),
        body: vec![value(Some("agent_name"), "Sara"), value(Some("time"), "11:00")],
        ..filled()
    };
    assert_eq!(
        template_wire(named),
        format!(
            r#"{start},"components":[{{"type":"header","parameters":[{{"type":"text","parameter_name":"city","text":"دبي"}}]}},{{"type":"body","parameters":[{{"type":"text","parameter_name":"agent_name","text":"Sara"}},{{"type":"text","parameter_name":"time","text":"11:00"}}]}}]}}"#
        )
    );
    let ordered = Filled { body: vec![value(None, "Sara"), value(None, "11:00")], ..filled() };
    assert_eq!(
        template_wire(ordered),
        format!(
            r#"{start},"components":[{{"type":"body","parameters":[{{"type":"text","text":"Sara"}},{{"type":"text","text":"11:00"}}]}}]}}"#
        )
    );
}

#[test]
fn a_templates_header_may_be_a_file_and_its_buttons_take_values() {
    let start =
        r#""type":"template","template":{"name":"viewing_reminder","language":{"code":"ar"},"components":["#;
    let media = |kind, source, filename: Option<&str>| Filled {
        header: Some(FilledHeader::Media { kind, source, filename: filename.map(str::to_owned) }),
        ..filled()
    };
    let id = || MediaSource::Id("9".to_owned());
    for (filled, golden) in [
        (media(MediaKind::Image, id(), None), r#"{"type":"image","image":{"id":"9"}}"#),
        (
            media(MediaKind::Video, link(), None),
            r#"{"type":"video","video":{"link":"https://cdn.example/a.jpg"}}"#,
        ),
        (
            media(MediaKind::Document, id(), Some("a.pdf")),
            r#"{"type":"document","document":{"id":"9","filename":"a.pdf"}}"#,
        ),
    ] {
        let expected = format!(r#"{start}{{"type":"header","parameters":[{golden}]}}]}}"#);
        assert_eq!(template_wire(filled), expected);
    }
    let content = template();
    let sound = To { filled: Some(media(MediaKind::Voice, id(), None)), ..to_phone() };
    assert_eq!(request(&META, &sound.send(&content)).unwrap_err().field, "template.header");

    let button = |index, sub_type, value: &str| FilledButton { index, sub_type, value: value.to_owned() };
    let buttons = Filled {
        buttons: vec![
            button(0, ButtonParameter::Url, "MAR-17"),
            button(1, ButtonParameter::QuickReply, "yes"),
            button(2, ButtonParameter::CopyCode, "EID25"),
            button(10, ButtonParameter::Flow, "tok"),
        ],
        ..filled()
    };
    assert_eq!(
        template_wire(buttons),
        [
            start,
            r#"{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"MAR-17"}]},"#,
            r#"{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","payload":"yes"}]},"#,
            r#"{"type":"button","sub_type":"copy_code","index":"2","parameters":[{"type":"coupon_code","coupon_code":"EID25"}]},"#,
            r#"{"type":"button","sub_type":"flow","index":"10","parameters":[{"type":"action","action":{"flow_token":"tok"}}]}]}"#,
        ]
        .concat()
    );
}

#[test]
fn a_template_that_is_not_filled_in_is_not_sent() {
    let content = template();
    let to = to_phone();
    assert_eq!(request(&META, &to.send(&content)).unwrap_err().field, "template");
}
