//! The draft of a first touch: people change it, hold it, let it go, take it back, answer themselves (A49, R13).

use crate::first_touch::{agreed, desk, enquiry, kinds, lead, set, settings, shown, told, until};
use e2e::World;
use e2e::desk::{Desk, text_of};
use e2e::receiver::Receiver;
use local::Options;
use serde_json::{Value, json};
use std::time::Duration;

const PHONE: &str = "+971501234501";

/// A template with a variable that can be changed.
fn template() -> Value {
    let variables =
        json!({"agent_name": "{agent|us}", "property_name": "{area|homes}", "viewing_time": "today"});
    json!({"en": {"name": "viewing_confirmation", "variables": variables}})
}

async fn with_grace(world: &World, seconds: u32) -> Desk<'_> {
    desk(world, json!({"mode": "grace", "grace_seconds": seconds, "templates": template()})).await
}

async fn act(desk: &Desk<'_>, message: &str, what: &str) -> e2e::Answer {
    desk.post(&format!("/v1/whatsapp/messages/{message}/{what}"), &json!({})).await
}

async fn edit(desk: &Desk<'_>, message: &str, body: &Value) -> e2e::Answer {
    desk.world.call("PATCH", &format!("/v1/whatsapp/messages/{message}"), desk.key(), body).await
}

fn area(name: &str) -> Value {
    json!({"variables": {"agent_name": "Sara", "property_name": name, "viewing_time": "now"}})
}

/// Moves the clock to so many milliseconds before the release of a message.
fn to_before_release(desk: &Desk<'_>, touch: &Value, ms: u64) {
    let at = domain::time::Millis::parse(touch["release_at"].as_str().unwrap()).unwrap().unix_ms();
    let now = u64::try_from(desk.world.stack.clock().now_ms()).unwrap();
    desk.world.stack.clock().advance(Duration::from_millis((at - ms).saturating_sub(now)));
}

/// What was sent to a number.
fn sent_to(desk: &Desk<'_>, phone: &str) -> Vec<String> {
    let mine = desk.sent().into_iter().filter(|sent| text_of(&sent["body"], "to") == phone);
    mine.map(|sent| sent["body"]["template"].to_string()).collect()
}

#[tokio::test]
async fn in_grace_an_edit_at_nine_point_nine_seconds_is_what_is_sent() {
    let world = World::start().await;
    let desk = with_grace(&world, 10).await;
    // The machine may need longer than the last tenth of a second; then the change is refused, and what was is sent.
    let mut taken = 0;
    for n in 0..30 {
        let phone = format!("+9715012345{n:02}");
        let id = lead(&desk, &phone, json!({})).await;
        let touch = until(&desk, &id, "held").await;
        let message = text_of(&touch, "message_id");
        to_before_release(&desk, &touch, 100);
        let answer = edit(&desk, &message, &area("Burj Vista")).await;
        let expected = match answer.status.as_u16() {
            200 => "Burj Vista",
            409 => "homes",
            _ => panic!("{:?}", answer.json()),
        };
        taken += u32::from(answer.status == 200);
        desk.until(&message, |message| message["status"] == "read").await;
        let [sent] = sent_to(&desk, &phone).try_into().unwrap();
        assert!(sent.contains(expected), "{expected}: {sent}");
        if taken > 0 {
            assert_eq!(kinds(&told(&desk, &id).await), ["drafted", "edited"]);
            return;
        }
    }
    panic!("no change was ever made in time");
}

