//! The status page: it turns when a provider does, and back (C58).

use e2e::World;
use e2e::desk::Desk;
use serde_json::{Value, json};
use std::time::Duration;

/// How everything is doing, as somebody without a key sees it. What was answered before is forgotten.
async fn status(world: &World) -> Value {
    world.advance(11).await;
    let answer = world.send("GET", "/v1/status", &[], "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

fn of<'s>(status: &'s Value, name: &str) -> &'s Value {
    let all = status["components"].as_array().unwrap();
    &all.iter().find(|one| one["name"] == name).unwrap()["status"]
}

async fn sends(desk: &Desk<'_>, count: u32) {
    for n in 0..count {
        let phone = format!("9715015{n:05}");
        let conversation = desk.conversation(&phone, "hello").await;
        desk.says(&json!({"conversation_id": conversation, "text": "hi"})).await;
    }
}

/// Waits until the page says so.
async fn until(world: &World, name: &str, expected: &str) -> Value {
    for _ in 0..200 {
        let shown = status(world).await;
        if *of(&shown, name) == expected {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} never was {expected}: {}", status(world).await);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_down_for_everybody_until_it_does() {
    let world = World::start().await;
    let shown = status(&world).await;
    assert_eq!(shown["status"], "operational");
    let names: Vec<&Value> = shown["components"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["api", "meta", "dialog360", "ultramsg"]);

    let fails =
        json!({"match": {"provider": "meta", "operation": "send"}, "action": {"error": {"status": 503}}});
    world.behave(json!({"rules": [fails]})).await;
    sends(&world.desk("meta"), 4).await;
    let shown = until(&world, "meta", "down").await;
    assert_eq!(shown["status"], "down", "as the worst");
    assert_eq!((of(&shown, "api"), of(&shown, "ultramsg")), (&json!("operational"), &json!("operational")));

    world.behave(json!({"rules": []})).await;
    world.advance(6 * 60).await;
    assert_eq!(status(&world).await["status"], "operational", "nothing was heard of it for five minutes");
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_an_answer_is_given_again_for_ten_seconds() {
    let world = World::start().await;
    let refuses = json!({"match": {"provider": "meta", "operation": "send"},
        "action": {"error": {"status": 400, "code": 131_026}}});
    world.behave(json!({"rules": [refuses]})).await;
    sends(&world.desk("meta"), 4).await;
    world.settled().await;
    assert_eq!(status(&world).await["status"], "operational");
    world.faults(json!([{"service": "dynamodb", "operation": "Query", "caller": "integrations", "action": "error"}])).await;
    let again = world.send("GET", "/v1/status", &[], "").await.data();
    assert_eq!(again["status"], "operational", "remembered");
    let shown = status(&world).await;
    assert_eq!((&shown["status"], of(&shown, "api")), (&json!("down"), &json!("down")));
    assert_eq!(world.send("GET", "/v1/status?x=1", &[], "").await.status, 400);
}
