//! The secrets of numbers: shown once, sealed, rotated with an overlap.

use domain::ids::TenantId;
use domain::tenant::Plan;
use e2e::World;
use platform::aws::Service;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

/// Everything in a table, as text.
async fn dump(world: &World, table: &str) -> String {
    let input = json!({"TableName": world.stack.ready().tables[table]});
    world.aws(Service::DynamoDb, "Scan", &input).await.to_string()
}

/// Where the simulated UltraMsg posts.
async fn provider_posts_to(world: &World, body: &Value) -> String {
    let (instance, token) = (body["instance_id"].as_str().unwrap(), body["token"].as_str().unwrap());
    let path = format!("/_sim/ultramsg/{instance}/instance/settings?token={token}");
    let answer = world.send("GET", &path, &[], "").await;
    answer.json()["webhook_url"].as_str().unwrap_or("?").to_owned()
}

#[tokio::test]
async fn no_secret_lies_in_a_table_and_a_repeated_answer_has_none() {
    let world = World::start().await;
    let shop = world.shop("vault", Plan::Enterprise).await;
    let mut planted = Vec::new();
    for (provider, mark) in [("meta", "11180001"), ("dialog360", "11180002"), ("ultramsg", "11180003")] {
        let account = shop.account(provider, mark);
        let bearer = format!("Bearer {}", shop.admin);
        let key = format!("connect-{provider}");
        let headers =
            [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", &*key)];
        let path = format!("/v1/integrations/whatsapp/{provider}");
        let first = world.send("PUT", &path, &headers, account.body.to_string()).await;
        assert_eq!(first.status, 201, "{:?}", first.json());
        let once = first.data()["shown_once"].as_object().cloned().unwrap();
        planted.extend(once.values().map(|value| value.as_str().unwrap().to_owned()));
        for name in ["access_token", "app_secret", "api_key", "token"] {
            planted.extend(account.body[name].as_str().map(str::to_owned));
        }
        let again = world.send("PUT", &path, &headers, account.body.to_string()).await;
        assert_eq!(
            (again.status, again.headers["idempotency-replayed"].to_str().unwrap()),
            (first.status, "true")
        );
        assert_eq!(again.data().get("shown_once"), None);
        assert_eq!(again.data()["number"], first.data()["number"]);
    }
    assert!(planted.len() >= 7, "{planted:?}");
    for table in ["crm", "ephemeral", "consents"] {
        let text = dump(&world, table).await;
        for secret in &planted {
            assert!(!text.contains(secret.as_str()), "{secret} lies in {table}");
        }
    }
    let entries =
        world.platform().store.audit_entries(TenantId::parse(&shop.id).unwrap(), None, 10).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.action == "integration.connect").count(), 3);
    assert!(entries.iter().all(|entry| entry.actor.starts_with("key_")), "{entries:?}");
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_are_accepted_and_a_day_later_only_the_new_one() {
    let world = World::start().await;
    let shop = world.shop("rotate", Plan::Starter).await;
    let account = shop.account("ultramsg", "11190001");
    let first =
        shop.connect(&account).await.data()["shown_once"]["webhook_secret"].as_str().unwrap().to_owned();
    let knock = async |secret: &str| {
        let path = format!("/v1/webhooks/whatsapp/{}/{secret}", shop.id);
        let body = json!({"event_type": "message_ack", "instanceId": "300111190001", "data": {}}).to_string();
        world.send("POST", &path, &[("content-type", "application/json")], body).await.status.as_u16()
    };
    assert_eq!((knock(&first).await, knock("nonsense").await), (200, 401));
    world.advance(2).await;
    let rotate = |query: &'static str| shop.ask("POST", query, &shop.admin, &Value::Null);
    let rotated = rotate("/ultramsg/rotate-secret").await;
    assert_eq!(rotated.status, 200, "{:?}", rotated.json());
    let second = rotated.data()["shown_once"]["webhook_secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(rotated.data()["overlap"]["until"].is_string());
    assert_eq!((knock(&second).await, knock(&first).await), (200, 200), "both while they overlap");
    assert!(
        provider_posts_to(&world, &account.body).await.ends_with(&second),
        "the provider has the new one"
    );
    assert_eq!(shop.hears(CUSTOMER, "hello").await, 1);
    let refused = rotate("/ultramsg/rotate-secret").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
    let third =
        rotate("/ultramsg/rotate-secret?force=true").await.data()["shown_once"]["webhook_secret"].clone();
    let third = third.as_str().unwrap().to_owned();
    world.advance(301).await;
    assert_eq!((knock(&third).await, knock(&second).await, knock(&first).await), (200, 200, 401));
    world.advance(24 * 3600).await;
    assert_eq!((knock(&third).await, knock(&second).await), (200, 401));
    assert_eq!(shop.card("ultramsg").await.get("overlap"), None);
}

#[tokio::test]
async fn a_rotation_that_the_provider_refuses_changes_nothing() {
    let world = World::start().await;
    let shop = world.shop("rotate", Plan::Enterprise).await;
    let account = shop.account("meta", "11200001");
    let made = shop.connect(&account).await.data();
    let token = made["shown_once"]["verify_token"].as_str().unwrap().to_owned();
    let shake = async |token: &str| {
        let path = format!(
            "/v1/webhooks/whatsapp/{}?hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}",
            shop.id
        );
        world.send("GET", &path, &[], "").await.status.as_u16()
    };
    assert_eq!(shake(&token).await, 200);
    shop.answers("account", json!({"error": {"status": 400, "code": 2200}})).await;
    let refused = shop.ask("POST", "/meta/rotate-secret", &shop.admin, &Value::Null).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"]["field"].as_str().unwrap_or_default()),
        (400, "waba_id")
    );
    shop.behaves_well();
    assert_eq!(shake(&token).await, 200);
    let rotated = shop.ask("POST", "/meta/rotate-secret", &shop.admin, &Value::Null).await;
    assert_eq!(rotated.status, 200, "{:?}", rotated.json());
    let new = rotated.data()["shown_once"]["verify_token"].as_str().unwrap().to_owned();
    assert_eq!((shake(&new).await, shake(&token).await), (200, 200));
}

#[tokio::test]
async fn the_secret_of_another_app_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let shop = world.shop("apps", Plan::Enterprise).await;
    let account = shop.account("meta", "11330001");
    let mut wrong = account.body.clone();
    wrong["app_secret"] = json!("the secret of another app");
    let refused = shop.put("meta", &wrong).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["error"]["field"].as_str().unwrap_or_default()),
        (400, "app_secret"),
        "{:?}",
        refused.json()
    );
    assert_eq!(shop.card("meta").await["status"], "not_configured");
    assert_eq!(shop.connect(&account).await.status, 201);
}
