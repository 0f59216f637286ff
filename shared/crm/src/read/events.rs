//! The event log as the API shows it: what did not simply apply, from the log; what applied, from the messages.

use super::Slice;
use super::message::Raw;
use super::walk::{Chunk, Source, walk};
use domain::ids::{EventId, MessageId, TenantId};
use domain::lead::FeedKind;
use domain::parked::EventState;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use platform::dynamo::{Entry, LogEntry, Store, StoreError};
use serde::Serialize;
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

/// Parked events are counted up to here.
const COUNTED: u32 = 1_000;

/// Where an event stands, for a reader of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedState {
    /// It simply applied.
    Applied,
    /// It did not.
    Logged(EventState),
}

impl LoggedState {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Logged(state) => state.as_str(),
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "applied" => Some(Self::Applied),
            _ => EventState::parse(text).map(Self::Logged),
        }
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for LoggedState {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
        let names = ["applied", "retrying", "attempting", "parked", "replaying", "replayed", "ignored"];
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .description(Some("Where an event stands: `applied`, or its state in the log."))
            .enum_values(Some(names))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for LoggedState {
    fn name() -> std::borrow::Cow<'static, str> {
        "LoggedState".into()
    }
}

impl Serialize for LoggedState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Event))]
pub struct EventView {
    /// Its id; one that applied shares its ULID with its message.
    pub id: EventId,
    /// Where it stands.
    pub state: LoggedState,
    /// How often it was tried; absent for what applied, where nobody counted.
    pub attempts: Option<u32>,
    /// Why it is here.
    pub reason: Option<String>,
    /// When it is tried again.
    pub next_at: Option<Millis>,
    /// The provider that sent it; absent for what a source of leads sent.
    pub provider: Option<Provider>,
    /// The source of leads that sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_source: Option<FeedKind>,
    /// How the webhook proved where it came from.
    pub auth_strength: Option<AuthStrength>,
    /// The message it became.
    pub message_id: Option<MessageId>,
    /// When we received it.
    pub received_at: Millis,
    /// When its state last moved.
    pub updated_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// What was received, byte for byte; shown for a single event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<serde_json::Value>))]
    pub payload: Option<Raw>,
}

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only those that stand so; without it, everything that did not simply apply.
    pub state: Option<LoggedState>,
    /// Only those from here.
    pub provider: Option<Provider>,
}

/// How far the inbox is behind, and which event holds it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lag {
    /// When the oldest event that is neither applied nor settled was received.
    pub oldest_unprocessed_at: Option<Millis>,
    /// That event.
    pub oldest_event_id: Option<EventId>,
    /// How old it is.
    pub oldest_age_seconds: u64,
    /// How many events wait for a person; 1,000 stands for any higher number too.
    pub parked: usize,
}