#[tokio::test]
async fn an_agent_is_told_of_the_draft_and_it_goes_by_itself_when_nobody_steps_in() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let desk = with_grace(&world, 10).await;
    let rules = json!({"agents": ["sara"], "rules": []});
    assert_eq!(set(&desk, json!({"assignment": rules})).await.status, 200);
    let receiver = Receiver::start().await;
    world.register(&desk.tenant.keys.live_admin, &receiver.url, &["lead.first_touch.draft"]).await;
    let id = lead(&desk, PHONE, json!({"area": "Dubai Marina"})).await;
    let touch = until(&desk, &id, "held").await;
    let told_of = receiver.until(1).await.remove(0).json()["data"].clone();
    assert_eq!((&told_of["lead_id"], &told_of["release_at"]), (&json!(id), &touch["release_at"]));
    assert_eq!(told_of["assigned_to"], "sara");
    let message = desk.message(&text_of(&touch, "message_id")).await;
    assert_eq!(told_of["message"]["id"], message["id"]);
    assert_eq!((&message["status"], &message["held_for"]), (&json!("held"), &json!("first_touch")));
    assert_eq!((&message["version"], &message["release_at"]), (&json!(0), &touch["release_at"]));
    assert!(told_of["message"]["text"].as_str().unwrap().contains("this is sara"), "{told_of}");
    assert!(desk.sent().is_empty());
    // The queue brings it; were it lost, the sweeper would.
    to_before_release(&desk, &touch, 0);
    until(&desk, &id, "sent").await;
    world.settled().await;
    assert_eq!(sent_to(&desk, PHONE).len(), 1);
    assert_eq!(receiver.got().len(), 1, "a draft is told once");
    assert_eq!(kinds(&told(&desk, &id).await), ["drafted"]);
}

#[tokio::test]
async fn the_sweeper_lets_a_draft_go_that_the_queue_forgot() {
    let world = World::start().await;
    let desk = with_grace(&world, 10).await;
    let lost = json!({"service": "sqs", "operation": "SendMessage", "caller": "sender", "action": "error"});
    world.faults(json!([lost])).await;
    let id = lead(&desk, PHONE, json!({})).await;
    until(&desk, &id, "held").await;
    world.settled().await;
    world.faults(json!([])).await;
    world.advance(12).await;
    world.settled().await;
    assert_eq!(shown(&desk, &id).await["first_touch"]["state"], "held", "nobody brought it");
    world.stack.sweep().await.unwrap();
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(sent_to(&desk, PHONE).len(), 1);
}

#[tokio::test]
async fn a_held_draft_never_goes_by_itself_and_goes_when_it_is_released() {
    let world = World::start().await;
    let desk = with_grace(&world, 10).await;
    let id = lead(&desk, PHONE, json!({})).await;
    let message = text_of(&until(&desk, &id, "held").await, "message_id");
    let held = act(&desk, &message, "hold").await;
    assert_eq!((held.status.as_u16(), &held.data()["release_at"]), (200, &Value::Null), "{:?}", held.json());
    for _ in 0..3 {
        world.advance(61).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
    }
    assert!(desk.sent().is_empty(), "{:?}", desk.sent());
    assert_eq!(shown(&desk, &id).await["first_touch"]["state"], "held");
    assert_eq!(act(&desk, &message, "release").await.status, 200);
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(kinds(&told(&desk, &id).await), ["drafted", "held", "released"]);
    let late = act(&desk, &message, "hold").await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn an_agent_lets_a_draft_go_early_takes_one_back_and_holds_what_waits_for_its_turn() {
    let world = World::start().await;
    let desk = with_grace(&world, 20).await;
    let early = lead(&desk, PHONE, json!({})).await;
    let message = text_of(&until(&desk, &early, "held").await, "message_id");
    assert_eq!(act(&desk, &message, "release").await.status, 200);
    until(&desk, &early, "sent").await;
    let other = "+971501234502";
    let back = lead(&desk, other, json!({})).await;
    let message = text_of(&until(&desk, &back, "held").await, "message_id");
    let cancelled = act(&desk, &message, "cancel").await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.data()["status"]), (200, &json!("cancelled")));
    world.advance(21).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(shown(&desk, &back).await["first_touch"]["state"], "discarded");
    assert_eq!((sent_to(&desk, PHONE).len(), sent_to(&desk, other).len()), (1, 0));
    assert_eq!(kinds(&told(&desk, &back).await), ["drafted", "discarded"]);
    // The same person again: the lead had its first touch.
    assert_eq!(lead(&desk, other, json!({})).await, back);
    world.settled().await;
    assert!(sent_to(&desk, other).is_empty());

    // Any message can be held while it waits for its time.
    let conversation = desk.conversation("971501234567", "Hello").await;
    let later = domain::time::Millis::from_unix_ms((world.now_s() + 3_600) * 1_000).to_string();
    let body = json!({"conversation_id": conversation, "text": "An hour later", "not_before": later});
    let waiting = text_of(&desk.says(&body).await.data(), "id");
    let held = act(&desk, &waiting, "hold").await;
    assert_eq!((&held.data()["status"], &held.data()["held_for"]), (&json!("held"), &json!("caller")));
    world.advance(3_700).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.message(&waiting).await["status"], "held");
    let changed = edit(&desk, &waiting, &json!({"text": "Now", "version": 0})).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.data()["version"]),
        (200, &json!(1)),
        "{:?}",
        changed.json()
    );
    assert_eq!(act(&desk, &waiting, "release").await.status, 200);
    assert_eq!(desk.until(&waiting, |message| message["status"] == "read").await["text"], "Now");
}

