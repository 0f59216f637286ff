//! The catalogue of event types: what each means, the schema of its payload, a sample.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The shapes of `data` and, for each type, a description and a sample.
const WRITTEN: &str = include_str!("catalogue.json");

/// A type of event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EventType))]
pub struct EventTypeView {
    /// Its name.
    #[serde(rename = "type")]
    pub name: String,
    /// When it is sent.
    pub description: String,
    /// The JSON schema of the payload.
    pub schema: Value,
    /// A payload.
    pub sample: Value,
}

#[derive(Deserialize)]
struct Written {
    shapes: BTreeMap<String, Value>,
    types: Vec<WrittenType>,
}

#[derive(Deserialize)]
struct WrittenType {
    #[serde(rename = "type")]
    name: String,
    description: String,
    shape: String,
    sample: Value,
}

/// All types of events.
///
/// # Errors
/// The catalogue cannot be read, which a test rules out.
pub fn catalogue() -> Result<Vec<EventTypeView>, serde_json::Error> {
    let written: Written = serde_json::from_str(WRITTEN)?;
    Ok(written.types.into_iter().map(|one| shown(one, &written.shapes)).collect())
}

fn shown(written: WrittenType, shapes: &BTreeMap<String, Value>) -> EventTypeView {
    let ulid = "[0-9A-HJKMNP-TV-Z]{26}$";
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["id", "type", "created_at", "tenant_id", "trace_id", "data"],
        "properties": {
            "id": {"type": "string", "pattern": format!("^evt_{ulid}")},
            "type": {"const": written.name},
            "created_at": {"type": "string", "format": "date-time"},
            "tenant_id": {"type": "string", "pattern": format!("^tnt_{ulid}")},
            "trace_id": {"type": "string", "format": "uuid"},
            "data": shapes.get(&written.shape),
        },
    });
    let sample = json!({
        "id": "evt_01J8ZQ4M9Q3W6R1X5N7P0S2T4V",
        "type": written.name,
        "created_at": "2026-03-02T08:15:04.120Z",
        "tenant_id": "tnt_01J8ZQ0A1B2C3D4E5F6G7H8J9K",
        "trace_id": "019c1f2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f",
        "data": written.sample,
    });
    EventTypeView { name: written.name, description: written.description, schema, sample }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::webhook::EventType;

    /// As much of JSON Schema as the catalogue uses.
    fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if let Some(expected) = schema.get("const") {
            return if expected == value { Ok(()) } else { Err(format!("{at}: {value}")) };
        }
        let allowed = match &schema["type"] {
            Value::String(one) => one == kind,
            Value::Array(several) => several.iter().any(|one| one == kind),
            other => return Err(format!("{at}: no type: {other}")),
        };
        if !allowed {
            return Err(format!("{at}: {kind}"));
        }
        if let Some(names) = schema["enum"].as_array()
            && !value.is_null()
            && !names.contains(value)
        {
            return Err(format!("{at}: {value}"));
        }
        if let Some(prefix) = schema["pattern"].as_str().and_then(|pattern| pattern.get(1..4))
            && let Some(text) = value.as_str()
            && !text.starts_with(prefix)
        {
            return Err(format!("{at}: {text}"));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if value.get(name).is_none() {
                return Err(format!("{at}.{name} is missing"));
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            match schema["properties"].get(name) {
                Some(schema) => fits(schema, inner, &format!("{at}.{name}"))?,
                None if schema.get("properties").is_some() => return Err(format!("{at}.{name} is unknown")),
                None => {}
            }
        }
        Ok(())
    }

    #[test]
    fn every_type_has_a_description_and_a_sample_that_fits_its_schema() {
        let shown = catalogue().unwrap();
        let names: Vec<&str> = shown.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, EventType::ALL.map(EventType::as_str));
        for one in &shown {
            assert!(one.description.len() > 10, "{}", one.name);
            assert_eq!(fits(&one.schema, &one.sample, &one.name), Ok(()));
        }
    }

    #[test]
    fn the_check_of_samples_finds_what_is_wrong() {
        let one = catalogue().unwrap().swap_remove(0);
        for (name, wrong) in [("id", json!("msg_1")), ("type", json!("other")), ("created_at", json!(5))] {
            let mut sample = one.sample.clone();
            sample[name] = wrong;
            assert!(fits(&one.schema, &sample, "x").is_err(), "{name}");
        }
        let mut sample = one.sample.clone();
        sample["data"]["unheard_of"] = json!(1);
        assert!(fits(&one.schema, &sample, "x").is_err());
    }
}
