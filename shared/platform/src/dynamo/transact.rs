//! `TransactWriteItems`: several facts that hold together or not at all.
//!
//! Every transaction carries a client token, so that an answer that got lost is asked for again instead of being
//! refused by our own success. Conflicts with other writers are tried again a few times; they say nothing about the
//! conditions.

use super::wire::{AttributeValue, Item, Key, Names, StoreError, Values};
use crate::aws::{Aws, AwsError, Effort, Service};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How often a transaction that met another writer is tried.
const TRIES: u32 = 6;
/// The first pause between two tries; it doubles, with jitter.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
enum Action {
    Put(Body),
    Update(Body),
    Delete(Body),
    ConditionCheck(Body),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    table_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_expression: Option<String>,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    expression_attribute_names: Names,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    expression_attribute_values: Values,
}

/// What one action of a transaction demands of the item that is there.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) expression: Option<String>,
    pub(super) names: Names,
    pub(super) values: Values,
}

impl Condition {
    pub(super) fn absent() -> Self {
        Self::of("attribute_not_exists(pk)", [])
    }

    pub(super) fn of(
        expression: impl Into<String>,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Self {
        let values = values.into_iter().collect();
        Self { expression: Some(expression.into()), names: Names::new(), values }
    }

    pub(super) fn named(mut self, names: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        self.names.extend(names);
        self
    }
}

/// A transaction in the making.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    actions: Vec<Action>,
}

/// The transaction did not happen: one place per action, true where its own condition did not hold.
#[derive(Debug)]
pub(super) struct Cancelled(Vec<bool>);

impl Cancelled {
    /// Whether the condition of the action at this place did not hold.
    pub(super) fn refused(&self, index: usize) -> bool {
        self.0.get(index).copied().unwrap_or(false)
    }
}

impl Transaction {
    fn push(
        &mut self,
        make: impl FnOnce(Body) -> Action,
        table: &str,
        item: Option<Item>,
        key: Option<Key>,
        update: Option<&str>,
        condition: Condition,
    ) -> usize {
        self.actions.push(make(Body {
            table_name: table.to_owned(),
            item,
            key,
            update_expression: update.map(str::to_owned),
            condition_expression: condition.expression,
            expression_attribute_names: condition.names,
            expression_attribute_values: condition.values,
        }));
        self.actions.len() - 1
    }

    /// Writes a whole item; answers the action's place.
    pub(super) fn put(&mut self, table: &str, item: Item, condition: Condition) -> usize {
        self.push(Action::Put, table, Some(item), None, None, condition)
    }

    /// Changes an item; the condition's names and values serve the expression as well.
    pub(super) fn update(&mut self, table: &str, key: Key, expression: &str, condition: Condition) -> usize {
        self.push(Action::Update, table, None, Some(key), Some(expression), condition)
    }

    pub(super) fn delete(&mut self, table: &str, key: Key, condition: Condition) -> usize {
        self.push(Action::Delete, table, None, Some(key), None, condition)
    }

    /// Demands something of an item that is not written.
    pub(super) fn check(&mut self, table: &str, key: Key, condition: Condition) -> usize {
        self.push(Action::ConditionCheck, table, None, Some(key), None, condition)
    }

    /// Writes all or nothing.
    pub(super) async fn commit(
        self,
        aws: &Aws,
        action: &'static str,
    ) -> Result<Result<(), Cancelled>, StoreError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            transact_items: &'a [Action],
            client_request_token: String,
        }
        #[derive(Deserialize)]
        struct Nothing {}
        let mut pause = PAUSE;
        for attempt in 1..=TRIES {
            // A conflict is a new request: the token of a refused one would answer the refusal again.
            let input =
                Input { transact_items: &self.actions, client_request_token: Uuid::new_v4().to_string() };
            let done: Result<Nothing, AwsError> =
                aws.call(Service::DynamoDb, "TransactWriteItems", &input, Effort::Standard).await;
            let error = match done {
                Ok(_) => return Ok(Ok(())),
                Err(error) => error,
            };
            let reasons = reasons(&error);
            if reasons.iter().any(|reason| reason.code == "ConditionalCheckFailed") {
                let places = reasons.iter().map(|reason| reason.code == "ConditionalCheckFailed");
                return Ok(Err(Cancelled(places.collect())));
            }
            let met = reasons.iter().any(|reason| {
                matches!(
                    reason.code.as_str(),
                    "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
                )
            });
            if !met || attempt == TRIES {
                return Err(StoreError::aws(action)(error));
            }
            tokio::time::sleep(jittered(pause)).await;
            pause *= 2;
        }
        Err(StoreError::corrupt(action, "transaction", "it never ended"))
    }
}

/// Half to all of a pause: writers that met should not meet again.
pub(super) fn jittered(pause: Duration) -> Duration {
    let mut random = [0u8; 1];
    let _no_entropy = getrandom::fill(&mut random);
    let [random] = random;
    pause / 2 + pause.mul_f64(f64::from(random) / 512.0)
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "Code", default)]
    code: String,
}

fn reasons(error: &AwsError) -> Vec<Reason> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "CancellationReasons", default)]
        reasons: Vec<Reason>,
    }
    match error {
        AwsError::Service { code, body, .. } if code == "TransactionCanceledException" => {
            serde_json::from_slice::<Body>(body).map(|body| body.reasons).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
