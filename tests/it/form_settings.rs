//! Lead forms as admins manage them, and the demo's.

use crate::forms::{ENCODED, JSON, PAGE, aisha, consents, fill, form, leads, patch};
use e2e::World;
use serde_json::{Value, json};

#[tokio::test]
async fn forms_are_for_admins_of_their_tenant_and_their_definition_for_everybody() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let id = form["id"].as_str().unwrap();
    assert!(id.starts_with("form_") && id.len() == 31, "{id}");
    let (keys, path) = (world.tenant("meta").keys, format!("/v1/forms/{id}"));
    for low in [&keys.live_agent, &keys.live_viewer] {
        assert_eq!(world.get("/v1/forms", low).await.status, 403);
        assert_eq!(world.get(&path, low).await.status, 403);
        assert_eq!(patch(&world, &form, low, &json!({"status": "disabled"})).await.status, 403);
        let made = world.post("/v1/forms", low, &json!({"name": "F", "allowed_origins": ["*"]})).await;
        assert_eq!(made.status, 403);
    }
    assert_eq!(world.send("GET", &path, &[], "").await.status, 401);
    let foreign = world.tenant("dialog360").keys.live_admin;
    for key in [&foreign, &keys.test_admin] {
        assert_eq!(world.get(&path, key).await.status, 404);
        assert_eq!(patch(&world, &form, key, &json!({"status": "disabled"})).await.status, 404);
        let bearer = format!("Bearer {key}");
        assert_eq!(world.send("DELETE", &path, &[("authorization", &bearer)], "").await.status, 404);
        assert!(world.all("/v1/forms", key).await.is_empty());
    }
    assert_eq!(world.get(&path, &keys.live_admin).await.data(), form);
    let shown = world.send("GET", &format!("{path}/definition"), &[PAGE], "").await;
    assert_eq!(shown.headers["access-control-allow-origin"], "https://marina.example");
    let shown = shown.data();
    assert_eq!(shown["consent"]["wording"], form["consent"]["wording"]);
    assert_eq!((&shown["fields"], &shown["trap"]), (&form["fields"], &json!("website")));
    for inner in ["name", "allowed_origins", "source", "status", "created_at", "tenant_id"] {
        assert!(shown.get(inner).is_none(), "{inner}");
    }

    let renamed = patch(&world, &form, &keys.live_admin, &json!({"name": "Other", "consent": null})).await;
    assert_eq!((&renamed.data()["name"], &renamed.data()["consent"]), (&json!("Other"), &Value::Null));
    let unknown = patch(&world, &form, &keys.live_admin, &json!({"colour": "red"})).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]["field"]), (400, &json!("colour")));
    let bearer = format!("Bearer {}", keys.live_admin);
    let deleted = world.send("DELETE", &path, &[("authorization", &bearer)], "").await;
    assert_eq!((deleted.status.as_u16(), &deleted.data()["deleted"]), (200, &json!(true)));
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 404);
    let audit = world.all("/v1/audit", &keys.live_admin).await;
    let said = |action: &str| audit.iter().any(|one| one["action"] == action && one["target"] == id);
    assert!(["form.create", "form.update", "form.delete"].into_iter().all(said), "{audit:?}");
}

#[tokio::test]
async fn a_request_that_makes_a_form_makes_it_once() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.tenant("meta").keys.live_admin);
    let headers = [("authorization", &*bearer), JSON, ("idempotency-key", "form-1")];
    let body = json!({"name": "F", "allowed_origins": ["*"]}).to_string();
    let first = world.send("POST", "/v1/forms", &headers, body.clone()).await;
    let again = world.send("POST", "/v1/forms", &headers, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.data()["id"], again.data()["id"]);
    let forms = world.all("/v1/forms", &world.tenant("meta").keys.live_admin).await;
    assert_eq!(forms.iter().filter(|form| form["name"] == "F").count(), 1);
}

#[tokio::test]
async fn the_demo_form_of_the_local_stack_takes_what_the_first_screen_says() {
    let world = World::start().await;
    let form = world.tenant("meta").form_id.unwrap();
    let path = format!("/v1/forms/{form}/submissions");
    let taken = world.send("POST", &path, &[ENCODED], "name=Aisha&phone=0501234567&consent=on").await;
    assert_eq!(taken.status, 202, "{:?}", taken.json());
    let [lead] = leads(&world).await.try_into().unwrap();
    assert_eq!(consents(&world, &lead["contact_id"]).await.len(), 1);
}
