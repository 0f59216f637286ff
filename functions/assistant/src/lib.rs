//! Answers customers who wait: each record of the queue names a conversation to look at.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use crm::assistant::answer;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::courier::Courier;
use platform::queue::assistant::AssistantJob;
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
        let work: Vec<_> = event.records.iter().map(|message| self.one(message)).collect();
        let done: Vec<Option<BatchItemFailure>> =
            futures_util::stream::iter(work).buffer_unordered(AT_A_TIME).collect().await;
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = done.into_iter().flatten().collect();
        response
    }

    async fn one(&self, message: &SqsMessage) -> Option<BatchItemFailure> {
        let job = match AssistantJob::decode(message.body.as_deref().unwrap_or_default()) {
            Ok(job) => job,
            Err(error) => {
                // Not ours: the dead-letter queue keeps it for a person.
                tracing::error!(message.id = message.message_id, "{error}");
                return Some(failure(message));
            }
        };
        match answer(&self.platform, &self.courier, job).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(tenant.id = %job.tenant, "a customer waits for an answer: {}", chain(&error));
                Some(failure(message))
            }
        }
    }
}

fn failure(message: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    // SQS always names its messages; an empty identifier would fail the whole batch, which is the safe side.
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    failure
}
