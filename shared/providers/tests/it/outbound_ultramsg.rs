//! Messages as UltraMsg wants them.

use crate::outbound::{To, body, file, link, text, to_phone};
use crate::outbound_templates::{filled, template};
use domain::message::MediaKind;
use domain::outgoing::{MediaSource, Outgoing, OutgoingLocation, OutgoingMedia};
use domain::provider::Provider;
use providers::outbound::{Sender, mark_read, request};
use serde_json::json;

pub(crate) const ULTRAMSG: Sender<'_> = Sender {
    provider: Provider::Ultramsg,
    phone_number_id: None,
    instance_id: Some("41580"),
    secret: "um-secret",
};

/// The path and the decoded fields of the form.
fn form(content: &Outgoing, to: &To) -> (String, Vec<(String, String)>) {
    let request = request(&ULTRAMSG, &to.send(content)).unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers().len(), 1);
    let fields = serde_urlencoded::from_str(body(&request)).unwrap();
    (request.uri().to_string(), fields)
}

/// The form without what every message has, as `name=value`.
fn said(content: &Outgoing) -> (String, Vec<String>) {
    let (path, fields) = form(content, &to_phone());
    let path = path.strip_prefix("/instance41580/messages/").unwrap().to_owned();
    let own = fields.into_iter().filter(|(name, _)| !["token", "to", "referenceId"].contains(&name.as_str()));
    (path, own.map(|(name, value)| format!("{name}={value}")).collect())
}

#[test]
fn a_text_is_a_form_with_the_token_inside() {
    let content = text("مرحبا & ok=1\n+");
    let to = to_phone();
    let request = request(&ULTRAMSG, &to.send(&content)).unwrap();
    assert_eq!(request.uri(), "/instance41580/messages/chat");
    assert_eq!(
        body(&request),
        "token=um-secret&to=%2B971501234567&body=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7+%26+ok%3D1%0A%2B&referenceId=msg_01JCXPTB6QS9QK5S4D93GZ2T7N"
    );
}

#[test]
fn the_instance_may_be_written_with_its_prefix() {
    let content = text("t");
    let to = to_phone();
    let prefixed = Sender { instance_id: Some("instance41580"), ..ULTRAMSG };
    assert_eq!(request(&prefixed, &to.send(&content)).unwrap().uri(), "/instance41580/messages/chat");
    for instance_id in [None, Some(""), Some("instance"), Some("1/../2"), Some("1?token=x")] {
        let odd = Sender { instance_id, ..ULTRAMSG };
        assert_eq!(request(&odd, &to.send(&content)).unwrap_err().field, "provider", "{instance_id:?}");
    }
}

#[test]
fn a_reply_quotes_by_message_id() {
    let to = To { reply_to: Some("false_971501234567@c.us_3EB0"), ..to_phone() };
    let (_, fields) = form(&text("yes"), &to);
    assert_eq!(fields.last().unwrap(), &("msgId".to_owned(), "false_971501234567@c.us_3EB0".to_owned()));
}

#[test]
fn a_template_goes_as_the_words_it_renders_to() {
    let to = To { filled: Some(filled()), ..to_phone() };
    let (path, fields) = form(&template(), &to);
    assert_eq!(path, "/instance41580/messages/chat");
    assert!(fields.contains(&("body".to_owned(), "موعدك غدا مع سارة".to_owned())), "{fields:?}");
    let empty = to_phone();
    assert_eq!(request(&ULTRAMSG, &empty.send(&template())).unwrap_err().field, "template");
}

#[test]
fn files_have_a_path_and_a_field_by_kind() {
    let url = "https://cdn.example/a.jpg";
    for (kind, path, field) in [
        (MediaKind::Image, "image", "image"),
        (MediaKind::Video, "video", "video"),
        (MediaKind::Audio, "audio", "audio"),
        (MediaKind::Voice, "voice", "audio"),
        (MediaKind::Sticker, "sticker", "sticker"),
    ] {
        let expected = (path.to_owned(), vec![format!("{field}={url}")]);
        assert_eq!(said(&Outgoing::Media(file(kind, link()))), expected);
    }
    let captioned = OutgoingMedia { caption: Some("شقة".to_owned()), ..file(MediaKind::Image, link()) };
    assert_eq!(said(&Outgoing::Media(captioned)).1[1], "caption=شقة");
}

