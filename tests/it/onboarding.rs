//! Which of the four steps at Meta are missing: told before anything is connected, with a refusal, and on the card.

use domain::tenant::Plan;
use e2e::World;
use serde_json::{Value, json};

const STEPS: [&str; 4] = ["business_manager", "whatsapp_business_account", "business_verification", "number"];

/// The steps that are missing; each of them, and no other, says what to do.
fn missing(setup: &Value) -> Vec<String> {
    let steps = setup.as_array().unwrap_or_else(|| panic!("no steps: {setup}"));
    assert_eq!(steps.iter().map(|step| step["step"].as_str().unwrap()).collect::<Vec<_>>(), STEPS);
    for step in steps {
        assert_eq!(step["done"] == false, step["what_to_do"].is_string(), "{step}");
    }
    let open = steps.iter().filter(|step| step["done"] == false);
    open.map(|step| step["step"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn who_has_connected_nothing_is_told_all_four_steps_and_other_providers_have_none() {
    let world = World::start().await;
    let shop = world.shop("fresh", Plan::GrowthWithMeta).await;
    assert_eq!(missing(&shop.card("meta").await["setup"]), STEPS);
    for other in ["dialog360", "ultramsg"] {
        assert_eq!(shop.card(other).await.get("setup"), None);
    }
    let sandbox = world.get("/v1/integrations/whatsapp/meta", &shop.test_admin).await;
    assert_eq!(sandbox.data().get("setup"), None);
}

#[tokio::test]
async fn a_refused_save_says_how_far_the_business_has_come() {
    let world = World::start().await;
    let shop = world.shop("half-way", Plan::GrowthWithMeta).await;
    let account = shop.account("meta", "13110001");
    let refused = async |body: &Value| {
        let answer = shop.put("meta", body).await;
        assert_eq!(answer.status, 400, "{:?}", answer.json());
        missing(&answer.json()["error"]["details"]["setup"])
    };
    shop.stands(json!({"missing_scopes": ["whatsapp_business_management"]})).await;
    assert_eq!(refused(&account.body).await, STEPS);
    shop.stands(json!({"missing_scopes": []})).await;
    let mut other = account.body.clone();
    other["waba_id"] = json!("200299999999");
    assert_eq!(refused(&other).await, STEPS[1..]);
    let mut other = account.body.clone();
    other["phone_number_id"] = json!("200199999999");
    assert_eq!(refused(&other).await, ["number"]);
    shop.stands(json!({"business_verification": "not_verified"})).await;
    assert_eq!(refused(&other).await, STEPS[2..]);
    assert_eq!(missing(&shop.card("meta").await["setup"]), STEPS, "nothing was saved");
    // A provider that does not answer says nothing about the business.
    shop.answers("status", json!({"error": {"status": 400, "code": 4}})).await;
    let late = shop.put("meta", &account.body).await;
    assert_eq!(late.json()["error"]["details"].get("setup"), None, "{:?}", late.json());
}

#[tokio::test]
async fn the_card_follows_the_business_with_every_save_and_check() {
    let world = World::start().await;
    let shop = world.shop("on-the-way", Plan::GrowthWithMeta).await;
    let account = shop.account("meta", "13120001");
    shop.stands(json!({"business_verification": "pending", "code_verification": "NOT_VERIFIED"})).await;
    let made = shop.connect(&account).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    assert_eq!(missing(&made.data()["setup"]), STEPS[2..]);
    let card = shop.card("meta").await;
    let told = card["setup"][2]["what_to_do"].as_str().unwrap();
    assert!(told.contains("some days"), "{told}");

    shop.stands(json!({"business_verification": "verified", "code_verification": "VERIFIED"})).await;
    let check = async || shop.ask("POST", "/meta/check", &shop.admin, &Value::Null).await.data();
    assert_eq!(check().await["status"], "live");
    assert_eq!(missing(&shop.card("meta").await["setup"]), Vec::<String>::new());
    shop.stands(json!({"name_status": "DECLINED"})).await;
    check().await;
    assert_eq!(missing(&shop.card("meta").await["setup"]), ["number"]);
    shop.answers("status", json!({"reject_token": true})).await;
    check().await;
    assert!(missing(&shop.card("meta").await["setup"]).contains(&STEPS[0].to_owned()));
}
