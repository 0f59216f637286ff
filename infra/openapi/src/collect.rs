//! The routes and types of all functions, brought together.

use crate::Fault;
use crate::named::alternatives;
use crate::operation::resolve;
use domain::ids::TenantId;
use serde_json::{Map, Value, json};
use utoipa::{OpenApi as _, PartialSchema};

type Members = Map<String, Value>;

/// Paths and schemas, as the functions describe them.
pub(crate) fn collect() -> Result<(Members, Members), Fault> {
    let functions = [
        api_keys::Document::openapi(),
        consents::Document::openapi(),
        conversations::Document::openapi(),
        endpoints::Document::openapi(),
        event_log::Document::openapi(),
        integrations::Document::openapi(),
        leads::Document::openapi(),
        media::Document::openapi(),
        messages::Document::openapi(),
        privacy::Document::openapi(),
        templates::Document::openapi(),
        transfer::Document::openapi(),
    ];
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for function in functions {
        let function = serde_json::to_value(function).map_err(|error| error.to_string())?;
        take(&mut paths, function.pointer("/paths"))?;
        take(&mut schemas, function.pointer("/components/schemas"))?;
    }
    let tenant =
        serde_json::to_value(<TenantId as PartialSchema>::schema()).map_err(|error| error.to_string())?;
    schemas.insert("TenantId".to_owned(), tenant);
    refer_to_items(&mut schemas);
    default_of_parts(&mut schemas);
    open_parts(&mut schemas);
    overlap(&mut schemas);
    let all = schemas.clone();
    let mut chosen = Map::new();
    schemas.iter_mut().for_each(|(name, schema)| alternatives(name, schema, &all, &mut chosen));
    take(&mut schemas, Some(&chosen.into()))?;
    Ok((paths, schemas))
}

/// A page holds its items' schema spelled out; it refers to it instead.
fn refer_to_items(schemas: &mut Members) {
    let named = schemas.clone();
    for (name, page) in schemas.iter_mut() {
        let Some(item) = name.strip_prefix("Page_").filter(|item| named.contains_key(*item)) else {
            continue;
        };
        if let Some(items) = page.pointer_mut("/properties/items/items") {
            *items = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
}

/// What a field is by default says the type that it refers to, field by field: generators of clients take no default
/// that is an object.
fn default_of_parts(schemas: &mut Members) {
    let fields = schemas.values_mut().filter_map(|schema| schema.get_mut("properties")?.as_object_mut());
    for field in fields.flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        if field.contains_key("oneOf") && field.get("default").is_some_and(Value::is_object) {
            field.remove("default");
        }
    }
}

/// A type whose fields stand among those of another one takes other fields there, even where it takes none alone.
fn open_parts(schemas: &mut Members) {
    let named = schemas.clone();
    let parts = schemas.values_mut().filter_map(|schema| schema.get_mut("allOf")?.as_array_mut());
    for part in parts.flatten() {
        let whole = resolve(part, &named);
        if whole.get("additionalProperties") == Some(&Value::Bool(false)) {
            let mut open = whole.clone();
            if let Some(members) = open.as_object_mut() {
                members.remove("additionalProperties");
            }
            *part = open;
        }
    }
}

/// Takes members over; one name stands for one thing.
fn take(all: &mut Members, more: Option<&Value>) -> Result<(), Fault> {
    for (name, value) in more.and_then(Value::as_object).into_iter().flatten() {
        match all.get(name) {
            Some(known) if known != value => return Err(format!("{name} stands for two things")),
            Some(_) => {}
            None => {
                all.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(())
}

/// Alternatives of which one is anything at all: a value may well fit two of them.
fn overlap(schemas: &mut Members) {
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        let anything =
            |one: &Value| !["type", "$ref", "allOf", "enum"].iter().any(|name| one.get(name).is_some());
        let alternatives = schema.get("oneOf").and_then(Value::as_array);
        if alternatives.is_some_and(|alternatives| alternatives.iter().any(anything))
            && let Some(alternatives) = schema.remove("oneOf")
        {
            schema.insert("anyOf".to_owned(), alternatives);
        }
    }
}
