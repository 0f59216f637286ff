//! Keys as their admins manage them: shown once, rotated, revoked, bound to addresses, and every change in the audit log.

use domain::access::ApiKey;
use domain::ids::TenantId;
use domain::time::Millis;
use e2e::{Answer, World};
use serde_json::{Value, json};

const KEYS: &str = "/v1/api-keys";
const DAY_S: u64 = 24 * 60 * 60;

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

async fn ask(world: &World, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(method, path, &headers, body).await
}

/// A key that an admin makes.
async fn made(world: &World, admin: &str, role: &str, environment: &str, more: Value) -> Value {
    let mut body = json!({"name": format!("a {role}"), "role": role, "environment": environment});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = world.post(KEYS, admin, &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    answer.data()
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn a_key_is_shown_once_works_at_once_and_is_stored_as_a_digest() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let key = made(&world, &admin, "viewer", "live", json!({})).await;
    let secret = text(&key, "key");
    assert!(secret.starts_with("hdr_live_") && secret.len() == 47, "{key}");
    assert_eq!((&key["prefix"], &key["last4"]), (&json!("hdr_live_"), &json!(secret[43..])));
    assert_eq!((&key["status"], &key["rate_limit"]), (&json!("active"), &json!(1_000)));
    assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
    assert_eq!(
        refused(&world.post("/v1/events/replay", &secret, &json!({})).await),
        (403, "forbidden".into())
    );

    let listed = world.all(KEYS, &admin).await;
    assert_eq!(listed.len(), 5, "three live demo keys, this one, and the test key: {listed:?}");
    let one = world.get(&format!("{KEYS}/{}", text(&key, "id")), &admin).await.data();
    assert_eq!(listed[0], one, "the newest comes first");
    assert!(one["last_used_at"].is_string(), "{one}");
    let digest = ApiKey::parse(&secret).unwrap().digest();
    for shown in [json!(listed).to_string(), one.to_string()] {
        assert!(!shown.contains(&secret) && !shown.contains(&digest), "{shown}");
    }
    let input = json!({"TableName": world.stack.ready().tables["crm"]});
    let dump = world.aws(platform::aws::Service::DynamoDb, "Scan", &input).await.to_string();
    assert!(dump.contains(&digest) && !dump.contains(&secret[9..41]), "the table holds the digest alone");
}

#[tokio::test]
async fn a_repeated_request_makes_one_key_and_does_not_show_it_again() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let bearer = format!("Bearer {admin}");
    let headers =
        [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", "one")];
    let body = json!({"name": "site", "role": "agent", "environment": "live"}).to_string();
    let first = world.send("POST", KEYS, &headers, body.clone()).await;
    let again = world.send("POST", KEYS, &headers, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{:?}", again.json());
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let (first, again) = (first.data(), again.data());
    assert_eq!((&first["id"], first["key"].is_string()), (&again["id"], true));
    assert!(again["key"].is_null(), "{again}");
    assert_eq!(world.all(KEYS, &admin).await.len(), 5);
    let input = json!({"TableName": world.stack.ready().tables["ephemeral"]});
    let dump = world.aws(platform::aws::Service::DynamoDb, "Scan", &input).await.to_string();
    assert!(!dump.contains(&text(&first, "key")), "a secret lies in the table of kept answers");
}

#[tokio::test]
async fn a_revocation_holds_with_the_next_request_for_good_and_twice_is_once() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let key = made(&world, &admin, "agent", "live", json!({})).await;
    let (path, secret) = (format!("{KEYS}/{}", text(&key, "id")), text(&key, "key"));
    assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
    let revoked = ask(&world, "DELETE", &path, &admin, &Value::Null).await;
    assert_eq!((revoked.status.as_u16(), revoked.data()["status"].clone()), (200, json!("revoked")));
    assert_eq!(refused(&world.get("/v1/leads", &secret).await), (401, "invalid_api_key".into()));
    let again = ask(&world, "DELETE", &path, &admin, &Value::Null).await;
    assert_eq!(again.data()["revoked_at"], revoked.data()["revoked_at"], "{:?}", again.json());
    let edited = ask(&world, "PATCH", &path, &admin, &json!({"name": "back"})).await;
    assert_eq!(refused(&edited), (409, "conflict".into()));
    let rotated = ask(&world, "POST", &format!("{path}/rotate"), &admin, &json!({})).await;
    assert_eq!(refused(&rotated), (409, "conflict".into()));
}

#[tokio::test]
async fn a_rotated_key_stays_good_for_the_overlap_and_no_longer() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    for (body, overlap_s) in
        [(json!({}), DAY_S), (json!({"overlap_seconds": 3600}), 3_600), (json!({"overlap_seconds": 0}), 0)]
    {
        let old = made(&world, &admin, "agent", "live", json!({})).await;
        let (path, old_secret) = (format!("{KEYS}/{}", text(&old, "id")), text(&old, "key"));
        let new = ask(&world, "POST", &format!("{path}/rotate"), &admin, &body).await;
        assert_eq!(new.status, 201, "{:?}", new.json());
        let (new, secret) = (new.data(), text(&new.data(), "key"));
        assert_eq!((&new["replaces"], &new["role"]), (&old["id"], &json!("agent")));
        assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
        let shown = world.get(&path, &admin).await.data();
        assert_eq!(shown["replaced_by"], new["id"]);
        if overlap_s > 0 {
            assert_eq!(shown["status"], "replaced");
            let during = world.get("/v1/leads", &old_secret).await;
            assert_eq!(during.status, 200);
            assert_eq!(during.headers["x-api-key-expires-in-days"], "1");
            world.advance(overlap_s).await;
        }
        assert_eq!(refused(&world.get("/v1/leads", &old_secret).await), (401, "invalid_api_key".into()));
        assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
        let twice = ask(&world, "POST", &format!("{path}/rotate"), &admin, &json!({})).await;
        assert_eq!(refused(&twice), (409, "conflict".into()));
    }
    let other = made(&world, &admin, "agent", "live", json!({})).await;
    let path = format!("{KEYS}/{}/rotate", text(&other, "id"));
    let long = ask(&world, "POST", &path, &admin, &json!({"overlap_seconds": 7 * DAY_S + 1})).await;
    assert_eq!(long.json()["error"]["field"], "overlap_seconds", "{:?}", long.json());
}

