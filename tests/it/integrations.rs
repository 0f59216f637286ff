//! Connecting numbers: proven before saved, secrets shown once, webhooks taken at once, gone without a trace.

use domain::tenant::Plan;
use e2e::{Shop, World};
use http::StatusCode;
use platform::aws::Service;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

/// Everything in a table, as text.
async fn dump(world: &World, table: &str) -> String {
    let input = json!({"TableName": world.stack.ready().tables[table]});
    world.aws(Service::DynamoDb, "Scan", &input).await.to_string()
}

/// What the simulated Graph API says about an account's subscription.
async fn subscriptions(shop: &Shop<'_>, body: &Value) -> Vec<Value> {
    let path = format!("/_sim/graph/v26.0/{}/subscribed_apps", body["waba_id"].as_str().unwrap());
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let answer = shop.world.send("GET", &path, &[("authorization", &bearer)], "").await;
    answer.json()["data"].as_array().cloned().unwrap_or_default()
}

async fn ultramsg_webhook(shop: &Shop<'_>, body: &Value) -> String {
    let (instance, token) = (body["instance_id"].as_str().unwrap(), body["token"].as_str().unwrap());
    let path = format!("/_sim/ultramsg/{instance}/instance/settings?token={token}");
    let answer = shop.world.send("GET", &path, &[], "").await;
    answer.json()["webhook_url"].as_str().unwrap_or("?").to_owned()
}

fn field(answer: &e2e::Answer) -> String {
    answer.json()["error"]["field"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_provider_is_connected_in_one_request_and_its_customers_are_heard_at_once() {
    let world = World::start().await;
    for (provider, mark) in [("meta", "11110001"), ("dialog360", "11110002"), ("ultramsg", "11110003")] {
        let shop = world.shop(provider, Plan::Enterprise).await;
        let account = shop.account(provider, mark);
        assert_eq!(shop.card(provider).await["status"], "not_configured");
        let answer = shop.connect(&account).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{provider}: {:?}", answer.json());
        let made = answer.data();
        assert_eq!((made["status"].as_str(), made["provider"].as_str()), (Some("live"), Some(provider)));
        let once = made["shown_once"].as_object().unwrap_or_else(|| panic!("{provider}: {made}"));
        assert!(!once.is_empty());
        assert_eq!(shop.hears(CUSTOMER, "Is the villa free?").await, 1, "{provider}: the webhook is taken");

        let card = shop.card(provider).await;
        assert_eq!(card["status"], "live");
        assert!(
            card["webhook_url"].as_str().unwrap().ends_with(&format!("/v1/webhooks/whatsapp/{}", shop.id))
        );
        assert!(card["last_inbound_at"].is_string() && card["connected_at"].is_string(), "{card}");
        assert_eq!(card["capabilities"]["text"], true);
        assert_eq!(card.get("shown_once"), None);
        let shown = card.to_string();
        for secret in once.values().chain(account.body.as_object().unwrap().values()) {
            let secret = secret.as_str().unwrap();
            let is_id = secret.starts_with("200") || secret.starts_with("instance");
            assert!(is_id || !shown.contains(secret), "{provider}: {secret} in {shown}");
        }
        let list = world.get("/v1/integrations/whatsapp", &shop.viewer).await;
        assert_eq!(list.items().len(), 1);
        assert_eq!(list.data()["pagination"]["has_more"], false);
    }
}

#[tokio::test]
async fn what_meta_and_ultramsg_say_about_a_number_is_on_its_card() {
    let world = World::start().await;
    let shop = world.shop("facts", Plan::GrowthWithMeta).await;
    let account = shop.account("meta", "11120001");
    shop.stands(json!({"name_status": "DECLINED"})).await;
    let made = shop.connect(&account).await.data();
    for (name, value) in [
        ("verified_name", "Hadar Demo"),
        ("quality_rating", "GREEN"),
        ("messaging_limit", "TIER_2K"),
        ("throughput", "STANDARD"),
        ("name_status", "DECLINED"),
        ("waba_id", account.body["waba_id"].as_str().unwrap()),
    ] {
        assert_eq!(made[name], value, "{made}");
    }
    assert_eq!(made["secrets"]["access_token"]["last4"], "0001");
    assert!(made["warnings"][0].as_str().unwrap().contains("display name"), "{made}");
    assert!(made["templates"]["seen"].as_u64().unwrap() > 20, "{made}");
    let templates = world.all("/v1/whatsapp/templates", &shop.viewer).await;
    assert!(templates.len() > 20, "usable at once");
    let apps = subscriptions(&shop, &account.body).await;
    assert!(apps[0]["override_callback_uri"].as_str().unwrap().ends_with(&shop.id), "{apps:?}");
}

#[tokio::test]
async fn an_instance_that_is_not_connected_is_refused_in_its_own_words_and_nothing_is_saved() {
    let world = World::start().await;
    let shop = world.shop("states", Plan::Starter).await;
    let account = shop.account("ultramsg", "11130001");
    let mut sentences = Vec::new();
    for state in
        ["qr/normal", "standby/normal", "loading/normal", "initialize/", "retrying/", "disconnected/"]
    {
        shop.stands(json!({"status": state})).await;
        let refused = shop.connect(&account).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "validation_error"), "{state}");
        assert_eq!(field(&refused), "instance_id");
        sentences.push(refused.json()["error"]["message"].as_str().unwrap().to_owned());
        assert_eq!(shop.card("ultramsg").await["status"], "not_configured", "{state}");
        assert_eq!(ultramsg_webhook(&shop, &account.body).await, "", "{state}: the webhook is untouched");
    }
    sentences.sort();
    sentences.dedup();
    assert_eq!(sentences.len(), 6, "{sentences:?}");
    let table = dump(&world, "crm").await;
    assert!(!table.contains(&format!("INT#ultramsg#3001{}", "11130001")) && !table.contains("TRIAL#"));
    shop.stands(json!({"status": "authenticated/connected"})).await;
    assert_eq!(shop.connect(&account).await.status, StatusCode::CREATED);
    assert!(ultramsg_webhook(&shop, &account.body).await.contains(&shop.id));
}

