//! How long a lead waits for its first message on this machine: leads of the five sources in mode `auto`, the simulator
//! answering at once.
//!
//! `cargo run --profile bench-local -p e2e --example first_touch_rate [leads] [leads per second]`. Prints one line of
//! JSON: from the moment a source posts to the call of the provider, and the stages in between. The load generator and the
//! simulator run on the same cores; 0 leads per second posts all of them at once.

use axum::Router;
use axum::extract::Path;
use domain::ids::MessageId;
use domain::time::Millis;
use e2e::{World, hmac_hex};
use futures_util::StreamExt as _;
use local::Options;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

const CONNECTIONS: usize = 16;
const SOURCES: [&str; 5] = ["meta_lead_ads", "property_finder", "bayut", "dubizzle", "website"];
const PF_SECRET: &str = "pf-secret-of-the-bench";
const APP_SECRET: &str = "app-secret-of-the-bench";

#[tokio::main]
async fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let per_second: u64 = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(20);
    // Leads of Meta are fetched from here; the messages of this tenant leave by 360dialog.
    let meta = meta().await;
    let world = World::start_with(Options { meta_url: Some(meta), ..Options::default() }).await;
    world.stack.simulator().behave(json!({"statuses": {"play": []}})).await.expect("no receipts");
    let tenant = world.tenant("dialog360");
    let admin = &tenant.keys.live_admin;
    let words = json!({"opt_in": {"wording": "You agree to be written to on WhatsApp.", "language": "en"}});
    let sources: serde_json::Map<String, Value> =
        SOURCES.iter().map(|source| ((*source).to_owned(), words.clone())).collect();
    let settings = json!({"first_touch": {"mode": "auto", "sources": sources,
        "templates": {"en": {"name": "office_hours"}, "ar": {"name": "office_hours"}}},
        "assignment": {"agents": ["sara", "omar", "layla"]}});
    put(&world, "PATCH", "/v1/settings", admin, &settings).await;
    let mut tokens = HashMap::new();
    for (source, body) in [
        (
            "meta_lead_ads",
            json!({"page_id": "444", "access_token": "page-token-1", "app_secret": APP_SECRET}),
        ),
        ("property_finder", json!({"secret": PF_SECRET})),
        ("bayut", json!({"api_key": "bayut-key-1"})),
        ("dubizzle", json!({"api_key": "dubizzle-key-1"})),
        ("website", json!({})),
    ] {
        let shown = put(&world, "PUT", &format!("/v1/integrations/leads/{source}"), admin, &body).await;
        tokens.insert(source, shown["token"].as_str().unwrap_or_default().to_owned());
    }
    // The lists of templates are read with the first message.
    capture(&world, &tenant.id, &tokens, 0).await;
    world.settled().await;

    let (world_ref, tokens_ref, id) = (&world, &tokens, tenant.id.as_str());
    let start = tokio::time::Instant::now();
    let began: HashMap<String, u64> = futures_util::stream::iter(1..=count)
        .then(|n| async move {
            let turn = (n as u64 * 1_000).checked_div(per_second).unwrap_or(0);
            tokio::time::sleep_until(start + Duration::from_millis(turn)).await;
            n
        })
        .map(|n| async move { capture(world_ref, id, tokens_ref, n).await })
        .buffer_unordered(CONNECTIONS)
        .collect()
        .await;
    assert!(world.stack.wait_idle(Duration::from_secs(600)).await, "it never came to rest");

    let mut calls = HashMap::new();
    for sent in world.stack.simulator().sent() {
        let sent = serde_json::to_value(sent).expect("a call");
        let to = format!("+{}", sent["body"]["to"].as_str().unwrap_or_default().trim_start_matches('+'));
        let at = Millis::parse(sent["at"].as_str().expect("a time")).expect("a time").unix_ms();
        assert!(calls.insert(to, at).is_none(), "a lead was written to twice: {sent}");
    }
    let mut stages: [Vec<u64>; 4] = Default::default();
    for lead in world.all("/v1/leads", admin).await {
        let phone = lead["phone"].as_str().expect("a number").to_owned();
        let Some(posted) = began.get(&phone) else { continue };
        let received = Millis::parse(lead["created_at"].as_str().expect("a time")).expect("a time").unix_ms();
        let detail = loop {
            let answer =
                world.get(&format!("/v1/leads/{}", lead["id"].as_str().expect("an id")), admin).await;
            if answer.status != 429 {
                break answer.data();
            }
            world.advance(60).await;
        };
        let message = detail["first_touch"]["message_id"].as_str().expect("a first touch");
        let drafted = MessageId::parse(message).expect("an id").ulid().timestamp_ms();
        let called = *calls.get(&phone).unwrap_or_else(|| panic!("{phone} was never written to"));
        for (stage, (from, to)) in stages.iter_mut().zip([
            (*posted, called),
            (*posted, received),
            (received, drafted),
            (drafted, called),
        ]) {
            stage.push(to.saturating_sub(from));
        }
    }
    let shown = stages.map(|mut times| {
        assert_eq!(times.len(), count, "every lead has its first touch");
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        json!({"p50": at(50), "p95": at(95), "max": at(100)})
    });
    let [total, front, planning, sending] = shown;
    println!(
        "{}",
        json!({"leads": count, "per_second": per_second, "capture_to_call_ms": total, "stages_ms": {
            "posted_to_received": front, "received_to_drafted": planning, "drafted_to_call": sending}})
    );
}