#[tokio::test]
async fn an_end_is_announced_fourteen_days_ahead_and_kept() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let ends = Millis::from_unix_ms((world.now_s() + 20 * DAY_S) * 1_000).to_string();
    let key = made(&world, &admin, "viewer", "live", json!({"expires_at": ends})).await;
    assert_eq!((&key["expires_at"], &key["expires_in_days"]), (&json!(ends), &json!(20)));
    let (path, secret) = (format!("{KEYS}/{}", text(&key, "id")), text(&key, "key"));
    let warning = async || {
        let answer = world.get("/v1/leads", &secret).await;
        answer.headers.get("x-api-key-expires-in-days").map(|days| days.to_str().unwrap().to_owned())
    };
    assert_eq!(warning().await, None);
    world.advance(6 * DAY_S).await;
    assert_eq!(warning().await.as_deref(), Some("14"));
    world.advance(7 * DAY_S).await;
    assert_eq!(warning().await.as_deref(), Some("7"));
    world.advance(6 * DAY_S).await;
    assert_eq!(warning().await.as_deref(), Some("1"));
    assert_eq!(world.get(&path, &admin).await.data()["expires_in_days"], 1);
    world.advance(DAY_S).await;
    assert_eq!(refused(&world.get("/v1/leads", &secret).await), (401, "invalid_api_key".into()));
    let shown = world.get(&path, &admin).await.data();
    assert_eq!((&shown["status"], &shown["expires_in_days"]), (&json!("expired"), &Value::Null));
    // A key that only ended can be given more time; a rotated or revoked one cannot.
    let longer = ask(&world, "PATCH", &path, &admin, &json!({"expires_at": null})).await;
    assert_eq!(longer.data()["status"], "active", "{:?}", longer.json());
    assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
}

