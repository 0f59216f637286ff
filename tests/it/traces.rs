//! A trace leads to everything that came of a request: timelines and what customers' systems were told.

use e2e::World;
use e2e::receiver::Receiver;
use local::Options;
use serde_json::json;

#[tokio::test]
async fn a_trace_shows_what_it_left_on_timelines_and_every_delivery_with_its_attempts() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let keys = world.tenant("meta").keys;
    let receiver = Receiver::start().await;
    let (endpoint, _) = world.register(&keys.live_admin, &receiver.url, &["lead.created"]).await;
    let made = world.post("/v1/leads", &keys.live_agent, &json!({"name": "A", "phone": "0501234567"})).await;
    let trace = made.headers["x-trace-id"].to_str().unwrap().to_owned();
    receiver.until(1).await;
    world.settled().await;
    let path = format!("/v1/traces/{trace}");
    let shown = world.get(&path, &keys.live_viewer).await;
    assert_eq!(shown.status, 200, "{:?}", shown.json());
    let shown = shown.data();
    let timeline = shown["timeline"].as_array().unwrap();
    assert_eq!((timeline.len(), &timeline[0]["type"]), (1, &json!("lead.created")), "{shown}");
    let deliveries = shown["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "{shown}");
    assert_eq!(
        (&deliveries[0]["endpoint_id"], &deliveries[0]["status"]),
        (&json!(endpoint), &json!("succeeded"))
    );
    assert_eq!(deliveries[0]["attempts"][0]["status_code"], 204);
    assert_eq!(deliveries[0]["trace_id"], json!(trace));
    assert_eq!(world.get(&path, &world.tenant("dialog360").keys.live_admin).await.status, 404);

    // The trace of a message leads to what was told of it.
    let body = world.meta_body().text("971559876543", "wamid.TOLD", world.now_s(), "hi").json();
    let heard = world.from_meta(body.to_string()).await.json()["trace_id"].as_str().unwrap().to_owned();
    receiver.until(2).await;
    world.settled().await;
    let shown = world.get(&format!("/v1/traces/{heard}"), &keys.live_viewer).await.data();
    assert_eq!(shown["messages"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["deliveries"][0]["event_type"], "lead.created", "{shown}");
}
