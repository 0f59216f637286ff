//! What customer webhooks tell: one event, one id, the bytes every receiver gets.
//!
//! An event's id is derived from what happened and a delivery's from the event and the receiver, so telling it again,
//! after a crash or a second delivery of the same webhook, makes nothing new. A tenant without receivers costs nothing:
//! whoever tells has read them with the tenant.

mod catalogue;
mod sweep;
mod tell;

pub use catalogue::{EventTypeView, catalogue};
pub use sweep::{SweptEvents, parked, sweep};
pub use tell::*;

use crate::deliver::enqueue;
use domain::ids::{DeliveryId, EndpointId, EventId, TenantId, derived_ulid};
use domain::time::Millis;
use domain::webhook::{EventType, asks_for, look_again_at};
use platform::Platform;
use platform::dynamo::{Endpoint, NewDelivery, StoreError};
use serde::Serialize;
use uuid::Uuid;

/// A receiver, as far as telling needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its id.
    pub id: EndpointId,
    /// What it wants.
    events: Vec<String>,
    /// When it was made.
    created_at: Millis,
}

impl Receiver {
    /// A tenant's receivers, where they were not read with the tenant.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn read(platform: &Platform, tenant: TenantId) -> Result<Vec<Self>, StoreError> {
        Ok(Self::of(&platform.store.endpoints(tenant).await?))
    }

    /// The receivers that are switched on.
    #[must_use]
    pub fn of(endpoints: &[Endpoint]) -> Vec<Self> {
        let on = endpoints.iter().filter(|endpoint| endpoint.enabled);
        on.map(|endpoint| Self {
            id: endpoint.id,
            events: endpoint.events.clone(),
            created_at: endpoint.created_at,
        })
        .collect()
    }
}

/// Tells a tenant's receivers.
#[derive(Debug, Clone, Copy)]
pub struct Emitter<'a> {
    /// Where deliveries are kept and queued.
    pub platform: &'a Platform,
    /// Whose.
    pub tenant: TenantId,
    /// The receivers that are switched on.
    pub receivers: &'a [Receiver],
    /// The trace of what happened.
    pub trace_id: Uuid,
    /// The time.
    pub now: Millis,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// What.
    pub kind: EventType,
    /// What makes it one event, however often it is told: ids, and what about them.
    pub parts: &'a [&'a str],
    /// A time that is the same however often it is told; not when it happened, if that depends on who tells it.
    pub order: Millis,
    /// When it happened.
    pub at: Millis,
    /// Set when it may be an old story: only receivers that were there by then are told.
    pub known_since: Option<Millis>,
}

#[derive(Serialize)]
struct Payload<'a, T> {
    id: EventId,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: Millis,
    tenant_id: TenantId,
    trace_id: Uuid,
    data: &'a T,
}

impl Emitter<'_> {
    /// Whether anybody wants to be told: else nothing needs to be read for it.
    #[must_use]
    pub fn wants(&self, kind: EventType) -> bool {
        self.receivers.iter().any(|receiver| asks_for(&receiver.events, kind))
    }

    /// Tells everybody who wants to know, each once.
    ///
    /// # Errors
    /// The table did not answer; telling it again makes up for it.
    pub async fn tell<T: Serialize>(&self, happened: Happened<'_>, data: &T) -> Result<(), StoreError> {
        let wanting = self.receivers.iter().filter(|receiver| asks_for(&receiver.events, happened.kind));
        let wanting = wanting.filter(|receiver| {
            happened.known_since.is_none_or(|known_since| receiver.created_at <= known_since)
        });
        for receiver in wanting {
            self.deliver(receiver.id, happened, data).await?;
        }
        Ok(())
    }

    /// Tells one receiver, whatever it wants; answers the delivery's id.
    ///
    /// # Errors
    /// As [`Emitter::tell`].
    pub async fn deliver<T: Serialize>(
        &self,
        receiver: EndpointId,
        happened: Happened<'_>,
        data: &T,
    ) -> Result<DeliveryId, StoreError> {
        let tenant = self.tenant.to_string();
        let mut parts = vec![tenant.as_str(), happened.kind.as_str()];
        parts.extend_from_slice(happened.parts);
        let event = EventId::from_ulid(derived_ulid(happened.order.unix_ms(), &parts));
        let payload = Payload {
            id: event,
            kind: happened.kind.as_str(),
            created_at: happened.at,
            tenant_id: self.tenant,
            trace_id: self.trace_id,
            data,
        };
        let body = serde_json::to_string(&payload)
            .map_err(|error| StoreError::missing("write an event down", error))?;
        let parts = [event.to_string(), receiver.to_string()];
        let parts = parts.each_ref().map(String::as_str);
        let id = DeliveryId::from_ulid(derived_ulid(happened.order.unix_ms(), &parts));
        let new = NewDelivery {
            id,
            endpoint: receiver,
            event,
            event_type: happened.kind.as_str(),
            body: &body,
            created_at: self.now,
            trace_id: self.trace_id,
        };
        // Made before: the queue had it then, or the sweeper brings it.
        if self.platform.store.add_delivery(self.tenant, &new, look_again_at(self.now, self.now)).await? {
            enqueue(self.platform, self.tenant, receiver, id, self.now, self.now).await;
        }
        Ok(id)
    }
}
