//! Requests are counted per key and per tenant; what cannot be counted does not pass.

use domain::access::{Environment, Role};
use domain::ids::TenantId;
use domain::time::Millis;
use e2e::{Answer, World};
use futures_util::future::join_all;
use local::Options;
use serde_json::json;

/// A stack whose demo keys have the limits of their plans.
async fn metered() -> World {
    World::start_with(Options { demo_rate_per_minute: None, ..Options::default() }).await
}

/// Moves the clock to the first second of a minute, so that a test's requests lie in one window.
async fn at_the_start_of_a_minute(world: &World) {
    world.advance(60 - world.now_s() % 60 + 1).await;
}

fn number(answer: &Answer, header: &str) -> u64 {
    let value = answer.headers.get(header).unwrap_or_else(|| panic!("no {header}: {:?}", answer.json()));
    value.to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn of_sixty_four_clients_at_a_limit_of_sixty_sixty_pass_in_each_window() {
    let world = metered().await;
    let key = world.tenant("ultramsg").keys.live_viewer;
    for _window in 0..2 {
        at_the_start_of_a_minute(&world).await;
        let asked = (0..64).map(|_| async {
            // Two each: more than the window holds, whatever their order.
            [world.get("/v1/leads", &key).await, world.get("/v1/conversations", &key).await]
        });
        let answers: Vec<Answer> = join_all(asked).await.into_iter().flatten().collect();
        let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((with(200), with(429), with(503)), (60, 68, 0));
        for refused in answers.iter().filter(|answer| answer.status == 429) {
            assert_eq!(refused.code(), "rate_limited");
            assert!((1..=60).contains(&number(refused, "retry-after")), "{:?}", refused.headers);
            assert_eq!(number(refused, "x-ratelimit-remaining"), 0);
        }
    }
}

#[tokio::test]
async fn every_answer_to_a_known_key_says_what_is_left_and_when_the_next_minute_begins() {
    let world = metered().await;
    at_the_start_of_a_minute(&world).await;
    let keys = world.tenant("dialog360").keys;
    let bearer = format!("Bearer {}", keys.live_viewer);
    let auth = ("authorization", bearer.as_str());
    let json = ("content-type", "application/json");
    let mut left = 300;
    for (method, path, headers, status) in [
        ("GET", "/v1/leads", vec![auth], 200),
        ("GET", "/api/v1/leads", vec![auth], 200),
        ("GET", "/v1/leads?limit=0", vec![auth], 400),
        ("GET", "/v1/leads/lead_01ARZ3NDEKTSV4RRFFQ69G5FAV", vec![auth], 404),
        ("POST", "/v1/events/replay", vec![auth, json], 403),
        ("POST", "/v1/events/replay", vec![auth, json, ("idempotency-key", "one")], 403),
    ] {
        let answer = world.send(method, path, &headers, "").await;
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.json());
        left -= 1;
        assert_eq!(number(&answer, "x-ratelimit-limit"), 300, "{method} {path}");
        assert_eq!(number(&answer, "x-ratelimit-remaining"), left, "{method} {path}");
        let reset = number(&answer, "x-ratelimit-reset");
        assert_eq!((reset % 60, reset - world.now_s() <= 60), (0, true), "{method} {path}");
    }
    for (path, headers) in [("/v1/leads", vec![]), ("/v1/nothing", vec![auth])] {
        let answer = world.send("GET", path, &headers, "").await;
        assert!(!answer.headers.contains_key("x-ratelimit-limit"), "{path}");
    }
}

#[tokio::test]
async fn a_replayed_answer_is_counted_and_says_what_is_left_now() {
    let world = metered().await;
    at_the_start_of_a_minute(&world).await;
    let bearer = format!("Bearer {}", world.tenant("meta").keys.live_admin);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "a")];
    let body = json!({"ids": []}).to_string();
    let first = world.send("POST", "/v1/whatsapp/templates/sync", &headers, "").await;
    assert_eq!(number(&first, "x-ratelimit-remaining"), 999, "{body} {:?}", first.json());
    assert!(first.status.is_success(), "{:?}", first.json());
    let again = world.send("POST", "/v1/whatsapp/templates/sync", &headers, "").await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(number(&again, "x-ratelimit-remaining"), 998);
}

#[tokio::test]
async fn the_check_comes_after_401_and_before_403_and_a_new_minute_is_a_new_chance() {
    let world = metered().await;
    at_the_start_of_a_minute(&world).await;
    let key = world.tenant("ultramsg").keys.live_viewer;
    for _request in 0..60 {
        assert_eq!(world.get("/v1/leads", &key).await.status, 200);
    }
    let forbidden = world.post("/v1/events/replay", &key, &json!({})).await;
    assert_eq!(forbidden.status, 429, "{:?}", forbidden.json());
    assert_eq!(world.get("/v1/leads", "hdr_live_nonsense").await.status, 401);
    // Another key of the tenant has its own minute.
    assert_eq!(world.get("/v1/leads", &world.tenant("ultramsg").keys.live_agent).await.status, 200);
    world.advance(60).await;
    assert_eq!(world.post("/v1/events/replay", &key, &json!({})).await.status, 403);
}

#[tokio::test]
async fn many_keys_of_a_tenant_share_a_ceiling() {
    let world = metered().await;
    let tenant = world.tenant("ultramsg");
    let (platform, id) = (world.platform(), TenantId::parse(&tenant.id).unwrap());
    let now = Millis::from_unix_ms(world.now_s() * 1_000);
    let mut keys = vec![tenant.keys.live_admin, tenant.keys.live_agent, tenant.keys.live_viewer];
    for _key in 0..4 {
        let key = crm::provision::api_key(&platform, id, Role::Viewer, Environment::Live, "more", now)
            .await
            .unwrap();
        keys.push(key.expose().to_owned());
    }
    at_the_start_of_a_minute(&world).await;
    let mut passed = 0;
    let mut refused = Vec::new();
    for key in &keys {
        for answer in join_all((0..50).map(|_| world.get("/v1/leads", key))).await {
            match answer.status.as_u16() {
                200 => passed += 1,
                _ => refused.push(answer),
            }
        }
    }
    assert_eq!((passed, refused.len()), (300, 50));
    for answer in refused {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "rate_limited"));
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains("300"), "{:?}", answer.json());
    }
}

#[tokio::test]
async fn while_requests_cannot_be_counted_none_passes() {
    let world = metered().await;
    let key = world.tenant("meta").keys.live_admin;
    for rule in [
        json!({"service": "dynamodb", "operation": "UpdateItem", "table": "ephemeral", "action": "error"}),
        json!({"service": "dynamodb", "operation": "UpdateItem", "table": "ephemeral", "action": "throttle"}),
        json!({"service": "dynamodb", "operation": "UpdateItem", "table": "ephemeral", "action": "drop_after"}),
        json!({"service": "dynamodb", "operation": "UpdateItem", "table": "ephemeral", "action": "latency", "ms": 5_000}),
        json!({"service": "dynamodb", "operation": "*", "action": "throttle"}),
    ] {
        world.faults(json!([rule])).await;
        let answers = join_all((0..4).map(|_| world.get("/v1/leads", &key))).await;
        for answer in answers {
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (503, "service_unavailable"),
                "{rule}"
            );
            assert!(answer.headers.contains_key("retry-after"), "{rule}");
        }
    }
    world.faults(json!([])).await;
    assert_eq!(world.get("/v1/leads", &key).await.status, 200);
}
