//! A model that is down, slow or wrong: one holding message, nothing wrong is ever sent, the real reply follows (T34, B20).

use e2e::World;
use e2e::assistant::everything;
use e2e::desk::{Desk, text_of};
use local::Options;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const HOLDING: &str = "Thank you for your message. We will answer you shortly.";
const REPLY: &str = "Yes, the unit is available";

/// A stack whose calls of a model may take a fraction of their time.
async fn world() -> World {
    World::start_with(Options { provider_timeout_ms: Some(400), ..Options::default() }).await
}

async fn shown(desk: &Desk<'_>) -> Value {
    desk.all("/v1/conversations").await.remove(0)
}

/// A completion with these words.
fn completion(words: &Value, finish_reason: &str) -> String {
    json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": finish_reason}]})
        .to_string()
}

#[tokio::test]
async fn down_slow_or_wrong_the_customer_is_asked_to_wait_once_and_answered_later() {
    let with_body = |body: String| json!({"accept_with_body": body});
    let says = |words: &str| with_body(completion(&json!(words), "stop"));
    let worlds = [
        ("down", json!({"error": {"status": 503}})),
        ("cut off", json!({"reset_before": true})),
        ("slow", json!({"delay_ms": 2_000})),
        ("silent", json!({"hang": true})),
        ("over its limit", json!({"error": {"status": 429, "retry_after": 1}})),
        ("refusing the key", json!({"reject_token": true})),
        ("an empty answer", says("")),
        ("no answer", with_body(completion(&Value::Null, "stop"))),
        ("blanks", says(" \n ")),
        ("100 KB", says(&"word ".repeat(20_000))),
        ("3,000 characters", says(&"word ".repeat(600))),
        ("HTML in words", says("<p>Yes, it is <b>available</b>.</p>")),
        ("a page", with_body("<!DOCTYPE html><html><body>It works!</body></html>".to_owned())),
        ("another language", says("شكرا لتواصلكم معنا، نعم هي متاحة")),
        ("a third language", says("Да, объект сейчас доступен. Хотите договориться о просмотре?")),
        ("half an answer", with_body(completion(&json!("Yes, it"), "length"))),
        ("no body", with_body(String::new())),
    ];
    let one = async |(what, action): (&str, Value)| {
        let world = world().await;
        let desk = world.desk("meta");
        desk.connects(&everything()).await;
        world.model(action).await;
        desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
        assert_eq!(desk.until_texts(CUSTOMER, 1).await, [HOLDING], "{what}");
        // It is asked again, and the customer hears nothing of that.
        desk.until_asked(2).await;
        world.drained("assistant").await;
        // The customer asks again as well, and is not asked to wait again.
        desk.reads(CUSTOMER, json!({"text": "Hello? Is it available?"})).await;
        desk.until_asked(3).await;
        world.drained("assistant").await;
        assert_eq!(desk.texts_to(CUSTOMER), [HOLDING], "{what}");
        world.stack.simulator().behave_well();
        let texts = desk.until_texts(CUSTOMER, 2).await;
        assert!(texts[1].starts_with(REPLY), "{what}: {texts:?}");
        world.comes_to_rest().await;
        assert_eq!(desk.texts_to(CUSTOMER).len(), 2, "{what}");
        assert_eq!(shown(&desk).await["status"], "bot", "{what}");
    };
    for some in worlds.chunks(6) {
        futures_util::future::join_all(some.iter().cloned().map(one)).await;
    }
}

#[tokio::test]
async fn the_holding_message_is_the_tenants_in_the_customers_language_and_one_for_each_outage() {
    let world = world().await;
    let desk = world.desk("meta");
    let mut settings = everything();
    settings["holding"] = json!({"ar": "لحظة من فضلك"});
    desk.connects(&settings).await;
    for outage in 0..2 {
        world.model(json!({"error": {"status": 500}})).await;
        desk.reads(CUSTOMER, json!({"text": "هل هي متاحة؟"})).await;
        let texts = desk.until_texts(CUSTOMER, 2 * outage + 1).await;
        assert_eq!(texts.last().unwrap(), "لحظة من فضلك");
        world.stack.simulator().behave_well();
        desk.until_texts(CUSTOMER, 2 * outage + 2).await;
        world.comes_to_rest().await;
    }
    assert_eq!(desk.texts_to(CUSTOMER).len(), 4);
}

#[tokio::test]
async fn the_connection_shows_what_the_last_call_met() {
    let world = world().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model(json!({"reject_token": true})).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    desk.until_texts(CUSTOMER, 1).await;
    let view = desk.get(e2e::assistant::ASSISTANT).await.data();
    assert_eq!((&view["status"], view["last_error"].is_string()), (&json!("unauthorized"), true), "{view}");
    world.stack.simulator().behave_well();
    desk.until_texts(CUSTOMER, 2).await;
    let view = desk.get(e2e::assistant::ASSISTANT).await.data();
    assert_eq!((&view["status"], view["last_error"].is_null()), (&json!("live"), true), "{view}");
}

#[tokio::test]
async fn a_model_that_only_talks_nonsense_is_left_to_a_person_who_is_told_why() {
    let world = world().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model_says("<html>no</html>").await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    let handed = async || shown(&desk).await["status"] == "human";
    world.time_passes_until("a person", handed).await;
    world.comes_to_rest().await;
    assert_eq!(world.asked().len(), 4);
    assert_eq!(desk.texts_to(CUSTOMER), [HOLDING]);
    let id = text_of(&shown(&desk).await, "id");
    let handoff = desk.get(&format!("/v1/conversations/{id}/handoff")).await.data();
    assert_eq!(handoff["reason"]["kind"], "assistant", "{handoff}");
    assert!(handoff["reason"]["message"].as_str().unwrap().contains("HTML"), "{handoff}");
    // Back to the bot, and the model is itself again.
    world.stack.simulator().behave_well();
    let path = format!("/v1/conversations/{id}");
    desk.world.call("PATCH", &path, desk.key(), &json!({"status": "bot"})).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    assert_eq!(desk.until_texts(CUSTOMER, 2).await.len(), 2);
}

#[tokio::test]
async fn whoever_a_person_answered_meanwhile_is_not_answered_again() {
    let world = world().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model(json!({"error": {"status": 503}})).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    desk.until_texts(CUSTOMER, 1).await;
    world.drained("assistant").await;
    let id = text_of(&shown(&desk).await, "id");
    world.advance(1).await;
    let said = desk.says(&json!({"conversation_id": id, "text": "It is, since today."})).await;
    assert_eq!(said.status, 202, "{:?}", said.json());
    world.stack.simulator().behave_well();
    world.comes_to_rest().await;
    assert_eq!(desk.texts_to(CUSTOMER), [HOLDING, "It is, since today."]);
    // What they write next is the assistant's again.
    desk.reads(CUSTOMER, json!({"text": "Can I visit it?"})).await;
    assert_eq!(desk.until_texts(CUSTOMER, 3).await.len(), 3);
}

#[tokio::test]
async fn an_outage_longer_than_the_window_ends_with_a_person_and_without_a_message() {
    let world = world().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model(json!({"error": {"status": 503}})).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    desk.until_texts(CUSTOMER, 1).await;
    world.drained("assistant").await;
    world.advance(24 * 3600).await;
    world.stack.simulator().behave_well();
    world.stack.sweep().await.unwrap();
    let handed = async || shown(&desk).await["status"] == "human";
    world.time_passes_until("a person", handed).await;
    world.comes_to_rest().await;
    assert_eq!(desk.texts_to(CUSTOMER), [HOLDING]);
    assert_eq!(world.asked().len(), 1);
}
