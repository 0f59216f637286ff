//! The DynamoDB calls we use, as they go over the wire. Nothing outside `dynamo` sees these.

use crate::aws::{Aws, AwsError, Effort, Service};
use serde::{Deserialize, Serialize};
pub(super) use serde_dynamo::{AttributeValue, Item};
use std::collections::HashMap;
use ulid::Ulid;

/// A table operation did not happen, or we cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("store: {action}")]
pub struct StoreError {
    /// What was being done.
    pub action: &'static str,
    #[source]
    kind: Kind,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("the item at {0} makes no sense: {1}")]
    Corrupt(String, String),
    #[error("others were faster every time")]
    Contended,
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            Kind::Aws(error) => error.is_transient(),
            Kind::Corrupt(..) => false,
            Kind::Contended => true,
        }
    }

    /// Something that must be there is not.
    #[must_use]
    pub fn missing(action: &'static str, what: impl ToString) -> Self {
        Self::corrupt(action, &what.to_string(), "it is not there")
    }

    pub(super) fn aws(action: &'static str) -> impl FnOnce(AwsError) -> Self {
        move |error| Self { action, kind: error.into() }
    }

    /// Others wrote the same item every time it was tried.
    pub(super) const fn contended(action: &'static str) -> Self {
        Self { action, kind: Kind::Contended }
    }

    pub(super) fn corrupt(action: &'static str, at: &str, why: impl ToString) -> Self {
        Self { action, kind: Kind::Corrupt(at.to_owned(), why.to_string()) }
    }
}

/// Expression names or values; empty ones are left out of the request.
pub(super) type Names = HashMap<&'static str, &'static str>;
pub(super) type Values = HashMap<&'static str, AttributeValue>;

/// A string attribute.
pub(super) fn s(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number attribute.
pub(super) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    /// Partition.
    #[serde(serialize_with = "as_s", deserialize_with = "from_s")]
    pub(super) pk: String,
    /// Sort.
    #[serde(serialize_with = "as_s", deserialize_with = "from_s")]
    pub(super) sk: String,
}

fn as_s<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap as _;
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("S", text)?;
    map.end()
}

fn from_s<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "S")]
        s: String,
    }
    Ok(Typed::deserialize(deserializer)?.s)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put<'a> {
    pub table_name: &'a str,
    pub item: Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_expression: Option<&'a str>,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub expression_attribute_names: Names,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub expression_attribute_values: Values,
    pub return_values_on_condition_check_failure: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update<'a> {
    pub table_name: &'a str,
    pub key: Key,
    pub update_expression: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition_expression: Option<&'a str>,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub expression_attribute_names: Names,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub expression_attribute_values: Values,
    pub return_values_on_condition_check_failure: &'static str,
    pub return_values: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Query<'a> {
    pub table_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_name: Option<&'a str>,
    pub key_condition_expression: &'a str,
    pub expression_attribute_values: Values,
    pub scan_index_forward: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive_start_key: Option<Item>,
    pub consistent_read: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page {
    #[serde(default)]
    pub items: Vec<Item>,
    pub last_evaluated_key: Option<Item>,
}

/// The condition of a guarded write did not hold; `Some` carries the item that was there.
#[derive(Debug)]
pub(super) struct Refused(pub Option<Item>);

/// One table, through the thin client.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub aws: Aws,
    pub name: String,
}

#[derive(Deserialize)]
struct Nothing {}

