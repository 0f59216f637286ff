//! Examples for what has none of its own: made from the schema, so that they are what it says.

use crate::operation::resolve;
use serde_json::{Map, Value, json};

/// How deep an example goes.
const DEEPEST: usize = 8;

/// Plain texts that say more than `text`, by the name of the field.
const NAMED: [(&str, &str); 44] = [
    ("account", "102290129340398"),
    ("action", "api_key.create"),
    ("actor", "key_01JH3Q7T5V8W9X0Y1Z2A3B4C5D"),
    ("area", "Dubai Marina"),
    ("assigned_to", "Omar"),
    ("assignee", "Omar"),
    ("body", "Hello {{name}}, your viewing is on {{day}}. See you there."),
    ("bsuid", "AE.13491208655302741918"),
    ("caption", "The floor plan"),
    ("currency", "AED"),
    ("description", "CRM sync"),
    ("display_phone_number", "+971 4 555 0100"),
    ("email", "aisha@example.com"),
    ("emoji", "👍"),
    ("event_type", "lead.created"),
    ("external_id", "form-7781"),
    ("filename", "plan.pdf"),
    ("from", "+971501234567"),
    ("handover_horizon", "6 months"),
    ("hash", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("key", "hdr_test_ends-by-itself-shown-once"),
    ("kind", "text"),
    ("language", "en"),
    ("last4", "q7Zk"),
    ("mime_type", "application/pdf"),
    ("name", "Aisha Khan"),
    ("number", "106540352242922"),
    ("phone", "+971501234567"),
    ("phone_number_id", "106540352242922"),
    ("prefix", "hdr_live_"),
    ("previous", "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"),
    ("provider_message_id", "wamid.HBgMOTcxNTAxMjM0NTY3FQIAERgS"),
    ("secret", "whsec_c2hvd24tb25jZQ=="),
    ("sha256", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
    ("source", "website"),
    ("status", "delivered"),
    ("target", "key_01JH3Q7T5V8W9X0Y1Z2A3B4C5D"),
    ("text", "Is the two-bedroom still available?"),
    ("title", "Yes"),
    ("type", "lead.created"),
    ("url", "https://hooks.example.com/hadar"),
    ("verified_name", "Hadar Homes"),
    ("waba_id", "102290129340398"),
    ("webhook_url", "https://api.example.com/v1/webhooks/whatsapp/tnt_01JH3Q7T5V8W9X0Y1Z2A3B4C5D"),
];

/// A value of this schema.
pub(crate) fn example(schema: &Value, schemas: &Map<String, Value>) -> Value {
    made(schema, "", schemas, 0)
}

fn made(schema: &Value, name: &str, schemas: &Map<String, Value>, depth: usize) -> Value {
    let schema = resolve(schema, schemas);
    let told =
        schema.get("example").or_else(|| schema.pointer("/examples/0")).or_else(|| schema.pointer("/enum/0"));
    if let Some(told) = told.or_else(|| schema.get("const")) {
        return told.clone();
    }
    if depth > DEEPEST {
        return Value::Null;
    }
    let alternatives = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    if let Some(alternatives) = alternatives {
        let real = alternatives.iter().find(|one| one.get("type").is_none_or(|kind| kind != "null"));
        return real.map_or(Value::Null, |one| made(one, name, schemas, depth));
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = made(part, name, schemas, depth) {
                whole.extend(members);
            }
        }
        return whole.into();
    }
    match kind(schema) {
        "object" => object(schema, schemas, depth),
        "array" => {
            schema.get("items").map_or(json!([]), |items| json!([made(items, name, schemas, depth + 1)]))
        }
        "string" => text(schema, name),
        "integer" | "number" => {
            schema.get("minimum").cloned().filter(|least| *least != 0).unwrap_or(json!(1))
        }
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!({}),
    }
}

/// The type, or the first that is not `null`.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

fn object(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let members = properties.into_iter().flatten();
    members
        .map(|(name, schema)| (name.clone(), made(schema, name, schemas, depth + 1)))
        .collect::<Map<_, _>>()
        .into()
}

fn text(schema: &Value, name: &str) -> Value {
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => json!("2026-01-31T08:00:00.000Z"),
        Some("uuid") => json!("019b2c1e-7d4a-7c39-9f0e-5a1b2c3d4e5f"),
        _ => NAMED.iter().find(|(named, _)| *named == name).map_or(json!("text"), |(_, text)| json!(text)),
    }
}
