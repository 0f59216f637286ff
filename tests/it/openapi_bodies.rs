//! Bodies that are not what the document says, one wrong place at a time: each is refused, and none is a fault of ours.

use crate::openapi::{document, operations, validator};
use crate::openapi_tenancy::{Asked, ask, belongings, requests};
use e2e::World;
use local::Options;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What takes the place of every value, where the schema does not allow it.
fn strangers() -> [Value; 12] {
    [
        Value::Null,
        json!(true),
        json!(-7),
        json!(0.5),
        json!(1e300),
        json!("\u{1}\u{feff}no such word"),
        json!([]),
        json!([[], null]),
        json!(["a"]),
        json!(["a", "b"]),
        json!([true]),
        json!({"there_is_no_such_field": 1}),
    ]
}

/// The names of the fields that a schema knows, whatever its alternatives.
fn fields(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&reference[1..]).unwrap(), found);
    }
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    for alternatives in ["allOf", "anyOf", "oneOf"] {
        for one in schema[alternatives].as_array().into_iter().flatten() {
            fields(document, one, found);
        }
    }
}

/// The places of a body: of every value in it.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                places(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Bodies with one place each that the schema does not allow.
fn wrong_bodies(document: &Value, schema: &Value, example: &Value) -> Vec<(String, Value)> {
    let validator = validator(document, schema);
    let mut names = BTreeSet::new();
    fields(document, schema, &mut names);
    let mut whole = example.as_object().cloned().unwrap_or_else(Map::new);
    let absent: Vec<String> = names.into_iter().filter(|name| !whole.contains_key(name)).collect();
    let mut all = Vec::new();
    let mut at = Vec::new();
    places(example, "", &mut at);
    for place in at {
        for stranger in strangers() {
            let mut body = example.clone();
            *body.pointer_mut(&place).unwrap() = stranger;
            all.push((place.clone(), body));
        }
    }
    for name in absent {
        for stranger in strangers() {
            whole.insert(name.clone(), stranger);
            all.push((format!("/{name}"), Value::Object(whole.clone())));
        }
        whole.remove(&name);
    }
    all.retain(|(_, body)| !validator.is_valid(body));
    all
}

#[tokio::test]
async fn a_body_with_one_place_that_the_document_does_not_allow_is_refused_and_the_field_is_named() {
    let options = Options {
        allow_loopback_endpoints: true,
        demo_rate_per_minute: Some(1_000_000),
        ..Options::default()
    };
    let world = World::start_with(options).await;
    let admin = world.tenant("meta").keys.live_admin;
    let own = belongings(&world, &admin).await;
    let document = document();
    let asked = requests(&own);
    let (mut tried, mut problems) = (0, Vec::new());
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let Some(asked) = asked.iter().find(|asked| asked.at == at) else { continue };
        let Some(content) = operation.pointer("/requestBody/content/application~1json") else { continue };
        for (place, body) in wrong_bodies(&document, &content["schema"], &content["example"]) {
            let wrong = Asked { body: Some(body.clone()), ..asked.clone() };
            let answer = ask(&world, &wrong, &admin).await;
            tried += 1;
            let is_named = answer.status != 400 || !answer.json()["error"]["field"].is_null();
            if !answer.status.is_client_error() || !is_named {
                problems.push(format!("{at} {place}: {} {} for {body}", answer.status, answer.json()));
            }
        }
    }
    assert!(problems.is_empty(), "{} of {tried}:\n{}", problems.len(), problems.join("\n"));
    assert!(tried > 1_500, "{tried}");
}

#[tokio::test]
async fn a_body_that_must_be_there_is_missed() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let admin = world.tenant("meta").keys.live_admin;
    let own = belongings(&world, &admin).await;
    let asked = requests(&own);
    let bearer = format!("Bearer {admin}");
    let mut tried = 0;
    for (method, path, operation) in operations(&document()) {
        let at = format!("{method} {path}");
        let Some(asked) = asked.iter().find(|asked| asked.at == at) else { continue };
        if operation["requestBody"]["required"] != true {
            continue;
        }
        for kind in operation["requestBody"]["content"].as_object().unwrap().keys() {
            let headers = [("authorization", bearer.as_str()), ("content-type", kind.as_str())];
            let answer = world.send(&asked.method, &asked.path, &headers, "").await;
            assert!(
                answer.status.is_client_error(),
                "{at} without {kind}: {} {}",
                answer.status,
                answer.json()
            );
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}
