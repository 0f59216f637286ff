//! What a crash leaves behind, given back every minute.

use crate::assistant;
use crate::audit_checkpoints;
use crate::chatwoot;
use crate::deliver::{self, SweptDeliveries};
use crate::dispatch::{self, SweptSends};
use crate::events::{self, SweptEvents};
use crate::first_touch;
use crate::health::{self, SweptNumbers};
use crate::intake;
use crate::privacy::{self, SweptErasures};
use crate::templates;
use domain::parked::EventState;
use domain::time::Millis;
use platform::Platform;
use platform::bucket::Bucket;
use platform::dynamo::{Moved, StoreError};
use platform::telemetry::chain;
use platform::transport::Transport;
use serde::Serialize;

/// How many events one sweep looks at.
const AT_MOST: u32 = 200;
/// How long one sweep may hold its lease, in milliseconds: a little less than the schedule's minute.
const LEASE_MS: u64 = 55_000;

/// What one sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Swept {
    /// Another sweep was running; nothing was done.
    pub skipped: bool,
    /// Events that killed their process, or were never tried again: parked.
    pub parked: u32,
    /// Replays that never came back: parked again.
    pub returned: u32,
    /// Messages on their way out.
    pub sends: SweptSends,
    /// First touches of leads that were put on the queue again.
    pub touches: u32,
    /// Deliveries of customer webhooks.
    pub deliveries: SweptDeliveries,
    /// What receivers were told.
    pub events: SweptEvents,
    /// Enquiries that portals told when they were asked.
    pub pulled: u32,
    /// Numbers that were looked at, and what waited for them.
    pub numbers: SweptNumbers,
    /// Tenants whose templates under review were asked after.
    pub polled: u32,
    /// Conversations that wait to be carried over to Chatwoot.
    pub carried: u32,
    /// Customers who wait for the assistant.
    pub waiting: u32,
    /// Ends of audit logs that were sealed.
    pub sealed: u32,
    /// Persons who are being erased.
    pub erasures: SweptErasures,
    /// Items older than their tenants keep them, which were deleted.
    pub expired: u32,
}

/// Parks what is overdue, and asks after templates under review. Safe to run at any time and twice at once.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(
    platform: &Platform,
    transport: &Transport,
    bucket: &Bucket,
    owner: &str,
    now: Millis,
) -> Result<Swept, StoreError> {
    if !platform.store.take_lease("sweep", owner, now, now.plus_ms(LEASE_MS)).await? {
        return Ok(Swept { skipped: true, ..Swept::default() });
    }
    let mut swept = Swept::default();
    // What keeps one of them from its work must not keep the others.
    let parked = park_overdue(platform, now, &mut swept).await;
    let sends = dispatch::sweep(platform, now).await;
    let touches = first_touch::sweep(platform, now).await;
    let told = events::sweep(platform, now).await;
    let deliveries = deliver::sweep(platform, now).await;
    let carried = chatwoot::sweep(platform, now).await;
    let waiting = assistant::sweep(platform, now).await;
    let erasures = privacy::work(platform, bucket, now).await;
    let expired = privacy::retention::expire(platform, bucket, owner, now).await;
    // Last, because they wait for others.
    let numbers = health::sweep(platform, transport, now).await;
    let pulled = intake::pull(platform, transport, now).await;
    let sealed = audit_checkpoints::seal(platform, owner, now).await;
    swept.polled = templates::poll(platform, transport, now).await?;
    swept.pulled = pulled?;
    swept.sealed = sealed?;
    swept.carried = carried?;
    swept.waiting = waiting?;
    swept.erasures = erasures?;
    swept.expired = expired?;
    swept.numbers = numbers?;
    swept.sends = sends?;
    swept.touches = touches?;
    swept.events = told?;
    swept.deliveries = deliveries?;
    parked.map(|()| swept)
}

async fn park_overdue(platform: &Platform, now: Millis, swept: &mut Swept) -> Result<(), StoreError> {
    for (tenant, id) in platform.store.due_events(now, AT_MOST).await? {
        let Some(entry) = platform.store.event(tenant, id).await? else { continue };
        let reason = match entry.state {
            EventState::Attempting => "it was being tried when its process ended, and nobody tried it again",
            EventState::Retrying => {
                "it was to be tried again and was not; a copy may be in the dead-letter queue"
            }
            EventState::Replaying => "the replay did not come back within 15 minutes",
            EventState::Parked | EventState::Replayed | EventState::Ignored => continue,
        };
        if platform.store.park_again(tenant, id, &[entry.state], reason, now).await? == Moved::Yes {
            let times = format!("given up {}", entry.attempts);
            let told = events::parked(platform, tenant, id, &times, entry.trace_id, now).await;
            if let Err(error) = told {
                tracing::warn!(event.id = %id, "nobody was told of {id}: {}", chain(&error));
            }
            let attempts = entry.attempts;
            tracing::warn!(alarm = "event_parked", event.id = %id, attempts, "parked event {id}: {reason}");
            if entry.state == EventState::Replaying {
                swept.returned += 1;
            } else {
                swept.parked += 1;
            }
        }
    }
    Ok(())
}
