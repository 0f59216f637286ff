//! Crashes, kills and restarts: nothing that was answered 200 is lost, nothing is applied twice.

use e2e::World;
use local::Options;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The provider message ids of every message of the Meta tenant, with how often each is shown.
async fn shown(world: &World) -> BTreeMap<String, usize> {
    let key = world.tenant("meta").keys.live_viewer;
    let mut count = BTreeMap::new();
    for conversation in world.all("/v1/conversations", &key).await {
        let path = format!("/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
        for message in world.all(&path, &key).await {
            *count.entry(message["provider_message_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    count
}

/// Moves the stack's time until everything that a crash left in flight came back and was worked off.
async fn recovered(world: &World) {
    for _ in 0..40 {
        if world.stack.wait_idle(Duration::from_secs(3)).await {
            return;
        }
        world.stack.clock().advance(Duration::from_secs(181));
    }
    panic!("the stack did not come to rest: {:?}", world.send("GET", "/_local/status", &[], "").await.json());
}

#[tokio::test]
async fn five_thousand_posts_of_a_thousand_events_survive_a_processor_that_is_killed_again_and_again() {
    let world = World::start().await;
    let at = world.now_s() - 3_600;
    let events: Vec<(String, String)> =
        (0..1000).map(|n| (format!("9715{:08}", n % 100), format!("wamid.H{n}"))).collect();
    // 5,000 posts: each event in five different batches of one to five.
    let mut bodies = Vec::new();
    for round in 0..5usize {
        let mut order: Vec<usize> = (0..events.len()).collect();
        order.sort_by_key(|n| (n * 7919 + round * 104_729) % 1_000_003);
        for chunk in order.chunks(round + 1) {
            let body = chunk.iter().fold(world.meta_body(), |body, n| {
                body.text(&events[*n].0, &events[*n].1, at + *n as u64, &format!("message {n}"))
            });
            bodies.push(body.json().to_string());
        }
    }
    while bodies.len() < 5000 {
        bodies.push(bodies[bodies.len() % 997].clone());
    }
    let killing = async {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            world.stack.kill_invocations("processor");
        }
    };
    let post = async |body: &String| world.from_meta(body).await.status.as_u16();
    let posting = async {
        use futures_util::StreamExt as _;
        let statuses: Vec<u16> =
            futures_util::stream::iter(&bodies).map(&post).buffer_unordered(32).collect().await;
        assert!(statuses.iter().all(|status| *status == 200));
    };
    tokio::join!(killing, posting);
    recovered(&world).await;

    let shown = shown(&world).await;
    assert_eq!(
        shown.len(),
        1000,
        "lost: {:?}",
        events.iter().filter(|(_, id)| !shown.contains_key(id)).count()
    );
    assert!(shown.values().all(|count| *count == 1));
    assert!(world.all("/v1/events?state=parked", &world.tenant("meta").keys.live_admin).await.is_empty());
}

#[tokio::test]
async fn a_record_that_kills_its_process_is_parked_and_its_nine_batch_mates_are_applied() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let rules = json!({"rules": [{"service": "dynamodb", "operation": "*", "action": "crash", "contains": "wamid.KILLER"}]});
    let set =
        world.send("PUT", "/_local/faults", &[("content-type", "application/json")], rules.to_string()).await;
    assert_eq!(set.status, 200, "{:?}", set.json());
    let bodies: Vec<String> = (0..10)
        .map(|n| {
            let id = if n == 4 { "wamid.KILLER".to_owned() } else { format!("wamid.MATE{n}") };
            world.meta_body().text(&format!("97150000000{n}"), &id, world.now_s(), "hi").json().to_string()
        })
        .collect();
    futures_util::future::join_all(bodies.iter().map(|body| world.from_meta(body))).await;

    let mut parked: Vec<Value> = Vec::new();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.stack.clock().advance(Duration::from_secs(185));
        world.send("POST", "/_local/sweep", &[], "").await;
        parked = world.all("/v1/events?state=parked", &admin).await;
        if !parked.is_empty() && world.stack.wait_idle(Duration::from_secs(1)).await {
            break;
        }
    }
    assert_eq!(parked.len(), 1, "{:?}", world.all("/v1/events", &admin).await);
    let shown = shown(&world).await;
    assert_eq!(shown.len(), 9, "{shown:?}");
    assert!(!shown.contains_key("wamid.KILLER"));

    // The cause is gone: one replay applies it.
    world.send("PUT", "/_local/faults", &[("content-type", "application/json")], r#"{"rules":[]}"#).await;
    let path = format!("/v1/events/{}/replay", parked[0]["id"].as_str().unwrap());
    assert_eq!(world.post(&path, &admin, &json!({})).await.status, 202);
    recovered(&world).await;
    assert_eq!(self::shown(&world).await.len(), 10);
}

#[tokio::test]
async fn a_stack_that_is_stopped_and_started_keeps_conversations_keys_and_queued_messages() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { data_dir: Some(dir.path().to_path_buf()), ..Options::default() };
    let first = World::start_with(options.clone()).await;
    let now = first.now_s();
    first
        .from_meta(first.meta_body().text("971501234567", "wamid.BEFORE", now, "before").json().to_string())
        .await;
    first.settled().await;
    // The table does not answer: what is accepted now stays in the queue.
    let rules = json!({"rules": [{"service": "dynamodb", "operation": "*", "action": "error"}]});
    let queued = first.meta_body().text("971501234567", "wamid.QUEUED", now, "queued").json().to_string();
    assert_eq!(first.from_meta(queued.clone()).await.status, 200);
    first.send("PUT", "/_local/faults", &[("content-type", "application/json")], rules.to_string()).await;
    let ready = first.stack.ready().clone();
    first.stack.stop().await;

    let second = World::start_with(options).await;
    assert_eq!(second.tenant("meta"), ready_tenant(&ready, "meta", &second));
    recovered(&second).await;
    let shown = shown(&second).await;
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["wamid.BEFORE", "wamid.QUEUED"]);
}

/// The tenant as the first stack had it, but for the port in its URL.
fn ready_tenant(ready: &local::Ready, provider: &str, now: &World) -> local::DemoTenant {
    let mut tenant = ready.tenants.iter().find(|one| one.provider == provider).unwrap().clone();
    tenant.webhook_url = tenant.webhook_url.replace(&ready.base_url, &now.stack.ready().base_url);
    tenant
}

#[tokio::test]
async fn a_lost_answer_of_every_table_write_applies_the_message_once() {
    for operation in ["PutItem", "UpdateItem"] {
        let world = World::start().await;
        let rules = json!({"rules": [{"service": "dynamodb", "operation": operation, "action": "drop_after", "times": 6}]});
        world.send("PUT", "/_local/faults", &[("content-type", "application/json")], rules.to_string()).await;
        world
            .from_meta(
                world.meta_body().text("971501234567", "wamid.LOST", world.now_s(), "hi").json().to_string(),
            )
            .await;
        recovered(&world).await;

        assert_eq!(shown(&world).await, BTreeMap::from([("wamid.LOST".to_owned(), 1)]), "{operation}");
        assert_eq!(
            world.all("/v1/leads", &world.tenant("meta").keys.live_viewer).await.len(),
            1,
            "{operation}"
        );
    }
}
