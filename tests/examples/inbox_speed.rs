//! How fast a full inbox is read, and customer webhooks are delivered, on this machine.
//!
//! `cargo run --profile bench-local -p e2e --example inbox_speed [conversations] [deliveries]`. Prints a line of JSON for
//! each figure. Stack, receiver and load generator run on the same cores.

use e2e::World;
use e2e::receiver::{ENDPOINTS, Receiver};
use futures_util::StreamExt as _;
use local::{Calls, Options};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const READS: usize = 1_000;
const CONNECTIONS: usize = 16;
/// Customers in one body, as Meta batches them.
const BATCH: usize = 50;

#[tokio::main]
async fn main() {
    let number =
        |n: usize, usual| std::env::args().nth(n).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (conversations, deliveries) = (number(1, 100_000), number(2, 5_000));
    let options = Options {
        allow_loopback_endpoints: true,
        demo_rate_per_minute: Some(100_000_000),
        ..Options::default()
    };
    let world = World::start_with(options).await;
    let began = Instant::now();
    write(&world, 0, conversations).await;
    assert!(world.stack.wait_idle(Duration::from_secs(3_600)).await, "it never came to rest");
    println!("{}", json!({"conversations": conversations, "filled_in_s": began.elapsed().as_secs()}));

    let keys = world.tenant("meta").keys;
    let lead = json!({"name": "Bench", "email": "bench@example.com"});
    for (name, method, path, body, at_once) in [
        ("first page", "GET", "/v1/conversations", None, 1),
        ("first page, 8 at once", "GET", "/v1/conversations", None, 8),
        ("a hundred", "GET", "/v1/conversations?limit=100", None, 1),
        ("a filter that nothing passes", "GET", "/v1/conversations?status=closed", None, 1),
        ("a lead", "GET", "/v1/leads?limit=1", None, 1),
        ("a new lead", "POST", "/v1/leads", Some(&lead), 1),
    ] {
        let key = if body.is_some() { &keys.live_agent } else { &keys.live_viewer };
        measure(&world, name, (method, path, body, key), at_once).await;
    }
    deliver(&world, conversations, deliveries).await;
}

/// Customers `from` to `to` write a text each.
async fn write(world: &World, from: usize, to: usize) {
    let bodies: Vec<usize> = (from..to).step_by(BATCH).collect();
    futures_util::stream::iter(bodies)
        .map(|first| async move {
            let mut body = world.meta_body();
            for n in first..(first + BATCH).min(to) {
                body = body.text(
                    &format!("9715{n:08}"),
                    &format!("wamid.{n}"),
                    world.now_s(),
                    "Is it available?",
                );
            }
            let answer = world.from_meta(body.json().to_string()).await;
            assert_eq!(answer.status, 200);
        })
        .buffer_unordered(CONNECTIONS)
        .collect::<Vec<()>>()
        .await;
}

/// One kind of request, again and again.
async fn measure(
    world: &World,
    name: &str,
    (method, path, body, key): (&str, &str, Option<&Value>, &str),
    at_once: usize,
) {
    let ask = |n: usize| {
        let body = body.map(|body| {
            let mut body = body.clone();
            body["email"] = json!(format!("bench{n}@example.com"));
            body.to_string()
        });
        async move {
            let bearer = format!("Bearer {key}");
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let began = Instant::now();
            let answer = world.send(method, path, &headers, body.unwrap_or_default()).await;
            assert!(answer.status.is_success(), "{:?}", answer.json());
            began.elapsed()
        }
    };
    for n in 0..50 {
        ask(n).await;
    }
    let (calls, cpu) = (total(&world.stack.aws_calls()), cpu_ms());
    let mut took: Vec<Duration> =
        futures_util::stream::iter(50..50 + READS).map(ask).buffer_unordered(at_once).collect().await;
    let (calls, cpu) = (total(&world.stack.aws_calls()) - calls, cpu_ms() - cpu);
    took.sort_unstable();
    let at =
        |percent: usize| (took[(took.len() - 1) * percent / 100].as_secs_f64() * 100_000.0).round() / 100.0;
    let each = |sum: f64| (sum / READS as f64 * 100.0).round() / 100.0;
    println!(
        "{}",
        json!({"request": name, "p50_ms": at(50), "p99_ms": at(99), "aws_calls": each(calls as f64), "cpu_ms": each(cpu)})
    );
}

/// What the functions asked of DynamoDB and the others, all together.
fn total(calls: &Calls) -> u64 {
    calls.values().flat_map(|operations| operations.values()).sum()
}

/// New customers write, and a receiver is told of each.
async fn deliver(world: &World, from: usize, count: usize) {
    let receiver = Receiver::start().await;
    let body = json!({"url": receiver.url, "events": ["message.received"]});
    let made = world.post(ENDPOINTS, &world.tenant("meta").keys.live_admin, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    // Whoever remembers the receivers of a minute ago knows the new one then.
    world.advance(120).await;
    let (began, cpu) = (Instant::now(), cpu_ms());
    write(world, from, from + count).await;
    assert!(world.stack.wait_idle(Duration::from_secs(600)).await, "it never came to rest");
    let took = began.elapsed();
    let got = receiver.got().len();
    println!(
        "{}",
        json!({"deliveries": got, "of": count, "per_s": (got as f64 / took.as_secs_f64()).round(),
            "cpu_ms_per_message": ((cpu_ms() - cpu) / count as f64 * 100.0).round() / 100.0})
    );
}

/// What this process has used of the processors so far, in milliseconds.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) * 10.0
}