#[test]
fn a_document_always_has_a_name() {
    let named =
        OutgoingMedia { filename: Some("عقد.pdf".to_owned()), ..file(MediaKind::Document, link()) };
    assert_eq!(said(&Outgoing::Media(named)).1[1], "filename=عقد.pdf");
    for (url, name) in [
        ("https://cdn.example/docs/a.pdf?x=/y", "a.pdf"),
        ("https://cdn.example/docs/", "document"),
        ("https://cdn.example", "document"),
    ] {
        let media = file(MediaKind::Document, MediaSource::Url(url.to_owned()));
        assert_eq!(said(&Outgoing::Media(media)).1[1], format!("filename={name}"), "{url}");
    }
}

#[test]
fn a_place_has_words_under_its_pin() {
    let place = OutgoingLocation { latitude: 25.0805, longitude: 55.1403, name: None, address: None };
    let expected = ["address=25.0805,55.1403", "lat=25.0805", "lng=55.1403"].map(str::to_owned).to_vec();
    assert_eq!(said(&Outgoing::Location(place.clone())), ("location".to_owned(), expected));
    let named =
        OutgoingLocation { name: Some("Marina".to_owned()), address: Some("Dubai".to_owned()), ..place };
    assert_eq!(said(&Outgoing::Location(named)).1[0], "address=Marina\nDubai");
}

#[test]
fn a_card_goes_as_a_vcard() {
    let card = json!({
        "name": {"formatted_name": "Sara; A", "first_name": "Sara", "last_name": "A,B"},
        "org": {"company": "Hadar", "title": "Agent"},
        "phones": [{"phone": "+971 50 123 4567", "type": "WORK", "wa_id": "971501234567"}, {"wa_id": "97145550100"}, {}],
        "emails": [{"email": "sara@hadar.example", "type": "work;X"}],
        "urls": [{"url": "https://hadar.example"}],
        "addresses": [{"street": "1 Marina\nWalk", "city": "Dubai", "country": "UAE"}],
        "birthday": "1990-01-02"
    });
    let (path, fields) = said(&Outgoing::Contacts { contacts: vec![card] });
    let golden = [
        "vcard=BEGIN:VCARD",
        "VERSION:3.0",
        "N:A\\,B;Sara;;;",
        "FN:Sara\\; A",
        "ORG:Hadar",
        "TITLE:Agent",
        "TEL;TYPE=WORK;waid=971501234567:+971 50 123 4567",
        "TEL;waid=97145550100:+97145550100",
        "EMAIL;TYPE=WORKX:sara@hadar.example",
        "URL:https://hadar.example",
        "ADR:;;1 Marina\\nWalk;Dubai;;;UAE",
        "BDAY:1990-01-02",
        "END:VCARD",
    ];
    assert_eq!((path.as_str(), fields), ("vcard", vec![golden.join("\n")]));
}

#[test]
fn a_card_cannot_smuggle_lines_into_the_vcard() {
    let card =
        json!({"name": {"formatted_name": "A\r\nTEL:1\u{85}"}, "phones": [{"phone": "1", "type": "x:\n"}]});
    let (_, fields) = said(&Outgoing::Contacts { contacts: vec![card] });
    assert_eq!(fields, ["vcard=BEGIN:VCARD\nVERSION:3.0\nN:;;;;\nFN:A\\nTEL:1\nTEL;TYPE=X:1\nEND:VCARD"]);
}

#[test]
fn a_reaction_names_its_message_and_nobody() {
    let reaction = |emoji: Option<&str>| Outgoing::Reaction {
        target: "true_971501234567@c.us_3EB0".to_owned(),
        emoji: emoji.map(str::to_owned),
    };
    let to = To { reply_to: Some("other"), ..to_phone() };
    let (path, fields) = form(&reaction(Some("👍")), &to);
    assert_eq!(path, "/instance41580/messages/reaction");
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["token", "msgId", "emoji", "referenceId"]);
    assert_eq!((fields[1].1.as_str(), fields[2].1.as_str()), ("true_971501234567@c.us_3EB0", "👍"));
    assert_eq!(form(&reaction(None), &to).1[2].1, "");
}

#[test]
fn there_are_no_read_marks() {
    assert!(mark_read(&ULTRAMSG, "false_971501234567@c.us_3EB0", true).is_none());
}
