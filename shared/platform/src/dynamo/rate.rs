//! Requests counted per key and per tenant in fixed windows: one item per tenant holds the counts of the window, so that
//! a request costs one update (I-14). The same item has the version of the tenant's keys, which moves with every change of
//! one: whoever remembers a key learns with the count whether it is still what it was.

use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Refused, StoreError, Values, n, refused, s};
use super::{Store, keys};
use crate::aws::{AwsError, Effort, Service};
use domain::ids::{KeyId, TenantId};
use domain::rate::{Limits, Window};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

const ACTION: &str = "count a request";
/// Later than this an answer of the table is worth less than a quick no.
const BUDGET: Duration = Duration::from_millis(1_000);
/// How often a request that met the end of a window, or a change of a key, is counted again.
const TRIES: u32 = 6;
/// How long to wait for a change of a key that is being written, in milliseconds.
const PAUSE_MS: u64 = 5;

/// What counting a request said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// It is one of those that may pass.
    Passes {
        /// How many of the key passed in this window, this one included.
        by_key: u32,
        /// How many of the tenant.
        by_tenant: u32,
        /// The version of the tenant's keys.
        version: String,
    },
    /// The key has used its limit up.
    KeyFull,
    /// The tenant's keys have used theirs up together.
    TenantFull,
    /// A key of the tenant changed since the version that was named; nothing was counted.
    Changed,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Count<'a> {
    table_name: &'a str,
    key: Key,
    update_expression: &'static str,
    condition_expression: String,
    expression_attribute_names: HashMap<&'static str, &'a str>,
    expression_attribute_values: Values,
    return_values: &'static str,
    return_values_on_condition_check_failure: &'static str,
}

#[derive(Deserialize)]
struct Now {
    #[serde(rename = "Attributes", default)]
    attributes: Item,
}

/// A request to count.
#[derive(Clone, Copy)]
struct Asked<'a> {
    tenant: TenantId,
    own: &'a str,
    window: Window,
    limits: Limits,
    version: Option<&'a str>,
}

impl Store {
    /// Counts a request, if the limits of its key and of its tenant leave room in the window, and no key of the tenant
    /// changed since `version` when one is given. Within one second: a request that was counted and whose answer got
    /// lost stays counted, which is the safe side.
    ///
    /// # Errors
    /// The table is unreachable or slow; then nobody knows, and the request must not pass.
    pub async fn count_request(
        &self,
        tenant: TenantId,
        key: KeyId,
        window: Window,
        limits: Limits,
        version: Option<&str>,
    ) -> Result<Counted, StoreError> {
        let own = keys::rate_count(key);
        let asked = Asked { tenant, own: &own, window, limits, version };
        let late = |_elapsed| Err(StoreError::aws(ACTION)(AwsError::TimedOut));
        tokio::time::timeout(BUDGET, self.counted(asked)).await.unwrap_or_else(late)
    }

    async fn counted(&self, asked: Asked<'_>) -> Result<Counted, StoreError> {
        for _ in 0..TRIES {
            let refused = match self.count_on(asked).await? {
                Ok(now) => return Ok(passes(&now, asked.own)),
                Err(Refused(item)) => item.unwrap_or_default(),
            };
            if asked.version.is_some_and(|version| text(&refused, keys::RATE_VERSION) != Some(version)) {
                return Ok(Counted::Changed);
            }
            let number = asked.window.number();
            if !(number..=number + 1).contains(&window_of(&refused).unwrap_or_default()) {
                match self.begin_window(asked).await? {
                    Ok(now) => return Ok(passes(&now, asked.own)),
                    // Somebody else began it.
                    Err(_) => continue,
                }
            }
            if by_key(&refused, asked.own) >= asked.limits.key {
                return Ok(Counted::KeyFull);
            }
            if count(&refused, keys::RATE_ALL) >= asked.limits.tenant {
                return Ok(Counted::TenantFull);
            }
            // A change of a key was being written.
            tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
        }
        Err(StoreError::missing(ACTION, "a moment without a change of the tenant's keys"))
    }

    /// Adds the request to the window, or to the next one, where a faster clock began it.
    async fn count_on(&self, asked: Asked<'_>) -> Result<Result<Item, Refused>, StoreError> {
        let number = asked.window.number();
        let mut condition = "#window BETWEEN :window AND :next AND #all < :ceiling AND \
                             (attribute_not_exists(#by.#own) OR #by.#own < :limit)"
            .to_owned();
        let mut names = names(asked.own);
        let mut values = Values::from([
            (":window", n(number)),
            (":next", n(number + 1)),
            (":limit", n(u64::from(asked.limits.key))),
            (":ceiling", n(u64::from(asked.limits.tenant))),
            (":none", n(0)),
            (":one", n(1)),
        ]);
        in_version(asked.version, &mut condition, &mut names, &mut values);
        let add = "SET #by.#own = if_not_exists(#by.#own, :none) + :one, #all = #all + :one";
        self.rate(asked.tenant, add, condition, names, values).await
    }