#[tokio::test]
async fn what_meta_does_not_confirm_is_refused_with_its_field_and_nothing_is_left_subscribed() {
    let world = World::start().await;
    let shop = world.shop("meta", Plan::Enterprise).await;
    let account = shop.account("meta", "11140001");
    let other = world.tenant("meta").meta.unwrap();
    let with = |name: &str, value: &str| {
        let mut body = account.body.clone();
        body[name] = json!(value);
        body
    };
    for (body, expected) in [
        (with("access_token", "EAA\nbroken"), "access_token"),
        (with("access_token", "EAAnobody"), "access_token"),
        (with("waba_id", &other.waba_id), "waba_id"),
        (with("phone_number_id", &other.phone_number_id), "phone_number_id"),
        (with("colour", "blue"), "colour"),
    ] {
        let refused = shop.put("meta", &body).await;
        assert_eq!(
            (refused.status.as_u16(), field(&refused).as_str()),
            (400, expected),
            "{:?}",
            refused.json()
        );
    }
    for scope in ["whatsapp_business_messaging", "whatsapp_business_management"] {
        shop.stands(json!({"missing_scopes": [scope]})).await;
        let refused = shop.connect(&account).await;
        assert_eq!(field(&refused), "access_token");
        assert!(refused.json()["error"]["message"].as_str().unwrap().contains(scope), "{:?}", refused.json());
    }
    shop.stands(json!({"missing_scopes": []})).await;
    shop.answers(
        "account",
        json!({"error": {"code": 2200, "status": 400, "message": "Callback verification failed"}}),
    )
    .await;
    let refused = shop.connect(&account).await;
    assert_eq!((refused.status.as_u16(), field(&refused).as_str()), (400, "waba_id"), "{:?}", refused.json());
    shop.answers("account", json!({"accept_then_status": 500})).await;
    let refused = shop.connect(&account).await;
    assert_eq!((refused.status.as_u16(), field(&refused).as_str()), (400, "waba_id"), "{:?}", refused.json());
    shop.behaves_well();
    assert_eq!(subscriptions(&shop, &account.body).await.len(), 0, "taken back");
    assert_eq!(shop.card("meta").await["status"], "not_configured");
    assert!(!dump(&world, "crm").await.contains("TRIAL#"), "no trial is left");
    assert_eq!(shop.connect(&account).await.status, StatusCode::CREATED);
    assert_eq!(subscriptions(&shop, &account.body).await.len(), 1);
}

