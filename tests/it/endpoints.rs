//! Receivers of customer webhooks: made, changed, rotated, tested, deleted (C35, C36, C56).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::World;
use e2e::receiver::{DELIVERIES, ENDPOINTS, Receiver};
use hmac::{Hmac, KeyInit as _, Mac as _};
use local::Options;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_deleted_and_its_secret_is_shown_once() {
    let world = world().await;
    let keys = world.tenant("meta").keys;
    let body =
        json!({"url": "https://example.com/hook", "events": ["ping", "lead.created"], "description": "CRM"});
    let made = world.post(ENDPOINTS, &keys.live_admin, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let secret = made.data()["secret"].as_str().unwrap().to_owned();
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    let mut shown = made.data();
    shown.as_object_mut().unwrap().remove("secret");
    let id = shown["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("we_"), "{id}");
    assert_eq!((&shown["status"], &shown["description"]), (&json!("enabled"), &json!("CRM")));
    assert_eq!(shown["events"], json!(["lead.created", "ping"]));
    let path = format!("{ENDPOINTS}/{id}");
    assert_eq!(world.get(&path, &keys.live_viewer).await.data(), shown);
    assert_eq!(world.all(ENDPOINTS, &keys.live_viewer).await, [shown.clone()]);

    let change = json!({"url": "https://example.com:8443/two", "events": ["*", "ping"], "description": null, "status": "disabled"});
    let changed = world.call("PATCH", &path, &keys.live_admin, &change).await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
    let changed = changed.data();
    assert_eq!((&changed["status"], &changed["events"]), (&json!("disabled"), &json!(["*"])));
    assert_eq!(
        (&changed["description"], &changed["url"]),
        (&Value::Null, &json!("https://example.com:8443/two"))
    );
    assert!(changed["disabled_at"].is_string() && changed["disabled_reason"].is_string(), "{changed}");
    let on = world.call("PATCH", &path, &keys.live_admin, &json!({"status": "enabled"})).await.data();
    assert_eq!((&on["status"], &on["disabled_at"]), (&json!("enabled"), &Value::Null));

    // Nobody else sees it: not another tenant, not the sandbox twin.
    for key in [&world.tenant("dialog360").keys.live_admin, &keys.test_admin] {
        assert_eq!(world.all(ENDPOINTS, key).await, Vec::<Value>::new());
        for (method, path, body) in [
            ("GET", path.clone(), Value::Null),
            ("PATCH", path.clone(), json!({"status": "disabled"})),
            ("DELETE", path.clone(), json!({})),
            ("POST", format!("{path}/test"), json!({})),
            ("POST", format!("{path}/rotate-secret"), json!({})),
            ("POST", format!("{path}/recover"), json!({"since": "2020-01-01T00:00:00Z"})),
        ] {
            let answer = world.call(method, &path, key, &body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {:?}", answer.json());
        }
    }
    let gone = world.call("DELETE", &path, &keys.live_admin, &json!({})).await;
    assert_eq!(gone.data(), json!({"id": id, "deleted": true}));
    assert_eq!(world.get(&path, &keys.live_viewer).await.status, 404);
    assert_eq!(world.call("DELETE", &path, &keys.live_admin, &json!({})).await.status, 404);
    assert_eq!(world.all(ENDPOINTS, &keys.live_viewer).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_body_that_makes_no_endpoint_names_the_field() {
    let world = world().await;
    let key = world.tenant("meta").keys.live_admin;
    let url = "https://example.com/hook";
    for (body, field) in [
        (json!({"events": ["*"]}), "body"),
        (json!({"url": url}), "body"),
        (json!({"url": url, "events": []}), "events"),
        (json!({"url": url, "events": ["lead.*"]}), "events"),
        (json!({"url": url, "events": "ping"}), "events"),
        (json!({"url": url, "events": ["*"], "secret": "mine"}), "secret"),
        (json!({"url": url, "events": ["*"], "description": "a\u{0}b"}), "description"),
        (json!({"url": url, "events": ["*"], "description": "a".repeat(257)}), "description"),
        (json!({"url": "example.com", "events": ["*"]}), "url"),
        (json!({"url": "http://example.com/", "events": ["*"]}), "url"),
    ] {
        let answer = world.post(ENDPOINTS, &key, &body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "validation_error"), "{body}");
        assert_eq!(answer.json()["error"]["field"], field, "{body}: {:?}", answer.json());
    }
    assert_eq!(world.all(ENDPOINTS, &key).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_tenant_has_at_most_twenty_endpoints_and_the_same_request_makes_one() {
    let world = world().await;
    let key = world.tenant("meta").keys.live_admin;
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "first"),
    ];
    let body = json!({"url": "https://example.com/0", "events": ["*"]}).to_string();
    let first = world.send("POST", ENDPOINTS, &headers, body.clone()).await;
    let again = world.send("POST", ENDPOINTS, &headers, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!((&first.data()["id"], &again.data()["secret"]), (&again.data()["id"], &Value::Null));
    assert!(first.data()["secret"].is_string(), "shown once, and kept nowhere");
    let mut ids = BTreeSet::new();
    for number in 1..20 {
        ids.insert(world.register(&key, &format!("https://example.com/{number}"), &["*"]).await.0);
    }
    assert_eq!(ids.len(), 19);
    let more = world.post(ENDPOINTS, &key, &json!({"url": "https://example.com/", "events": ["*"]})).await;
    assert_eq!((more.status.as_u16(), more.code().as_str()), (409, "conflict"));
    let page = world.get(&format!("{ENDPOINTS}?limit=13"), &key).await;
    let cursor = page.data()["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let rest = world.get(&format!("{ENDPOINTS}?limit=13&cursor={cursor}"), &key).await;
    assert_eq!((page.items().len(), rest.items().len()), (13, 7));
    assert_eq!(rest.data()["pagination"]["has_more"], false);
}

#[tokio::test]
async fn a_test_reaches_the_receiver_signed_in_both_ways() {
    let world = world().await;
    let keys = world.tenant("meta").keys;
    let receiver = Receiver::start().await;
    let (id, secret) = world.register(&keys.live_admin, &receiver.url, &["lead.created"]).await;
    let asked = world.post(&format!("{ENDPOINTS}/{id}/test"), &keys.live_admin, &json!({})).await;
    assert_eq!(asked.status, 202, "{:?}", asked.json());
    let got = receiver.until(1).await.remove(0);
    world.settled().await;

    assert_eq!(got.signed_by(&secret), (1, true));
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("x-hadar-event"), "ping");
    assert_eq!(got.header("x-hadar-delivery"), asked.data()["id"]);
    assert_eq!(got.header("webhook-id"), asked.data()["id"]);
    assert!(got.t().abs_diff(world.now_s()) <= 2);
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", got.header("webhook-id"), got.header("webhook-timestamp")).as_bytes());
    mac.update(&got.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(got.header("webhook-signature"), expected);

    let payload = got.json();
    assert_eq!(payload["type"], "ping");
    assert_eq!(payload["tenant_id"], world.tenant("meta").id);
    assert_eq!(payload["id"], asked.data()["event_id"]);
    assert_eq!(payload["data"]["endpoint_id"], id);
    let path = format!("{DELIVERIES}/{}", asked.data()["id"].as_str().unwrap());
    let delivery = world.get(&path, &keys.live_viewer).await.data();
    assert_eq!(delivery["status"], "succeeded", "{delivery}");
    assert_eq!(delivery["body"].as_str().unwrap().as_bytes(), &got.body[..]);
    assert_eq!(delivery["attempts"][0]["status_code"], 204, "{delivery}");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(delivery["next_attempt_at"], Value::Null);

    world.call("PATCH", &format!("{ENDPOINTS}/{id}"), &keys.live_admin, &json!({"status": "disabled"})).await;
    let off = world.post(&format!("{ENDPOINTS}/{id}/test"), &keys.live_admin, &json!({})).await;
    assert_eq!((off.status.as_u16(), off.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let world = world().await;
    let key = world.tenant("meta").keys.live_admin;
    let receiver = Receiver::start().await;
    let (id, first) = world.register(&key, &receiver.url, &["*"]).await;
    let rotate = format!("{ENDPOINTS}/{id}/rotate-secret");
    let test = format!("{ENDPOINTS}/{id}/test");
    let rotated = world.post(&rotate, &key, &json!({})).await;
    assert_eq!(rotated.status, 200, "{:?}", rotated.json());
    let second = rotated.data()["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(rotated.data()["previous_secret_until"].is_string());
    world.post(&test, &key, &json!({})).await;
    let got = receiver.until(1).await;
    assert_eq!((got[0].signed_by(&first), got[0].signed_by(&second)), ((2, true), (2, true)));
    assert_eq!(got[0].header("webhook-signature").split(' ').count(), 2);

    let refused = world.post(&rotate, &key, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
    let forced = world.post(&rotate, &key, &json!({"force": true})).await;
    let third = forced.data()["secret"].as_str().unwrap().to_owned();
    world.post(&test, &key, &json!({})).await;
    let got = receiver.until(2).await;
    assert_eq!((got[1].signed_by(&second), got[1].signed_by(&third)), ((2, true), (2, true)));
    assert!(!got[1].signed_by(&first).1);

    world.advance(24 * 60 * 60 + 1).await;
    world.post(&test, &key, &json!({})).await;
    let got = receiver.until(3).await;
    assert_eq!((got[2].signed_by(&second), got[2].signed_by(&third)), ((1, false), (1, true)));
    let bodyless = world.send("POST", &rotate, &[("authorization", &format!("Bearer {key}"))], "").await;
    assert_eq!(bodyless.status, 200, "{:?}", bodyless.json());
}

#[tokio::test]
async fn the_catalogue_has_a_schema_and_a_sample_for_every_type() {
    let world = world().await;
    let types = world.get("/v1/webhooks/event-types", &world.tenant("meta").keys.live_viewer).await.items();
    let names: BTreeSet<&str> = types.iter().filter_map(|one| one["type"].as_str()).collect();
    for name in [
        "lead.created",
        "lead.updated",
        "message.received",
        "message.status",
        "message.failed",
        "conversation.updated",
        "conversation.window_closing",
        "consent.changed",
        "template.status",
        "integration.broken",
        "event.parked",
        "ping",
    ] {
        assert!(names.contains(name), "{name}");
    }
    for one in &types {
        assert_eq!(one["sample"]["type"], one["type"]);
        assert_eq!(one["schema"]["properties"]["type"]["const"], one["type"]);
        assert!(one["schema"]["properties"]["data"]["properties"].is_object(), "{one}");
    }
}

#[tokio::test]
async fn a_change_and_its_entry_in_the_audit_log_are_made_together_or_not_at_all() {
    let world = world().await;
    let admin = world.tenant("meta").keys.live_admin;
    let body = json!({"url": "https://example.com/hook", "events": ["*"]});
    let made = world.post(ENDPOINTS, &admin, &body).await.data();
    let path = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    let before = world.get(&path, &admin).await.data();
    let together = json!([{"service": "dynamodb", "operation": "TransactWriteItems", "caller": "endpoints", "action": "error"}]);
    world.faults(together).await;
    for (method, path, body) in [
        ("POST", ENDPOINTS.to_owned(), body),
        ("PATCH", path.clone(), json!({"status": "disabled"})),
        ("POST", format!("{path}/rotate-secret"), json!({})),
        ("DELETE", path.clone(), json!({})),
    ] {
        let answer = world.call(method, &path, &admin, &body).await;
        assert_eq!(answer.status, 503, "{method} {path}: {:?}", answer.json());
    }
    world.faults(json!([])).await;
    assert_eq!(world.all(ENDPOINTS, &admin).await, [before]);
    let audit = world.all("/v1/audit", &admin).await;
    let about = audit.iter().filter(|one| one["action"].as_str().unwrap().starts_with("endpoint."));
    assert_eq!(about.count(), 1, "{audit:?}");
    assert_eq!(world.call("DELETE", &path, &admin, &json!({})).await.status, 200);
    assert_eq!(world.call("DELETE", &path, &admin, &json!({})).await.status, 404);
}
