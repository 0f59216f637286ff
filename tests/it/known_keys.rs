//! Keys that a function remembers: one table operation per request, and every change of a key holds with the next one
//! all the same.

use domain::ids::TenantId;
use domain::tenant::Plan;
use domain::time::Millis;
use e2e::{Answer, World};
use local::Options;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

const KEYS: &str = "/v1/api-keys";
/// A route of each of these functions: `conversations`, `leads`, `templates`.
const ROUTES: [&str; 3] = ["/v1/conversations", "/v1/leads", "/v1/whatsapp/templates"];

async fn made(world: &World) -> (String, String) {
    let body = json!({"name": "site", "role": "agent", "environment": "live"});
    let made = world.post(KEYS, &world.tenant("meta").keys.live_admin, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let text = |name: &str| made.data()[name].as_str().unwrap().to_owned();
    (format!("{KEYS}/{}", text("id")), text("key"))
}

/// Has every function know the key.
async fn known(world: &World, key: &str) {
    for route in ROUTES {
        for _ in 0..3 {
            assert_eq!(world.get(route, key).await.status, 200);
        }
    }
}

async fn change(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let answer = world.call(method, path, &world.tenant("meta").keys.live_admin, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.json());
    answer
}

async fn answers(world: &World, key: &str) -> Vec<u16> {
    let mut all = Vec::new();
    for route in ROUTES {
        all.push(world.get(route, key).await.status.as_u16());
    }
    all
}

#[tokio::test]
async fn a_known_key_is_authenticated_and_counted_by_one_update() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let calls = || world.stack.aws_calls().remove("conversations").unwrap_or_default();
    for _ in 0..3 {
        world.get("/v1/conversations/none", &key).await;
    }
    let before = calls();
    for _ in 0..20 {
        assert_eq!(world.get("/v1/conversations/none", &key).await.status, 404);
    }
    let mut after = calls();
    for (operation, count) in before {
        *after.get_mut(&operation).unwrap() -= count;
    }
    after.retain(|_, count| *count > 0);
    // A new minute may begin meanwhile: a refused update, and the one that begins it.
    let updates = after.remove("dynamodb.UpdateItem").unwrap();
    assert!((20..=22).contains(&updates) && after.is_empty(), "{updates} updates and {after:?}");
}

#[tokio::test]
async fn a_revocation_an_allow_list_and_a_rotation_hold_with_the_next_request_of_a_known_key() {
    let world = World::start().await;
    let (path, key) = made(&world).await;
    known(&world, &key).await;
    change(&world, "PATCH", &path, &json!({"allowed_ips": ["203.0.113.0/24"]})).await;
    assert_eq!(answers(&world, &key).await, [403; 3]);
    change(&world, "PATCH", &path, &json!({"allowed_ips": []})).await;
    known(&world, &key).await;
    change(&world, "POST", &format!("{path}/rotate"), &json!({"overlap_seconds": 0})).await;
    assert_eq!(answers(&world, &key).await, [401; 3]);

    let (path, key) = made(&world).await;
    known(&world, &key).await;
    change(&world, "PATCH", &path, &json!({"name": "another"})).await;
    known(&world, &key).await;
    change(&world, "DELETE", &path, &json!({})).await;
    assert_eq!(answers(&world, &key).await, [401; 3]);
    assert_eq!(answers(&world, &key).await, [401; 3]);
}

#[tokio::test]
async fn no_request_that_begins_after_a_revocation_was_answered_passes() {
    let world = World::start().await;
    for _ in 0..5 {
        let (path, key) = made(&world).await;
        known(&world, &key).await;
        let revoked = AtomicBool::new(false);
        let asks = |n: usize| {
            let (world, key, revoked) = (&world, &key, &revoked);
            async move {
                for _ in 0..12 {
                    let late = revoked.load(Ordering::SeqCst);
                    let status = world.get(ROUTES[n % 3], key).await.status;
                    assert!(status == 401 || (!late && status == 200), "{status}, late: {late}");
                }
            }
        };
        let revokes = async {
            assert_eq!(world.get(ROUTES[0], &key).await.status, 200);
            change(&world, "DELETE", &path, &json!({})).await;
            revoked.store(true, Ordering::SeqCst);
        };
        tokio::join!(asks(0), asks(1), asks(2), asks(3), revokes);
        assert_eq!(answers(&world, &key).await, [401; 3]);
    }
}

#[tokio::test]
async fn another_plan_is_another_limit_with_the_next_request_of_a_known_key() {
    let world = World::start_with(Options { demo_rate_per_minute: None, ..Options::default() }).await;
    let (tenant, key) = (world.tenant("dialog360").id, world.tenant("dialog360").keys.live_viewer);
    let limit =
        async || world.get("/v1/leads", &key).await.headers["x-ratelimit-limit"].to_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(limit().await, "300");
    }
    let (platform, tenant) = (world.platform(), TenantId::parse(&tenant).unwrap());
    let now = Millis::from_unix_ms(world.now_s() * 1_000);
    assert!(crm::provision::change_plan(&platform, tenant, Plan::Enterprise, now).await.unwrap());
    assert_eq!(limit().await, "1000");
}
