//! In a conversation messages leave in the order accepted, whatever one of them meets; conversations do not wait for
//! each other; what is held, scheduled or cancelled stays out of the way.

use crate::outbox::{accepted, taken, texts};
use domain::time::Millis;
use e2e::World;
use e2e::desk::{Desk, MESSAGES, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const OTHER: &str = "971507654321";

fn in_seconds(world: &World, seconds: u64) -> String {
    Millis::from_unix_ms((world.now_s() + seconds) * 1_000).to_string()
}

async fn says(desk: &Desk<'_>, body: Value) -> String {
    let answer = desk.says(&body).await;
    assert_eq!(answer.status, 202, "{body}: {:?}", answer.json());
    text_of(&answer.data(), "id")
}

async fn moves(desk: &Desk<'_>, id: &str, verb: &str) -> (u16, String) {
    let key = format!("Bearer {}", desk.key());
    let answer =
        desk.world.send("POST", &format!("{MESSAGES}/{id}/{verb}"), &[("authorization", &key)], "").await;
    let said = if answer.status == 200 { text_of(&answer.data(), "status") } else { answer.code() };
    (answer.status.as_u16(), said)
}

/// Waits until the providers took that many messages in all.
async fn took(desk: &Desk<'_>, count: usize) {
    for _ in 0..2_000 {
        if taken(desk).len() >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("only {} were taken: {:?}", taken(desk).len(), desk.sent());
}

#[tokio::test]
async fn thirty_texts_leave_in_the_order_accepted_though_the_first_must_wait_and_others_go_meanwhile() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let busy = desk.conversation(CUSTOMER, "hello").await;
    let other = desk.conversation(OTHER, "hello").await;
    let limited = json!({"match": {"to": CUSTOMER}, "times": 1,
        "action": {"error": {"status": 429, "code": 130_429, "retry_after": 20}}});
    world.behave(json!({"rules": [limited]})).await;
    let said: Vec<String> = (0..30).map(|n| format!("text {n}")).collect();
    let ids = accepted(&desk, &busy, &said).await;
    let waits = desk.until(&ids[0], |message| message["error"]["code"] == "provider_rate_limited").await;
    assert_eq!(waits["status"], "queued", "{waits}");
    let meanwhile: Vec<String> = (0..5).map(|n| format!("meanwhile {n}")).collect();
    accepted(&desk, &other, &meanwhile).await;
    took(&desk, 5).await;
    assert_eq!(texts(&desk), meanwhile, "the other conversation is not held up, and nobody overtakes");
    world.advance(21).await;
    took(&desk, 35).await;
    assert_eq!(texts(&desk)[5..], said);
    world.settled().await;
    assert_eq!(desk.sent().len(), 36, "one refusal, then each once");
    let first = desk.message(&ids[0]).await;
    assert_eq!((&first["status"], &first["error"]), (&json!("read"), &Value::Null), "{first}");
}

#[tokio::test]
async fn a_scheduled_message_goes_at_its_time_and_holds_up_nobody() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let send = |text: &str, seconds: u64| json!({"conversation_id": conversation, "text": text, "not_before": in_seconds(&world, seconds)});
    // The queue can hold the first back; the second is the sweeper's.
    let soon = says(&desk, send("soon", 120)).await;
    let late = says(&desk, send("late", 3_600)).await;
    says(&desk, json!({"conversation_id": conversation, "text": "now"})).await;
    took(&desk, 1).await;
    assert_eq!(texts(&desk), ["now"]);
    for id in [&soon, &late] {
        assert_eq!(desk.message(id).await["status"], "queued");
    }
    world.advance(121).await;
    took(&desk, 2).await;
    assert_eq!(texts(&desk), ["now", "soon"]);
    // Ten minutes before its time a sweep hands it to the queue, and it goes without another.
    world.advance(3_600 - 121 - 600).await;
    world.stack.sweep().await.unwrap();
    assert_eq!(desk.message(&late).await["status"], "queued");
    world.advance(602).await;
    took(&desk, 3).await;
    assert_eq!(texts(&desk), ["now", "soon", "late"]);
    // The clock may also have passed its time when the sweeper looks.
    says(&desk, send("later", 7_200)).await;
    world.advance(7_201).await;
    world.stack.sweep().await.unwrap();
    took(&desk, 4).await;
    assert_eq!(texts(&desk), ["now", "soon", "late", "later"]);
}

#[tokio::test]
async fn a_held_message_goes_when_released_and_a_cancelled_one_never() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let held = |text: &str| json!({"conversation_id": conversation, "text": text, "hold": true});
    let first = says(&desk, held("held first")).await;
    let second = says(&desk, held("held second")).await;
    let plain = says(&desk, json!({"conversation_id": conversation, "text": "plain"})).await;
    let waiting =
        json!({"conversation_id": conversation, "text": "scheduled", "not_before": in_seconds(&world, 300)});
    let waiting = says(&desk, waiting).await;
    took(&desk, 1).await;
    assert_eq!(texts(&desk), ["plain"]);
    assert_eq!(desk.message(&first).await["status"], "held");

    assert_eq!(moves(&desk, &second, "cancel").await, (200, "cancelled".to_owned()));
    assert_eq!(moves(&desk, &waiting, "cancel").await, (200, "cancelled".to_owned()));
    assert_eq!(moves(&desk, &first, "release").await.0, 200);
    took(&desk, 2).await;
    assert_eq!(texts(&desk), ["plain", "held first"]);
    world.advance(301).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.sent().len(), 2, "what was cancelled never goes");
    // Too late.
    for (id, verb) in [(&plain, "cancel"), (&first, "cancel"), (&second, "release"), (&plain, "release")] {
        assert_eq!(moves(&desk, id, verb).await, (409, "conflict".to_owned()), "{verb}");
    }
}

#[tokio::test]
async fn a_message_that_a_sender_has_begun_to_send_cannot_be_cancelled() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    world.behave(json!({"rules": [{"match": {"operation": "send"}, "action": {"delay_ms": 300}}]})).await;
    let id = says(&desk, json!({"conversation_id": conversation, "text": "going"})).await;
    desk.until(&id, |message| message["status"] == "sending").await;
    assert_eq!(moves(&desk, &id, "cancel").await, (409, "conflict".to_owned()));
    world.settled().await;
    assert_eq!(texts(&desk), ["going"]);
}