#[tokio::test]
async fn a_probe_that_hangs_or_fails_is_refused_with_its_field_and_nothing_is_saved() {
    let options = local::Options { provider_timeout_ms: Some(300), ..local::Options::default() };
    let world = World::start_with(options).await;
    let shop = world.shop("hangs", Plan::Enterprise).await;
    for (provider, mark, expected) in [
        ("meta", "11150001", "access_token"),
        ("dialog360", "11150002", "api_key"),
        ("ultramsg", "11150003", "token"),
    ] {
        let account = shop.account(provider, mark);
        for (action, status) in [
            (json!({"hang": true}), "unreachable"),
            (json!({"reset_before": true}), "unreachable"),
            (json!({"error": {"status": 500}}), "error"),
            (json!({"accept_with_body": "<html>"}), "error"),
            (json!({"reject_token": true}), "unauthorized"),
        ] {
            shop.answers("status", action.clone()).await;
            let refused = shop.connect(&account).await;
            let error = refused.json()["error"].clone();
            assert_eq!(refused.status, 400, "{provider} {action}: {error}");
            assert_eq!(error["details"]["status"], status, "{provider} {action}: {error}");
            assert!(
                [expected, "instance_id"].contains(&field(&refused).as_str()),
                "{provider} {action}: {error}"
            );
            assert_eq!(shop.card(provider).await["status"], "not_configured");
        }
        shop.behaves_well();
        assert_eq!(shop.connect(&account).await.status, StatusCode::CREATED, "{provider}");
        let gone = shop.ask("DELETE", &format!("/{provider}"), &shop.admin, &Value::Null).await;
        assert_eq!(gone.status, 200, "{provider}: {:?}", gone.json());
    }
}