#[tokio::test]
async fn a_stop_between_draft_and_send_stops_it_whatever_its_template_counts_as() {
    let world = World::start().await;
    let desk = with_grace(&world, 20).await;
    let by_clock = lead(&desk, PHONE, json!({})).await;
    until(&desk, &by_clock, "held").await;
    let contact = text_of(&shown(&desk, &by_clock).await, "contact_id");
    world.advance(1).await;
    let said = json!({"tenant_id": desk.tenant.id, "text": "STOP"});
    world.stack.simulator().customer_writes(&PHONE[1..], said).await.unwrap();
    let path = format!("/v1/contacts/{contact}/consents");
    for _ in 0..500 {
        if desk.all(&path).await.len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(desk.all(&path).await.len(), 2, "the STOP is in the ledger");
    world.advance(20).await;
    until(&desk, &by_clock, "failed").await;
    let touch = shown(&desk, &by_clock).await["first_touch"].clone();
    assert_eq!(touch["reason"], "do_not_contact", "{touch}");
    assert!(sent_to(&desk, PHONE).iter().all(|sent| sent == "null"), "{:?}", desk.sent());

    // Nor does an agent's release send it, nor a change.
    let other = "+971501234502";
    let manual = settings(json!({"mode": "manual", "templates": template()}));
    assert_eq!(set(&desk, json!({"first_touch": manual})).await.status, 200);
    let by_hand =
        lead(&desk, other, json!({"consent": {"wording": "w", "language": "en", "purpose": "channel"}}))
            .await;
    world.settled().await;
    let message = text_of(&until(&desk, &by_hand, "held").await, "message_id");
    world.advance(1).await;
    let contact = text_of(&shown(&desk, &by_hand).await, "contact_id");
    let stop = json!({"purpose": "marketing", "state": "revoked"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &stop).await.status, 201);
    assert_eq!(edit(&desk, &message, &area("Deira")).await.code(), "do_not_contact");
    assert_eq!(act(&desk, &message, "release").await.status, 200);
    world.settled().await;
    let failed = desk.message(&message).await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("do_not_contact")));
    assert!(sent_to(&desk, other).is_empty());
}

