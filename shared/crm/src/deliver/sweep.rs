//! What the sweeper does for deliveries: those that wait longer than the queue can hold them, those that fell off it,
//! and those whose dispatcher died.

use super::enqueue;
use domain::ids::{DeliveryId, TenantId};
use domain::time::Millis;
use domain::webhook::{DeliveryStatus, STALE_MS};
use platform::Platform;
use platform::dynamo::{DeliveryMove, Store, StoreError};
use platform::telemetry::chain;
use serde::Serialize;

/// How many deliveries of one shard one sweep looks at.
const AT_MOST: u32 = 100;
/// When a delivery that was just put on the queue is looked at again, in milliseconds.
const AGAIN_MS: u64 = 5 * STALE_MS;

/// What one sweep did for deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SweptDeliveries {
    /// Deliveries put on the queue.
    pub queued: u32,
}

/// Puts every delivery that is overdue on the queue. Safe to run at any time and twice at once.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<SweptDeliveries, StoreError> {
    let mut swept = SweptDeliveries::default();
    let mut failed = None;
    for shard in 0..Store::delivery_shards() {
        for (tenant, id) in platform.store.due_deliveries(shard, now, AT_MOST).await? {
            match look_at(platform, tenant, id, now).await {
                Ok(queued) => swept.queued += u32::from(queued),
                // One delivery that cannot be looked at must not keep the others waiting.
                Err(error) => {
                    tracing::warn!(delivery.id = %id, "{id} could not be looked at: {}", chain(&error));
                    failed = Some(error);
                }
            }
        }
    }
    failed.map_or(Ok(swept), Err)
}

async fn look_at(
    platform: &Platform,
    tenant: TenantId,
    id: DeliveryId,
    now: Millis,
) -> Result<bool, StoreError> {
    let Some(delivery) = platform.store.delivery(tenant, id).await? else { return Ok(false) };
    let (DeliveryStatus::Pending, Some(at)) = (delivery.status, delivery.next_at) else { return Ok(false) };
    if at > now {
        // The index still names it for an earlier time.
        return Ok(false);
    }
    let waits = DeliveryMove::Waits { step: delivery.step, at, due: now.plus_ms(AGAIN_MS) };
    let free = platform.store.put_off_delivery(tenant, id, &waits, now).await?;
    if free {
        enqueue(platform, tenant, delivery.endpoint, id, at, now).await;
    }
    Ok(free)
}