/// A tenant's events, newest first. A page may be shorter than `limit` although there is more.
///
/// # Errors
/// The table did not answer.
pub async fn events(
    store: &Store,
    tenant: TenantId,
    filter: EventFilter,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<EventView>, StoreError> {
    let provider = filter.provider;
    match filter.state {
        Some(LoggedState::Applied) => walk(&mut Applied { store, tenant, provider }, after, limit).await,
        Some(LoggedState::Logged(state)) => {
            walk(&mut Logged { store, tenant, provider, state: Some(state) }, after, limit).await
        }
        None => walk(&mut Logged { store, tenant, provider, state: None }, after, limit).await,
    }
}

/// One event with what was received; `None` when there is no such event.
///
/// # Errors
/// The table did not answer.
pub async fn event(store: &Store, tenant: TenantId, id: EventId) -> Result<Option<EventView>, StoreError> {
    if let Some(entry) = store.event(tenant, id).await? {
        let payload = store.event_payload(tenant, &entry).await?;
        let text = String::from_utf8(payload)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        return Ok(Some(EventView { payload: Some(Raw::of(text)), ..logged(entry) }));
    }
    let message = MessageId::from_ulid(id.ulid());
    let Some(at) = store.find_message(tenant, message).await? else { return Ok(None) };
    let entry = store.entry(tenant, at.contact, message).await?.filter(|entry| !entry.ours);
    Ok(entry.map(|entry| {
        let payload = Some(Raw::of(entry.raw.clone()));
        EventView { payload, ..applied(&entry) }
    }))
}

/// Where an event stands; `None` when there is no such event.
///
/// # Errors
/// The table did not answer.
pub async fn event_state(
    store: &Store,
    tenant: TenantId,
    id: EventId,
) -> Result<Option<LoggedState>, StoreError> {
    if let Some(entry) = store.event(tenant, id).await? {
        return Ok(Some(LoggedState::Logged(entry.state)));
    }
    let applied = store.find_message(tenant, MessageId::from_ulid(id.ulid())).await?;
    Ok(applied.map(|_| LoggedState::Applied))
}

/// The ids of a tenant's parked events, the longest parked first, at most `limit`.
///
/// # Errors
/// The table did not answer.
pub async fn parked_events(
    store: &Store,
    tenant: TenantId,
    provider: Option<Provider>,
    limit: usize,
) -> Result<Vec<EventId>, StoreError> {
    // Only a filter needs to look at more than it takes.
    let looked_at = if provider.is_some() { COUNTED } else { u32::try_from(limit).unwrap_or(COUNTED) };
    let parked = store.parked_events(tenant, looked_at).await?;
    let wanted = parked
        .iter()
        .filter(|entry| provider.is_none_or(|provider| is_of_provider(entry) && entry.provider == provider));
    Ok(wanted.map(|entry| entry.id).take(limit).collect())
}

/// How far the inbox is behind, as far as the event log knows: an event that was never tried is still in the queue.
///
/// # Errors
/// The table did not answer.
pub async fn lag(store: &Store, tenant: TenantId, now: Millis) -> Result<Lag, StoreError> {
    let (parked, unsettled) =
        futures_util::future::try_join(store.parked_events(tenant, COUNTED), store.unsettled_events(tenant))
            .await?;
    let oldest = parked.iter().chain(&unsettled).min_by_key(|entry| (entry.received_at, entry.id));
    Ok(Lag {
        oldest_unprocessed_at: oldest.map(|entry| entry.received_at),
        oldest_event_id: oldest.map(|entry| entry.id),
        oldest_age_seconds: oldest.map_or(0, |entry| now.since(entry.received_at) / 1000),
        parked: parked.len(),
    })
}

/// Whether a provider's body is meant, and not a source of leads or Chatwoot.
const fn is_of_provider(entry: &LogEntry) -> bool {
    entry.feed.is_none() && !entry.chatwoot
}

pub(super) fn logged(entry: LogEntry) -> EventView {
    let provider = is_of_provider(&entry).then_some(entry.provider);
    EventView {
        id: entry.id,
        state: LoggedState::Logged(entry.state),
        attempts: Some(entry.attempts),
        reason: Some(entry.reason),
        next_at: entry.next_at,
        provider,
        lead_source: entry.feed,
        auth_strength: Some(entry.auth_strength),
        message_id: None,
        received_at: entry.received_at,
        updated_at: entry.updated_at,
        trace_id: entry.trace_id,
        payload: None,
    }
}

fn applied(entry: &Entry) -> EventView {
    EventView {
        id: EventId::from_ulid(entry.id.ulid()),
        state: LoggedState::Applied,
        attempts: None,
        reason: None,
        next_at: None,
        provider: Some(entry.provider),
        lead_source: None,
        auth_strength: None,
        message_id: Some(entry.id),
        received_at: entry.received_at,
        updated_at: entry.received_at,
        trace_id: entry.trace_id,
        payload: None,
    }
}

struct Logged<'a> {
    store: &'a Store,
    tenant: TenantId,
    provider: Option<Provider>,
    state: Option<EventState>,
}

impl Source for Logged<'_> {
    type Item = EventView;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<EventView>, StoreError> {
        let page = self.store.events_by_time(self.tenant, before, count).await?;
        let last = page.events.last().map(|entry| entry.id.ulid());
        let entries = page.events.into_iter().map(|entry| {
            let wanted =
                self.provider.is_none_or(|provider| is_of_provider(&entry) && entry.provider == provider)
                    && self.state.is_none_or(|state| entry.state == state);
            (entry.id.ulid(), wanted.then(|| logged(entry)))
        });
        Ok(Chunk { entries: entries.collect(), last, more: page.more })
    }
}

struct Applied<'a> {
    store: &'a Store,
    tenant: TenantId,
    provider: Option<Provider>,
}

impl Source for Applied<'_> {
    type Item = EventView;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<EventView>, StoreError> {
        let mut page = self.store.messages_by_time(self.tenant, before, count).await?;
        // One message under two contacts that were joined later is one event.
        page.entries.dedup_by_key(|entry| entry.id);
        let read = self.store.entries(self.tenant, &page.entries).await?;
        let read: HashMap<Ulid, EventView> =
            // What we sent ourselves did not come in.
            read.iter().filter(|entry| !entry.ours).map(|entry| (entry.id.ulid(), applied(entry))).collect();
        let entries = page.entries.iter().map(|entry| {
            let found = read.get(&entry.id.ulid()).cloned();
            (
                entry.id.ulid(),
                found.filter(|event| self.provider.is_none_or(|provider| event.provider == Some(provider))),
            )
        });
        let last = page.entries.last().map(|entry| entry.id.ulid());
        Ok(Chunk { entries: entries.collect(), last, more: page.more })
    }
}
