//! One message and what came to it afterwards.

use super::*;
use domain::ids::derived_ulid;
use platform::dynamo::{Edited, Reacted};
use serde_json::json;

const SENT: u64 = 1_700_000_000_000;

fn order(at: u64) -> Ulid {
    derived_ulid(at, &["event"])
}

fn owner() -> Owner {
    let contact = ContactId::from_ulid(order(1));
    Owner { contact, lead: Some(contact.first_lead()) }
}

fn entry(direction: Direction, kind: &str, raw: &Value) -> Entry {
    Entry {
        id: MessageId::from_ulid(order(SENT)),
        contact: ContactId::from_ulid(order(2)),
        direction,
        kind: kind.to_owned(),
        provider: Provider::Meta,
        number: "106540352242922".to_owned(),
        provider_message_id: "wamid.A".to_owned(),
        received_at: Millis::from_unix_ms(SENT + 900),
        trace_id: Uuid::nil(),
        raw: raw.to_string(),
        ours: false,
        translations: Vec::new(),
    }
}

fn text(id: &str, body: &str) -> Value {
    json!({"from": "971501234567", "id": id, "timestamp": "1700000000", "type": "text", "text": {"body": body}})
}

fn edit(of: &str, body: &str) -> Value {
    json!({"from": "971501234567", "id": "wamid.E", "timestamp": "1700000060", "type": "edit",
        "edit": {"original_message_id": of, "message": {"type": "text", "text": {"body": body}}}})
}

fn seen(entry: Entry, annexes: Vec<(&str, Annex)>, with_raw: bool) -> Value {
    let body = providers::message_body(entry.provider, &entry.raw).ok();
    let annexes = annexes.into_iter().map(|(id, annex)| (id.to_owned(), annex)).collect();
    let message = show(owner(), entry, body, &annexes, with_raw);
    serde_json::from_slice(&serde_json::to_vec(&message).unwrap()).unwrap()
}

#[test]
fn an_inbound_text_is_received_and_belongs_to_the_contact_that_stayed() {
    let shown = seen(entry(Direction::Inbound, "text", &text("wamid.A", "مرحبا")), vec![], false);
    assert_eq!(shown["text"], "مرحبا");
    assert_eq!(
        (&shown["kind"], &shown["direction"], &shown["status"]),
        (&json!("text"), &json!("inbound"), &json!("received"))
    );
    assert_eq!(shown["contact_id"], owner().contact.to_string());
    assert_eq!(shown["conversation_id"], owner().contact.conversation().to_string());
    assert_eq!(shown["number"], json!({"phone_number_id": "106540352242922"}));
    assert_eq!(shown["created_at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(shown["statuses"], json!({}));
    assert!(shown.get("raw").is_none() && shown.get("edited_at").is_none());
}

#[test]
fn an_edited_message_shows_its_newest_text_and_a_revoked_one_none() {
    let edited = Some(Edited { order: order(SENT + 60_000), raw: edit("wamid.A", "3pm").to_string() });
    let annex = Annex { edited, ..Annex::default() };
    let shown = seen(
        entry(Direction::Inbound, "text", &text("wamid.A", "2pm")),
        vec![("wamid.A", annex.clone())],
        false,
    );
    assert_eq!((&shown["text"], &shown["edited_at"]), (&json!("3pm"), &json!("2023-11-14T22:14:20.000Z")));

    let annex = Annex { revoked_at: Some(Millis::from_unix_ms(SENT + 90_000)), ..annex };
    let shown =
        seen(entry(Direction::Inbound, "text", &text("wamid.A", "2pm")), vec![("wamid.A", annex)], false);
    assert_eq!(shown["revoked_at"], "2023-11-14T22:14:50.000Z");
    assert!(shown.get("text").is_none() && !shown.to_string().contains("pm"), "{shown}");
}

#[test]
fn an_edit_of_a_message_that_was_taken_back_shows_nothing_either() {
    let revoked = || Annex { revoked_at: Some(Millis::from_unix_ms(SENT)), ..Annex::default() };
    let entry = || Entry {
        provider_message_id: "wamid.E".into(),
        ..entry(Direction::Inbound, "edit", &edit("wamid.A", "3pm"))
    };
    assert_eq!(seen(entry(), vec![], false)["text"], "3pm");
    let shown = seen(entry(), vec![("wamid.A", revoked())], false);
    assert!(!shown.to_string().contains("3pm"), "{shown}");
}

#[test]
fn both_sides_reactions_are_shown_and_removed_ones_are_not() {
    let reacted = |emoji: Option<&str>| Some(Reacted { order: order(SENT), emoji: emoji.map(str::to_owned) });
    let annex = Annex { reaction_in: reacted(Some("👍")), reaction_out: reacted(None), ..Annex::default() };
    let shown =
        seen(entry(Direction::Outbound, "text", &text("wamid.A", "hi")), vec![("wamid.A", annex)], false);
    let reactions = shown["reactions"].as_array().unwrap();
    assert_eq!(reactions.len(), 1);
    assert_eq!((&reactions[0]["emoji"], &reactions[0]["direction"]), (&json!("👍"), &json!("inbound")));
}

#[test]
fn an_outbound_message_stands_where_its_receipts_say() {
    let outbound = || entry(Direction::Outbound, "text", &text("wamid.A", "hi"));
    assert_eq!(seen(outbound(), vec![], false)["status"], "sent");
    let receipts = Receipts { read_at: Some(Millis::from_unix_ms(SENT)), ..Receipts::default() };
    let shown = seen(outbound(), vec![("wamid.A", Annex { receipts, ..Annex::default() })], false);
    assert_eq!(
        (&shown["status"], &shown["statuses"]["delivered_at"]),
        (&json!("read"), &shown["statuses"]["read_at"])
    );
    let failed = Annex {
        receipts: Receipts { failed_at: Some(Millis::from_unix_ms(SENT)), ..Receipts::default() },
        errors: Some(r#"[{"code":131026,"title":"Message undeliverable"}]"#.into()),
        pricing: Some(r#"{"billable":false}"#.into()),
        ..Annex::default()
    };
    let shown = seen(outbound(), vec![("wamid.A", failed)], false);
    assert_eq!((&shown["status"], &shown["errors"][0]["code"]), (&json!("failed"), &json!(131_026)));
    assert_eq!(shown["cost"]["billable"], false);
}

#[test]
fn the_raw_message_is_shown_byte_for_byte_where_asked_for() {
    let raw = r#"{"id":"wamid.A",  "from":"971501234567","timestamp":"1700000000","type":"text","text":{"body":"\u0645"}}"#;
    let entry = Entry { raw: raw.to_owned(), ..entry(Direction::Inbound, "text", &json!({})) };
    let body = providers::message_body(entry.provider, &entry.raw).ok();
    let shown = serde_json::to_string(&show(owner(), entry, body, &HashMap::new(), true)).unwrap();
    assert!(shown.contains(raw), "{shown}");
}

#[test]
fn a_message_from_the_future_was_created_when_it_was_received() {
    let entry = Entry {
        received_at: Millis::from_unix_ms(SENT - 5_000),
        ..entry(Direction::Inbound, "text", &text("wamid.A", "hi"))
    };
    let shown = seen(entry, vec![], false);
    assert_eq!(shown["created_at"], shown["received_at"]);
}

#[test]
fn a_message_that_cannot_be_read_again_is_shown_without_its_content() {
    let shown = seen(entry(Direction::Inbound, "text", &json!(5)), vec![], false);
    assert_eq!((&shown["kind"], shown.get("text")), (&json!("text"), None));
}
