//! How many calls of each provider came to nothing, minute by minute, over all tenants.

use super::wire::{AttributeValue, Item, Names, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::availability::{Calls, WINDOW_MS};
use domain::provider::Provider;
use domain::time::Millis;

/// How long a minute is kept, in seconds.
const KEPT_S: u64 = 60 * 60;

impl Store {
    /// Adds calls to the minute of `now`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn add_provider_calls(
        &self,
        provider: Provider,
        more: Calls,
        now: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([
            (":made", n(u64::from(more.made))),
            (":failed", n(u64::from(more.failed))),
            (":ttl", n(now.unix_ms() / 1_000 + KEPT_S)),
        ]);
        let add = "SET expires_at = :ttl ADD made :made, failed :failed";
        let key = keys::provider_calls(provider, now);
        self.ephemeral.update("count provider calls", key, add, None, Names::new(), values).await.map(drop)
    }

    /// A provider's calls of the last minutes together.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn provider_calls(&self, provider: Provider, now: Millis) -> Result<Calls, StoreError> {
        let first =
            keys::provider_calls(provider, Millis::from_unix_ms(now.unix_ms().saturating_sub(WINDOW_MS)));
        let last = keys::provider_calls(provider, now);
        let query = Query {
            table_name: &self.ephemeral.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :first AND :last",
            expression_attribute_values: Values::from([
                (":pk", s(first.pk)),
                (":first", s(first.sk)),
                (":last", s(last.sk)),
            ]),
            scan_index_forward: true,
            limit: None,
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.ephemeral.query("read provider calls", &query).await?;
        let count = |item: &Item, name: &str| match item.get(name) {
            Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
            _ => 0,
        };
        let minutes = page.items.iter();
        let minutes = minutes.map(|item| Calls { made: count(item, "made"), failed: count(item, "failed") });
        Ok(minutes.fold(Calls::default(), Calls::plus))
    }
}
