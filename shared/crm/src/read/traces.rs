//! Everything that carries one trace id: what a request or a webhook left behind.

use super::deliveries::{Delivery, shown};
use super::events::{EventView, logged};
use super::lead_timeline::TimelineEvent;
use super::message::{self, Message};
use domain::ids::TenantId;
use domain::time::Millis;
use platform::dynamo::{Store, StoreError};
use serde::Serialize;
use uuid::Uuid;

/// A provider's clock may be a little ahead of ours.
const AHEAD_MS: u64 = 5 * 60 * 1000;
/// Meta tries for seven days: a message may be that much older than the webhook that brought it.
const BEHIND_MS: u64 = 8 * 24 * 60 * 60 * 1000;

/// A call or a note may be written down for up to a day ahead.
const AHEAD_OF_NOW_MS: u64 = 24 * 60 * 60 * 1000;
/// What waited in a queue, or was parked and replayed, is told later than it came.
const TOLD_MS: u64 = 8 * 24 * 60 * 60 * 1000;

/// What one trace left behind.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trace {
    /// The trace.
    pub trace_id: Uuid,
    /// When its request or webhook was received.
    pub received_at: Millis,
    /// The messages it brought, newest first, each with its receipts.
    pub messages: Vec<Message>,
    /// What of it did not simply apply.
    pub events: Vec<EventView>,
    /// What it left on timelines beside messages, newest first.
    pub timeline: Vec<TimelineEvent>,
    /// What customers' systems were told of it, newest first, each with its attempts.
    pub deliveries: Vec<Delivery>,
    /// When the search for messages ended early: older ones were not looked at.
    pub searched_back_to: Option<Millis>,
}

/// Finds what carries a trace id; `None` when nothing does.
///
/// # Errors
/// The table did not answer.
pub async fn trace(store: &Store, tenant: TenantId, id: Uuid) -> Result<Option<Trace>, StoreError> {
    let Some(received_at) = received_at(id) else { return Ok(None) };
    let from = Millis::from_unix_ms(received_at.unix_ms().saturating_sub(BEHIND_MS));
    let to = received_at.plus_ms(AHEAD_MS);
    let close = Millis::from_unix_ms(received_at.unix_ms().saturating_sub(AHEAD_MS));
    let told = received_at.plus_ms(TOLD_MS);
    let (found, events, happenings, deliveries) = futures_util::future::try_join4(
        store.messages_of_trace(tenant, id, from, to),
        store.events_of_trace(tenant, id, close, to),
        store.happenings_of_trace(tenant, id, from, to.plus_ms(AHEAD_OF_NOW_MS)),
        store.deliveries_of_trace(tenant, id, from, told),
    )
    .await?;
    let mut messages = Vec::with_capacity(found.messages.len());
    for at in &found.messages {
        messages.extend(message::message(store, tenant, at.id, false).await?);
    }
    if messages.is_empty() && events.is_empty() && happenings.is_empty() && deliveries.is_empty() {
        return Ok(None);
    }
    Ok(Some(Trace {
        trace_id: id,
        received_at,
        messages,
        events: events.into_iter().map(logged).collect(),
        timeline: happenings.into_iter().map(TimelineEvent::from).collect(),
        deliveries: deliveries.into_iter().map(shown).collect(),
        searched_back_to: found.searched_back_to,
    }))
}

/// The time inside a version 7 UUID.
fn received_at(id: Uuid) -> Option<Millis> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    Some(Millis::from_unix_ms(seconds * 1000 + u64::from(nanos / 1_000_000)))
}
