//! A look at a number and a test message: seven results, one real send.

use domain::tenant::Plan;
use e2e::receiver::Receiver;
use e2e::{Shop, World};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn check(shop: &Shop<'_>, provider: &str, key: &str) -> Value {
    let answer = shop.ask("POST", &format!("/{provider}/check"), key, &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

#[tokio::test]
async fn a_check_has_seven_results_and_sends_nothing() {
    let options = local::Options { provider_timeout_ms: Some(300), ..local::Options::default() };
    let world = World::start_with(options).await;
    for (provider, mark) in [("meta", "21110001"), ("dialog360", "21110002"), ("ultramsg", "21110003")] {
        let shop = world.shop(provider, Plan::Enterprise).await;
        assert_eq!(check(&shop, provider, &shop.admin).await["status"], "not_configured");
        assert_eq!(shop.connect(&shop.account(provider, mark)).await.status, 201);
        let live = check(&shop, provider, &shop.admin).await;
        assert_eq!(
            (live["status"].as_str(), live["http_status"].as_u64()),
            (Some("live"), Some(200)),
            "{live}"
        );
        assert_eq!(check(&shop, provider, &shop.test_admin).await["status"], "demo");
        let refusal = |status: u16| json!({"error": {"status": status, "body": "{}"}});
        for (action, status, http) in [
            (refusal(401), "unauthorized", Some(401)),
            (refusal(403), "unauthorized", Some(403)),
            (refusal(404), "not_provisioned", Some(404)),
            (refusal(429), "rate_limited", Some(429)),
            (refusal(503), "error", Some(503)),
            (json!({"hang": true}), "unreachable", None),
            (json!({"reset_before": true}), "unreachable", None),
        ] {
            shop.answers("status", action.clone()).await;
            let found = check(&shop, provider, &shop.admin).await;
            assert_eq!(found["status"], status, "{provider} {action}: {found}");
            assert_eq!(found["http_status"].as_u64(), http, "{provider} {action}: {found}");
            assert!(found["message"].as_str().unwrap().ends_with('.'), "{found}");
            assert_eq!(shop.card(provider).await["status"], status, "the card shows it");
        }
        shop.behaves_well();
        assert_eq!(check(&shop, provider, &shop.admin).await["status"], "live");
        assert_eq!(shop.card(provider).await["status"], "live");
    }
    assert_eq!(world.stack.simulator().sent().len(), 0, "a check sends nothing");
}

#[tokio::test]
async fn a_check_shows_the_name_and_the_quality_and_notices_a_swapped_sim() {
    let world = World::start().await;
    let shop = world.shop("sim", Plan::Enterprise).await;
    assert_eq!(shop.connect(&shop.account("meta", "21120001")).await.status, 201);
    let live = check(&shop, "meta", &shop.admin).await;
    assert_eq!(
        (live["verified_name"].as_str(), live["quality_rating"].as_str()),
        (Some("Hadar Demo"), Some("GREEN"))
    );
    assert_eq!(shop.connect(&shop.account("ultramsg", "21120002")).await.status, 201);
    shop.stands(json!({"linked": "971559998877"})).await;
    let swapped = check(&shop, "ultramsg", &shop.admin).await;
    assert_eq!((swapped["status"].as_str(), swapped["number_changed"].as_bool()), (Some("live"), Some(true)));
    let card = shop.card("ultramsg").await;
    assert_eq!(
        (card["number_changed"].as_bool(), card["display_phone_number"].as_str()),
        (Some(true), Some("+971559998877"))
    );
    shop.stands(json!({"status": "qr/normal"})).await;
    let unlinked = check(&shop, "ultramsg", &shop.admin).await;
    assert_eq!(unlinked["status"], "error");
    assert!(unlinked["message"].as_str().unwrap().contains("QR code"), "{unlinked}");
}

#[tokio::test]
async fn a_repaired_number_sends_what_waited_for_it_at_once() {
    let world = World::start().await;
    let shop = world.shop("repair", Plan::Enterprise).await;
    let account = shop.account("meta", "21130001");
    assert_eq!(shop.connect(&account).await.status, 201);
    assert_eq!(shop.hears(CUSTOMER, "hello").await, 1);
    shop.answers("send", json!({"reject_token": true})).await;
    let body = json!({"to": format!("+{CUSTOMER}"), "text": "We are here."});
    let sent = world.post("/v1/whatsapp/messages", &shop.agent, &body).await;
    assert_eq!(sent.status, 202, "{:?}", sent.json());
    world.settled().await;
    let card = shop.card("meta").await;
    assert_eq!(card["status"], "broken");
    assert!(card["broken_reason"].is_string() && card["last_error"].is_string(), "{card}");
    shop.behaves_well();
    let saved = shop.connect(&account).await;
    assert_eq!(
        (saved.status.as_u16(), saved.data()["status"].as_str()),
        (200, Some("live")),
        "{:?}",
        saved.json()
    );
    assert_eq!(saved.data().get("shown_once"), None, "an old number's secrets are not shown");
    world.settled().await;
    let id = sent.data()["id"].as_str().unwrap().to_owned();
    let message = world.get(&format!("/v1/whatsapp/messages/{id}"), &shop.viewer).await.data();
    assert_eq!(message["status"], "read", "{message}");
    let card = shop.card("meta").await;
    assert_eq!((card["status"].as_str(), card["broken_reason"].is_null()), (Some("live"), true));
}

#[tokio::test]
async fn a_test_message_is_a_real_send_on_this_number() {
    let world = World::start().await;
    let shop = world.shop("test", Plan::Enterprise).await;
    let send = |provider: &str, body: Value| {
        let path = format!("/{provider}/test-message");
        let shop = &shop;
        async move { shop.ask("POST", &path, &shop.admin, &body).await }
    };
    let to = format!("+{CUSTOMER}");
    let refused = send("meta", json!({"to": to})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "not_configured"));
    assert_eq!(shop.connect(&shop.account("meta", "21140001")).await.status, 201);
    let refused = send("meta", json!({"to": to})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "outside_24h_window"));
    let error = refused.json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("template"), "{error}");
    assert!(error["details"]["templates_allowed"].as_array().unwrap().len() > 3, "{error}");
    for bad in [json!({}), json!({"to": "0501234567"}), json!({"to": to, "colour": 1})] {
        assert_eq!(send("meta", bad.clone()).await.status, 400, "{bad}");
    }
    let taken = send("meta", json!({"to": to, "template": "office_hours", "language": "en"})).await;
    assert_eq!(taken.status, 202, "{:?}", taken.json());
    assert_eq!(shop.hears(CUSTOMER, "hello").await, 1);
    assert_eq!(send("meta", json!({"to": to})).await.status, 202);
    world.settled().await;
    assert_eq!(world.stack.simulator().sent().len(), 2);
    let recorded = shop.ask("POST", "/meta/test-message", &shop.test_admin, &json!({"to": to})).await;
    assert_eq!(recorded.status, 202, "{:?}", recorded.json());
    world.settled().await;
    assert_eq!(world.stack.simulator().sent().len(), 2, "the sandbox calls nobody");
}

#[tokio::test]
async fn an_instance_that_lost_its_phone_is_noticed_by_the_sweeper_and_told_before_anybody_writes() {
    let options = local::Options { allow_loopback_endpoints: true, ..local::Options::default() };
    let world = World::start_with(options).await;
    let desk = world.desk("ultramsg");
    let receiver = Receiver::start().await;
    world.register(&desk.tenant.keys.live_admin, &receiver.url, &["integration.broken"]).await;
    let path = "/v1/integrations/whatsapp/ultramsg";
    // What passes by itself stops nothing.
    for (state, expected) in [("retrying/normal", "error"), ("qr/normal", "broken"), ("qr/normal", "broken")]
    {
        world.behave(json!({"accounts": [{"tenant_id": desk.tenant.id, "status": state}]})).await;
        world.advance(700).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
        assert_eq!(desk.get(path).await.data()["status"], expected, "{state}");
    }
    let reason = desk.get(path).await.data()["broken_reason"].clone();
    assert!(reason.as_str().unwrap().contains("QR code"), "{reason}");
    assert_eq!(receiver.until(1).await.len(), 1, "told once");
}