#[tokio::test]
async fn a_key_bound_to_addresses_works_from_nowhere_else_whatever_a_header_claims() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let elsewhere = json!({"allowed_ips": ["203.0.113.0/24", "2001:db8::/32"]});
    let key = made(&world, &admin, "viewer", "live", elsewhere).await;
    assert_eq!(key["allowed_ips"], json!(["203.0.113.0/24", "2001:db8::/32"]));
    let (path, secret) = (format!("{KEYS}/{}", text(&key, "id")), text(&key, "key"));
    let bearer = format!("Bearer {secret}");
    for claim in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let headers = [("authorization", &*bearer), (claim, "203.0.113.9")];
        assert_eq!(refused(&world.send("GET", "/v1/leads", &headers, "").await), (403, "forbidden".into()));
    }
    let here = json!({"allowed_ips": ["127.0.0.0/8"]});
    assert_eq!(ask(&world, "PATCH", &path, &admin, &here).await.status, 200);
    assert_eq!(world.get("/v1/leads", &secret).await.status, 200);
    for (bad, field) in [
        (json!({"allowed_ips": ["10.0.0.5/8"]}), "allowed_ips[0]"),
        (json!({"allowed_ips": ["10.0.0.0/8", "example.com"]}), "allowed_ips[1]"),
        (json!({"allowed_ips": vec!["10.0.0.0/8"; 51]}), "allowed_ips"),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        (json!({"name": " "}), "name"),
        (json!({"role": "admin"}), "role"),
        (json!({}), "body"),
    ] {
        let answer = ask(&world, "PATCH", &path, &admin, &bad).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!(field)), "{bad}");
    }
}

#[tokio::test]
async fn the_last_live_admin_key_stays_even_when_two_admins_revoke_each_other() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let all = world.all(KEYS, &admin).await;
    let own = all.iter().find(|key| key["role"] == "admin" && key["environment"] == "live").unwrap();
    let own_path = format!("{KEYS}/{}", text(own, "id"));
    assert_eq!(
        refused(&ask(&world, "DELETE", &own_path, &admin, &Value::Null).await),
        (409, "conflict".into())
    );
    // A test admin is no admin of the tenant.
    made(&world, &admin, "admin", "test", json!({})).await;
    assert_eq!(
        refused(&ask(&world, "DELETE", &own_path, &admin, &Value::Null).await),
        (409, "conflict".into())
    );

    let other = made(&world, &admin, "admin", "live", json!({})).await;
    let (other_path, other_secret) = (format!("{KEYS}/{}", text(&other, "id")), text(&other, "key"));
    let (one, two) = tokio::join!(
        ask(&world, "DELETE", &other_path, &admin, &Value::Null),
        ask(&world, "DELETE", &own_path, &other_secret, &Value::Null),
    );
    let done = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{:?} {:?}", one.json(), two.json());
    let survivor = if one.status == 200 { &admin } else { &other_secret };
    assert_eq!(world.get(KEYS, survivor).await.status, 200);
}

#[tokio::test]
async fn test_keys_belong_to_the_sandbox_and_manage_test_keys_only() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let (admin, test_admin) = (tenant.keys.live_admin, tenant.keys.test_admin);
    let test = made(&world, &admin, "viewer", "test", json!({})).await;
    assert!(text(&test, "key").starts_with("hdr_test_"));
    let path = format!("{KEYS}/{}", text(&test, "id"));
    assert_eq!(world.get(&path, &test_admin).await.status, 200);
    let listed = world.all(KEYS, &test_admin).await;
    assert!(listed.len() == 2 && listed.iter().all(|key| key["environment"] == "test"), "{listed:?}");
    let live = made(&world, &admin, "viewer", "live", json!({})).await;
    let live_path = format!("{KEYS}/{}", text(&live, "id"));
    let body = json!({"name": "x", "role": "admin", "environment": "live"});
    assert_eq!(refused(&world.post(KEYS, &test_admin, &body).await), (403, "forbidden".into()));
    for foreign in [&test_admin, &world.tenant("dialog360").keys.live_admin] {
        for (method, path) in [
            ("GET", live_path.clone()),
            ("PATCH", live_path.clone()),
            ("DELETE", live_path.clone()),
            ("POST", format!("{live_path}/rotate")),
        ] {
            let body = if method == "PATCH" { json!({"name": "mine"}) } else { Value::Null };
            let answer = ask(&world, method, &path, foreign, &body).await;
            assert_eq!(refused(&answer), (404, "not_found".into()), "{method} {path}");
        }
    }
    assert_eq!(world.get("/v1/leads", &text(&live, "key")).await.status, 200);
    let only = world.all(&format!("{KEYS}?environment=test"), &admin).await;
    assert_eq!(only.len(), 2, "{only:?}");
    assert_eq!(world.get(&format!("{KEYS}?environment=both"), &admin).await.status, 400);
}

