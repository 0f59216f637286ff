//! Time to live on the stack's clock. The engine's own sweep reads the machine's time once its tables are in
//! a file,
//! so this one asks the engine for the expired items and deletes them on the condition that they still are.

use std::collections::HashMap;

use dynoxide::actions::{delete_item::DeleteItemRequest, scan::ScanRequest};
use dynoxide::{AttributeValue, Database, DynoxideError, Item};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Expired: a number that has passed. AWS also leaves alone what expired more than five years ago.
const EXPIRED: &str = "attribute_type(#ttl, :number) AND #ttl < :now AND #ttl > :ancient";
const FIVE_YEARS: i64 = 5 * 365 * 24 * 3600;

/// Sweeps every table with time to live; a table that cannot be swept is logged and passed over.
pub(super) fn sweep(database: &Database, now: i64) -> usize {
    let tables = match tables(database) {
        Ok(tables) => tables,
        Err(error) => {
            tracing::error!(%error, "expired items were not swept: the tables cannot be listed");
            return 0;
        }
    };
    tables
        .iter()
        .map(|table| {
            sweep_table(database, table, now).unwrap_or_else(|error| {
                tracing::error!(%error, table, "expired items were not swept");
                0
            })
        })
        .sum()
}

fn sweep_table(database: &Database, table: &str, now: i64) -> Result<usize, DynoxideError> {
    let described = database.describe_time_to_live(request(json!({ "TableName": table }))?)?;
    let Some(attribute) = described.time_to_live_description.attribute_name else {
        return Ok(0);
    };
    let keys = key_names(database, table)?;
    let names = HashMap::from([("#ttl".to_owned(), attribute)]);
    let values = HashMap::from([
        (":number".to_owned(), AttributeValue::S("N".to_owned())),
        (":now".to_owned(), AttributeValue::N(now.to_string())),
        (":ancient".to_owned(), AttributeValue::N((now - FIVE_YEARS).to_string())),
    ]);
    let mut deleted = 0;
    let mut from = None;
    loop {
        let page = database.scan(ScanRequest {
            table_name: table.to_owned(),
            filter_expression: Some(EXPIRED.to_owned()),
            expression_attribute_names: Some(names.clone()),
            expression_attribute_values: Some(values.clone()),
            exclusive_start_key: from,
            ..ScanRequest::default()
        })?;
        for item in page.items.unwrap_or_default() {
            let delete = DeleteItemRequest {
                table_name: table.to_owned(),
                key: key_of(item, &keys),
                condition_expression: Some(EXPIRED.to_owned()),
                expression_attribute_names: Some(names.clone()),
                expression_attribute_values: Some(values.clone()),
                ..DeleteItemRequest::default()
            };
            match database.delete_item(delete) {
                Ok(_) => deleted += 1,
                // Renewed since it was read.
                Err(DynoxideError::ConditionalCheckFailedException(..)) => {}
                Err(error) => return Err(error),
            }
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return Ok(deleted);
        }
    }
}

fn tables(database: &Database) -> Result<Vec<String>, DynoxideError> {
    let mut names = Vec::new();
    let mut from = None;
    loop {
        let page = database.list_tables(request(json!({ "ExclusiveStartTableName": from }))?)?;
        names.extend(page.table_names);
        from = page.last_evaluated_table_name;
        if from.is_none() {
            return Ok(names);
        }
    }
}

fn key_names(database: &Database, table: &str) -> Result<Vec<String>, DynoxideError> {
    let described = database.describe_table(request(json!({ "TableName": table }))?)?;
    let described = serde_json::to_value(&described)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    let schema = described.pointer("/Table/KeySchema").and_then(Value::as_array);
    Ok(schema
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("AttributeName").and_then(Value::as_str).map(str::to_owned))
        .collect())
}

fn key_of(mut item: Item, keys: &[String]) -> Item {
    keys.iter().filter_map(|name| item.remove_entry(name)).collect()
}

/// A request with nothing but these fields set.
fn request<T: DeserializeOwned>(fields: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(fields).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
