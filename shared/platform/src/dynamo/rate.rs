//! Requests counted per key and per tenant in fixed windows: one item per tenant and window holds both counts, so that
//! a request costs one update (I-14).

use super::wire::{AttributeValue, Item, Key, Refused, StoreError, Values, n, refused};
use super::{Store, keys};
use crate::aws::{AwsError, Effort, Service};
use domain::ids::{KeyId, TenantId};
use domain::rate::{Limits, Window};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// Later than this an answer of the table is worth less than a quick no.
const BUDGET: Duration = Duration::from_millis(1_000);
/// How long the table keeps a window that is over, in seconds.
const KEPT_S: u64 = 60 * 60;

/// What counting a request said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is one of those that may pass.
    Passes {
        /// How many of the key passed in this window, this one included.
        by_key: u32,
        /// How many of the tenant.
        by_tenant: u32,
    },
    /// The key has used its limit up.
    KeyFull,
    /// The tenant's keys have used theirs up together.
    TenantFull,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Count<'a> {
    table_name: &'a str,
    key: Key,
    update_expression: &'static str,
    condition_expression: &'static str,
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

impl Store {
    /// Counts a request, if the limits of its key and of its tenant leave room in the window. One attempt, one second: a
    /// request that was counted and whose answer got lost stays counted, which is the safe side.
    ///
    /// # Errors
    /// The table is unreachable or slow; then nobody knows, and the request must not pass.
    pub async fn count_request(
        &self,
        tenant: TenantId,
        key: KeyId,
        window: Window,
        limits: Limits,
    ) -> Result<Counted, StoreError> {
        const ACTION: &str = "count a request";
        let own = keys::rate_count(key);
        let input = Count {
            table_name: &self.ephemeral.name,
            key: keys::rate_window(tenant, window),
            update_expression: "SET expires_at = :ttl ADD #own :one, #all :one",
            condition_expression: "(attribute_not_exists(#own) OR #own < :limit) AND \
                                   (attribute_not_exists(#all) OR #all < :ceiling)",
            expression_attribute_names: HashMap::from([("#own", own.as_str()), ("#all", keys::RATE_ALL)]),
            expression_attribute_values: Values::from([
                (":one", n(1)),
                (":limit", n(u64::from(limits.key))),
                (":ceiling", n(u64::from(limits.tenant))),
                (":ttl", n(window.ends_at().unix_ms() / 1_000 + KEPT_S)),
            ]),
            return_values: "UPDATED_NEW",
            return_values_on_condition_check_failure: "ALL_OLD",
        };
        let call = self.ephemeral.aws.call::<_, Now>(Service::DynamoDb, "UpdateItem", &input, Effort::Once);
        let done = tokio::time::timeout(BUDGET, call).await.unwrap_or(Err(AwsError::TimedOut));
        match refused(ACTION, done)? {
            Ok(now) => Ok(Counted::Passes {
                by_key: count(&now.attributes, &own),
                by_tenant: count(&now.attributes, keys::RATE_ALL),
            }),
            Err(Refused(Some(item))) if count(&item, &own) < limits.key => Ok(Counted::TenantFull),
            Err(Refused(_)) => Ok(Counted::KeyFull),
        }
    }
}

fn count(item: &Item, name: &str) -> u32 {
    match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().unwrap_or(u32::MAX),
        _ => 0,
    }
}
