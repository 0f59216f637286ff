//! What every operation shares, written into each.

use crate::Fault;
use crate::examples::example;
use crate::named::answer;
use crate::parts::{error_name, rate_headers};
use serde_json::{Map, Value, json};

type Schemas = Map<String, Value>;

/// Completes one operation of a function; the envelopes of its answers join `answers`.
pub(crate) fn complete(
    method: &str,
    operation: &mut Value,
    schemas: &Schemas,
    answers: &mut Schemas,
) -> Result<(), Fault> {
    let mutating = matches!(method, "post" | "put" | "patch" | "delete");
    let has_body = operation.get("requestBody").is_some();
    let role = operation.pointer("/security/0/api_key/0").and_then(Value::as_str).map(str::to_owned);
    let for_everybody = operation.get("security") == Some(&json!([{}]));
    if role.is_none() && !for_everybody {
        return Err(format!("{} names no role", operation["operationId"]));
    }
    let operation = operation.as_object_mut().ok_or("an operation is an object")?;
    let Some(role) = role else {
        bodies(operation, schemas);
        without_key(operation, schemas, answers);
        return Ok(());
    };
    say_role(operation, &role);
    parameters(operation, mutating, schemas);
    bodies(operation, schemas);
    responses(operation, mutating, has_body, schemas, answers);
    Ok(())
}

fn say_role(operation: &mut Map<String, Value>, role: &str) {
    let role = format!("Needs a key with the role `{role}` or a higher one.");
    let said = operation.get("description").and_then(Value::as_str);
    let text = said.map_or_else(|| role.clone(), |said| format!("{said}\n\n{role}"));
    operation.insert("description".to_owned(), text.into());
}

fn parameters(operation: &mut Map<String, Value>, mutating: bool, schemas: &Schemas) {
    let listed = operation.get("responses").is_some_and(|responses| {
        let data = responses.pointer("/200/content/application~1json/schema");
        data.is_some_and(|data| has_pagination(data, schemas))
    });
    let has_id = operation.get("parameters").and_then(Value::as_array).is_some_and(|parameters| {
        parameters.iter().any(|parameter| parameter.get("in").is_some_and(|place| place == "path"))
    });
    let mut shared = Vec::new();
    if listed {
        shared.extend(["Limit", "Cursor"]);
    }
    if mutating {
        shared.push("IdempotencyKey");
    }
    let shared = shared.into_iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.extend(shared);
    }
    if has_id && let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert("404".to_owned(), json!({}));
    }
}

/// Whether a schema is a page of a list.
fn has_pagination(schema: &Value, schemas: &Schemas) -> bool {
    resolve(schema, schemas).pointer("/properties/pagination").is_some()
}

/// What a reference refers to.
pub(crate) fn resolve<'a>(schema: &'a Value, schemas: &'a Schemas) -> &'a Value {
    let name = schema.get("$ref").and_then(Value::as_str);
    let named = name.and_then(|name| schemas.get(name.strip_prefix("#/components/schemas/")?));
    named.unwrap_or(schema)
}

fn bodies(operation: &mut Map<String, Value>, schemas: &Schemas) {
    let contents = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
    for (kind, content) in contents.and_then(Value::as_object_mut).into_iter().flatten() {
        complete_content(kind, content, schemas);
    }
}

/// An example for JSON and for what browsers send of a form; bytes are bytes.
fn complete_content(kind: &str, content: &mut Value, schemas: &Schemas) {
    if !matches!(kind, "application/json" | "application/x-www-form-urlencoded") {
        content["schema"] = json!({ "type": "string", "format": "binary" });
    } else if content.get("example").is_none() {
        content["example"] = example(&content["schema"], schemas);
    }
}

fn responses(
    operation: &mut Map<String, Value>,
    mutating: bool,
    has_body: bool,
    schemas: &Schemas,
    answers: &mut Schemas,
) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        if status.starts_with('4') {
            continue;
        }
        success(response, mutating, schemas, answers);
    }
    let mut noes = vec![400, 401, 403, 429, 500, 503];
    if mutating {
        noes.push(409);
        noes.push(413);
    }
    if mutating || has_body {
        noes.push(415);
    }
    noes.extend([404, 422].into_iter().filter(|status: &u16| responses.contains_key(&status.to_string())));
    for status in noes {
        let name = error_name(status);
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
}

/// The answers of a route that needs no key and counts no requests of one.
fn without_key(operation: &mut Map<String, Value>, schemas: &Schemas, answers: &mut Schemas) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        if !status.starts_with('4') {
            envelope(response, schemas, answers);
            response["headers"] = json!({ "X-Trace-Id": { "$ref": "#/components/headers/TraceId" } });
        }
    }
    let named = [403, 409, 413, 415, 422];
    let named = named.into_iter().filter(|status: &u16| responses.contains_key(&status.to_string()));
    let noes: Vec<u16> = [400, 404, 429, 500, 503].into_iter().chain(named).collect();
    for status in noes {
        let name = error_name(status);
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
}

/// Completes a "yes": the envelope and the headers.
fn success(response: &mut Value, mutating: bool, schemas: &Schemas, answers: &mut Schemas) {
    envelope(response, schemas, answers);
    let mut headers = rate_headers(true);
    if mutating {
        headers.insert(
            "Idempotency-Replayed".to_owned(),
            json!({ "$ref": "#/components/headers/IdempotencyReplayed" }),
        );
    }
    if let Some(own) = response.get("headers").and_then(Value::as_object) {
        headers.extend(own.clone());
    }
    response["headers"] = Value::Object(headers);
}

/// Puts the data of a "yes" into the envelope.
fn envelope(response: &mut Value, schemas: &Schemas, answers: &mut Schemas) {
    let contents = response.get_mut("content").and_then(Value::as_object_mut);
    for (kind, content) in contents.into_iter().flatten() {
        complete_content(kind, content, schemas);
        if kind != "application/json" {
            continue;
        }
        let (data, shown) = (content["schema"].take(), content["example"].take());
        content["schema"] = answer(data, answers);
        content["example"] = json!({ "data": shown, "error": null });
    }
}
