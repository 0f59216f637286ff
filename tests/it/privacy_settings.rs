//! How long what is kept, and where data is sent.

use e2e::desk::text_of;
use e2e::{Answer, World};
use local::Options;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn put(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    world.send("PUT", path, &headers, body.to_string()).await
}

#[tokio::test]
async fn what_is_older_than_the_tenant_keeps_it_goes_and_the_ledger_stays() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = &desk.tenant.keys.live_admin;
    let talk = desk.conversation(CUSTOMER, "an old message").await;
    let contact = desk.contact_of(&talk).await;
    let consent = json!({"purpose": "marketing", "state": "granted", "wording": "Offers", "language": "en", "source": "x"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &consent).await.status, 201);
    assert_eq!(
        desk.sends(&json!({"conversation_id": talk, "text": "an old answer"})).await["status"],
        "read"
    );
    world.from_meta(r#"{"object":"page"}"#).await;
    world.settled().await;
    let before = desk.get(&format!("/v1/conversations/{talk}")).await.data();

    assert_eq!(world.get("/v1/retention", admin).await.data()["messages_days"], Value::Null);
    let kept = json!({"messages_days": 30, "timeline_days": null, "events_days": 10, "deliveries_days": 5});
    let answer = put(&world, "/v1/retention", admin, &kept).await;
    assert_eq!((answer.status.as_u16(), answer.data()), (200, kept));
    world.advance(29 * 86_400).await;
    world.stack.sweep().await.unwrap();
    let path = format!("/v1/conversations/{talk}/messages");
    assert_eq!(desk.all(&path).await.len(), 2);
    assert_eq!(world.all("/v1/events?state=parked", admin).await, Vec::<Value>::new());
    world.advance(2 * 86_400).await;
    desk.hears(CUSTOMER, json!({"text": "a new message"})).await;
    world.stack.sweep().await.unwrap();
    let left = desk.all(&path).await;
    assert_eq!(left.iter().map(|one| text_of(one, "text")).collect::<Vec<_>>(), ["a new message"]);
    assert_eq!(desk.all(&format!("/v1/contacts/{contact}/consents")).await.len(), 1);
    assert_eq!(
        desk.get(&format!("/v1/conversations/{talk}")).await.data()["contact_id"],
        before["contact_id"]
    );
    // An old message that is delivered again is not taken.
    let old = world.meta_body().text(CUSTOMER, "wamid.old", world.now_s() - 31 * 86_400, "late").json();
    world.from_meta(old.to_string()).await;
    world.settled().await;
    assert_eq!(desk.all(&path).await.len(), 1);
}

#[tokio::test]
async fn retention_that_cannot_be_is_refused_with_its_field() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for (body, field) in [
        (json!({"messages_days": 0}), "messages_days"),
        (json!({"deliveries_days": 3_651}), "deliveries_days"),
        (json!({"consents_days": 5}), "consents_days"),
    ] {
        let answer = put(&world, "/v1/retention", &keys.live_admin, &body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "validation_error".to_owned()), "{body}");
        assert_eq!(answer.json()["error"]["field"], field, "{:?}", answer.json());
    }
    assert_eq!(put(&world, "/v1/retention", &keys.live_agent, &json!({})).await.status, 403);
}

#[tokio::test]
async fn the_register_names_what_is_connected_and_what_was_written_down() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let keys = world.tenant("dialog360").keys;
    let endpoint = json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]});
    let endpoint = world.post("/v1/webhooks/endpoints", &keys.live_admin, &endpoint).await.data();
    let register = world.get("/v1/transfers", &keys.live_viewer).await.items();
    let ids: Vec<&str> = register.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["dialog360", endpoint["id"].as_str().unwrap()]);
    assert!(
        register.iter().all(|one| one["built_in"] == true && one["legal_basis"].is_null()),
        "{register:?}"
    );
    assert!(text_of(&register[0], "region").contains("outside the UAE"));

    let body = json!({"entries": [
        {"id": "dialog360", "legal_basis": "performance of a contract"},
        {"id": "accountant", "recipient": "Gulf Books LLC", "region": "UAE", "purpose": "invoices", "legal_basis": "legal duty"},
    ]});
    let written = put(&world, "/v1/transfers", &keys.live_admin, &body).await;
    assert_eq!(written.status, 200, "{:?}", written.json());
    let register = world.get("/v1/transfers", &keys.live_viewer).await.items();
    assert_eq!(register.len(), 3);
    assert_eq!(register[0]["legal_basis"], "performance of a contract");
    assert_eq!(
        (&register[2]["recipient"], &register[2]["built_in"]),
        (&json!("Gulf Books LLC"), &json!(false))
    );
    let twice = json!({"entries": [{"id": "a"}, {"id": "a"}]});
    let refused = put(&world, "/v1/transfers", &keys.live_admin, &twice).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"]["field"].clone()),
        (400, json!("entries.1.id"))
    );
    assert_eq!(put(&world, "/v1/transfers", &keys.live_viewer, &body).await.status, 403);
}
