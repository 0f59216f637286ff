//! Deliveries of customer webhooks as the API shows them.

use super::Slice;
use super::walk::{Chunk, Source, walk};
use domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use domain::time::Millis;
use domain::webhook::{DeliveryStatus, EventType};
use platform::dynamo::{Delivery as Stored, DeliveryAttempt, Store, StoreError};
use serde::Serialize;
use ulid::Ulid;
use uuid::Uuid;

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    /// Its id; what `X-Hadar-Delivery` says on every attempt.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint_id: EndpointId,
    /// Of what.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// The attempts, the oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// When it is tried next; absent once it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// The trace of what happened.
    pub trace_id: Uuid,
    /// The bytes that every attempt sends; shown for a single delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Only those to this receiver.
    pub endpoint: Option<EndpointId>,
    /// Only those that stand so.
    pub status: Option<DeliveryStatus>,
    /// Only those of this type.
    pub event_type: Option<EventType>,
}

impl DeliveryFilter {
    fn takes(self, delivery: &Stored) -> bool {
        self.endpoint.is_none_or(|endpoint| delivery.endpoint == endpoint)
            && self.status.is_none_or(|status| delivery.status == status)
            && self.event_type.is_none_or(|kind| delivery.event_type == kind.as_str())
    }
}

/// A tenant's deliveries, newest first. A page may be shorter than `limit` although there is more.
///
/// # Errors
/// The table did not answer.
pub async fn deliveries(
    store: &Store,
    tenant: TenantId,
    filter: DeliveryFilter,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<Delivery>, StoreError> {
    walk(&mut Deliveries { store, tenant, filter }, after, limit).await
}

/// One delivery with its bytes; `None` when there is none.
///
/// # Errors
/// The table did not answer.
pub async fn delivery(
    store: &Store,
    tenant: TenantId,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    let found = store.delivery(tenant, id).await?;
    Ok(found.map(|found| Delivery { body: Some(found.body.clone()), ..shown(found) }))
}

pub(super) fn shown(stored: Stored) -> Delivery {
    Delivery {
        id: stored.id,
        endpoint_id: stored.endpoint,
        event_id: stored.event,
        event_type: stored.event_type,
        status: stored.status,
        attempts: stored.attempts,
        next_attempt_at: stored.next_at,
        created_at: stored.created_at,
        trace_id: stored.trace_id,
        body: None,
    }
}

struct Deliveries<'a> {
    store: &'a Store,
    tenant: TenantId,
    filter: DeliveryFilter,
}

impl Source for Deliveries<'_> {
    type Item = Delivery;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<Delivery>, StoreError> {
        let page = self.store.deliveries_by_time(self.tenant, before, count).await?;
        let entries = page.deliveries.into_iter().map(|delivery| {
            let at = delivery.position;
            (at, self.filter.takes(&delivery).then(|| shown(delivery)))
        });
        Ok(Chunk { entries: entries.collect(), last: page.last, more: page.more })
    }
}
