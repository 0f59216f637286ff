//! What an operator does in the inbox: read marks, who answers, who works on it.

use e2e::{Answer, World};
use serde_json::{Value, json};

async fn patch(world: &World, id: &str, key: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    world.send("PATCH", &format!("/v1/conversations/{id}"), &headers, body.to_string()).await
}

async fn written(world: &World, provider: &str, text: &str) -> String {
    let tenant = world.tenant(provider);
    let body = json!({"tenant_id": tenant.id, "text": text});
    world.stack.simulator().customer_writes("971501234567", body).await.unwrap();
    world.settled().await;
    let found = world.all("/v1/conversations", &tenant.keys.live_agent).await;
    found[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn reading_marks_the_conversation_and_tells_the_customer_where_the_provider_can() {
    let world = World::start().await;
    for (provider, receipt) in [("meta", "sent"), ("dialog360", "sent"), ("ultramsg", "not_supported")] {
        let keys = world.tenant(provider).keys;
        let id = written(&world, provider, "hello").await;
        let before = world.get(&format!("/v1/conversations/{id}"), &keys.live_viewer).await.data();
        assert_eq!(before["unread"], true, "{provider}");
        let answer = patch(&world, &id, &keys.live_agent, &json!({"read": true, "typing": true})).await;
        assert_eq!(answer.status, 200, "{provider}: {:?}", answer.json());
        let shown = answer.data();
        assert_eq!(
            (&shown["unread"], &shown["read_receipt"]),
            (&json!(false), &json!(receipt)),
            "{provider}"
        );
        // Providers tell whole seconds.
        world.stack.clock().advance(std::time::Duration::from_secs(1));
        written(&world, provider, "and again").await;
        let after = world.get(&format!("/v1/conversations/{id}"), &keys.live_viewer).await.data();
        assert_eq!(after["unread"], true, "{provider}: a later message is unread");
    }
    assert!(world.stack.simulator().sent().is_empty(), "nothing was sent to anybody");
}

#[tokio::test]
async fn a_conversation_is_assigned_closed_and_opened_again_by_the_customer() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let id = written(&world, "meta", "hello").await;
    let get = || async { world.get(&format!("/v1/conversations/{id}"), &keys.live_viewer).await.data() };
    let shown = get().await;
    assert_eq!((&shown["status"], &shown["assignee"]), (&json!("bot"), &Value::Null));
    let shown = patch(&world, &id, &keys.live_agent, &json!({"assignee": "sara"})).await.data();
    assert_eq!((&shown["status"], &shown["assignee"]), (&json!("human"), &json!("sara")));
    assert!(shown.get("read_receipt").is_none());
    world.stack.clock().advance(std::time::Duration::from_secs(1));
    let shown = patch(&world, &id, &keys.live_agent, &json!({"status": "closed"})).await.data();
    assert_eq!(shown["status"], "closed");
    world.stack.clock().advance(std::time::Duration::from_secs(1));
    written(&world, "meta", "one more thing").await;
    assert_eq!(get().await["status"], "human");
    world.stack.clock().advance(std::time::Duration::from_secs(1));
    let shown = patch(&world, &id, &keys.live_agent, &json!({"assignee": null})).await.data();
    assert_eq!(shown["assignee"], Value::Null);
}

#[tokio::test]
async fn a_change_that_says_nothing_or_nonsense_is_refused_and_a_foreign_conversation_is_not_found() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let id = written(&world, "meta", "hello").await;
    for (body, field) in [
        (json!({}), "body"),
        (json!({"status": "asleep"}), "status"),
        (json!({"assignee": "x".repeat(129)}), "assignee"),
        (json!({"unread": true}), "unread"),
        (json!({"read": "yes"}), "read"),
    ] {
        let answer = patch(&world, &id, &keys.live_agent, &body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "validation_error"), "{body}");
        assert_eq!(answer.json()["error"]["field"], field, "{body}");
    }
    let read = json!({"read": true});
    assert_eq!(patch(&world, &id, &keys.live_viewer, &read).await.status, 403);
    let other = world.tenant("ultramsg").keys.live_admin;
    assert_eq!(patch(&world, &id, &other, &read).await.status, 404);
    assert_eq!(patch(&world, "conv_nonsense", &keys.live_agent, &read).await.status, 404);
}
