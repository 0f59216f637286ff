//! One timeline for everything that happened with a person.

use e2e::World;
use serde_json::{Value, json};

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn at(world: &World, ago_s: u64) -> String {
    domain::time::Millis::from_unix_ms((world.now_s() - ago_s) * 1000).to_string()
}

#[tokio::test]
async fn a_reply_on_whatsapp_lies_between_the_call_before_and_the_email_after_it() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let key = &keys.live_agent;
    let body = world.meta_body().text("971501234567", "wamid.1", world.now_s() - 600, "is it still free?");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    let lead = world.all("/v1/leads", key).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/leads/{lead}/timeline");
    let call = json!({"type": "voice.call", "at": at(&world, 300), "data": {"duration_s": 42}});
    let written = world.post(&path, key, &call).await;
    assert_eq!(written.status, 201, "{:?}", written.json());
    assert_eq!(written.data()["at"], at(&world, 300));
    let reply =
        world.post("/v1/whatsapp/messages", key, &json!({"lead_id": lead, "text": "Yes, it is"})).await;
    assert_eq!(reply.status, 202, "{:?}", reply.json());
    world.settled().await;
    world.advance(60).await;
    let email = json!({"type": "email", "data": {"subject": "Brochure"}});
    assert_eq!(world.post(&path, key, &email).await.status, 201);

    let events = world.all(&path, key).await;
    let expected = ["email", "whatsapp.message.sent", "voice.call", "whatsapp.message.received"];
    assert_eq!(types(&events), expected, "{events:?}");
    assert_eq!(events[2]["data"]["duration_s"], 42);
    assert_eq!(events[2]["id"], written.data()["id"]);
    for event in &events {
        assert!(event["trace_id"].as_str().is_some_and(|trace| trace.len() == 36), "{event}");
    }
    assert_eq!(events[2]["trace_id"].as_str(), written.headers["x-trace-id"].to_str().ok());
    // Page by page the same, one by one.
    let (mut one_by_one, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{path}?limit=1{cursor}"), key).await;
        one_by_one.extend(page.items());
        match page.data()["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(types(&one_by_one), expected);
    for (filter, count) in
        [("voice", 1), ("voice.call,email", 2), ("whatsapp", 2), ("whatsapp.message.sent", 1), ("voi", 0)]
    {
        assert_eq!(world.all(&format!("{path}?type={filter}"), key).await.len(), count, "{filter}");
    }
    // The messages and the inbox show messages only.
    let conversation = world.all("/v1/conversations", key).await[0].clone();
    let messages = format!("/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
    assert_eq!(world.all(&messages, key).await.len(), 2);
    assert_eq!(conversation["last_message"]["kind"].as_str().unwrap_or("text"), "text");
}

#[tokio::test]
async fn what_people_do_with_a_lead_is_on_its_timeline_once() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let lead =
        world.post("/v1/leads", &key, &json!({"name": "A", "phone": "0501234567", "source": "bayut"})).await;
    let id = lead.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/leads/{id}/timeline");
    world.advance(5).await;
    let headers = [
        ("authorization", &*format!("Bearer {key}")),
        ("content-type", "application/json"),
        ("idempotency-key", "change-1"),
    ];
    let change = json!({"status": "viewing", "assigned_to": "sara", "area": "JVC"}).to_string();
    for _ in 0..2 {
        let answer = world.send("PATCH", &format!("/v1/leads/{id}"), &headers, change.clone()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    }
    world.advance(5).await;
    world.post("/v1/leads", &key, &json!({"name": "A", "phone": "0501234567", "budget_aed": 9})).await;
    let events = world.all(&path, &key).await;
    let mut kinds = types(&events);
    assert_eq!((kinds.remove(0), kinds.pop()), ("lead.enquired", Some("lead.created")));
    kinds.sort_unstable();
    assert_eq!(kinds, ["lead.assigned", "lead.status_changed", "lead.updated"]);
    let change = events.iter().find(|event| event["type"] == "lead.status_changed").unwrap();
    assert_eq!(change["data"], json!({"from": "new", "to": "viewing"}));
    assert!(change["actor"].as_str().unwrap().starts_with("key_"));
    assert_eq!(events.last().unwrap()["data"]["source"], "bayut");
    assert_eq!(events.last().unwrap()["trace_id"].as_str(), lead.headers["x-trace-id"].to_str().ok());
    // Changing nothing says nothing.
    let same =
        world.send("PATCH", &format!("/v1/leads/{id}"), &headers[..2], r#"{"status":"viewing"}"#).await;
    assert_eq!(same.status, 200);
    assert_eq!(world.all(&path, &key).await.len(), events.len());
}

#[tokio::test]
async fn what_is_no_entry_is_refused_and_others_may_not_write() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let lead = world.post("/v1/leads", &keys.live_agent, &json!({"name": "A", "phone": "0501234567"})).await;
    let path = format!("/v1/leads/{}/timeline", lead.data()["id"].as_str().unwrap());
    for (body, field) in [
        (json!({}), "body"),
        (json!({"type": "Voice Call"}), "type"),
        (json!({"type": "lead.created"}), "type"),
        (json!({"type": "whatsapp.message.sent"}), "type"),
        (json!({"type": "note", "at": "2199-01-01T00:00:00Z"}), "at"),
        (json!({"type": "note", "data": {"text": "x".repeat(17_000)}}), "data"),
        (json!({"type": "note", "lead_id": "x"}), "lead_id"),
    ] {
        let answer = world.post(&path, &keys.live_agent, &body).await.json();
        assert_eq!(answer["error"]["field"], field, "{answer}");
    }
    let note = json!({"type": "note", "data": {"text": "hi"}});
    assert_eq!(world.post(&path, &keys.live_viewer, &note).await.status, 403);
    for key in [&world.tenant("dialog360").keys.live_agent, &keys.test_admin] {
        assert_eq!(world.post(&path, key, &note).await.status, 404);
        assert_eq!(world.get(&path, key).await.status, 404);
    }
    assert_eq!(world.all(&path, &keys.live_viewer).await.len(), 1);
}
