use super::*;
use serde_json::json;

fn document() -> Value {
    json!({
        "paths": { "/leads": {
            "get": {
                "operationId": "list_leads",
                "parameters": [{ "name": "status", "in": "query", "schema": { "type": "string", "enum": ["new", "won"] } }],
                "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Lead" } } } } },
            },
            "post": {
                "operationId": "create_lead",
                "requestBody": { "required": true, "content": { "application/json": { "schema": {
                    "type": "object",
                    "required": ["name"],
                    "properties": { "name": { "type": "string", "maxLength": 200 }, "area": { "type": ["string", "null"] } },
                    "additionalProperties": false,
                } } } },
                "responses": { "201": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Lead" } } } } },
            },
        } },
        "components": { "schemas": { "Lead": {
            "type": "object",
            "required": ["id", "status"],
            "properties": { "id": { "type": "string" }, "status": { "type": "string", "enum": ["new", "won"] } },
        } } },
    })
}

/// The differences after the value at a place became another one; `null` takes it away.
fn after(edits: &[(&str, Value)]) -> Vec<Change> {
    let mut new = document();
    for (pointer, value) in edits {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = new.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} is nowhere"));
        let name = name.replace("~1", "/");
        if value.is_null() {
            parent.as_object_mut().unwrap().remove(&name).unwrap_or_else(|| panic!("{pointer} is not there"));
        } else {
            parent[name] = value.clone();
        }
    }
    changes(&document(), &new)
}

const BODY: &str = "/paths/~1leads/post/requestBody/content/application~1json/schema";
const LEAD: &str = "/components/schemas/Lead";

#[test]
fn a_document_does_not_differ_from_itself() {
    assert_eq!(changes(&document(), &document()), []);
}

#[test]
fn what_lets_clients_down_breaks() {
    let body = |rest: &str| format!("{BODY}{rest}");
    let lead = |rest: &str| format!("{LEAD}{rest}");
    let statuses = "/paths/~1leads/get/parameters".to_owned();
    for (pointer, value) in [
        ("/paths/~1leads".to_owned(), Value::Null),
        ("/paths/~1leads/post".to_owned(), Value::Null),
        ("/paths/~1leads/get/operationId".to_owned(), json!("leads")),
        (statuses.clone(), json!([])),
        (
            statuses.clone(),
            json!([{ "name": "status", "in": "query", "schema": { "type": "string", "enum": ["new"] } }]),
        ),
        (
            statuses.clone(),
            json!([
                { "name": "status", "in": "query", "schema": { "type": "string", "enum": ["new", "won"] } },
                { "name": "tenant", "in": "query", "required": true, "schema": { "type": "string" } },
            ]),
        ),
        ("/paths/~1leads/post/requestBody".to_owned(), Value::Null),
        ("/paths/~1leads/post/responses/201".to_owned(), Value::Null),
        (body("/required"), json!(["name", "area"])),
        (body("/properties/area"), Value::Null),
        (body("/properties/area/type"), json!("string")),
        (body("/properties/name/maxLength"), json!(100)),
        (body("/properties/name/pattern"), json!("^a")),
        (lead("/properties/status"), Value::Null),
        (lead("/properties/id/type"), json!(["string", "null"])),
        (lead("/required"), json!(["id"])),
    ] {
        let found = after(&[(&pointer, value.clone())]);
        assert!(found.iter().any(|change| change.breaks), "{pointer} = {value}: {found:?}");
    }
    let new_and_required = after(&[
        (&body("/properties/phone"), json!({ "type": "string" })),
        (&body("/required"), json!(["name", "phone"])),
    ]);
    assert!(new_and_required.iter().any(|change| change.breaks), "{new_and_required:?}");
}

#[test]
fn what_only_adds_does_not() {
    let body = |rest: &str| format!("{BODY}{rest}");
    let lead = |rest: &str| format!("{LEAD}{rest}");
    for (pointer, value) in [
        (
            "/paths/~1contacts".to_owned(),
            json!({ "get": { "operationId": "list_contacts", "responses": {} } }),
        ),
        ("/paths/~1leads/get/responses/422".to_owned(), json!({ "description": "no" })),
        (
            "/paths/~1leads/get/parameters".to_owned(),
            json!([
                { "name": "status", "in": "query", "schema": { "type": "string", "enum": ["new", "won", "lost"] } },
                { "name": "q", "in": "query", "schema": { "type": "string" } },
            ]),
        ),
        (body("/properties/email"), json!({ "type": "string" })),
        (lead("/properties/email"), json!({ "type": "string" })),
        (lead("/properties/status/enum"), json!(["new", "won", "lost"])),
    ] {
        let found = after(&[(&pointer, value.clone())]);
        assert!(
            !found.is_empty() && found.iter().all(|change| !change.breaks),
            "{pointer} = {value}: {found:?}"
        );
    }
    let looser = after(&[
        (&body("/required"), json!([])),
        (&body("/properties/name/maxLength"), json!(300)),
        (&lead("/description"), json!("A lead.")),
    ]);
    assert!(looser.iter().all(|change| !change.breaks), "{looser:?}");
}
