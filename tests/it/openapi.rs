//! The OpenAPI document against the routers, the template, its own schemas and its committed copy.

use e2e::World;
use http::StatusCode;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What the document does not list, and why.
const NOT_LISTED: [&str; 4] = [
    // The description itself.
    "/openapi.json",
    "/developers/api-docs",
    "/developers/api-docs/{part+}",
    // The drop-in route of single-tenant deployments: `/webhooks/whatsapp/{tenant_id}` without a tenant.
    "/api/webhooks/whatsapp",
];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

pub(crate) fn document() -> Value {
    openapi::document().unwrap()
}

/// Every operation: method, path below `/v1`, and what the document says of it.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

/// The paths of the template below `/v1`, every one of which is there below `/api/v1` as well.
fn template_paths() -> BTreeSet<String> {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let all: BTreeSet<&str> =
        template.lines().filter_map(|line| line.trim().strip_prefix("Path: ")).collect();
    let all: BTreeSet<&str> =
        all.into_iter().filter(|path| path.starts_with('/') || *path == "$default").collect();
    let mut below = BTreeSet::new();
    for path in all.iter().filter(|path| **path != "$default" && !NOT_LISTED.contains(path)) {
        if let Some(rest) = path.strip_prefix("/v1") {
            assert!(all.contains(format!("/api{path}").as_str()), "{path} is not served below /api");
            below.insert(rest.to_owned());
        } else {
            let plain = path.strip_prefix("/api").unwrap();
            assert!(all.contains(plain), "{path} is served below /api only");
        }
    }
    below
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test asks it to renew the copy")]
fn openapi_snapshot_is_what_the_handlers_say() {
    let (path, text) = (root().join("docs/openapi.json"), openapi::text().unwrap());
    if std::env::var_os("HADAR_UPDATE_SNAPSHOT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/openapi.json is not what the handlers say. Refresh it with `HADAR_UPDATE_SNAPSHOT=1 cargo test -p e2e \
         openapi_snapshot`, look at the difference, and add a line to CHANGELOG.md."
    );
}

#[tokio::test]
async fn the_document_lists_exactly_the_routes_that_are_served() {
    let world = World::start().await;
    let document = document();
    let listed: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let mut served = BTreeSet::new();
    for path in template_paths() {
        let concrete = path.replace(['{', '}'], "");
        // Whatever a router does not know for a path it answers 405 with the methods that it does.
        let answer = world.send("TRACE", &format!("/v1{concrete}"), &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}: {answer:?}");
        let allowed = answer.headers["allow"].to_str().unwrap().to_owned();
        let allowed = allowed.split(',').map(str::trim).filter(|method| METHODS.contains(method));
        served.extend(allowed.map(|method| (method.to_owned(), path.clone())));
    }
    assert_eq!(listed, served);
}

/// The operations of visitors, who have no key.
const FOR_EVERYBODY: [&str; 3] = ["get_form_definition", "get_status", "submit_form"];

#[test]
fn every_operation_has_a_name_words_a_role_and_its_errors() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{at}: {name}");
        assert!(names.insert(name), "{at}: a name twice");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{at}: {operation}");
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(tag.as_str().unwrap()), "{at}: {tag}");
        }
        let in_path = path.matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(parameters.iter().filter(|one| one["in"] == "path").count(), in_path, "{at}");
        if operation["tags"][0] == "provider_webhooks" {
            assert_eq!(operation["security"], serde_json::json!([]), "{at}");
            assert!(operation["description"].as_str().unwrap().contains("xempt from the envelope"), "{at}");
            continue;
        }
        if FOR_EVERYBODY.contains(&operation["operationId"].as_str().unwrap()) {
            assert_eq!(operation["security"], serde_json::json!([{}]), "{at}");
            continue;
        }
        let role = operation["security"][0]["api_key"][0].as_str().unwrap();
        assert!(["viewer", "agent", "admin"].contains(&role), "{at}: {role}");
        for status in ["400", "401", "403", "429", "500", "503"] {
            assert!(operation["responses"].get(status).is_some(), "{at}: {status}");
        }
        let keyed = parameters.iter().any(|one| one["$ref"] == "#/components/parameters/IdempotencyKey");
        assert_eq!(keyed, method != "GET", "{at}: Idempotency-Key");
    }
}

#[test]
fn every_error_code_is_in_the_document_with_its_status() {
    let document = document();
    for code in platform::http::Code::ALL {
        let of_status =
            document["components"]["responses"].as_object().unwrap().values().filter(|response| {
                response["content"]["application/json"]["examples"].get(code.as_str()).is_some()
            });
        assert_eq!(of_status.count(), 1, "{}", code.as_str());
        let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
        assert!(codes.iter().any(|listed| listed == code.as_str()));
    }
}

/// A validator of a schema that may refer to the document's components.
pub(crate) fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut whole = serde_json::json!({ "allOf": [schema] });
    whole["components"] = document["components"].clone();
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&whole)
        .unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn each_media(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("schema")
                && (members.contains_key("example") || members.contains_key("examples"))
            {
                found.push((at.to_owned(), value.clone()));
            }
            for (name, member) in members.iter().filter(|(name, _)| *name != "example" && *name != "examples")
            {
                each_media(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_media(item, at, found)),
        _ => {}
    }
}

#[test]
fn every_example_is_valid_by_its_own_schema_and_every_json_body_has_one() {
    let document = document();
    let mut media = Vec::new();
    each_media(&document["paths"], "", &mut media);
    each_media(&document["components"]["responses"], "responses", &mut media);
    assert!(media.len() > 100, "{}", media.len());
    for (at, content) in media {
        let validator = validator(&document, &content["schema"]);
        let several =
            content["examples"].as_object().into_iter().flatten().map(|(_, one)| one["value"].clone());
        for example in several.chain(content.get("example").cloned()) {
            let wrong: Vec<String> = validator
                .iter_errors(&example)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{at}: {wrong:#?}");
        }
    }
    for (method, path, operation) in operations(&document) {
        if let Some(json) = operation.pointer("/requestBody/content/application~1json") {
            assert!(json.get("example").is_some(), "{method} {path} has no example");
        }
    }
}

#[test]
fn no_input_takes_unknown_fields() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else {
            continue;
        };
        // What a form asks is the form's own affair; the route refuses the rest by name.
        if operation["tags"][0] == "provider_webhooks" || operation["operationId"] == "submit_form" {
            continue;
        }
        let unknown = serde_json::json!({ "there_is_no_such_field": 1 });
        assert!(!validator(&document, schema).is_valid(&unknown), "{method} {path} takes any field");
    }
}

#[tokio::test]
async fn the_page_and_the_document_are_served_to_everybody() {
    let world = World::start().await;
    let answer = world.send("GET", "/openapi.json", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.json() == document(),
        "another document is served than the handlers make: is its copy renewed?"
    );
    let page = world.send("GET", "/developers/api-docs", &[], "").await;
    assert!(page.status == StatusCode::OK && page.headers["content-type"] == "text/html; charset=utf-8");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let script = world.send("GET", "/developers/api-docs/assets/swagger-ui-bundle.js", &[], "").await;
    assert!(script.status == StatusCode::OK && script.bytes.len() > 1_000_000);
    // The key that the page fills in on this machine opens the demo sandbox and nothing live.
    let settings = world.send("GET", "/developers/api-docs/settings.json", &[], "").await.json();
    let key = settings["test_key"].as_str().unwrap();
    assert!(key.starts_with("hdr_test_"));
    assert_eq!(world.get("/v1/leads", key).await.status, StatusCode::OK);
}