#[tokio::test]
async fn the_list_pages_through_both_environments_while_keys_are_made() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    for _key in 0..3 {
        made(&world, &admin, "viewer", "live", json!({})).await;
        made(&world, &admin, "viewer", "test", json!({})).await;
    }
    let whole: Vec<String> = world.all(KEYS, &admin).await.iter().map(|key| text(key, "id")).collect();
    assert_eq!(whole.len(), 10);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = world.get(&format!("{KEYS}?limit=3{cursor}"), &admin).await;
        seen.extend(answer.items().iter().map(|key| text(key, "id")));
        made(&world, &admin, "viewer", "live", json!({})).await;
        match answer.data()["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.retain(|id| whole.contains(id));
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn another_plan_is_another_limit_for_every_key_at_once() {
    let world =
        World::start_with(local::Options { demo_rate_per_minute: None, ..local::Options::default() }).await;
    let tenant = world.tenant("ultramsg");
    let id = TenantId::parse(&tenant.id).unwrap();
    let now = Millis::from_unix_ms(world.now_s() * 1_000);
    let limit = async |key: &str| {
        world.get("/v1/leads", key).await.headers["x-ratelimit-limit"].to_str().unwrap().to_owned()
    };
    assert_eq!(limit(&tenant.keys.live_viewer).await, "60");
    let plan = domain::tenant::Plan::Enterprise;
    assert!(crm::provision::change_plan(&world.platform(), id, plan, now).await.unwrap());
    for key in [&tenant.keys.live_viewer, &tenant.keys.live_admin, &tenant.keys.test_admin] {
        assert_eq!(limit(key).await, "1000");
    }
    let new = made(&world, &tenant.keys.live_admin, "viewer", "live", json!({})).await;
    assert_eq!((limit(&text(&new, "key")).await, &new["rate_limit"]), ("1000".to_owned(), &json!(1_000)));
}

#[tokio::test]
async fn the_last_live_admin_key_without_an_end_cannot_be_given_one() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let all = world.all(KEYS, &admin).await;
    let own = all.iter().find(|key| key["role"] == "admin" && key["environment"] == "live").unwrap();
    let own_path = format!("{KEYS}/{}", text(own, "id"));
    let end = |days: u64| {
        let at = Millis::from_unix_ms((world.now_s() + days * 86_400) * 1000);
        json!({"expires_at": at})
    };
    let conflict = (409, "conflict".to_owned());
    assert_eq!(refused(&ask(&world, "PATCH", &own_path, &admin, &end(9)).await), conflict);
    // One that ends itself, and one of the sandbox, do not stay.
    let ending = made(&world, &admin, "admin", "live", end(30)).await;
    made(&world, &admin, "admin", "test", json!({})).await;
    assert_eq!(refused(&ask(&world, "PATCH", &own_path, &admin, &end(9)).await), conflict);
    assert_eq!(ask(&world, "PATCH", &own_path, &admin, &json!({"name": "main"})).await.status, 200);

    let other = made(&world, &admin, "admin", "live", json!({})).await;
    let other_path = format!("{KEYS}/{}", text(&other, "id"));
    let (body, ending) = (end(9), format!("{KEYS}/{}", text(&ending, "id")));
    let (one, two) = tokio::join!(
        ask(&world, "PATCH", &own_path, &admin, &body),
        ask(&world, "PATCH", &other_path, &admin, &body),
    );
    let done = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{:?} {:?}", one.json(), two.json());
    assert_eq!(ask(&world, "PATCH", &ending, &admin, &end(5)).await.status, 200);
}
