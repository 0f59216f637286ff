//! How fast messages are accepted and sent on this machine: 16 numbers, the simulator answering at once.
//!
//! `cargo run --profile bench-local -p e2e --example send_rate [messages per number]`. Prints one line of JSON. The
//! load generator and the simulator run on the same cores.

use crm::provision;
use domain::access::{Environment, Role};
use domain::language::Language;
use domain::provider::Provider as Carrier;
use domain::tenant::{Number, Plan};
use e2e::World;
use futures_util::StreamExt as _;
use serde_json::json;
use simulator::{Account, Provider};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const NUMBERS: usize = 16;
const CUSTOMERS: usize = 10;
const CONNECTIONS: usize = 16;

struct Business {
    key: String,
    tenant: String,
}

#[tokio::main]
async fn main() {
    let per_number: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100);
    let world = World::start().await;
    let simulator = world.stack.simulator();
    simulator.behave(json!({"statuses": {"play": []}})).await.expect("no receipts");
    let mut businesses = Vec::with_capacity(NUMBERS);
    for n in 0..NUMBERS {
        businesses.push(business(&world, n).await);
    }
    for (n, business) in businesses.iter().enumerate() {
        for customer in 0..CUSTOMERS {
            let body = json!({"tenant_id": business.tenant, "text": "hello"});
            simulator.customer_writes(&phone(n, customer), body).await.expect("a customer writes");
        }
    }
    world.settled().await;

    let posts = (0..per_number).flat_map(|m| (0..NUMBERS).map(move |n| (n, m)));
    let posts: Vec<_> = posts.collect();
    let total = posts.len();
    let began = Instant::now();
    let cpu = cpu_ms();
    let (world_ref, businesses_ref) = (&world, &businesses);
    let accepted: Vec<String> = futures_util::stream::iter(posts)
        .map(|(n, m)| async move {
            let business = &businesses_ref[n];
            let to = format!("+{}", phone(n, m % CUSTOMERS));
            let body = json!({"to": to, "text": format!("message {m}")});
            let answer = world_ref.post("/v1/whatsapp/messages", &business.key, &body).await;
            assert_eq!(answer.status, 202, "{:?}", answer.json());
            answer.data()["id"].as_str().expect("an id").to_owned()
        })
        .buffer_unordered(CONNECTIONS)
        .collect()
        .await;
    let accepting = began.elapsed();
    assert!(world.stack.wait_idle(Duration::from_secs(600)).await, "it never came to rest");
    let sending = began.elapsed();
    let cpu = cpu_ms() - cpu;

    let accepted_at: HashMap<String, u64> = accepted
        .iter()
        .map(|id| (id.clone(), domain::ids::MessageId::parse(id).expect("an id").ulid().timestamp_ms()))
        .collect();
    let mut waits: Vec<u64> = simulator
        .sent()
        .iter()
        .filter_map(|sent| {
            let sent = serde_json::to_value(sent).ok()?;
            let id = sent["body"]["biz_opaque_callback_data"].as_str()?.split('.').next()?.to_owned();
            let at = domain::time::Millis::parse(sent["at"].as_str()?).ok()?;
            Some(at.unix_ms().saturating_sub(*accepted_at.get(&id)?))
        })
        .collect();
    assert_eq!(waits.len(), total, "every message was sent once");
    waits.sort_unstable();
    let rate = |elapsed: Duration| (total as f64 / elapsed.as_secs_f64()).round();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "{}",
        json!({
            "messages": total,
            "accepted_per_s": rate(accepting),
            "sent_per_s": rate(sending),
            "accept_to_call_ms": {"p50": at(50), "p95": at(95), "max": at(100)},
            "cpu_ms_per_message": (cpu / total as f64 * 100.0).round() / 100.0,
        })
    );
}

/// A tenant with one number of Meta's and an agent's key.
async fn business(world: &World, n: usize) -> Business {
    let platform = world.platform();
    let now = platform.clock.now();
    let made = provision::tenant(&platform, &format!("Bench {n}"), Plan::Enterprise, Language::En, now).await;
    let tenant = made.expect("a tenant").tenant.id;
    // More than any plan allows: the sender is measured here, not the limit of requests.
    let limit = Some(1_000_000);
    let (role, live) = (Role::Agent, Environment::Live);
    let key = provision::metered_api_key(&platform, tenant, role, live, "bench", limit, now).await;
    let (phone_number_id, waba_id) = (format!("9000{n:04}"), format!("8000{n:04}"));
    let number = Number {
        provider: Carrier::Meta,
        phone_number_id: Some(phone_number_id.clone()),
        waba_id: Some(waba_id.clone()),
        instance_id: None,
    };
    let secrets =
        [("app_secret", "bench-app-secret"), ("verify_token", "bench"), ("access_token", "EAAbench")];
    provision::number(&platform, tenant, number, &secrets).await.expect("a number");
    world.stack.simulator().connect(Account {
        tenant_id: tenant.to_string(),
        webhook_url: format!("{}/v1/webhooks/whatsapp/{tenant}", world.stack.ready().base_url),
        provider: Provider::Meta {
            app_secret: "bench-app-secret".to_owned(),
            verify_token: "bench".to_owned(),
            phone_number_id,
            waba_id,
            token: "EAAbench".to_owned(),
        },
    });
    Business { key: key.expect("a key").expose().to_owned(), tenant: tenant.to_string() }
}

fn phone(number: usize, customer: usize) -> String {
    format!("9715{:02}{:06}", number % 9 + 1, 100_000 + number * 1000 + customer)
}

/// What this process has used of the processors so far, in milliseconds.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) * 10.0
}
