//! Takes customer webhooks to their receivers: each record of the queue names a delivery to try.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use crm::deliver::work;
use platform::Platform;
use platform::courier::Courier;
use platform::queue::batch::{Worked, each, job};
use platform::queue::deliveries::DeliveryJob;
use platform::telemetry::chain;

/// How many deliveries of a batch are tried at a time: all of them, so that one slow receiver holds up nobody.
const AT_A_TIME: usize = 10;

/// The dispatcher; one per process.
#[derive(Debug)]
pub struct Dispatcher {
    platform: Platform,
    courier: Courier,
}

impl Dispatcher {
    /// Wires the dispatcher; no I/O.
    #[must_use]
    pub const fn new(platform: Platform, courier: Courier) -> Self {
        Self { platform, courier }
    }

    /// Works on a batch; the answer names the records that must be delivered again.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        each(&event, AT_A_TIME, |message| self.one(message)).await
    }

    async fn one(&self, message: &SqsMessage) -> Worked {
        let Some(job) = job(message, DeliveryJob::decode) else { return Worked::Again };
        match work(&self.platform, &self.courier, job).await {
            Ok(()) => Worked::Settled,
            Err(error) => {
                tracing::warn!(tenant.id = %job.tenant(), "a delivery waits: {}", chain(&error));
                Worked::Again
            }
        }
    }
}
