//! Sends what waits: each record of the queue names a conversation, whose messages go out one after the other; before
//! that a lead may have to be first written to, or a draft's time have come.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use crm::dispatch::drain;
use crm::first_touch::{TouchError, release_due, touch};
use crm::status::report;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::bucket::Bucket;
use platform::queue::outbound::{Errand, LaneJob, OutboundJob};
use platform::telemetry::chain;
use platform::transport::Transport;

/// How many conversations of a batch are worked on at a time.
const AT_A_TIME: usize = 10;

/// The sender; one per process.
#[derive(Debug)]
pub struct Sender {
    platform: Platform,
    transport: Transport,
    bucket: Bucket,
}

impl Sender {
    /// Wires the sender; no I/O.
    #[must_use]
    pub const fn new(platform: Platform, transport: Transport, bucket: Bucket) -> Self {
        Self { platform, transport, bucket }
    }

    /// Works on a batch; the answer names the records that must be delivered again.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let work: Vec<_> = event.records.iter().map(|message| self.one(message)).collect();
        let done: Vec<Option<BatchItemFailure>> =
            futures_util::stream::iter(work).buffer_unordered(AT_A_TIME).collect().await;
        report(&self.platform, &self.transport, self.platform.clock.now()).await;
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = done.into_iter().flatten().collect();
        response
    }

    async fn one(&self, message: &SqsMessage) -> Option<BatchItemFailure> {
        let job = match OutboundJob::decode(message.body.as_deref().unwrap_or_default()) {
            Ok(job) => job,
            Err(error) => {
                // Not ours: the dead-letter queue keeps it for a person.
                tracing::error!(message.id = message.message_id, "{error}");
                return Some(failure(message));
            }
        };
        let lane = match self.errand(job).await {
            Ok(Some(lane)) => lane,
            Ok(None) => return None,
            Err(error) => {
                tracing::warn!(tenant.id = %job.lane.tenant, "a first touch waits: {}", chain(&error));
                return Some(failure(message));
            }
        };
        match drain(&self.platform, &self.transport, &self.bucket, lane).await {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(tenant.id = %lane.tenant, "a lane waits: {}", chain(&error));
                Some(failure(message))
            }
        }
    }

    /// Does what comes first; the lane that is to be emptied then, if one is.
    async fn errand(&self, job: OutboundJob) -> Result<Option<LaneJob>, TouchError> {
        let tenant = job.lane.tenant;
        let now = self.platform.clock.now();
        let contact = match job.first {
            None => return Ok(Some(job.lane)),
            Some(Errand::Touch(lead)) => touch(&self.platform, &self.transport, tenant, lead, now).await?,
            Some(Errand::Release(message)) => release_due(&self.platform, tenant, message, now).await?,
        };
        Ok(contact.map(|contact| LaneJob { tenant, contact }))
    }
}

fn failure(message: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    // SQS always names its messages; an empty identifier would fail the whole batch, which is the safe side.
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    failure
}
