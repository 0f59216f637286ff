//! Applies verified webhooks, batch by batch, so that one bad record never costs its neighbours.
//!
//! - A record that fails for a passing reason waits (`2^n` seconds, with jitter) and is reported as failed; at its
//!   last receive it is parked in the event log and then left to the dead-letter queue.
//! - A record that can never apply is parked at once and acknowledged.
//! - From the second receive on, a record is marked `attempting` before it is tried. Found so marked, it killed its
//!   process: it goes last, after its batch-mates are applied and deleted from the queue.

mod record;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use crm::ingest::Ingest;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::queue::batch::again;
use platform::transport::Transport;
use record::{Attempt, Record, Suspicion};

/// How many records of a batch are worked on at a time.
const AT_A_TIME: usize = 10;

/// The processor; one per process.
#[derive(Debug)]
pub struct Processor {
    platform: Platform,
    transport: Transport,
    ingest: Ingest,
}

impl Processor {
    /// Wires the processor; no I/O.
    #[must_use]
    pub fn new(platform: Platform, transport: Transport) -> Self {
        Self { ingest: Ingest::new(platform.clone()), platform, transport }
    }

    /// Works on a batch; the answer names the records that must be delivered again.
    pub async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let mut records = Vec::with_capacity(event.records.len());
        for message in &event.records {
            match Record::read(message) {
                Ok(record) => records.push(record),
                Err(reason) => {
                    // Not ours, so there is no tenant to park it for: the dead-letter queue keeps it.
                    tracing::error!(message.id = message.message_id, "not an inbound envelope: {reason}");
                    again(&mut response, message);
                }
            }
        }
        let (mut suspects, innocent) = self.sort(records).await;

        let attempts: Vec<_> = innocent.into_iter().map(|record| self.attempted(record)).collect();
        let done: Vec<(Record<'_>, Attempt)> =
            futures_util::stream::iter(attempts).buffer_unordered(AT_A_TIME).collect().await;
        // With a suspect in the batch this process may not live to report them: acknowledge them now.
        if !suspects.is_empty() {
            let settled = done.iter().filter(|(_, attempt)| *attempt == Attempt::Settled);
            self.acknowledge(settled.map(|(record, _)| record.receipt_handle.to_owned()).collect()).await;
        }
        for (record, attempt) in &done {
            if *attempt == Attempt::Again {
                again(&mut response, record.message);
            }
        }
        suspects.sort_by_key(|(attempts, _)| *attempts);
        for (_, record) in suspects {
            match self.attempt(&record).await {
                Attempt::Settled => self.acknowledge(vec![record.receipt_handle.to_owned()]).await,
                Attempt::Again => again(&mut response, record.message),
            }
        }
        response
    }

    /// Tells the records that killed a process before from the others.
    async fn sort<'a>(&self, records: Vec<Record<'a>>) -> (Vec<(u32, Record<'a>)>, Vec<Record<'a>>) {
        let mut suspects = Vec::new();
        let mut innocent = Vec::with_capacity(records.len());
        for record in records {
            match record.suspicion(&self.platform).await {
                Suspicion::None => innocent.push(record),
                Suspicion::KilledBefore { attempts } => suspects.push((attempts, record)),
            }
        }
        (suspects, innocent)
    }

    async fn attempt(&self, record: &Record<'_>) -> Attempt {
        record.attempt(&self.platform, &self.transport, &self.ingest).await
    }

    async fn attempted<'a>(&self, record: Record<'a>) -> (Record<'a>, Attempt) {
        let attempt = self.attempt(&record).await;
        (record, attempt)
    }

    async fn acknowledge(&self, receipt_handles: Vec<String>) {
        if let Err(error) = self.platform.inbound.delete_batch(&receipt_handles).await {
            // They come again and change nothing.
            tracing::warn!("applied records were not acknowledged early: {error}");
        }
    }
}
