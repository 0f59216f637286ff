//! What carries one trace id, found by the time inside it: trace ids are version 7 UUIDs.

use super::events::LogEntry;
use super::timeline::{IndexedEntry, indexed};
use super::wire::{AttributeValue, Item, Key, Query, StoreError, Values, s};
use super::{Delivery, Happening, Store, deliveries, happenings, keys, timeline};
use domain::ids::TenantId;
use domain::time::Millis;
use std::cmp::Reverse;
use ulid::Ulid;
use uuid::Uuid;

/// Index entries of one page.
const PAGE: u32 = 1_000;
/// How many pages one search reads at most.
const PAGES: u32 = 10;

/// The messages of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TracedMessages {
    /// Where they lie, newest first.
    pub messages: Vec<IndexedEntry>,
    /// When the search ended early, messages older than this were not looked at.
    pub searched_back_to: Option<Millis>,
}

impl Store {
    /// The messages that came with a trace, among those sent between two times, at most 10,000 of them looked at.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn messages_of_trace(
        &self,
        tenant: TenantId,
        trace: Uuid,
        from: Millis,
        to: Millis,
    ) -> Result<TracedMessages, StoreError> {
        let mut found = TracedMessages::default();
        let suffix = trace.to_string();
        let mut start = None;
        for _page in 0..PAGES {
            let partition = keys::timelines_by_time(tenant);
            let mut query = self.window(partition, from, to);
            query.exclusive_start_key = start;
            let page = self.crm.query("find messages of a trace", &query).await?;
            let mut oldest = None;
            for item in page.items {
                let hit = matches!(item.get("gsk"), Some(AttributeValue::S(sort)) if sort.ends_with(&suffix));
                let entry = indexed(item)?;
                oldest = Some(Millis::from_unix_ms(entry.id.ulid().timestamp_ms()));
                if hit {
                    found.messages.push(entry);
                }
            }
            start = page.last_evaluated_key;
            found.searched_back_to = oldest.filter(|_| start.is_some());
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The events of the event log that carry a trace: an event's id holds the time at which it was received, which is
    /// the trace's own.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn events_of_trace(
        &self,
        tenant: TenantId,
        trace: Uuid,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let query = self.window(keys::events_by_time(tenant), from, to);
        let page = self.crm.query("find events of a trace", &query).await?;
        let events = self.load(&page.items).await?;
        Ok(events.into_iter().filter(|event| event.trace_id == trace).collect())
    }

    /// What happened on timelines with a trace, beside messages, among what happened between two times, newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn happenings_of_trace(
        &self,
        tenant: TenantId,
        trace: Uuid,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Happening>, StoreError> {
        const ACTION: &str = "find happenings of a trace";
        let items = self.traced(ACTION, keys::happenings_by_time(tenant), trace, from, to).await?;
        let found: Result<Vec<Happening>, StoreError> = items.into_iter().map(happenings::read).collect();
        let mut found = found?;
        found.sort_by_key(|happening| Reverse(happening.id));
        Ok(found)
    }

    /// The deliveries of customer webhooks that carry a trace, made between two times, newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn deliveries_of_trace(
        &self,
        tenant: TenantId,
        trace: Uuid,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Delivery>, StoreError> {
        const ACTION: &str = "find deliveries of a trace";
        let items = self.traced(ACTION, keys::deliveries_by_time(tenant), trace, from, to).await?;
        let found: Result<Vec<Delivery>, StoreError> = items.into_iter().map(deliveries::read).collect();
        let mut found = found?;
        found.sort_by_key(|delivery| Reverse(delivery.position));
        Ok(found)
    }

    /// The items whose place in the index by time ends in a trace, at most 10,000 places looked at.
    async fn traced(
        &self,
        action: &'static str,
        partition: String,
        trace: Uuid,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<Item>, StoreError> {
        let suffix = trace.to_string();
        let mut found: Vec<Key> = Vec::new();
        let mut start = None;
        for _page in 0..PAGES {
            let mut query = self.window(partition.clone(), from, to);
            query.exclusive_start_key = start;
            let page = self.crm.query(action, &query).await?;
            let hit = |item: &&Item| matches!(item.get("gsk"), Some(AttributeValue::S(sort)) if sort.ends_with(&suffix));
            found.extend(page.items.iter().filter(hit).filter_map(timeline::key_of));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        self.crm.batch_get(action, &found).await
    }

    fn window(&self, partition: String, from: Millis, to: Millis) -> Query<'_> {
        Query {
            table_name: &self.crm.name,
            index_name: Some(keys::BY_TIME),
            key_condition_expression: "gpk = :pk AND gsk BETWEEN :from AND :to",
            expression_attribute_values: Values::from([
                (":pk", AttributeValue::S(partition)),
                (":from", s(Ulid::from_parts(from.unix_ms(), 0))),
                (":to", s(Ulid::from_parts(to.unix_ms().saturating_add(1), 0))),
            ]),
            scan_index_forward: false,
            limit: Some(PAGE),
            exclusive_start_key: None,
            consistent_read: false,
        }
    }
}
