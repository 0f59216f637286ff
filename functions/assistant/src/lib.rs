//! Answers customers who wait: each record of the queue names a conversation to look at.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use crm::assistant::answer;
use platform::Platform;
use platform::courier::Courier;
use platform::queue::assistant::AssistantJob;
use platform::queue::batch::{Worked, each, job};
use platform::telemetry::chain;

/// How many conversations of a batch are answered at a time: all of them, so that one slow model holds up nobody.
const AT_A_TIME: usize = 10;

/// The assistant; one per process.
#[derive(Debug)]
pub struct Assistant {
    platform: Platform,
    courier: Courier,
}

impl Assistant {
    /// Wires the assistant; no I/O.
    #[must_use]
    pub const fn new(platform: Platform, courier: Courier) -> Self {
        Self { platform, courier }
    }

    /// Works on a batch; the answer names the records that must be delivered again.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        each(&event, AT_A_TIME, |message| self.one(message)).await
    }

    async fn one(&self, message: &SqsMessage) -> Worked {
        let Some(job) = job(message, AssistantJob::decode) else { return Worked::Again };
        match answer(&self.platform, &self.courier, job).await {
            Ok(()) => Worked::Settled,
            Err(error) => {
                tracing::warn!(tenant.id = %job.tenant, "a customer waits for an answer: {}", chain(&error));
                Worked::Again
            }
        }
    }
}
