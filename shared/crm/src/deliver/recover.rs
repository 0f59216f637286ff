//! Deliveries begun anew: one, or everything that a receiver did not take since a time. The id and the bytes stay.

use super::enqueue;
use domain::ids::{DeliveryId, EndpointId, TenantId};
use domain::time::Millis;
use domain::webhook::{DeliveryStatus, look_again_at};
use platform::Platform;
use platform::dynamo::StoreError;
use platform::queue::deliveries::DeliveryJob;
use serde::Serialize;
use ulid::Ulid;

/// How many deliveries are looked at in one go; a job goes on with the rest.
const AT_ONCE: usize = 300;
/// How many are read at a time.
const PAGE: u32 = 100;

/// What became of a wish to deliver again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redelivered {
    /// It is on its way.
    Yes,
    /// There is no such delivery.
    NotFound,
    /// Its receiver is deleted or switched off.
    NoReceiver,
    /// It is being tried at this moment.
    Busy,
}

/// What was begun anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovered {
    /// How many deliveries so far.
    pub queued: u32,
    /// Whether that is all of them; if not, the rest follows by itself.
    pub complete: bool,
}

/// Begins a delivery anew, whatever became of it: the same id, the same bytes, the whole schedule.
///
/// # Errors
/// The table did not answer.
pub async fn redeliver(
    platform: &Platform,
    tenant: TenantId,
    id: DeliveryId,
    now: Millis,
) -> Result<Redelivered, StoreError> {
    let store = &platform.store;
    let Some(delivery) = store.delivery(tenant, id).await? else { return Ok(Redelivered::NotFound) };
    let endpoint = store.endpoint(tenant, delivery.endpoint).await?;
    if endpoint.is_none_or(|endpoint| !endpoint.enabled) {
        return Ok(Redelivered::NoReceiver);
    }
    if !store.restart_delivery(tenant, id, now, look_again_at(now, now)).await? {
        return Ok(Redelivered::Busy);
    }
    enqueue(platform, tenant, delivery.endpoint, id, now, now).await;
    Ok(Redelivered::Yes)
}

/// Begins everything anew that a receiver did not take since a time; `None` when there is no such receiver, or it is
/// switched off.
///
/// # Errors
/// The table did not answer.
pub async fn recover(
    platform: &Platform,
    tenant: TenantId,
    endpoint: EndpointId,
    since: Millis,
) -> Result<Option<Recovered>, StoreError> {
    let known = platform.store.endpoint(tenant, endpoint).await?;
    if known.is_none_or(|endpoint| !endpoint.enabled) {
        return Ok(None);
    }
    go_on(platform, tenant, endpoint, since, None).await.map(Some)
}

/// One go; what is left is put on the queue.
pub(super) async fn go_on(
    platform: &Platform,
    tenant: TenantId,
    endpoint: EndpointId,
    since: Millis,
    mut before: Option<Ulid>,
) -> Result<Recovered, StoreError> {
    let store = &platform.store;
    let (mut queued, mut looked_at) = (0, 0);
    loop {
        let page = store.deliveries_by_time(tenant, before, PAGE).await?;
        looked_at += page.deliveries.len();
        for delivery in page.deliveries {
            if delivery.created_at < since {
                return Ok(Recovered { queued, complete: true });
            }
            if delivery.endpoint != endpoint || delivery.status == DeliveryStatus::Succeeded {
                continue;
            }
            let now = platform.clock.now();
            // One that is being tried now needs no second beginning.
            if store.restart_delivery(tenant, delivery.id, now, look_again_at(now, now)).await? {
                enqueue(platform, tenant, endpoint, delivery.id, now, now).await;
                queued += 1;
            }
        }
        let (Some(last), true) = (page.last, page.more) else {
            return Ok(Recovered { queued, complete: true });
        };
        before = Some(last);
        if looked_at >= AT_ONCE {
            let job = DeliveryJob::Recover { tenant, endpoint, since, before };
            if let Err(error) = platform.deliveries.send_for(&tenant.to_string(), &job.encode()).await {
                tracing::warn!(endpoint.id = %endpoint, "the rest of a recovery was not queued: {error}");
                // Not lost, but not begun: go on here.
                looked_at = 0;
                continue;
            }
            return Ok(Recovered { queued, complete: false });
        }
    }
}
