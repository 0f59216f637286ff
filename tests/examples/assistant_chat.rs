//! Customers who chat at once with an assistant whose model takes seconds: how fast webhooks are acknowledged and the
//! inbox is read meanwhile, and how long a customer waits for the answer, on this machine.
//!
//! `cargo run --profile bench-local -p e2e --example assistant_chat [customers] [model_ms]`. Prints a line of JSON for each
//! figure. Stack, simulated providers and customers run on the same cores. Of the wait for an answer three seconds are the
//! moment of quiet that the assistant waits for.

use e2e::World;
use e2e::assistant::everything;
use futures_util::future::join_all;
use local::Options;
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the inbox is read.
const READ_EVERY: Duration = Duration::from_millis(50);
/// How often it is looked who was answered.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() {
    let number =
        |n: usize, usual| std::env::args().nth(n).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (customers, model_ms) = (number(1, 200), number(2, 3_000));
    let options = Options { demo_rate_per_minute: Some(100_000_000), ..Options::default() };
    let world = World::start_with(options).await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model(json!({"delay_ms": model_ms})).await;

    let over = AtomicBool::new(false);
    let read = async {
        let mut took = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let page = desk.get("/v1/conversations").await;
            assert_eq!(page.status, 200);
            took.push(began.elapsed());
            tokio::time::sleep(READ_EVERY).await;
        }
        took
    };
    let chat = async {
        let phones: Vec<String> = (0..customers).map(|n| format!("9715{n:08}")).collect();
        let began = Instant::now();
        let acknowledged = join_all(phones.iter().map(|phone| write(&world, phone))).await;
        let mut answered: HashMap<&str, Duration> = HashMap::new();
        while answered.len() < customers {
            assert!(began.elapsed() < Duration::from_secs(600), "{} of {customers} answered", answered.len());
            for sent in world.stack.simulator().sent() {
                let to = sent.to.unwrap_or_default();
                if let Some(phone) = phones.iter().find(|phone| **phone == to) {
                    answered.entry(phone).or_insert_with(|| began.elapsed());
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        over.store(true, Ordering::Relaxed);
        (acknowledged, answered.into_values().collect::<Vec<_>>())
    };
    let ((acknowledged, answered), inbox) = tokio::join!(chat, read);
    assert!(world.stack.wait_idle(Duration::from_secs(60)).await, "it never came to rest");
    println!(
        "{}",
        json!({"customers": customers, "model_ms": model_ms, "questions": world.asked().len(),
        "answers": world.stack.simulator().sent().len()})
    );
    for (what, took) in
        [("webhook acknowledged", acknowledged), ("inbox read", inbox), ("customer answered", answered)]
    {
        report(what, took);
    }
}

/// A customer writes; how long the acknowledgement took.
async fn write(world: &World, phone: &str) -> Duration {
    let body = world.meta_body().text(phone, &format!("wamid.{phone}"), world.now_s(), "Is it available?");
    let body = body.json().to_string();
    let began = Instant::now();
    assert_eq!(world.from_meta(body).await.status, 200);
    began.elapsed()
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |percent: usize| {
        let nth = took.len().saturating_sub(1) * percent / 100;
        (took.get(nth).copied().unwrap_or_default().as_secs_f64() * 100_000.0).round() / 100.0
    };
    println!(
        "{}",
        json!({"what": what, "count": took.len(), "p50_ms": at(50), "p95_ms": at(95), "max_ms": at(100)})
    );
}