#[tokio::test]
async fn a_draft_is_handed_to_a_person_who_finds_the_conversation_in_the_inbox() {
    let world = World::start().await;
    let desk = with_grace(&world, 10).await;
    let id = lead(&desk, PHONE, json!({})).await;
    let message = text_of(&until(&desk, &id, "held").await, "message_id");
    assert_eq!(act(&desk, &message, "hand-off").await.status, 200);
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert!(desk.sent().is_empty());
    let conversation = text_of(&shown(&desk, &id).await, "conversation_id");
    let inbox = desk.all("/v1/conversations").await;
    let [found] = inbox.try_into().unwrap();
    assert_eq!((&found["id"], &found["status"]), (&json!(conversation), &json!("human")));
    assert_eq!(kinds(&told(&desk, &id).await), ["drafted", "handed_off"]);

    // Who answers themselves is asked, whatever the mode; also when they take over while the clock runs.
    let conversation = desk.conversation("971501234502", "Hello").await;
    let human = json!({"status": "human"});
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(world.call("PATCH", &path, desk.key(), &human).await.status, 200);
    let id = lead(&desk, "+971501234502", json!({})).await;
    world.settled().await;
    let touch = until(&desk, &id, "held").await;
    assert_eq!(touch["release_at"], Value::Null, "{touch}");

    let conversation = desk.conversation("971501234503", "Hello").await;
    let id = lead(&desk, "+971501234503", json!({})).await;
    let touch = until(&desk, &id, "held").await;
    assert!(touch["release_at"].is_string());
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(world.call("PATCH", &path, desk.key(), &human).await.status, 200);
    to_before_release(&desk, &touch, 0);
    world.settled().await;
    assert_eq!(shown(&desk, &id).await["first_touch"]["state"], "held");
    assert_eq!(kinds(&told(&desk, &id).await), ["drafted", "held"]);
    assert!(desk.sent().is_empty());
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_and_of_two_at_once_one_is_told() {
    let world = World::start().await;
    let desk = desk(&world, json!({"mode": "manual", "templates": template()})).await;
    let id = lead(&desk, PHONE, json!({})).await;
    world.settled().await;
    let message = text_of(&until(&desk, &id, "held").await, "message_id");
    for (body, status, field) in [
        (json!({}), 400, json!("text")),
        (json!({"text": "Hello"}), 400, json!("text")),
        (json!({"text": "Hello", "variables": []}), 400, json!("variables")),
        (json!({"variables": 5}), 400, json!("variables")),
        (json!({"status": "sent"}), 400, json!("status")),
        (json!({"variables": {"agent_name": "Sara"}}), 422, json!("template.variables.property_name")),
    ] {
        let refused = edit(&desk, &message, &body).await;
        let shown = (refused.status.as_u16(), refused.json()["error"]["field"].clone());
        assert_eq!(shown, (status, field), "{body}: {:?}", refused.json());
    }
    let viewer = &desk.tenant.keys.live_viewer;
    let path = format!("/v1/whatsapp/messages/{message}");
    assert_eq!(world.call("PATCH", &path, viewer, &area("x")).await.status, 403);
    let other = world.desk("ultramsg");
    assert_eq!(world.call("PATCH", &path, other.key(), &area("x")).await.status, 404);
    for what in ["hold", "hand-off"] {
        let foreign = format!("{path}/{what}");
        assert_eq!(world.call("POST", &foreign, other.key(), &json!({})).await.status, 404);
        assert_eq!(world.call("POST", &foreign, viewer, &json!({})).await.status, 403);
    }
    let mut first = area("First");
    first["version"] = json!(0);
    assert_eq!(edit(&desk, &message, &first).await.data()["version"], 1);
    let mut second = area("Second");
    second["version"] = json!(0);
    let refused = edit(&desk, &message, &second).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
    assert!(desk.message(&message).await["text"].as_str().unwrap().contains("First"));
    // A repeated request changes nothing twice.
    let bearer = format!("Bearer {}", desk.key());
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "e1")];
    for _ in 0..2 {
        let answer = world.send("PATCH", &path, &headers, area("Third").to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.data()["version"]), (200, &json!(2)));
    }
    assert_eq!(kinds(&told(&desk, &id).await), ["drafted", "edited", "edited"]);
    assert!(enquiry(PHONE, json!({}))["consent"] == agreed());
}
