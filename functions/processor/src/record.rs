//! One record of a batch: what happened to it before, what this attempt makes of it.

use aws_lambda_events::event::sqs::SqsMessage;
use crm::chatwoot::{self, ChatwootDelivery};
use crm::ingest::{Delivery, Ingest, IngestError};
use crm::intake::{self, FeedDelivery};
use domain::ids::{EventId, derived_ulid};
use domain::parked::{EventState, MAX_RECEIVES, backoff_s};
use domain::time::Millis;
use futures_util::FutureExt as _;
use platform::Platform;
use platform::dynamo::{EventEntry, StoreError};
use platform::queue::inbound::InboundEnvelope;
use platform::transport::Transport;
use std::panic::AssertUnwindSafe;

/// How long after an attempt began nobody can still be at it, in milliseconds: twice the queue's visibility timeout.
const ATTEMPT_LEASE_MS: u64 = 2 * 180 * 1000;

/// A queue message this much younger than its envelope was put back by a redrive, in milliseconds.
const REDRIVEN_AFTER_MS: u64 = 60_000;

/// A record with what must be known before it is tried.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) message: &'a SqsMessage,
    pub(crate) receipt_handle: &'a str,
    envelope: InboundEnvelope<'a>,
    body: Vec<u8>,
    id: EventId,
    receives: u32,
    redriven: bool,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Applied or parked: acknowledge.
    Settled,
    /// Deliver again.
    Again,
}

/// Whether a record killed its process before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspicion {
    /// Nothing points to it.
    None,
    /// It was being tried when a process ended.
    KilledBefore {
        /// How often it was tried.
        attempts: u32,
    },
}

