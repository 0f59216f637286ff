//! The event log: parked with a reason, replayed once.

use domain::ids::TenantId;
use e2e::World;
use platform::aws::Service;
use serde_json::json;

/// Parks a body that a later change makes applicable: the table is throttled until the record gave up.
async fn parked_by_an_outage(world: &World) -> String {
    let faults = |rules: serde_json::Value| async move {
        let body = json!({"rules": rules}).to_string();
        assert_eq!(
            world.send("PUT", "/_local/faults", &[("content-type", "application/json")], body).await.status,
            200
        );
    };
    faults(json!([{"service": "dynamodb", "operation": "PutItem", "action": "throttle", "contains": "wamid.OUTAGE"}])).await;
    let body = world.meta_body().text("971501234567", "wamid.OUTAGE", world.now_s(), "hi").json();
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    let admin = world.tenant("meta").keys.live_admin;
    for _ in 0..400 {
        let parked = world.all("/v1/events?state=parked", &admin).await;
        if let Some(event) = parked.first() {
            faults(json!([])).await;
            return event["id"].as_str().unwrap().to_owned();
        }
        world.stack.clock().advance(std::time::Duration::from_secs(5));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the event was never parked: {:?}", world.all("/v1/events", &admin).await);
}

#[tokio::test]
async fn a_trace_shows_the_message_its_receipts_and_what_was_parked_and_nothing_to_others() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let now = world.now_s();
    let text = world.meta_body().text("971501234567", "wamid.TRACED", now - 3600, "hi").json();
    let answer = world.from_meta(text.to_string()).await;
    let trace = answer.json()["trace_id"].as_str().unwrap().to_owned();
    let broken = world.from_meta("{\"object\":1}".to_owned()).await;
    let broken = broken.json()["trace_id"].as_str().unwrap().to_owned();
    world.settled().await;

    let path = format!("/v1/traces/{trace}");
    let found = world.get(&path, &keys.live_viewer).await.data();
    assert_eq!(found["trace_id"], trace.as_str());
    assert_eq!(found["messages"][0]["provider_message_id"], "wamid.TRACED", "{found}");
    assert_eq!(found["messages"][0]["trace_id"], trace.as_str());
    assert_eq!(found["messages"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["searched_back_to"], serde_json::Value::Null);
    let parked = world.get(&format!("/v1/traces/{broken}"), &keys.live_viewer).await.data();
    assert_eq!(parked["events"][0]["state"], "parked", "{parked}");

    for (path, key) in [
        (path.as_str(), &world.tenant("ultramsg").keys.live_admin),
        ("/v1/traces/00000000-0000-4000-8000-000000000000", &keys.live_admin),
        ("/v1/traces/nonsense", &keys.live_admin),
    ] {
        assert_eq!(world.get(path, key).await.code(), "not_found", "{path}");
    }
}

#[tokio::test]
async fn an_outage_parks_after_growing_waits_and_one_replay_applies_it() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let id = parked_by_an_outage(&world).await;
    let event = world.get(&format!("/v1/events/{id}"), &keys.live_admin).await.data();
    assert_eq!(event["attempts"], 5, "{event}");
    assert!(event.to_string().contains("wamid.OUTAGE"), "the payload is shown: {event}");
    assert!(world.all("/v1/conversations", &keys.live_admin).await.is_empty());

    assert_eq!(
        world.post(&format!("/v1/events/{id}/replay"), &keys.live_agent, &json!({})).await.status,
        403
    );
    let path = format!("/v1/events/{id}/replay");
    let nothing = json!({});
    let (one, two) = tokio::join!(
        world.post(&path, &keys.live_admin, &nothing),
        world.post(&path, &keys.live_admin, &nothing)
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "{:?} {:?}", one.json(), two.json());
    world.settled().await;
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    let audit = world.platform().store.audit_entries(tenant, None, 10).await.unwrap();
    // Written before it is done: who came second to the same moment may be there too, a replay never without its entry.
    assert!((1..=2).contains(&audit.len()), "{audit:?}");
    assert_eq!((audit[0].action.as_str(), audit[0].target.as_str()), ("event.replay", id.as_str()));
    assert_eq!(audit[0].hash, audit[0].expected_hash());

    assert_eq!(world.get(&format!("/v1/events/{id}"), &keys.live_admin).await.data()["state"], "replayed");
    let conversations = world.all("/v1/conversations", &keys.live_admin).await;
    assert_eq!(conversations.len(), 1);
    let messages = format!("/v1/conversations/{}/messages", conversations[0]["id"].as_str().unwrap());
    assert_eq!(world.all(&messages, &keys.live_admin).await.len(), 1);
    assert_eq!(world.all("/v1/leads", &keys.live_admin).await.len(), 1);
}

#[tokio::test]
async fn a_dead_letter_that_is_redriven_is_the_same_event() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let id = parked_by_an_outage(&world).await;
    // Its copy reaches the dead-letter queue when the queue is next received from.
    let dlq = world.stack.ready().queues["inbound-dlq"].clone();
    let mut moved = false;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let status = world.send("GET", "/_local/status", &[], "").await.json();
        if status["queues"]["inbound-dlq"]["visible"] == 1 {
            moved = true;
            break;
        }
    }
    assert!(moved, "{:?}", world.send("GET", "/_local/status", &[], "").await.json());
    let attributes = world
        .aws(Service::Sqs, "GetQueueAttributes", &json!({"QueueUrl": dlq, "AttributeNames": ["QueueArn"]}))
        .await;
    let arn = attributes["Attributes"]["QueueArn"].as_str().unwrap();
    world.aws(Service::Sqs, "StartMessageMoveTask", &json!({"SourceArn": arn})).await;
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if world.get(&format!("/v1/events/{id}"), &keys.live_admin).await.data()["state"] == "replayed" {
            break;
        }
    }
    world.settled().await;

    assert_eq!(world.get(&format!("/v1/events/{id}"), &keys.live_admin).await.data()["state"], "replayed");
    assert_eq!(world.all("/v1/conversations", &keys.live_admin).await.len(), 1);
}

#[tokio::test]
async fn unknown_kinds_are_kept_once_and_never_parked() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let waba = world.tenant("meta").meta.unwrap().waba_id;
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": waba, "time": world.now_s(), "changes": [
        {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION"}},
        {"field": "something_new_in_2027", "value": {"a": [1, 2, 3]}}]}]});
    for _ in 0..3 {
        assert_eq!(world.from_meta(body.to_string()).await.status, 200);
        world.settled().await;
    }
    let events = world.all("/v1/events", &admin).await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events.iter().all(|event| event["state"] == "ignored"), "{events:?}");
}

#[tokio::test]
async fn what_applied_is_listed_from_the_messages_themselves() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    world
        .from_meta(world.meta_body().text("971501234567", "wamid.OK", world.now_s(), "hi").json().to_string())
        .await;
    world.settled().await;
    assert!(world.all("/v1/events", &admin).await.is_empty());
    let applied = world.all("/v1/events?state=applied", &admin).await;
    assert_eq!(applied.len(), 1, "{applied:?}");
    assert_eq!(applied[0]["state"], "applied");
}
