//! The OpenAPI document: collected from the routes of the functions, completed with what all of them share.
//!
//! What one route takes and gives stands beside its handler. Here stands what no handler repeats: the envelope, the errors,
//! the headers, `limit` and `cursor`, `Idempotency-Key`, and examples for what has none of its own.

mod changes;
mod collect;
mod examples;
mod named;
mod operation;
mod parts;
mod provider_facing;

pub use changes::{Change, changes};

use serde_json::{Value, json};

/// The document is not one: two types share a name, or a route refers to what is not there.
pub type Fault = String;

/// The whole document.
///
/// # Errors
/// Two types or two routes of one name.
pub fn document() -> Result<Value, Fault> {
    let (mut paths, mut schemas) = collect::collect()?;
    schemas.extend(parts::schemas());
    let mut answers = parts::error_schemas();
    for methods in paths.values_mut().filter_map(Value::as_object_mut) {
        for (method, operation) in methods.iter_mut() {
            operation::complete(method, operation, &schemas, &mut answers)?;
        }
    }
    for (name, answer) in answers {
        if schemas.insert(name.clone(), answer).is_some() {
            return Err(format!("{name} stands for two things"));
        }
    }
    for (path, described) in provider_facing::paths() {
        if paths.insert(path.clone(), described).is_some() {
            return Err(format!("{path} is described twice"));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": parts::info(),
        "servers": [{ "url": "/v1", "description": "The same API answers under `/api/v1`." }],
        "security": [{ "api_key": [] }],
        "tags": parts::tags(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": parts::responses(),
            "parameters": parts::parameters(),
            "headers": parts::headers(),
            "securitySchemes": parts::security_schemes(),
        },
    }))
}

/// The document as it is committed: indented, in a stable order, with a line break at its end.
///
/// # Errors
/// As [`document`].
pub fn text() -> Result<String, Fault> {
    let mut text = serde_json::to_string_pretty(&document()?).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}
