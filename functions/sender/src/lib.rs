//! Sends what waits: each record of the queue names a conversation, whose messages go out one after the other; before
//! that a lead may have to be first written to, or a draft's time have come.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use crm::dispatch::drain;
use crm::first_touch::{TouchError, release_due, touch};
use crm::status::report;
use platform::Platform;
use platform::bucket::Bucket;
use platform::queue::batch::{Worked, each, job};
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
        let response = each(&event, AT_A_TIME, |message| self.one(message)).await;
        report(&self.platform, &self.transport, self.platform.clock.now()).await;
        response
    }

    async fn one(&self, message: &SqsMessage) -> Worked {
        let Some(job) = job(message, OutboundJob::decode) else { return Worked::Again };
        let lane = match self.errand(job).await {
            Ok(Some(lane)) => lane,
            Ok(None) => return Worked::Settled,
            Err(error) => {
                tracing::warn!(tenant.id = %job.lane.tenant, "a first touch waits: {}", chain(&error));
                return Worked::Again;
            }
        };
        match drain(&self.platform, &self.transport, &self.bucket, lane).await {
            Ok(()) => Worked::Settled,
            Err(error) => {
                tracing::warn!(tenant.id = %lane.tenant, "a lane waits: {}", chain(&error));
                Worked::Again
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
