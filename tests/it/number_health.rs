//! How numbers stand with their customers: ratings and conservative mode (A58, A61, A62).

use crate::outbox::{platform, tenant_id};
use crm::audit::{verify, whole};
use domain::time::Millis;
use e2e::World;
use e2e::desk::{Desk, text_of};
use e2e::receiver::Receiver;
use local::Options;
use serde_json::{Value, json};
use std::time::Duration;

pub const HOUR: u64 = 3_600;

pub async fn card(desk: &Desk<'_>) -> Value {
    let answer = desk.get(&format!("/v1/integrations/whatsapp/{}", desk.tenant.provider)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

async fn rated(desk: &Desk<'_>, event: &str) {
    desk.world.behave(json!({"quality": {"tenant_id": desk.tenant.id, "event": event}})).await;
    desk.world.settled().await;
}

/// The number was flagged an hour ago and nothing got better.
async fn conservative(desk: &Desk<'_>) {
    rated(desk, "FLAGGED").await;
    sweep(desk.world).await;
    assert_eq!(card(desk).await["health"]["mode"], "normal", "not yet sustained");
    desk.world.advance(HOUR + 1).await;
    sweep(desk.world).await;
    let health = card(desk).await["health"].clone();
    assert_eq!(health["mode"], "conservative", "{health}");
}

pub async fn sweep(world: &World) {
    world.stack.sweep().await.unwrap();
}

pub fn viewing(to: &Value) -> Value {
    let variables = json!({"agent_name": "Sara", "property_name": "Marina Gate", "viewing_time": "5 pm"});
    let mut body =
        json!({"template": {"name": "viewing_confirmation", "language": "en", "variables": variables}});
    body.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
    body
}

pub async fn accepted(desk: &Desk<'_>, body: &Value) -> Value {
    let answer = desk.says(body).await;
    assert_eq!(answer.status, 202, "{body}: {:?}", answer.json());
    answer.data()
}

/// When the provider took each message, in milliseconds of the stack's clock.
pub fn taken(desk: &Desk<'_>) -> Vec<u64> {
    let all = desk.sent();
    let taken = all.iter().filter(|sent| sent["accepted"] == true);
    taken.map(|sent| Millis::parse(sent["at"].as_str().unwrap()).unwrap().unix_ms()).collect()
}

/// Waits until the provider took that many messages in all.
async fn took(desk: &Desk<'_>, count: usize) {
    for _ in 0..2_000 {
        if taken(desk).len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("only {} were taken: {:?}", taken(desk).len(), desk.sent());
}

#[tokio::test]
async fn a_rating_is_shown_and_an_older_webhook_does_not_undo_it() {
    let world = World::start().await;
    let desk = world.desk("meta");
    sweep(&world).await;
    let health = card(&desk).await["health"].clone();
    assert_eq!(
        (&health["quality"], &health["mode"]),
        (&json!("green"), &json!("normal")),
        "polled: {health}"
    );
    assert_eq!(health["messaging_limit"]["cap"], 2_000, "{health}");
    assert_eq!(health["messaging_limit"]["scope"], "portfolio");
    assert_eq!((&health["name_status"], &health["throughput"]), (&json!("APPROVED"), &json!("STANDARD")));

    world.advance(60).await;
    let flagged_at = world.now_s();
    rated(&desk, "FLAGGED").await;
    let shown = card(&desk).await;
    assert_eq!((&shown["quality_rating"], &shown["health"]["quality"]), (&json!("RED"), &json!("red")));
    let since = Millis::parse(shown["health"]["quality_since"].as_str().unwrap()).unwrap();
    assert!(since.unix_ms() / 1_000 >= flagged_at, "{since}");

    // What Meta said half a minute earlier comes now, and again.
    let meta = desk.tenant.meta.clone().unwrap();
    let late = json!({"object": "whatsapp_business_account", "entry": [{"id": meta.waba_id, "time": flagged_at - 30,
        "changes": [{"field": "phone_number_quality_update", "value": {"display_phone_number": "97145550100",
            "event": "UNFLAGGED", "current_limit": "TIER_250"}}]}]});
    for _ in 0..2 {
        assert_eq!(world.from_meta(late.to_string()).await.status, 200);
    }
    world.settled().await;
    let health = card(&desk).await["health"].clone();
    assert_eq!(health["quality"], "red", "{health}");
    assert_eq!(health["messaging_limit"]["cap"], 2_000, "{health}");

    // A webhook that got lost is made up for by asking; a check asks at once.
    world.advance(60).await;
    world.behave(json!({"accounts": [{"tenant_id": desk.tenant.id, "quality": "YELLOW"}]})).await;
    let check = "/v1/integrations/whatsapp/meta/check";
    assert_eq!(world.post(check, &desk.tenant.keys.live_admin, &json!({})).await.status, 200);
    assert_eq!(card(&desk).await["health"]["quality"], "yellow");
    world.behave(json!({"accounts": [{"tenant_id": desk.tenant.id, "quality": "GREEN"}]})).await;
    world.advance(7 * HOUR).await;
    sweep(&world).await;
    assert_eq!(card(&desk).await["health"]["quality"], "green");
    let other = card(&world.desk("dialog360")).await["health"].clone();
    assert_ne!(other["quality"], "red", "another tenant: {other}");
}

#[tokio::test]
async fn sustained_red_slows_the_number_and_holds_templates_and_green_lets_everything_go() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let desk = world.desk("meta");
    let receiver = Receiver::start().await;
    world.register(&desk.tenant.keys.live_admin, &receiver.url, &["integration.health"]).await;
    let mut conversations = Vec::new();
    for n in 0..8 {
        conversations.push(desk.conversation(&format!("97150123450{n}"), "hello").await);
    }
    conservative(&desk).await;
    let health = card(&desk).await["health"].clone();
    assert!(health["reason"].as_str().unwrap().contains("Red since"), "{health}");

    // A template is held, and says why; what the caller holds is the caller's.
    let to = json!({"conversation_id": conversations[0]});
    let preflight = desk.preflight(&viewing(&to)).await.data();
    assert_eq!((&preflight["allowed"], &preflight["held_for"]), (&json!(true), &json!("conservative_mode")));
    let number = &preflight["number"];
    assert_eq!(
        (&number["provider"], &number["status"], &number["quality"], &number["mode"]),
        (&json!("meta"), &json!("live"), &json!("red"), &json!("conservative")),
        "{preflight}"
    );
    let first = accepted(&desk, &viewing(&to)).await;
    assert_eq!(
        (&first["status"], &first["held_for"]),
        (&json!("held"), &json!("conservative_mode")),
        "{first}"
    );
    let second = accepted(&desk, &viewing(&to)).await;
    let approved = accepted(&desk, &viewing(&json!({"to": "+971509990001"}))).await;
    let own =
        accepted(&desk, &json!({"conversation_id": conversations[1], "text": "draft", "hold": true})).await;
    assert_eq!((&own["status"], &own["held_for"]), (&json!("held"), &json!("caller")), "{own}");
    let elsewhere = world.desk("dialog360");
    let sent = elsewhere.sends(&viewing(&json!({"to": "+971509990002"}))).await;
    assert_eq!(sent["status"], "read", "another tenant: {sent}");

    // Answers go, one in ten seconds.
    let mut answers = Vec::new();
    for conversation in &conversations {
        let answer = accepted(&desk, &json!({"conversation_id": conversation, "text": "Yes, it is."})).await;
        assert_eq!(answer["held_for"], Value::Null, "{answer}");
        answers.push(text_of(&answer, "id"));
    }
    took(&desk, 1).await;
    for id in &answers[1..] {
        let found =
            desk.until(id, |message| message["status"] != "queued" || message["error"].is_object()).await;
        if found["status"] == "queued" {
            assert_eq!(found["error"]["code"], "conservative_mode", "{found}");
            assert!(found["not_before"].is_string(), "{found}");
        }
    }
    assert_eq!(taken(&desk).len(), 1, "the others wait for their turns");
    for turns in 2..=4 {
        world.advance(10).await;
        took(&desk, turns).await;
    }
    let times = taken(&desk);
    assert_eq!(times.len(), 4, "{times:?}");
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= 9_000, "no faster than a turn each: {times:?}");
    }
    // A person approves one: it takes its turn like the others.
    let id = text_of(&approved, "id");
    let released = desk.post(&format!("/v1/whatsapp/messages/{id}/release"), &json!({})).await;
    assert_eq!((released.status.as_u16(), &released.data()["status"]), (200, &json!("queued")));
    assert_eq!(released.data()["held_for"], Value::Null);
    desk.until(&id, |message| message["error"]["code"] == "conservative_mode").await;

    // Green: the mode ends, turns are forgotten, what it held goes in the order accepted.
    world.behave(json!({"quality": {"tenant_id": desk.tenant.id, "event": "UNFLAGGED"}})).await;
    for _ in 0..200 {
        if card(&desk).await["health"]["quality"] != "red" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.advance(2).await;
    sweep(&world).await;
    took(&desk, 8 + 3).await;
    world.settled().await;
    let health = card(&desk).await["health"].clone();
    assert_eq!((&health["quality"], &health["mode"]), (&json!("green"), &json!("normal")), "{health}");
    assert_eq!(health["reason"], Value::Null);
    for id in answers.iter().chain([&text_of(&first, "id"), &text_of(&second, "id"), &id]) {
        let message = desk.message(id).await;
        assert_eq!((&message["status"], &message["error"]), (&json!("read"), &Value::Null), "{message}");
    }
    let order: Vec<&Value> = [&first, &second].into_iter().map(|message| &message["id"]).collect();
    let sent = desk.sent();
    let opaque = sent.iter().filter_map(|sent| sent["body"]["biz_opaque_callback_data"].as_str());
    let ours: Vec<&str> = opaque.filter_map(|opaque| opaque.split('.').next()).collect();
    let place = |id: &Value| ours.iter().position(|ours| *ours == id.as_str().unwrap());
    assert!(place(order[0]) < place(order[1]), "{ours:?}");
    let own = desk.message(&text_of(&own, "id")).await;
    assert_eq!((&own["status"], &own["held_for"]), (&json!("held"), &json!("caller")), "{own}");
    assert_eq!(accepted(&desk, &viewing(&to)).await["status"], "queued", "nothing is held any more");
    world.settled().await;

    // Both turns are in the audit log, once, and in what receivers are told.
    let store = platform(&world).store;
    let log = whole(&store, tenant_id(&desk)).await.unwrap();
    let head = store.audit_head(tenant_id(&desk)).await.unwrap();
    assert_eq!(verify(&log, Some(&head)), Ok(()));
    let turns: Vec<&str> = log
        .iter()
        .map(|entry| entry.action.as_str())
        .filter(|action| action.contains("conservative"))
        .collect();
    assert_eq!(turns, ["integration.conservative_begin", "integration.conservative_end"]);
    for _ in 0..3 {
        world.advance(61).await;
        sweep(&world).await;
    }
    world.settled().await;
    let told: Vec<(Value, Value)> = receiver
        .of("integration.health")
        .iter()
        .map(|got| (got.json()["data"]["quality"].clone(), got.json()["data"]["mode"].clone()))
        .collect();
    for stands in [("red", "normal"), ("red", "conservative"), ("green", "normal")] {
        let stands = (json!(stands.0), json!(stands.1));
        assert_eq!(told.iter().filter(|told| **told == stands).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn messages_of_one_conversation_keep_their_order_on_a_slow_number() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation("971501234500", "hello").await;
    conservative(&desk).await;
    for text in ["one", "two", "three"] {
        accepted(&desk, &json!({"conversation_id": conversation, "text": text})).await;
    }
    // Two senders that look at the same place at once may let a turn pass unused.
    for _ in 0..50 {
        if taken(&desk).len() == 3 {
            break;
        }
        world.advance(10).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    took(&desk, 3).await;
    let said: Vec<Value> = desk.sent().iter().map(|sent| sent["body"]["text"]["body"].clone()).collect();
    assert_eq!(said, ["one", "two", "three"]);
}

#[tokio::test]
async fn a_message_refused_as_spam_slows_the_number_for_a_day() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation("971501234500", "hello").await;
    let refused = json!({"match": {"operation": "send"}, "times": 1,
        "action": {"error": {"status": 400, "code": 131048, "message": "Spam rate limit hit"}}});
    world.behave(json!({"rules": [refused]})).await;
    let answer = accepted(&desk, &json!({"conversation_id": conversation, "text": "one"})).await;
    let id = text_of(&answer, "id");
    for _ in 0..2_000 {
        if card(&desk).await["health"]["mode"] == "conservative" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let health = card(&desk).await["health"].clone();
    assert_eq!(health["mode"], "conservative", "{health}");
    assert!(health["reason"].as_str().unwrap().contains("131048"), "{health}");
    let held = accepted(&desk, &viewing(&json!({"to": "+971501234588"}))).await;
    assert_eq!((&held["status"], &held["held_for"]), (&json!("held"), &json!("conservative_mode")), "{held}");

    // A Green rating is no excuse; a quiet day is.
    sweep(&world).await;
    assert_eq!(card(&desk).await["health"]["mode"], "conservative");
    world.advance(25 * HOUR).await;
    sweep(&world).await;
    world.settled().await;
    assert_eq!(card(&desk).await["health"]["mode"], "normal");
    assert_eq!(desk.message(&text_of(&held, "id")).await["status"], "read", "what the mode held went out");
    let first = desk.message(&id).await;
    assert!(["read", "failed"].contains(&first["status"].as_str().unwrap()), "{first}");
}