    /// Begins the window with the request as its first, unless it is begun.
    async fn begin_window(&self, asked: Asked<'_>) -> Result<Result<Item, Refused>, StoreError> {
        let number = asked.window.number();
        let mut condition =
            "(attribute_not_exists(#window) OR #window < :window OR #window > :next)".to_owned();
        let mut names = names(asked.own);
        names.remove("#own");
        let first = AttributeValue::M(HashMap::from([(asked.own.to_owned(), n(1))]));
        let mut values = Values::from([
            (":window", n(number)),
            (":next", n(number + 1)),
            (":by", first),
            (":one", n(1)),
            (":fresh", s(Uuid::new_v4())),
        ]);
        in_version(asked.version, &mut condition, &mut names, &mut values);
        names.insert("#version", keys::RATE_VERSION);
        let begin =
            "SET #window = :window, #all = :one, #by = :by, #version = if_not_exists(#version, :fresh)";
        self.rate(asked.tenant, begin, condition, names, values).await
    }

    async fn rate(
        &self,
        tenant: TenantId,
        update_expression: &'static str,
        condition_expression: String,
        expression_attribute_names: HashMap<&'static str, &str>,
        expression_attribute_values: Values,
    ) -> Result<Result<Item, Refused>, StoreError> {
        let input = Count {
            table_name: &self.ephemeral.name,
            key: keys::rate(tenant),
            update_expression,
            condition_expression,
            expression_attribute_names,
            expression_attribute_values,
            return_values: "ALL_NEW",
            return_values_on_condition_check_failure: "ALL_OLD",
        };
        let call = self.ephemeral.aws.call::<_, Now>(Service::DynamoDb, "UpdateItem", &input, Effort::Once);
        match call.await {
            // A change of a key is being written: as good as refused.
            Err(AwsError::Service { code, .. }) if code == "TransactionConflictException" => {
                tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
                let item = self.ephemeral.get(ACTION, &keys::rate(tenant), true).await?;
                Ok(Err(Refused(item)))
            }
            done => Ok(refused(ACTION, done)?.map(|now| now.attributes)),
        }
    }

    /// Whoever remembers keys of a tenant looks them up again.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn keys_changed(&self, tenant: TenantId) -> Result<(), StoreError> {
        let mut alone = Transaction::default();
        self.also_keys_changed(tenant, &mut alone);
        alone.commit(&self.ephemeral.aws, "a tenant's keys changed").await.map(drop)
    }

    /// The same, together with the change itself.
    pub(super) fn also_keys_changed(&self, tenant: TenantId, change: &mut Transaction) {
        let values = Values::from([(":fresh", s(Uuid::new_v4()))]);
        let fresh = Condition { values, ..Condition::default() }.named([("#version", keys::RATE_VERSION)]);
        change.update(&self.ephemeral.name, keys::rate(tenant), "SET #version = :fresh", fresh);
    }
}

fn names(own: &str) -> HashMap<&'static str, &str> {
    HashMap::from([
        ("#window", keys::RATE_WINDOW),
        ("#all", keys::RATE_ALL),
        ("#by", keys::RATE_BY_KEY),
        ("#own", own),
    ])
}

fn in_version(
    version: Option<&str>,
    condition: &mut String,
    names: &mut HashMap<&'static str, &str>,
    values: &mut Values,
) {
    if let Some(version) = version {
        condition.push_str(" AND #version = :version");
        names.insert("#version", keys::RATE_VERSION);
        values.insert(":version", s(version));
    }
}

fn passes(item: &Item, own: &str) -> Counted {
    Counted::Passes {
        by_key: by_key(item, own),
        by_tenant: count(item, keys::RATE_ALL),
        version: text(item, keys::RATE_VERSION).unwrap_or_default().to_owned(),
    }
}

fn by_key(item: &Item, own: &str) -> u32 {
    match item.get(keys::RATE_BY_KEY) {
        Some(AttributeValue::M(by)) => match by.get(own) {
            Some(AttributeValue::N(number)) => number.parse().unwrap_or(u32::MAX),
            _ => 0,
        },
        _ => 0,
    }
}

fn window_of(item: &Item) -> Option<u64> {
    match item.get(keys::RATE_WINDOW)? {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    }
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name)? {
        AttributeValue::S(text) => Some(text),
        _ => None,
    }
}

fn count(item: &Item, name: &str) -> u32 {
    match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or(u32::MAX),
        _ => 0,
    }
}
