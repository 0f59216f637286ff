//! What customers see of the business behind a number: read and changed at the provider, as picky as the provider.

use domain::tenant::Plan;
use e2e::{Shop, World};
use serde_json::{Value, json};

async fn patched(shop: &Shop<'_>, provider: &str, body: &Value) -> e2e::Answer {
    shop.ask("PATCH", &format!("/{provider}/profile"), &shop.admin, body).await
}

async fn shown(shop: &Shop<'_>, provider: &str) -> e2e::Answer {
    shop.ask("GET", &format!("/{provider}/profile"), &shop.viewer, &Value::Null).await
}

#[tokio::test]
async fn an_admin_changes_what_customers_see_at_meta_and_at_360dialog_and_it_is_in_the_audit_log() {
    let world = World::start().await;
    for (provider, mark) in [("meta", "12110001"), ("dialog360", "12110002")] {
        let shop = world.shop(provider, Plan::Enterprise).await;
        let connected = shop.connect(&shop.account(provider, mark)).await;
        assert_eq!(connected.status, 201, "{:?}", connected.json());
        let before = shown(&shop, provider).await.data();
        assert_eq!(before["provider"], provider);
        assert_eq!((&before["about"], &before["websites"]), (&json!("Hadar demo"), &json!([])), "{before}");

        let all = json!({
            "about": "بيوت على البحر", "address": "Marina Walk 5, Dubai", "description": "Homes to rent and to buy.",
            "email": "sales@marina.example", "websites": ["https://marina.example/", "http://marina.example/ar"],
            "vertical": "RETAIL", "profile_picture_handle": "4::aW1hZ2U",
        });
        let changed = patched(&shop, provider, &all).await;
        assert_eq!(changed.status, 200, "{provider}: {:?}", changed.json());
        let now = shown(&shop, provider).await.data();
        assert_eq!(changed.data(), now);
        for field in ["about", "address", "description", "email", "websites", "vertical"] {
            assert_eq!(now[field], all[field], "{provider}");
        }
        assert!(
            now["profile_picture_url"].is_string() && now.get("profile_picture_handle").is_none(),
            "{now}"
        );

        // What is not named stays, what is empty goes.
        let less = patched(&shop, provider, &json!({"email": "", "websites": []})).await.data();
        assert_eq!((&less["email"], &less["websites"]), (&Value::Null, &json!([])), "{less}");
        assert_eq!(less["about"], all["about"]);
        let log = world.all("/v1/audit?action=integration.profile", &shop.admin).await;
        let targets: Vec<_> = log.iter().map(|entry| entry["target"].as_str().unwrap()).collect();
        assert_eq!(targets.len(), 2, "{targets:?}");
        assert!(targets[0].starts_with(provider) && targets[0].ends_with(" email,websites"), "{targets:?}");
    }
}

#[tokio::test]
async fn what_no_profile_can_hold_is_refused_with_its_field_before_the_provider_is_asked() {
    let world = World::start().await;
    let shop = world.shop("forms", Plan::Enterprise).await;
    assert_eq!(shop.connect(&shop.account("meta", "12120001")).await.status, 201);
    let long = |count: usize| "é".repeat(count);
    let site = format!("https://x.ae/{}", "a".repeat(256));
    for (body, field) in [
        (json!({"about": ""}), "about"),
        (json!({"about": "  "}), "about"),
        (json!({"about": long(140)}), "about"),
        (json!({"about": "a\u{7}b"}), "about"),
        (json!({"address": long(257)}), "address"),
        (json!({"description": long(513)}), "description"),
        (json!({"email": "sales"}), "email"),
        (json!({"email": format!("{}@x.ae", "a".repeat(128))}), "email"),
        (json!({"websites": ["https://a.ae", "https://b.ae", "https://c.ae"]}), "websites"),
        (json!({"websites": ["https://a.ae", "ftp://b.ae"]}), "websites[1]"),
        (json!({"websites": ["marina.example"]}), "websites[0]"),
        (json!({ "websites": [site] }), "websites[0]"),
        (json!({"vertical": "REAL_ESTATE"}), "vertical"),
        (json!({"profile_picture_handle": "a b"}), "profile_picture_handle"),
        (json!({}), "body"),
    ] {
        let refused = patched(&shop, "meta", &body).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "validation_error"), "{body}");
        assert_eq!(refused.json()["error"]["field"], field, "{body}");
    }
    assert_eq!(patched(&shop, "meta", &json!({"name": "x"})).await.status, 400);
    let at_the_edge = json!({"about": long(139), "address": long(256), "description": long(512)});
    assert_eq!(patched(&shop, "meta", &at_the_edge).await.status, 200);
    assert_eq!(world.all("/v1/audit?action=integration.profile", &shop.admin).await.len(), 1);
}

#[tokio::test]
async fn a_providers_no_is_the_field_that_it_names_or_a_provider_that_does_not_answer() {
    let world = World::start().await;
    let shop = world.shop("noes", Plan::Enterprise).await;
    assert_eq!(shop.connect(&shop.account("meta", "12130001")).await.status, 201);
    // A handle of another kind is a text like any; only Meta knows.
    let refused = patched(&shop, "meta", &json!({"about": "x", "profile_picture_handle": "5::x"})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "validation_error"));
    assert_eq!(refused.json()["error"]["field"], "profile_picture_handle");
    assert_eq!(refused.json()["error"]["details"]["provider_code"], 100);
    assert_eq!(shown(&shop, "meta").await.data()["about"], "Hadar demo", "nothing of it was taken");

    for (status, code) in [(500, 2), (400, 4), (401, 190)] {
        shop.answers("account", json!({"error": {"status": status, "code": code}})).await;
        for answer in [shown(&shop, "meta").await, patched(&shop, "meta", &json!({"about": "y"})).await] {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "service_unavailable"));
            assert_eq!(answer.json()["error"]["details"]["source"], "provider", "{status}");
            assert!(answer.headers.contains_key("retry-after"), "{status}");
        }
        shop.behaves_well();
    }
    assert_eq!(world.all("/v1/audit?action=integration.profile", &shop.admin).await.len(), 0);
}

#[tokio::test]
async fn ultramsg_says_where_to_change_it_instead_and_nobody_else_reaches_a_profile() {
    let world = World::start().await;
    let shop = world.shop("roles", Plan::Enterprise).await;
    for answer in [shown(&shop, "ultramsg").await, patched(&shop, "ultramsg", &json!({"about": "x"})).await] {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "unsupported_by_provider"));
        let instead = answer.json()["error"]["details"]["alternative"].as_str().unwrap().to_owned();
        assert!(instead.contains("WhatsApp Business app"), "{instead}");
    }
    assert_eq!(shown(&shop, "meta").await.status, 404, "not connected");
    assert_eq!(shown(&shop, "sandbox").await.status, 404);
    let body = json!({"about": "x"});
    for key in [&shop.agent, &shop.viewer] {
        assert_eq!(shop.ask("PATCH", "/meta/profile", key, &body).await.status, 403);
    }
    assert_eq!(shop.ask("PATCH", "/meta/profile", &shop.test_admin, &body).await.status, 409);
    assert_eq!(shop.connect(&shop.account("meta", "12140001")).await.status, 201);
    let wrong = shop.ask("GET", "/meta/profile?number=1", &shop.viewer, &Value::Null).await;
    assert_eq!(wrong.status, 404);
    let named = shop.ask("GET", "/meta/profile?number=200112140001", &shop.viewer, &Value::Null).await;
    assert_eq!(named.status, 200);
    assert_eq!(named.data()["number"], "200112140001");
}
