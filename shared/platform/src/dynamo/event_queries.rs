//! Reading the event log: by id, by time, by what is due.

use super::due::Due;
use super::events::{EventPage, LogEntry};
use super::wire::{AttributeValue, Item, Key, Names, Refused, StoreError, Values, s};
use super::{Store, keys, timeline};
use domain::ids::{EventId, TenantId};
use domain::lead::FeedKind;
use domain::parked::EventState;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use serde::Deserialize;
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

/// Unpacking stops here.
const PAYLOAD_CAP: usize = 16 << 20;

#[derive(Deserialize)]
struct EventItem {
    gsk: String,
    state: EventState,
    attempts: u32,
    reason: String,
    #[serde(default)]
    next_at: Option<u64>,
    provider: Provider,
    #[serde(default)]
    feed: Option<FeedKind>,
    #[serde(default)]
    chatwoot: bool,
    auth: AuthStrength,
    recv: u64,
    updated: u64,
    trace: Uuid,
    #[serde(default)]
    shown: bool,
    #[serde(default)]
    chunks: usize,
}

impl Store {
    /// One event, without its payload.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn event(&self, tenant: TenantId, id: EventId) -> Result<Option<LogEntry>, StoreError> {
        self.crm.get("read event", &keys::event(tenant, id), true).await?.map(read).transpose()
    }

    /// An event's payload, byte for byte.
    ///
    /// # Errors
    /// The table is unreachable, or a chunk is missing.
    pub async fn event_payload(&self, tenant: TenantId, entry: &LogEntry) -> Result<Vec<u8>, StoreError> {
        let mut packed = Vec::new();
        for chunk in 0..entry.chunks {
            let key = keys::event_payload(tenant, entry.id, chunk);
            let item = self.crm.get("read event payload", &key, true).await?;
            match item.and_then(|mut item| item.remove("z")) {
                Some(AttributeValue::B(bytes)) => packed.extend(bytes),
                _ => return Err(StoreError::corrupt("read event payload", &key.pk, "a chunk is missing")),
            }
        }
        miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, PAYLOAD_CAP)
            .map_err(|_| StoreError::corrupt("read event payload", "payload", "does not inflate"))
    }

    /// A tenant's events older than `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn events_by_time(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        let page = self.crm.newest_first("list events", keys::events_by_time(tenant), before, limit).await?;
        let events = self.load(&page.items).await?;
        Ok(EventPage { events, more: page.last_evaluated_key.is_some() })
    }

    /// A tenant's parked events, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn parked_events(&self, tenant: TenantId, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        let values = Values::from([(":pk", s(keys::parked_events(tenant)))]);
        self.due_query("list parked events", "dpk = :pk", values, limit).await
    }

    /// Events of any tenant that were due before `now`, longest overdue first, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_events(&self, now: Millis, limit: u32) -> Result<Vec<(TenantId, EventId)>, StoreError> {
        let due = Due { action: "list due events", partition: keys::DUE_PARTITION, before: now, limit };
        let page = self.due(due).await?;
        Ok(page.iter().filter_map(timeline::key_of).filter_map(|key| keys::event_of(&key)).collect())
    }

    /// A tenant's events that are on their way (retrying, attempting, replaying), oldest due first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn unsettled_events(&self, tenant: TenantId) -> Result<Vec<LogEntry>, StoreError> {
        let values = Values::from([(":pk", s(keys::DUE_PARTITION))]);
        let mut page = self.due_page("list unsettled events", "dpk = :pk", values, 1000).await?;
        page.retain(|item| {
            timeline::key_of(item).and_then(|key| keys::event_of(&key)).is_some_and(|(of, _)| of == tenant)
        });
        self.load(&page).await
    }

    async fn due_query(
        &self,
        action: &'static str,
        condition: &str,
        values: Values,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let page = self.due_page(action, condition, values, limit).await?;
        let mut events = self.load(&page).await?;
        events.sort_by_key(|event| event.id);
        Ok(events)
    }

    /// The id under which a raw event is kept, so that a redelivery is listed once: the first caller's.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn first_sight(
        &self,
        tenant: TenantId,
        raw: &[u8],
        candidate: EventId,
    ) -> Result<EventId, StoreError> {
        let key = keys::seen(tenant, raw);
        let item = Item::from(HashMap::from([
            ("pk".to_owned(), AttributeValue::S(key.pk)),
            ("sk".to_owned(), AttributeValue::S(key.sk)),
            ("ev".to_owned(), s(candidate.ulid())),
        ]));
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        match self.crm.put("see event", item, Some(condition)).await? {
            Ok(()) => Ok(candidate),
            Err(Refused(old)) => Ok(old
                .and_then(|item| match item.get("ev") {
                    Some(AttributeValue::S(ulid)) => Ulid::from_string(ulid).ok().map(EventId::from_ulid),
                    _ => None,
                })
                .unwrap_or(candidate)),
        }
    }

    pub(super) async fn load(&self, index: &[Item]) -> Result<Vec<LogEntry>, StoreError> {
        let found: Vec<Key> = index.iter().filter_map(timeline::key_of).collect();
        let items = self.crm.batch_get("read events", &found).await?;
        let mut events: Vec<LogEntry> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        events.sort_by_key(|event| std::cmp::Reverse(event.id));
        Ok(events)
    }
}

pub(super) fn read(item: Item) -> Result<LogEntry, StoreError> {
    let stored: EventItem =
        serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read event", "EV", error))?;
    let id =
        Ulid::from_string(&stored.gsk).map_err(|_| StoreError::corrupt("read event", "EV", "not a ULID"))?;
    Ok(LogEntry {
        id: EventId::from_ulid(id),
        state: stored.state,
        attempts: stored.attempts,
        reason: stored.reason,
        next_at: stored.next_at.map(Millis::from_unix_ms),
        provider: stored.provider,
        feed: stored.feed,
        chatwoot: stored.chatwoot,
        auth_strength: stored.auth,
        received_at: Millis::from_unix_ms(stored.recv),
        updated_at: Millis::from_unix_ms(stored.updated),
        trace_id: stored.trace,
        shown: stored.shown,
        chunks: stored.chunks,
    })
}
