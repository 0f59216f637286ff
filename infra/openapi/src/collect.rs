//! The routes and types of all functions, brought together.

use crate::Fault;
use serde_json::{Map, Value};
use utoipa::OpenApi as _;

/// Paths and schemas, as the functions describe them.
pub(crate) fn collect() -> Result<(Map<String, Value>, Map<String, Value>), Fault> {
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
        templates::Document::openapi(),
    ];
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for function in functions {
        let function = serde_json::to_value(function).map_err(|error| error.to_string())?;
        take(&mut paths, function.pointer("/paths"))?;
        take(&mut schemas, function.pointer("/components/schemas"))?;
    }
    Ok((paths, schemas))
}

/// Takes members over; one name stands for one thing.
fn take(all: &mut Map<String, Value>, more: Option<&Value>) -> Result<(), Fault> {
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
