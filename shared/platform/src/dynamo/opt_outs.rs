//! Messages that left on a number and people who then withdrew, by the day.

use super::wire::{AttributeValue, Item, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::health::{OptOuts, PERIOD_DAYS, day_of};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;

/// How long a day is kept, in seconds.
const KEPT_S: u64 = (PERIOD_DAYS + 2) * 24 * 60 * 60;

impl Store {
    /// Adds to a number's day.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn add_opt_outs(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        more: OptOuts,
        now: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([
            (":sends", n(u64::from(more.sends))),
            (":outs", n(u64::from(more.opt_outs))),
            (":ttl", n(now.unix_ms() / 1_000 + KEPT_S)),
        ]);
        let key = keys::opt_outs(tenant, provider, number, day_of(now));
        let add = "SET expires_at = :ttl ADD sends :sends, outs :outs";
        let added =
            self.ephemeral.update("count opt-outs", key, add, None, super::wire::Names::new(), values);
        added.await.map(drop)
    }

    /// A number's messages and opt-outs of the last days together.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn opt_outs(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        now: Millis,
    ) -> Result<OptOuts, StoreError> {
        let today = day_of(now);
        let first = keys::opt_outs(tenant, provider, number, (today + 1).saturating_sub(PERIOD_DAYS));
        let last = keys::opt_outs(tenant, provider, number, today);
        let query = Query {
            table_name: &self.ephemeral.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :first AND :last",
            expression_attribute_values: Values::from([
                (":pk", s(keys::opt_outs_partition(tenant))),
                (":first", s(first.sk)),
                (":last", s(last.sk)),
            ]),
            scan_index_forward: true,
            limit: None,
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.ephemeral.query("read opt-outs", &query).await?;
        let count = |item: &Item, name: &str| match item.get(name) {
            Some(AttributeValue::N(number)) => number.parse().unwrap_or(0),
            _ => 0,
        };
        let days = page.items.iter();
        let days = days.map(|item| OptOuts { sends: count(item, "sends"), opt_outs: count(item, "outs") });
        Ok(days.fold(OptOuts::default(), OptOuts::plus))
    }
}
