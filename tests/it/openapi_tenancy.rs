//! The tenant matrix, made from the document: every route, every id, whoever may not have it.

use crate::openapi::{document, operations};
use e2e::{Answer, World};
use http::StatusCode;
use local::Options;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One thing of each kind that belongs to the demo tenant on Meta, by the schema of its id.
pub(crate) async fn belongings(world: &World, key: &str) -> BTreeMap<String, String> {
    // Somebody else, who is being erased.
    let text =
        world.meta_body().text("971507654321", "wamid.B", world.now_s(), "forget the secret of this tenant");
    world.from_meta(text.json().to_string()).await;
    world.settled().await;
    let leaves = world.all("/v1/conversations", key).await[0].clone();
    let path = format!("/v1/contacts/{}/erasure", leaves["contact_id"].as_str().unwrap());
    let erasure = world.send("POST", &path, &[("authorization", &format!("Bearer {key}"))], "").await.data()
        ["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = world.meta_body().text("971501234567", "wamid.A", world.now_s(), "the secret of this tenant");
    world.from_meta(text.json().to_string()).await;
    world.from_meta(r#"{"object":"page"}"#).await;
    world.settled().await;
    let conversation = world.all("/v1/conversations", key).await[0].clone();
    let id = |value: &Value, name: &str| {
        value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
    };
    let messages = format!("/v1/conversations/{}/messages", id(&conversation, "id"));
    let message = world.all(&messages, key).await[0].clone();
    let event = world.all("/v1/events?state=parked", key).await[0].clone();
    let made = json!({ "url": "http://127.0.0.1:9/hook", "events": ["*"], "description": "the secret of this tenant" });
    let endpoint = world.post("/v1/webhooks/endpoints", key, &made).await.data();
    let test = format!("/v1/webhooks/endpoints/{}/test", id(&endpoint, "id"));
    let delivery = world.post(&test, key, &json!({})).await.data();
    let template = world.all("/v1/whatsapp/templates", key).await[0].clone();
    let made = json!({ "name": "Of this tenant", "role": "viewer", "environment": "live" });
    let api_key = world.post("/v1/api-keys", key, &made).await.data();
    let form = json!({ "name": "the secret of this tenant", "allowed_origins": ["*"] });
    let form = world.post("/v1/forms", key, &form).await.data();
    [
        ("LeadId", id(&conversation, "lead_id")),
        ("ConversationId", id(&conversation, "id")),
        ("ContactId", id(&conversation, "contact_id")),
        ("MessageId", id(&message, "id")),
        ("EventId", id(&event, "id")),
        ("EndpointId", id(&endpoint, "id")),
        ("DeliveryId", id(&delivery, "id")),
        ("TemplateId", id(&template, "id")),
        ("KeyId", id(&api_key, "id")),
        ("FormId", id(&form, "id")),
        ("trace_id", id(&message, "trace_id")),
        ("ErasureId", erasure),
    ]
    .map(|(kind, id)| (kind.to_owned(), id))
    .into()
}

/// The kind of id that a schema refers to.
fn kind_of(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    let nested = || schema["oneOf"].as_array()?.iter().find_map(|one| one["$ref"].as_str());
    direct.or_else(nested)?.rsplit('/').next().filter(|name| name.ends_with("Id"))
}

/// One request that names something: what it names, and how.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) at: String,
    pub(crate) role: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// `None` where nothing that is named belongs to anybody.
    pub(crate) id: Option<String>,
    pub(crate) body: Option<Value>,
}

pub(crate) fn requests(own: &BTreeMap<String, String>) -> Vec<Asked> {
    let document = document();
    let mut all = Vec::new();
    for (method, path, operation) in operations(&document) {
        let Some(role) = operation["security"][0]["api_key"][0].as_str() else { continue };
        let body = operation.pointer("/requestBody/content/application~1json/example").cloned();
        let at = format!("{method} {path}");
        let mut asked = Asked {
            at: at.clone(),
            role: role.to_owned(),
            method: method.clone(),
            path: format!("/v1{path}"),
            id: None,
            body: body.clone(),
        };
        let parameters = operation["parameters"].as_array().unwrap();
        for parameter in parameters.iter().filter(|one| one["in"] == "path") {
            let name = parameter["name"].as_str().unwrap();
            let kind = kind_of(&parameter["schema"]).unwrap_or(name);
            let value = match (own.get(kind), name) {
                (Some(id), _) => {
                    asked.id = Some(id.clone());
                    id.as_str()
                }
                (None, "provider") => "meta",
                (None, "source") => "website",
                (None, "pack") => "real_estate",
                (None, other) => panic!("{at}: no value for {other}"),
            };
            asked.path = asked.path.replace(&format!("{{{name}}}"), value);
        }
        let bare = asked.path.clone();
        all.push(asked);
        let named_by = |id: &str, path: String, body: Option<Value>, what: &str| Asked {
            at: format!("{at} by {what}"),
            role: role.to_owned(),
            method: method.clone(),
            path,
            id: Some(id.to_owned()),
            body,
        };
        for parameter in parameters.iter().filter(|one| one["in"] == "query") {
            let Some(id) = kind_of(&parameter["schema"]).and_then(|kind| own.get(kind)) else { continue };
            let name = parameter["name"].as_str().unwrap();
            all.push(named_by(id, format!("{bare}?{name}={id}"), None, name));
        }
        let schema =
            operation.pointer("/requestBody/content/application~1json/schema/$ref").and_then(Value::as_str);
        let Some(schema) = schema.and_then(|reference| document.pointer(&reference[1..])) else { continue };
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let Some(id) = kind_of(field).and_then(|kind| own.get(kind)) else { continue };
            let mut body = body.clone().unwrap();
            // One recipient: what is named takes the place of the number.
            if name != "reply_to" {
                body.as_object_mut().unwrap().remove("to");
            }
            body[name] = json!(id);
            all.push(named_by(id, bare.clone(), Some(body), name));
        }
    }
    all
}