impl Table {
    pub(super) async fn get(
        &self,
        action: &'static str,
        key: &Key,
        consistent: bool,
    ) -> Result<Option<Item>, StoreError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Get<'a> {
            table_name: &'a str,
            key: &'a Key,
            consistent_read: bool,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Got {
            item: Option<Item>,
        }
        let input = Get { table_name: &self.name, key, consistent_read: consistent };
        let got: Got = self
            .aws
            .call(Service::DynamoDb, "GetItem", &input, Effort::Standard)
            .await
            .map_err(StoreError::aws(action))?;
        Ok(got.item)
    }

    /// Writes a whole item; without a condition it replaces what is there.
    pub(super) async fn put(
        &self,
        action: &'static str,
        item: Item,
        condition: Option<(&str, Names, Values)>,
    ) -> Result<Result<(), Refused>, StoreError> {
        let (condition_expression, names, values) = match condition {
            Some((expression, names, values)) => (Some(expression), names, values),
            None => (None, Names::new(), Values::new()),
        };
        let input = Put {
            table_name: &self.name,
            item,
            condition_expression,
            expression_attribute_names: names,
            expression_attribute_values: values,
            return_values_on_condition_check_failure: if condition_expression.is_some() {
                "ALL_OLD"
            } else {
                "NONE"
            },
        };
        let done = self.aws.call::<_, Nothing>(Service::DynamoDb, "PutItem", &input, Effort::Standard).await;
        refused(action, done).map(|done| done.map(drop))
    }

    /// Changes attributes of one item, creating it when it is absent and the condition allows.
    pub(super) async fn update(
        &self,
        action: &'static str,
        key: Key,
        expression: &str,
        condition: Option<&str>,
        names: Names,
        values: Values,
    ) -> Result<Result<(), Refused>, StoreError> {
        let input = Update {
            table_name: &self.name,
            key,
            update_expression: expression,
            condition_expression: condition,
            expression_attribute_names: names,
            expression_attribute_values: values,
            return_values_on_condition_check_failure: if condition.is_some() { "ALL_OLD" } else { "NONE" },
            return_values: "NONE",
        };
        let done =
            self.aws.call::<_, Nothing>(Service::DynamoDb, "UpdateItem", &input, Effort::Standard).await;
        refused(action, done).map(|done| done.map(drop))
    }

    pub(super) async fn delete(&self, action: &'static str, key: &Key) -> Result<(), StoreError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Delete<'a> {
            table_name: &'a str,
            key: &'a Key,
        }
        let input = Delete { table_name: &self.name, key };
        self.aws
            .call::<_, Nothing>(Service::DynamoDb, "DeleteItem", &input, Effort::Standard)
            .await
            .map(drop)
            .map_err(StoreError::aws(action))
    }

    pub(super) async fn query(&self, action: &'static str, query: &Query<'_>) -> Result<Page, StoreError> {
        self.aws
            .call(Service::DynamoDb, "Query", query, Effort::Standard)
            .await
            .map_err(StoreError::aws(action))
    }

    /// A partition of the index by time, older than `before` (all when absent), newest first.
    pub(super) async fn newest_first(
        &self,
        action: &'static str,
        partition: String,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let mut values = Values::from([(":pk", AttributeValue::S(partition))]);
        let condition = if let Some(before) = before {
            values.insert(":before", s(before));
            "gpk = :pk AND gsk < :before"
        } else {
            "gpk = :pk"
        };
        let query = Query {
            table_name: &self.name,
            index_name: Some(super::keys::BY_TIME),
            key_condition_expression: condition,
            expression_attribute_values: values,
            scan_index_forward: false,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        self.query(action, &query).await
    }

    /// Reads up to any number of items by key, 100 at a time, in no order; absent ones are left out.
    pub(super) async fn batch_get(
        &self,
        action: &'static str,
        keys: &[Key],
    ) -> Result<Vec<Item>, StoreError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Keys<'a> {
            keys: &'a [Key],
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct BatchGet<'a> {
            request_items: HashMap<&'a str, Keys<'a>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Left {
            keys: Vec<Key>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Got {
            #[serde(default)]
            responses: HashMap<String, Vec<Item>>,
            #[serde(default)]
            unprocessed_keys: HashMap<String, Left>,
        }
        let mut wanted = Vec::with_capacity(keys.len());
        for key in keys {
            if !wanted.contains(key) {
                wanted.push(key.clone());
            }
        }
        let mut items = Vec::with_capacity(wanted.len());
        // DynamoDB may hand keys back when it is busy; a bounded number of rounds keeps this from spinning.
        for _round in 0..20 {
            if wanted.is_empty() {
                return Ok(items);
            }
            let rest = wanted.split_off(wanted.len().min(100));
            let input =
                BatchGet { request_items: HashMap::from([(self.name.as_str(), Keys { keys: &wanted })]) };
            let got: Got = self
                .aws
                .call(Service::DynamoDb, "BatchGetItem", &input, Effort::Standard)
                .await
                .map_err(StoreError::aws(action))?;
            items.extend(got.responses.into_values().flatten());
            wanted = rest;
            wanted.extend(got.unprocessed_keys.into_values().flat_map(|left| left.keys));
        }
        Err(StoreError::corrupt(action, "batch get", "the table kept handing keys back"))
    }
}

/// Turns "condition failed" into a value: it is an answer, not an error.
pub(super) fn refused<T>(
    action: &'static str,
    done: Result<T, AwsError>,
) -> Result<Result<T, Refused>, StoreError> {
    #[derive(Deserialize)]
    struct Failed {
        #[serde(rename = "Item")]
        item: Option<Item>,
    }
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(AwsError::Service { ref code, ref body, .. }) if code == "ConditionalCheckFailedException" => {
            let item = serde_json::from_slice::<Failed>(body).ok().and_then(|failed| failed.item);
            Ok(Err(Refused(item)))
        }
        Err(error) => Err(StoreError { action, kind: error.into() }),
    }
}
