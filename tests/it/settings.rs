//! What an admin sets for the whole tenant, and what it changes.

use e2e::World;
use e2e::desk::Desk;
use serde_json::{Value, json};

const PATH: &str = "/v1/settings";

async fn patched(desk: &Desk<'_>, body: &Value) -> e2e::Answer {
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    desk.world.send("PATCH", PATH, &headers, body.to_string()).await
}

#[tokio::test]
async fn an_admin_changes_what_is_named_and_nothing_else_and_it_is_in_the_audit_log() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let keys = &desk.tenant.keys;
    let before = world.get(PATH, &keys.live_viewer).await.data();
    assert_eq!((&before["plan"], &before["sandbox"]), (&json!("enterprise"), &json!(false)), "{before}");
    assert_eq!(before["pricing"], json!({"currency": "USD", "markup_percent": 0}));

    let changed = patched(&desk, &json!({"retention_days": 30, "default_language": "ar"})).await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
    let mut expected = before.clone();
    expected["retention_days"] = json!(30);
    expected["default_language"] = json!("ar");
    assert_eq!(changed.data(), expected);
    expected["retention_days"] = json!(null);
    assert_eq!(patched(&desk, &json!({"retention_days": null})).await.data(), expected);
    assert_eq!(world.get(PATH, &keys.live_viewer).await.data(), expected);

    let audit = world.all("/v1/audit?action=settings.change", &keys.live_admin).await;
    let targets: Vec<_> = audit.iter().map(|entry| entry["target"].clone()).collect();
    assert_eq!(targets, ["retention_days", "default_language,retention_days"]);
    // The other tenants' stay as they were, and so does the sandbox's.
    let sandbox = world.get(PATH, &keys.test_admin).await.data();
    assert_eq!(
        (&sandbox["default_language"], &sandbox["sandbox"]),
        (&before["default_language"], &json!(true))
    );
    let other = world.desk("ultramsg");
    assert_ne!(
        world.get(PATH, &other.tenant.keys.live_viewer).await.data()["tenant_id"],
        before["tenant_id"]
    );
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_named_and_nothing_changes() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let before = world.get(PATH, desk.key()).await.data();
    for (body, field) in [
        (json!({}), "body"),
        (json!({"name": "  "}), "name"),
        (json!({"name": "x".repeat(121)}), "name"),
        (json!({"name": "Two\nlines"}), "name"),
        (json!({"retention_days": 0}), "retention_days"),
        (json!({"retention_days": 3651}), "retention_days"),
        (json!({"pricing": {"markup_percent": 101}, "cold_text": true}), "pricing.markup_percent"),
        (json!({"pricing": {"currency": "EUR"}}), "pricing.currency"),
        (json!({"default_language": "fr"}), "default_language"),
        (json!({"plan": "enterprise"}), "plan"),
        (json!({"tenant_id": "tnt_x", "name": "Mine"}), "tenant_id"),
    ] {
        let answer = patched(&desk, &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
    assert_eq!(world.get(PATH, desk.key()).await.data(), before);
    let bearer = format!("Bearer {}", desk.tenant.keys.live_agent);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let refused = world.send("PATCH", PATH, &headers, json!({"name": "Mine"}).to_string()).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn the_mark_up_and_the_currency_change_the_estimate() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let template = json!({"to": "+971501234567", "template": {"name": "contract_ready", "language": "en"}});
    let list = desk.preflight(&template).await.data()["cost"]["amount_micros"].as_u64().unwrap();
    let changed = patched(&desk, &json!({"pricing": {"currency": "AED", "markup_percent": 20}})).await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
    let cost = desk.preflight(&template).await.data()["cost"].clone();
    assert_eq!((&cost["currency"], &cost["markup_percent"]), (&json!("AED"), &json!(20)), "{cost}");
    let expected = (list * 120 / 100) * 36_725 / 10_000;
    assert!(cost["amount_micros"].as_u64().unwrap().abs_diff(expected) <= 4, "{cost}");
}

#[tokio::test]
async fn on_ultramsg_a_template_goes_out_cold_to_who_opted_in_once_the_tenant_chose_so() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let conversation = desk.conversation("971501234567", "hello").await;
    let contact = world.get(&format!("/v1/conversations/{conversation}"), desk.key()).await.data();
    let path = format!("/v1/contacts/{}/consents", contact["contact_id"].as_str().unwrap());
    let consent = json!({"purpose": "marketing", "state": "granted", "wording": "w", "language": "en", "source": "form"});
    assert_eq!(desk.post(&path, &consent).await.status, 201);
    let draft = json!({"name": "area_note", "language": "en", "category": "utility", "submit": true,
        "body": "The note on your area is ready."});
    let made = world.post("/v1/whatsapp/templates", &desk.tenant.keys.live_admin, &draft).await;
    assert_eq!(
        (made.status.as_u16(), &made.data()["templates"][0]["status"]),
        (201, &json!("approved")),
        "{:?}",
        made.json()
    );
    world.advance(25 * 3600).await;
    let body = json!({"conversation_id": conversation, "template": {"name": "area_note", "language": "en"}});
    assert_eq!(desk.says(&body).await.code(), "outside_24h_window");
    assert_eq!(patched(&desk, &json!({"cold_text": true})).await.status, 200);
    assert_eq!(desk.says(&body).await.status, 202);
}