#[tokio::test]
async fn only_an_admin_of_a_plan_that_includes_it_connects_a_number() {
    let world = World::start().await;
    for plan in [Plan::Starter, Plan::Growth] {
        let shop = world.shop("plan", plan).await;
        let refused = shop.connect(&shop.account("meta", "11160001")).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "forbidden"));
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("growth_with_meta") && message.contains("enterprise"), "{message}");
    }
    let shop = world.shop("roles", Plan::Starter).await;
    let account = shop.account("ultramsg", "11160002");
    for (method, path, body) in [
        ("PUT", "/ultramsg", account.body.clone()),
        ("DELETE", "/ultramsg", Value::Null),
        ("POST", "/ultramsg/check", json!({})),
        ("POST", "/ultramsg/test-message", json!({"to": "+971501234567"})),
        ("POST", "/ultramsg/rotate-secret", json!({})),
    ] {
        for key in [&shop.agent, &shop.viewer] {
            let refused = shop.ask(method, path, key, &body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "forbidden"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(shop.ask("GET", "/sandbox", &shop.viewer, &Value::Null).await.status, 404);
    assert_eq!(shop.ask("GET", "/nobody", &shop.viewer, &Value::Null).await.status, 404);
    let test = shop.ask("GET", "/ultramsg", &shop.test_admin, &Value::Null).await;
    assert_eq!(test.data()["status"], "demo");
    let refused = shop.ask("PUT", "/ultramsg", &shop.test_admin, &account.body).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn a_number_belongs_to_one_tenant() {
    let world = World::start().await;
    let shop = world.shop("second", Plan::Enterprise).await;
    let ultramsg = world.tenant("ultramsg").ultramsg.unwrap();
    let dialog360 = world.tenant("dialog360").dialog360.unwrap();
    let meta = world.tenant("meta").meta.unwrap();
    for (provider, body, expected) in [
        ("ultramsg", json!({"instance_id": ultramsg.instance_id, "token": ultramsg.token}), "instance_id"),
        ("dialog360", json!({"api_key": dialog360.api_key}), "api_key"),
        (
            "meta",
            json!({"phone_number_id": meta.phone_number_id, "waba_id": meta.waba_id,
            "access_token": meta.token}),
            "phone_number_id",
        ),
    ] {
        let refused = shop.put(provider, &body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "conflict"),
            "{:?}",
            refused.json()
        );
        assert_eq!(field(&refused), expected);
        let owner = world.tenant(provider);
        assert!(!String::from_utf8_lossy(&refused.bytes).contains(&owner.id), "the owner is not named");
        assert_eq!(shop.card(provider).await["status"], "not_configured");
    }
    let first = world.shop("first", Plan::Starter).await;
    let account = first.account("ultramsg", "11170001");
    assert_eq!(first.connect(&account).await.status, 201);
    assert_eq!(shop.put("ultramsg", &account.body).await.status, 409);
    assert_eq!(first.ask("DELETE", "/ultramsg", &first.admin, &Value::Null).await.status, 200);
    assert_eq!(shop.put("ultramsg", &account.body).await.status, 201, "it is free again");
}

#[tokio::test]
async fn a_number_that_is_taken_away_is_gone_with_its_secrets_and_its_conversations_stay() {
    let world = World::start().await;
    let shop = world.shop("delete", Plan::Enterprise).await;
    let account = shop.account("meta", "11210001");
    assert_eq!(shop.connect(&account).await.status, 201);
    assert_eq!(shop.hears(CUSTOMER, "hello").await, 1);
    let gone = shop.ask("DELETE", "/meta", &shop.admin, &Value::Null).await;
    assert_eq!(
        (gone.status.as_u16(), gone.data()["unsubscribed"].as_bool()),
        (200, Some(true)),
        "{:?}",
        gone.json()
    );
    assert_eq!(subscriptions(&shop, &account.body).await.len(), 0);
    assert_eq!(shop.card("meta").await["status"], "not_configured");
    assert_eq!(world.all("/v1/conversations", &shop.viewer).await.len(), 1);
    let table = dump(&world, "crm").await;
    assert!(!table.contains("INT#meta#200111210001") && !table.contains("PN#meta#200111210001"));
    assert_eq!(shop.ask("DELETE", "/meta", &shop.admin, &Value::Null).await.status, 404);
    assert_eq!(shop.connect(&account).await.status, 201, "it can come back");
}

#[tokio::test]
async fn a_connected_number_is_saved_again_in_place_and_keeps_what_is_left_out() {
    let world = World::start().await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        let tenant = world.tenant(provider);
        let (meta, dialog360) = (tenant.meta.clone(), tenant.dialog360.clone());
        let body = match (meta, dialog360, tenant.ultramsg.clone()) {
            (Some(meta), ..) => json!({"phone_number_id": meta.phone_number_id, "waba_id": meta.waba_id,
                "access_token": meta.token}),
            (_, Some(dialog360), _) => json!({"api_key": dialog360.api_key}),
            (.., Some(ultramsg)) => json!({"instance_id": ultramsg.instance_id, "token": ultramsg.token}),
            (None, None, None) => panic!("{provider} has no number"),
        };
        let bearer = format!("Bearer {}", tenant.keys.live_admin);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        let path = format!("/v1/integrations/whatsapp/{provider}");
        let saved = world.send("PUT", &path, &headers, body.to_string()).await;
        assert_eq!(saved.status, 200, "{provider}: {:?}", saved.json());
        assert_eq!(saved.data().get("shown_once"), None, "{provider}: nothing new was made");
        let list = world.get("/v1/integrations/whatsapp", &tenant.keys.live_viewer).await;
        assert_eq!(list.items().len(), 1, "{provider}: {:?}", list.json());
        let wrote = json!({"tenant_id": tenant.id, "text": "Still there?"});
        let wrote = world.stack.simulator().customer_writes(CUSTOMER, wrote).await;
        assert!(wrote.is_ok(), "{wrote:?}");
        world.settled().await;
        assert_eq!(world.all("/v1/conversations", &tenant.keys.live_viewer).await.len(), 1, "{provider}");
    }
}