/// One lead of one of the sources; its number, and when it was posted.
async fn capture(world: &World, tenant: &str, tokens: &HashMap<&str, String>, n: usize) -> (String, u64) {
    let phone = format!("+97150{:07}", 2_000_000 + n);
    let source = SOURCES[n % SOURCES.len()];
    let body = match source {
        "meta_lead_ads" => {
            json!({"object": "page", "entry": [{"id": "444", "time": 1, "changes": [{"field": "leadgen",
            "value": {"leadgen_id": (2_000_000 + n).to_string(), "page_id": "444", "form_id": "333"}}]}]})
        }
        "property_finder" => {
            json!({"id": n, "sender": {"name": "Omar", "contacts": [{"type": "phone", "value": phone}]}})
        }
        "website" => json!({"id": n.to_string(), "name": "Aisha", "phone": phone, "message": "Is it free?"}),
        _ => json!([{"lead_id": n, "inquirer_details": {"name": "Sara", "cell": phone}}]),
    }
    .to_string();
    let token = &tokens[source];
    let query = if token.is_empty() { String::new() } else { format!("?token={token}") };
    let signature = match source {
        "property_finder" => ("x-signature", hmac_hex(PF_SECRET, body.as_bytes())),
        _ => ("x-hub-signature-256", format!("sha256={}", hmac_hex(APP_SECRET, body.as_bytes()))),
    };
    let began = u64::try_from(world.stack.clock().now_ms()).expect("a time");
    let path = format!("/v1/webhooks/leads/{tenant}/{source}{query}");
    let answer = world.send("POST", &path, &[(signature.0, &signature.1)], body).await;
    assert_eq!(answer.status, 200, "{source}: {:?}", answer.json());
    (phone, began)
}

async fn put(world: &World, method: &str, path: &str, key: &str, body: &Value) -> Value {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    let answer = world.send(method, path, &headers, body.to_string()).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.json());
    answer.data()
}

/// Meta, as far as leads are fetched from it: the number is the lead's id.
async fn meta() -> String {
    let lead = async |Path((_, id)): Path<(String, String)>| {
        let body = json!({"id": id, "created_time": "2026-05-15T08:42:11+0000", "form_id": "333", "field_data": [
            {"name": "full_name", "values": ["Aisha Khan"]}, {"name": "phone_number", "values": [format!("+97150{id}")]}]});
        ([("content-type", "application/json")], body.to_string())
    };
    let routes = Router::new().route("/{version}/{id}", axum::routing::get(lead));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}
