//! `?wait=1` on a webhook of the local stack says what came of it (D47, D48).

use e2e::{World, hmac_hex};
use serde_json::{Value, json};

async fn posts(world: &World, body: &Value) -> Value {
    let tenant = world.tenant("meta");
    let body = body.to_string();
    let signature = format!("sha256={}", hmac_hex(&tenant.meta.unwrap().app_secret, body.as_bytes()));
    let headers = [("content-type", "application/json"), ("x-hub-signature-256", signature.as_str())];
    let path = format!("/v1/webhooks/whatsapp/{}?wait=1", tenant.id);
    let answer = world.send("POST", &path, &headers, body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()
}

fn counts(answer: &Value) -> [u64; 4] {
    ["received", "stored", "statuses", "updated"].map(|name| answer[name].as_u64().unwrap())
}

#[tokio::test]
async fn who_waits_is_told_what_was_stored_and_what_was_updated() {
    let world = World::start().await;
    let at = world.now_s();
    let text = world.meta_body().text("971501234567", "wamid.waited", at, "hello").json();
    let first = posts(&world, &text).await;
    assert_eq!((&first["ok"], counts(&first)), (&json!(true), [1, 1, 0, 0]), "{first}");
    assert!(first["trace_id"].is_string());
    assert_eq!(counts(&posts(&world, &text).await), [1, 0, 0, 0], "it is there already");

    let receipt = |status: &str| world.meta_body().status("wamid.ours", status, at).json();
    assert_eq!(counts(&posts(&world, &receipt("read")).await), [0, 0, 1, 1]);
    assert_eq!(counts(&posts(&world, &receipt("read")).await), [0, 0, 1, 0], "receipts only upgrade");
    let both =
        world.meta_body().text("971501234567", "wamid.waited2", at, "hi").status("wamid.other", "sent", at);
    assert_eq!(counts(&posts(&world, &both.json()).await), [1, 1, 1, 1]);
}

#[tokio::test]
async fn without_the_proof_of_origin_nobody_is_told_anything() {
    let world = World::start().await;
    let path = format!("/v1/webhooks/whatsapp/{}?wait=1", world.tenant("meta").id);
    let body = world.meta_body().text("971501234567", "wamid.forged", world.now_s(), "hello").json();
    let answer = world.send("POST", &path, &[("x-hub-signature-256", "sha256=00")], body.to_string()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json().get("stored"), None);
}
