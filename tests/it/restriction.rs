//! Restriction: a contact's data is kept and not used.

use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn restricts(desk: &Desk<'_>, method: &str, contact: &str) -> Value {
    let path = format!("/v1/contacts/{contact}/restriction");
    let key = format!("Bearer {}", desk.tenant.keys.live_admin);
    let answer = desk.world.send(method, &path, &[("authorization", key.as_str())], "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

#[tokio::test]
async fn nothing_is_sent_to_a_restricted_contact_by_any_way_and_what_they_write_is_recorded() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&talk).await;
    let held = desk.says(&json!({"conversation_id": talk, "text": "held", "hold": true})).await.data();
    let later = desk
        .says(&json!({"conversation_id": talk, "text": "later",
        "not_before": time_in(&world, 600)}))
        .await;
    assert_eq!(later.status, 202, "{:?}", later.json());
    let shown = restricts(&desk, "POST", &contact).await;
    let since = shown["consent"]["restricted_at"].clone();
    assert!(since.is_string(), "{shown}");
    world.advance(1).await;
    assert_eq!(restricts(&desk, "POST", &contact).await["consent"]["restricted_at"], since);

    let lead = desk.get(&format!("/v1/contacts/{contact}")).await.data()["lead_id"].clone();
    for body in [
        json!({"conversation_id": talk, "text": "now"}),
        json!({"to": format!("+{CUSTOMER}"), "text": "now"}),
        json!({"lead_id": lead, "text": "now"}),
        json!({"conversation_id": talk, "template": {"name": "viewing_reminder", "variables": ["a", "b", "c"]}}),
    ] {
        let answer = desk.says(&body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "do_not_contact".to_owned()), "{body}");
        assert_eq!(answer.json()["error"]["details"]["reason"], "processing_restricted");
    }
    let verdict = desk.preflight(&json!({"conversation_id": talk, "text": "now"})).await.data();
    assert_eq!((&verdict["allowed"], &verdict["code"]), (&json!(false), &json!("do_not_contact")));
    let release =
        desk.post(&format!("/v1/whatsapp/messages/{}/release", text_of(&held, "id")), &json!({})).await;
    world.advance(700).await;
    world.stack.sweep().await.unwrap();
    let later = desk.until(&text_of(&later.data(), "id"), |message| message["status"] != "queued").await;
    assert_eq!((&later["status"], &later["error"]["code"]), (&json!("failed"), &json!("do_not_contact")));
    assert_ne!(desk.message(&text_of(&held, "id")).await["status"], "sent", "{:?}", release.json());
    assert_eq!(desk.sent(), Vec::<Value>::new());
    // The sender has asked to look at the lane again, which would be in ten minutes.
    world.advance(700).await;

    desk.hears(CUSTOMER, json!({"text": "still here?"})).await;
    assert_eq!(desk.newest(&talk).await["text"], "still here?");

    let shown = restricts(&desk, "DELETE", &contact).await;
    assert_eq!(shown["consent"]["restricted_at"], Value::Null, "{shown}");
    assert_eq!(desk.sends(&json!({"conversation_id": talk, "text": "yes"})).await["status"], "read");
    let audit = world.all("/v1/audit", &desk.tenant.keys.live_admin).await;
    let actions: Vec<&str> = audit
        .iter()
        .filter(|entry| entry["target"].as_str() == Some(&contact))
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(actions, ["contact.unrestrict", "contact.restrict"]);
}

#[tokio::test]
async fn a_restriction_between_the_rule_and_the_claim_stops_the_message() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&talk).await;
    // The sender reads its facts, and waits for the table at its claim.
    world
        .faults(json!([{"service": "dynamodb", "operation": "TransactWriteItems", "caller": "sender",
            "action": "error", "times": 2}]))
        .await;
    let sent = desk.says(&json!({"conversation_id": talk, "text": "race"})).await.data();
    restricts(&desk, "POST", &contact).await;
    world.faults(json!([])).await;
    let settled = |message: &Value| message["status"] == "failed" || message["status"] == "read";
    for _ in 0..20 {
        world.advance(60).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
        if settled(&desk.message(&text_of(&sent, "id")).await) {
            break;
        }
    }
    let message = desk.message(&text_of(&sent, "id")).await;
    assert_eq!((&message["status"], &message["error"]["code"]), (&json!("failed"), &json!("do_not_contact")));
    assert_eq!(desk.sent(), Vec::<Value>::new());
}

fn time_in(world: &World, seconds: u64) -> String {
    domain::time::Millis::from_unix_ms((world.now_s() + seconds) * 1000).to_string()
}