impl<'a> Record<'a> {
    /// Reads a queue message.
    pub(crate) fn read(message: &'a SqsMessage) -> Result<Self, String> {
        let envelope = InboundEnvelope::parse(message.body.as_deref().unwrap_or_default())
            .map_err(|error| error.to_string())?;
        let body = envelope.body.decode().map_err(|error| error.to_string())?.into_owned();
        let attribute = |name: &str| message.attributes.get(name).and_then(|text| text.parse::<u64>().ok());
        let receives =
            attribute("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let sent_at = attribute("SentTimestamp").unwrap_or(0);
        let redriven = sent_at > envelope.received_at.unix_ms().saturating_add(REDRIVEN_AFTER_MS);
        let part = envelope.part.map(|part| format!("{}/{}", part.i, part.n)).unwrap_or_default();
        let id = envelope.replay_of.unwrap_or_else(|| {
            let trace = envelope.trace_id.to_string();
            EventId::from_ulid(derived_ulid(envelope.received_at.unix_ms(), &[&trace, &part]))
        });
        let receipt_handle = message.receipt_handle.as_deref().unwrap_or_default();
        Ok(Self { message, receipt_handle, envelope, body, id, receives, redriven })
    }

    /// Whether the event log may know this record: an ordinary first delivery costs no read for it.
    const fn may_be_logged(&self) -> bool {
        self.receives > 1 || self.redriven || self.envelope.replay_of.is_some()
    }

    /// Asks the event log whether this record killed its process before. A log that does not answer accuses nobody.
    pub(crate) async fn suspicion(&self, platform: &Platform) -> Suspicion {
        if self.receives < 2 {
            return Suspicion::None;
        }
        match platform.store.event(self.envelope.tenant, self.id).await {
            Ok(Some(entry)) if entry.state == EventState::Attempting => {
                Suspicion::KilledBefore { attempts: entry.attempts }
            }
            Ok(_) => Suspicion::None,
            Err(error) => {
                tracing::warn!(event.id = %self.id, "event log unreadable: {error}");
                Suspicion::None
            }
        }
    }

    /// Tries the record once. Nothing of its content can take this process down: a panic is caught and parked.
    pub(crate) async fn attempt(
        &self,
        platform: &Platform,
        transport: &Transport,
        ingest: &Ingest,
    ) -> Attempt {
        let now = platform.clock.now();
        let tenant = self.envelope.tenant;
        if self.receives > 1 {
            let due_at = now.plus_ms(ATTEMPT_LEASE_MS);
            if let Err(error) =
                platform.store.mark_attempting(tenant, self.entry(), self.receives, now, due_at).await
            {
                tracing::warn!(event.id = %self.id, "could not mark {} as being tried: {error}", self.id);
            }
        }
        let outcome = AssertUnwindSafe(self.apply(platform, transport, ingest, now))
            .catch_unwind()
            .await
            .unwrap_or_else(|_panic| {
                Err(IngestError::Permanent {
                    reason: "applying it failed inside Hadar; please report it".to_owned(),
                })
            });
        let settled = match outcome {
            Ok(()) | Err(IngestError::Erased) if self.may_be_logged() => {
                platform.store.settle_event(tenant, self.id, now).await
            }
            Ok(()) | Err(IngestError::Erased) => Ok(()),
            Err(IngestError::Permanent { reason }) => self.park(platform, &reason, now).await,
            Err(IngestError::Transient { reason }) => {
                self.wait(platform, &reason, now).await;
                return Attempt::Again;
            }
        };
        match settled {
            Ok(()) => Attempt::Settled,
            Err(error) => {
                tracing::warn!(event.id = %self.id, "could not settle {}: {error}", self.id);
                self.wait(platform, &error.to_string(), now).await;
                Attempt::Again
            }
        }
    }

    async fn apply(
        &self,
        platform: &Platform,
        transport: &Transport,
        ingest: &Ingest,
        now: Millis,
    ) -> Result<(), IngestError> {
        if let Some(part) = self.envelope.part {
            return Err(IngestError::Permanent {
                reason: format!(
                    "part {} of {}: the body was too large for the queue and could not be taken apart",
                    part.i, part.n
                ),
            });
        }
        if let Some(kind) = self.envelope.feed {
            let delivery = FeedDelivery {
                tenant: self.envelope.tenant,
                kind,
                received_at: self.envelope.received_at,
                trace_id: self.envelope.trace_id,
                body: &self.body,
            };
            return intake::apply(platform, transport, delivery, now).await;
        }
        if self.envelope.chatwoot {
            let (tenant, trace_id) = (self.envelope.tenant, self.envelope.trace_id);
            let delivery = ChatwootDelivery { tenant, trace_id, body: &self.body };
            return Box::pin(chatwoot::take(platform, transport, delivery, now)).await;
        }
        let delivery = Delivery {
            tenant: self.envelope.tenant,
            provider: self.envelope.provider,
            auth_strength: self.envelope.auth_strength,
            received_at: self.envelope.received_at,
            trace_id: self.envelope.trace_id,
            body: &self.body,
        };
        ingest.apply(delivery, now).await
    }

    async fn park(&self, platform: &Platform, reason: &str, now: Millis) -> Result<(), StoreError> {
        let tenant = self.envelope.tenant;
        // Providers deliver again what they were not sure of: the same bytes are parked once.
        let id = if self.envelope.replay_of.is_some() {
            self.id
        } else {
            platform.store.first_sight(tenant, &self.body, self.id).await?
        };
        let entry = EventEntry { id, ..self.entry() };
        platform.store.park_event(tenant, entry, self.receives, reason, now).await?;
        tracing::warn!(alarm = "event_parked", event.id = %id, attempts = self.receives, "parked event {id}");
        crm::events::parked(platform, tenant, id, self.parking(), self.envelope.trace_id, now).await?;
        if id != self.id && self.may_be_logged() {
            platform.store.settle_event(tenant, self.id, now).await?;
        }
        Ok(())
    }

    /// Notes the failure and makes the queue wait before the next attempt; at the last receive parks instead, so that
    /// the dead-letter queue and the event log both have it.
    async fn wait(&self, platform: &Platform, reason: &str, now: Millis) {
        let tenant = self.envelope.tenant;
        let noted = if self.receives >= MAX_RECEIVES {
            let parked = platform.store.park_event(tenant, self.entry(), self.receives, reason, now).await;
            if let (Ok(()), Err(error)) = (
                &parked,
                crm::events::parked(platform, tenant, self.id, self.parking(), self.envelope.trace_id, now)
                    .await,
            ) {
                tracing::warn!(event.id = %self.id, "nobody was told of {}: {error}", self.id);
            }
            // Nothing is gained by waiting: let the queue move it to the dead-letter queue now.
            if let Err(error) = platform.inbound.change_visibility(self.receipt_handle, 0).await {
                tracing::warn!(event.id = %self.id, "the queue's own timeout decides: {error}");
            }
            parked
        } else {
            let wait_s = backoff_s(self.receives, jitter(self.id));
            if let Err(error) = platform.inbound.change_visibility(self.receipt_handle, wait_s).await {
                tracing::warn!(event.id = %self.id, "the queue's own timeout decides: {error}");
            }
            let next_at = now.plus_ms(u64::from(wait_s) * 1000);
            let due_at = next_at.plus_ms(ATTEMPT_LEASE_MS);
            platform
                .store
                .mark_retrying(tenant, self.entry(), self.receives, reason, next_at, now, due_at)
                .await
        };
        if let Err(error) = noted {
            tracing::warn!(event.id = %self.id, "could not note the failure of {}: {error}", self.id);
        } else {
            tracing::warn!(event.id = %self.id, attempt = self.receives, "event {} waits", self.id);
        }
    }

    /// What tells one parking of an event from the next: a replay is another message of the queue.
    fn parking(&self) -> &str {
        let replay = self.envelope.replay_of.and(self.message.message_id.as_deref());
        replay.unwrap_or("first")
    }

    fn entry(&self) -> EventEntry<'_> {
        EventEntry {
            id: self.id,
            provider: self.envelope.provider,
            feed: self.envelope.feed,
            chatwoot: self.envelope.chatwoot,
            auth_strength: self.envelope.auth_strength,
            received_at: self.envelope.received_at,
            trace_id: self.envelope.trace_id,
            payload: &self.body,
        }
    }
}

/// Spreads waits by the event's own digest: different records of one outage come back at different times.
fn jitter(id: EventId) -> u8 {
    u8::try_from(id.ulid().random() & 0xFF).unwrap_or(0)
}