pub(crate) async fn ask(world: &World, asked: &Asked, key: &str) -> Answer {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = asked.body.as_ref().map(Value::to_string).unwrap_or_default();
    world.send(&asked.method, &asked.path, &headers, body).await
}

/// A "no" that tells nothing of the tenant's.
fn tells_nothing(asked: &Asked, who: &str, answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.bytes);
    assert!(!text.contains("the secret of this tenant"), "{} by {who}: {text}", asked.at);
}

#[tokio::test]
async fn the_tenant_matrix_gives_no_data_to_anybody_else() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let mine = world.tenant("meta").keys;
    let other = world.tenant("dialog360").keys;
    let own = belongings(&world, &mine.live_admin).await;
    let made = json!({ "name": "Revoked", "role": "admin", "environment": "live" });
    let revoked = world.post("/v1/api-keys", &mine.live_admin, &made).await.data();
    let gone = Asked {
        at: "revoking".to_owned(),
        role: "admin".to_owned(),
        method: "DELETE".to_owned(),
        path: format!("/v1/api-keys/{}", revoked["id"].as_str().unwrap()),
        id: None,
        body: None,
    };
    assert_eq!(ask(&world, &gone, &mine.live_admin).await.status, StatusCode::OK);
    let revoked = revoked["key"].as_str().unwrap();

    let requests = requests(&own);
    let (mut foreign, mut lower) = (0, 0);
    for asked in &requests {
        let answer = ask(&world, asked, revoked).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (401, "invalid_api_key"),
            "{}",
            asked.at
        );
        tells_nothing(asked, "a revoked key", &answer);

        let too_low: &[(&str, &str)] = match asked.role.as_str() {
            "admin" => &[("agent", &mine.live_agent), ("viewer", &mine.live_viewer)],
            "agent" => &[("viewer", &mine.live_viewer)],
            _ => &[],
        };
        for (role, key) in too_low {
            let answer = ask(&world, asked, key).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (403, "forbidden"),
                "{} by {role}",
                asked.at
            );
            tells_nothing(asked, role, &answer);
            lower += 1;
        }

        if asked.id.is_none() {
            continue;
        }
        for (who, key) in [("another tenant", &other.live_admin), ("the sandbox twin", &mine.test_admin)] {
            // A sandbox reads the templates of its live tenant: they are what it tries out.
            if who == "the sandbox twin" && asked.at.contains("/templates/") {
                continue;
            }
            let answer = ask(&world, asked, key).await;
            tells_nothing(asked, who, &answer);
            let empty_list =
                answer.status == StatusCode::OK && asked.path.contains('?') && answer.items().is_empty();
            assert!(
                empty_list || matches!(answer.status.as_u16(), 401 | 403 | 404),
                "{} by {who}: {} {}",
                asked.at,
                answer.status,
                answer.json()
            );
            foreign += 1;
        }
    }
    assert!(foreign >= 50 && lower >= 60, "{foreign} foreign, {lower} lower of {}", requests.len());

    // What was asked for is there, as it was.
    for asked in requests.iter().filter(|asked| asked.method == "GET" && asked.id.is_some()) {
        let answer = ask(&world, asked, &mine.live_admin).await;
        let found = answer.status == StatusCode::OK || asked.path.contains("/media/");
        assert!(found, "{}: {} {}", asked.at, answer.status, answer.json());
    }
    let endpoint = format!("/v1/webhooks/endpoints/{}", own["EndpointId"]);
    assert_eq!(
        world.get(&endpoint, &mine.live_admin).await.data()["description"],
        "the secret of this tenant"
    );
}
