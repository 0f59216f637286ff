//! People who were written to first within the last day, counted against the messaging limit: one item for each of
//! them, one with the counts of all.

use super::wire::{AttributeValue, Item, Key, Names, Refused, StoreError, Values, n, refused};
use super::{Store, keys};
use crate::aws::{Effort, Service};
use domain::health::{REACH_MS, Reach};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How long the table keeps what does not count any more, in seconds.
const KEPT_S: u64 = 26 * 60 * 60;
/// How the names of the counts begin.
const BUCKET: &str = "b";
/// How often a count is tried while what is over is taken out of it.
const TRIES: u32 = 3;

/// Whether a person may be written to first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// They count now, or did already.
    Yes,
    /// The limit is used up until then.
    Full(Millis),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    table_name: &'a str,
    key: Key,
    update_expression: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition_expression: Option<&'static str>,
    expression_attribute_names: HashMap<&'static str, &'a str>,
    expression_attribute_values: Values,
    return_values_on_condition_check_failure: &'static str,
}

#[derive(Deserialize)]
struct Nothing {}

impl Store {
    /// Counts a person who is about to be written to first, once a day, if `cap` leaves room. A crash in between counts
    /// them a second time, which is the safe side.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn reach_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
        cap: Option<u32>,
        now: Millis,
    ) -> Result<Reached, StoreError> {
        const ACTION: &str = "count a person written to first";
        let key = keys::reached(tenant, contact);
        let current = Reach::bucket(now);
        let known = self.reached_in(tenant, contact).await?;
        match known.filter(|bucket| Reach::over_at(*bucket) > now) {
            Some(bucket) if bucket == current => return Ok(Reached::Yes),
            // Who is written to again counts from then on.
            Some(bucket) if self.move_reach(tenant, bucket, current).await? => {}
            Some(_) | None => {
                if let Some(full) = self.count_reach(tenant, cap, now).await? {
                    return Ok(Reached::Full(full));
                }
            }
        }
        let values = Values::from([(":quarter", n(current)), (":ttl", n(now.unix_ms() / 1_000 + KEPT_S))]);
        let set = "SET quarter = :quarter, expires_at = :ttl";
        self.ephemeral.update(ACTION, key, set, None, Names::new(), values).await?.ok();
        Ok(Reached::Yes)
    }

    /// Whether a person was written to first within the last day.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn is_reached(
        &self,
        tenant: TenantId,
        contact: ContactId,
        now: Millis,
    ) -> Result<bool, StoreError> {
        Ok(self.reached_in(tenant, contact).await?.is_some_and(|bucket| Reach::over_at(bucket) > now))
    }

    /// The bucket that a person counts in.
    async fn reached_in(&self, tenant: TenantId, contact: ContactId) -> Result<Option<u64>, StoreError> {
        let key = keys::reached(tenant, contact);
        let known = self.ephemeral.get("read a person written to first", &key, true).await?;
        Ok(known.and_then(|item| match item.get("quarter")? {
            AttributeValue::N(bucket) => bucket.parse().ok(),
            _ => None,
        }))
    }

    /// Moves one person from a bucket to a later one; false when the earlier is over.
    async fn move_reach(&self, tenant: TenantId, from: u64, to: u64) -> Result<bool, StoreError> {
        let (from, to) = (format!("{BUCKET}{from}"), format!("{BUCKET}{to}"));
        let less = AttributeValue::N("-1".to_owned());
        let change = Change {
            table_name: &self.ephemeral.name,
            key: keys::reach(tenant),
            update_expression: "ADD #from :less, #to :one",
            condition_expression: Some("#from >= :one"),
            expression_attribute_names: HashMap::from([("#from", from.as_str()), ("#to", to.as_str())]),
            expression_attribute_values: Values::from([(":less", less), (":one", n(1))]),
            return_values_on_condition_check_failure: "NONE",
        };
        Ok(self.change_reach(&change).await?.is_ok())
    }

    /// How many people were written to first, by the quarter of an hour.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn reach(&self, tenant: TenantId) -> Result<Reach, StoreError> {
        let item =
            self.ephemeral.get("read the people written to first", &keys::reach(tenant), false).await?;
        Ok(item.as_ref().map(read).unwrap_or_default())
    }

    /// One more, unless there is no room: until when, then.
    async fn count_reach(
        &self,
        tenant: TenantId,
        cap: Option<u32>,
        now: Millis,
    ) -> Result<Option<Millis>, StoreError> {
        let bucket = format!("{BUCKET}{}", Reach::bucket(now));
        let mut reach = Reach::default();
        for _ in 0..TRIES {
            let mut values = Values::from([(":one", n(1)), (":ttl", n(now.unix_ms() / 1_000 + KEPT_S))]);
            if let Some(cap) = cap {
                values.insert(":cap", n(u64::from(cap)));
                values.insert(":none", n(0));
            }
            let change = Change {
                table_name: &self.ephemeral.name,
                key: keys::reach(tenant),
                update_expression: "SET expires_at = :ttl ADD people :one, #bucket :one",
                condition_expression: cap
                    .map(|_| ":cap > :none AND (attribute_not_exists(people) OR people < :cap)"),
                expression_attribute_names: HashMap::from([("#bucket", bucket.as_str())]),
                expression_attribute_values: values,
                return_values_on_condition_check_failure: "ALL_OLD",
            };
            let Err(Refused(item)) = self.change_reach(&change).await? else { return Ok(None) };
            reach = item.as_ref().map(read).unwrap_or_default();
            // `people` still holds what is over; each bucket is taken out of it once.
            let over = reach.over(now);
            if over.is_empty() {
                break;
            }
            for (bucket, people) in over {
                self.forget_reach(tenant, bucket, people).await?;
            }
        }
        Ok(Some(reach.frees_at(now).unwrap_or_else(|| now.plus_ms(REACH_MS))))
    }

    async fn forget_reach(&self, tenant: TenantId, bucket: u64, people: u32) -> Result<(), StoreError> {
        let name = format!("{BUCKET}{bucket}");
        let less = AttributeValue::N(format!("-{people}"));
        let change = Change {
            table_name: &self.ephemeral.name,
            key: keys::reach(tenant),
            update_expression: "ADD people :less REMOVE #bucket",
            condition_expression: Some("#bucket = :was"),
            expression_attribute_names: HashMap::from([("#bucket", name.as_str())]),
            expression_attribute_values: Values::from([(":less", less), (":was", n(u64::from(people)))]),
            return_values_on_condition_check_failure: "NONE",
        };
        self.change_reach(&change).await.map(drop)
    }

    async fn change_reach(&self, change: &Change<'_>) -> Result<Result<(), Refused>, StoreError> {
        let aws = &self.ephemeral.aws;
        let done = aws.call::<_, Nothing>(Service::DynamoDb, "UpdateItem", change, Effort::Standard).await;
        refused("count people written to first", done).map(|done| done.map(drop))
    }
}

fn read(item: &Item) -> Reach {
    let buckets = item.iter().filter_map(|(name, value)| {
        let bucket = name.strip_prefix(BUCKET)?.parse().ok()?;
        let AttributeValue::N(people) = value else { return None };
        Some((bucket, people.parse().ok()?))
    });
    buckets.collect()
}
