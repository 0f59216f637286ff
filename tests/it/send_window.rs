//! The 24-hour window, with the clock (A23-A26), and waiting for the outcome of a send.

use e2e::desk::text_of;
use e2e::{Answer, World};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const DAY: u64 = 24 * 3600;
const FILE: &str = "https://files.example.ae/a";

/// One of each kind that needs the window.
fn free_form(conversation: &str) -> Vec<Value> {
    let mut bodies = vec![
        json!({"text": "Still there?"}),
        json!({"media": {"kind": "image", "url": FILE}}),
        json!({"media": {"kind": "voice", "url": FILE}}),
        json!({"media": {"kind": "document", "url": FILE, "filename": "a.pdf"}}),
        json!({"location": {"latitude": 25, "longitude": 55}}),
        json!({"interactive": {"type": "cta_url", "body": "?", "display_text": "Open", "url": FILE}}),
    ];
    for body in &mut bodies {
        body["conversation_id"] = json!(conversation);
    }
    bodies
}

#[tokio::test]
async fn everything_may_be_sent_until_shortly_before_a_day_is_over_and_only_templates_after_it() {
    let world = World::start().await;
    for provider in ["meta", "dialog360"] {
        let desk = world.desk(provider);
        let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
        // Each message of the customer opens the window anew.
        world.advance(DAY - 3600).await;
        desk.hears(CUSTOMER, json!({"text": "Hello again"})).await;

        world.advance(DAY - 120).await;
        for body in free_form(&conversation) {
            let sent = desk.sends(&body).await;
            assert_eq!(sent["status"], "read", "{provider} {body}: {sent}");
        }
        let window = desk.get(&format!("/v1/conversations/{conversation}")).await.data()["window"].clone();
        assert_eq!(window["open"], true, "{window}");
        assert!((1..=120).contains(&window["seconds_left"].as_u64().unwrap()), "{window}");

        world.advance(121).await;
        let calls = desk.sent().len();
        for body in free_form(&conversation) {
            let refused = desk.says(&body).await;
            let error = &refused.json()["error"];
            assert_eq!(
                (refused.status.as_u16(), &error["code"]),
                (422, &json!("outside_24h_window")),
                "{body}: {error}"
            );
            assert_eq!(error["details"]["legacy_code"], "WINDOW_CLOSED");
            assert!(error["details"]["window_closed_at"].is_string(), "{error}");
            let allowed = error["details"]["templates_allowed"].as_array().unwrap();
            assert!(allowed.contains(&json!("viewing_confirmation")), "{error}");
            assert!(!allowed.contains(&json!("area_summary")), "no opt-in to marketing: {error}");
            let asked = desk.preflight(&body).await.data();
            assert_eq!((&asked["allowed"], &asked["code"]), (&json!(false), &error["code"]));
            assert_eq!(asked["window"]["open"], false, "{asked}");
        }
        assert_eq!(desk.sent().len(), calls, "a refusal calls nobody");
        let template = json!({"conversation_id": conversation, "template": {"name": "contract_ready", "language": "en"}});
        assert_eq!(desk.sends(&template).await["status"], "read");

        // The customer answers it, and the window is open again.
        desk.hears(CUSTOMER, json!({"text": "Thank you"})).await;
        for body in free_form(&conversation) {
            assert_eq!(desk.says(&body).await.status, 202, "{body}");
        }
        world.settled().await;
    }
}

#[tokio::test]
async fn a_reaction_of_the_customer_opens_the_window_and_a_receipt_does_not() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let text = json!({"conversation_id": conversation, "text": "It is."});
    let ours = desk.sends(&text).await;
    world.advance(DAY + 1).await;
    // Its receipts came; they say nothing about the customer writing.
    assert_eq!(desk.says(&text).await.status, 422);
    let target = text_of(&ours, "provider_message_id");
    desk.hears(CUSTOMER, json!({"kind": "reaction", "message_id": target, "emoji": "👍"})).await;
    assert_eq!(desk.says(&text).await.status, 202);
}

#[tokio::test]
async fn on_ultramsg_the_same_window_holds_and_no_template_is_offered() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let text = json!({"conversation_id": conversation, "text": "It is."});
    assert_eq!(desk.says(&text).await.status, 202);
    world.settled().await;
    world.advance(DAY + 1).await;
    let refused = desk.says(&text).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "outside_24h_window"));
    assert_eq!(refused.json()["error"]["details"]["templates_allowed"], json!([]));
    // For somebody who never wrote there is no moment at which it closed.
    let stranger = desk.says(&json!({"to": "+971505550199", "text": "Hello"})).await;
    assert_eq!(stranger.code(), "outside_24h_window");
    assert_eq!(stranger.json()["error"]["details"].get("window_closed_at"), None, "{:?}", stranger.json());
}

#[tokio::test]
async fn a_window_that_only_we_thought_open_fails_the_message_with_the_same_code() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    world
        .behave(json!({"rules": [{"match": {"operation": "send"}, "action": {"error": {"code": 131_047}}}]}))
        .await;
    let message = desk.sends(&json!({"conversation_id": conversation, "text": "It is."})).await;
    assert_eq!(
        (&message["status"], &message["error"]["code"]),
        (&json!("failed"), &json!("outside_24h_window"))
    );
    assert_eq!(message["error"]["provider_code"], 131_047);
    assert_eq!(desk.sent().len(), 1);
}

/// Posts with a preference.
async fn preferring(world: &World, key: &str, preference: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("prefer", preference)];
    world.send("POST", e2e::desk::MESSAGES, &headers, body.to_string()).await
}

#[tokio::test]
async fn who_prefers_to_wait_gets_the_settled_message_or_202_when_it_takes_longer() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let text = json!({"conversation_id": conversation, "text": "It is."});

    let settled = preferring(&world, desk.key(), "respond-async, wait=10", &text).await;
    assert_eq!(settled.status, 200, "{:?}", settled.json());
    assert_eq!(settled.headers["preference-applied"], "wait=10");
    let shown = settled.data();
    assert!(["sent", "delivered", "read"].contains(&shown["status"].as_str().unwrap()), "{shown}");
    assert!(shown["provider_message_id"].as_str().unwrap().starts_with("wamid."), "{shown}");

    let held = preferring(
        &world,
        desk.key(),
        "wait=5",
        &json!({"conversation_id": conversation, "text": "x", "hold": true}),
    )
    .await;
    assert_eq!((held.status.as_u16(), &held.data()["status"]), (200, &json!("held")));

    let refusal = json!({"rules": [{"match": {"operation": "send"}, "times": 1, "action": {"error": {"code": 131_026}}}]});
    world.behave(refusal).await;
    let failed = preferring(&world, desk.key(), "wait=10", &text).await;
    assert_eq!((failed.status.as_u16(), &failed.data()["status"]), (200, &json!("failed")));
    assert_eq!(failed.data()["error"]["code"], "recipient_undeliverable");

    world.behave(json!({"rules": [{"match": {"operation": "send"}, "action": {"hang": true}}]})).await;
    let began = std::time::Instant::now();
    let open = preferring(&world, desk.key(), "wait=1", &text).await;
    assert_eq!(open.status, 202, "{:?}", open.json());
    assert!(!open.headers.contains_key("preference-applied"));
    assert!(["queued", "sending"].contains(&open.data()["status"].as_str().unwrap()), "{:?}", open.data());
    assert!(began.elapsed().as_millis() < 3_000, "{:?}", began.elapsed());
    // Nobody has to wait who did not ask for it.
    let at_once = preferring(&world, desk.key(), "wait=soon", &text).await;
    assert_eq!(at_once.status, 202);
}
