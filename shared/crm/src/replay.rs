//! Trying a parked event again, because a person asked.

use domain::ids::{EventId, TenantId};
use domain::parked::{EventState, REPLAY_LEASE_MS};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Moved, StoreError};
use platform::queue::QueueError;
use platform::queue::inbound::{Body, InboundEnvelope};

/// What became of a request to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It is on its way.
    Queued,
    /// It is not parked; this is where it stands.
    NotParked(EventState),
    /// There is no such event in this tenant.
    NotFound,
}

/// The request could not be carried out; the event is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue did not take it.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Puts a parked event back on the queue. Of two callers one wins; replaying what was applied changes nothing (I-15).
///
/// # Errors
/// The table or the queue did not answer; then the event is parked still, or the sweeper parks it again.
pub async fn replay(
    platform: &Platform,
    tenant: TenantId,
    id: EventId,
    now: Millis,
) -> Result<Replay, ReplayError> {
    match platform.store.begin_replay(tenant, id, now, now.plus_ms(REPLAY_LEASE_MS)).await? {
        Moved::Yes => {}
        Moved::No(Some(state)) => return Ok(Replay::NotParked(state)),
        Moved::No(None) => return Ok(Replay::NotFound),
    }
    let queued = enqueue(platform, tenant, id).await;
    if let Err(error) = &queued {
        tracing::warn!(event.id = %id, "replay of {id} was not queued: {error}");
        platform
            .store
            .park_again(
                tenant,
                id,
                &[EventState::Replaying],
                "the replay could not be queued; try again",
                now,
            )
            .await?;
    }
    queued.map(|()| Replay::Queued)
}

async fn enqueue(platform: &Platform, tenant: TenantId, id: EventId) -> Result<(), ReplayError> {
    let Some(entry) = platform.store.event(tenant, id).await? else { return Ok(()) };
    let payload = platform.store.event_payload(tenant, &entry).await?;
    let envelope = InboundEnvelope {
        tenant,
        provider: entry.provider,
        feed: entry.feed,
        chatwoot: entry.chatwoot,
        auth_strength: entry.auth_strength,
        received_at: entry.received_at,
        trace_id: entry.trace_id,
        body: Body::of(&payload),
        part: None,
        replay_of: Some(id),
    };
    platform.inbound.send(&envelope.encode()).await?;
    Ok(())
}
