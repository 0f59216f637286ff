//! Test keys and tenants without a number: nothing leaves, and nothing is pretended (C12, D04).

use crm::provision;
use domain::access::{Environment, Role};
use domain::language::Language;
use domain::tenant::Plan;
use domain::time::Millis;
use e2e::World;
use e2e::desk::{MESSAGES, text_of};
use serde_json::json;

const TO: &str = "+971501234567";

#[tokio::test]
async fn a_test_key_sends_into_the_sandbox_and_nothing_leaves() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let test = &tenant.keys.test_admin;
    // The sandbox has the templates of the live tenant.
    assert!(!world.all("/v1/whatsapp/templates", &tenant.keys.live_viewer).await.is_empty());
    let variables =
        json!({"agent_name": "Sara", "property_name": "Marina Vista", "viewing_time": "Saturday 11:00"});
    for (body, kind) in [
        (json!({"to": TO, "text": "Outside of any window"}), "text"),
        (
            json!({"to": TO, "template": {"name": "viewing_confirmation", "language": "en", "variables": variables}}),
            "template",
        ),
        (json!({"to": TO, "media": {"kind": "image", "url": "https://files.example.ae/a.jpg"}}), "image"),
        (
            json!({"to": TO, "interactive": {"type": "buttons", "body": "?", "buttons": [{"id": "a", "title": "A"}]}}),
            "interactive",
        ),
    ] {
        let answer = world.post(MESSAGES, test, &body).await;
        assert_eq!(answer.status, 202, "{kind}: {:?}", answer.json());
        world.settled().await;
        let path = format!("{MESSAGES}/{}", text_of(&answer.data(), "id"));
        let message = world.get(&path, test).await.data();
        assert_eq!(
            (&message["provider"], &message["simulated"]),
            (&json!("sandbox"), &json!(true)),
            "{message}"
        );
        assert_eq!((&message["status"], &message["kind"]), (&json!("sent"), &json!(kind)), "{message}");
        // The live tenant does not see it.
        assert_eq!(world.get(&path, &tenant.keys.live_admin).await.status, 404);
    }
    let refused = world
        .post(
            MESSAGES,
            test,
            &json!({"to": TO, "template": {"name": "viewing_confirmation", "language": "en"}}),
        )
        .await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "template_param_mismatch"));
    let unasked =
        world.post(MESSAGES, test, &json!({"to": TO, "text": "Offer!", "purpose": "marketing"})).await;
    assert_eq!((unasked.status.as_u16(), unasked.code().as_str()), (422, "do_not_contact"));
    assert!(world.stack.simulator().sent().is_empty());
    assert!(world.all("/v1/conversations", &tenant.keys.live_viewer).await.is_empty());
    assert_eq!(world.all("/v1/conversations", test).await.len(), 1);
}

#[tokio::test]
async fn a_live_key_without_a_number_is_told_so_and_its_test_key_works() {
    let world = World::start().await;
    let platform = world.platform();
    let now = Millis::from_unix_ms(world.now_s() * 1000);
    let made = provision::tenant(&platform, "No Number Yet", Plan::Growth, Language::En, now).await.unwrap();
    let (live, twin) = (made.tenant.id, made.sandbox.id);
    let key = provision::api_key(&platform, live, Role::Agent, Environment::Live, "live", now).await.unwrap();
    let test =
        provision::api_key(&platform, twin, Role::Agent, Environment::Test, "test", now).await.unwrap();
    let body = json!({"to": TO, "text": "Hello"});
    let refused = world.post(MESSAGES, key.expose(), &body).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (503, "not_configured"),
        "{:?}",
        refused.json()
    );
    let asked = world.post("/v1/whatsapp/preflight", key.expose(), &body).await.data();
    assert_eq!((&asked["allowed"], &asked["code"]), (&json!(false), &json!("not_configured")));
    assert!(world.all("/v1/conversations", key.expose()).await.is_empty());

    let taken = world.post(MESSAGES, test.expose(), &body).await;
    assert_eq!(
        (taken.status.as_u16(), &taken.data()["simulated"]),
        (202, &json!(true)),
        "{:?}",
        taken.json()
    );
    world.settled().await;
    assert!(world.stack.simulator().sent().is_empty());
}
