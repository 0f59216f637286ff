//! Deliveries of customer webhooks: tried, tried again, begun anew.
//!
//! A job of the queue names a delivery. What is sent, whether it is time and whether somebody else is at it is read from
//! the table, so a job may come twice, late, or not at all: the sweeper finds what is overdue.

mod attempt;
mod conformance;
mod recover;
mod signature;
mod sweep;

pub use conformance::{Finding, PROMPT, check_receiver};
pub use recover::{Recovered, Redelivered, recover, redeliver};
pub use sweep::{SweptDeliveries, sweep};

use crate::chatwoot;
use crate::endpoints::EndpointError;
use domain::ids::{DeliveryId, EndpointId, TenantId};
use domain::time::Millis;
use domain::webhook::QUEUE_DELAY_MS;
use platform::Platform;
use platform::courier::Courier;
use platform::dynamo::StoreError;
use platform::queue::deliveries::DeliveryJob;
use platform::vault::VaultError;
use std::time::Duration;

/// A job could not be done; the queue tries again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The receiver's secret could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The receiver could not be switched off.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A conversation could not be carried over to Chatwoot.
    #[error(transparent)]
    Chatwoot(#[from] chatwoot::CarryError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Does a job of the deliveries queue.
///
/// # Errors
/// A part of ours does not answer; the receiver may have been called.
pub async fn work(platform: &Platform, courier: &Courier, job: DeliveryJob) -> Result<(), DeliverError> {
    match job {
        DeliveryJob::Deliver { tenant, endpoint, delivery } => {
            attempt::attempt(platform, courier, tenant, endpoint, delivery).await
        }
        DeliveryJob::Chatwoot { tenant, contact } => {
            Ok(chatwoot::carry(platform, courier, tenant, contact).await?)
        }
        DeliveryJob::Recover { tenant, endpoint, since, before } => {
            recover::go_on(platform, tenant, endpoint, since, before).await?;
            Ok(())
        }
    }
}

/// Puts a delivery on the queue for `at`. Should the queue not take it, or not be able to hold it so long, the sweeper
/// brings it.
pub(crate) async fn enqueue(
    platform: &Platform,
    tenant: TenantId,
    endpoint: EndpointId,
    delivery: DeliveryId,
    at: Millis,
    now: Millis,
) {
    let wait_ms = at.since(now);
    if wait_ms > QUEUE_DELAY_MS {
        return;
    }
    let job = DeliveryJob::Deliver { tenant, endpoint, delivery };
    let wait = Duration::from_millis(wait_ms);
    if let Err(error) = platform.deliveries.send_later(&tenant.to_string(), &job.encode(), wait).await {
        tracing::warn!("a delivery was not put on the queue, the sweeper will: {error}");
    }
}
