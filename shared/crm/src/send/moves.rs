//! What a person does with a message that was accepted: hold, release, cancel, send again.
//!
//! `begun` is when the request was first made. It lies before `now` when an earlier run of the same request ended without
//! an answer; then the wish may have been done already, and that is its answer.

use super::accept::{By, enqueue};
use crate::first_touch;
use domain::ids::MessageId;
use domain::outbound::SendState;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{NewAuditEntry, SendRecord, Store, StoreError};

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It was done.
    Yes,
    /// The message stands elsewhere.
    No(SendState),
    /// There is no such message of ours.
    NotFound,
}

/// Releases a held message.
///
/// # Errors
/// The table did not answer.
pub async fn release(
    platform: &Platform,
    by: By,
    id: MessageId,
    begun: Millis,
    now: Millis,
) -> Result<Moved, StoreError> {
    let moved = requeue(platform, by, id, SendState::Held, now).await?;
    if moved == Moved::Yes
        && let Some(record) = platform.store.send(by.tenant, id).await?
    {
        first_touch::note(platform, by, &record, "released", begun).await?;
    }
    Ok(match moved {
        Moved::No(state) if begun < now && state != SendState::Cancelled => Moved::Yes,
        Moved::Yes | Moved::No(_) | Moved::NotFound => moved,
    })
}

/// Sends an uncertain message again, because an admin says so: it may reach the customer twice. Written to the audit
/// log before it is done.
///
/// # Errors
/// The table did not answer.
pub async fn resend(
    platform: &Platform,
    by: By,
    id: MessageId,
    begun: Millis,
    now: Millis,
) -> Result<Moved, StoreError> {
    let Some(record) = platform.store.send(by.tenant, id).await? else { return Ok(Moved::NotFound) };
    if begun < now && record.order.timestamp_ms() >= begun.unix_ms() {
        // It got its new place in the lane since this request began; a third sending was not asked for.
        return Ok(Moved::Yes);
    }
    if record.state != SendState::Uncertain {
        return Ok(Moved::No(record.state));
    }
    let (actor, target) = (by.actor(), id.to_string());
    let entry = NewAuditEntry {
        at: now,
        actor: &actor,
        action: "message.resend",
        target: &target,
        trace_id: by.trace_id,
    };
    platform.store.append_audit(by.tenant, entry).await?;
    requeue(platform, by, id, SendState::Uncertain, now).await
}

/// Keeps a message until a person releases it: stops the clock of one that is held, or takes one that is queued out of its
/// turn.
///
/// # Errors
/// The table did not answer.
pub async fn hold(
    platform: &Platform,
    by: By,
    id: MessageId,
    begun: Millis,
    now: Millis,
) -> Result<Moved, StoreError> {
    let Some(record) = platform.store.send(by.tenant, id).await? else { return Ok(Moved::NotFound) };
    let done = platform.store.hold_send(by.tenant, &record, now).await?;
    if done {
        first_touch::note(platform, by, &record, "held", begun).await?;
    }
    answer(platform, by, &record, done).await
}

/// Takes a message back that nobody has begun to send.
///
/// # Errors
/// The table did not answer.
pub async fn cancel(
    platform: &Platform,
    by: By,
    id: MessageId,
    begun: Millis,
    now: Millis,
) -> Result<Moved, StoreError> {
    let Some(record) = platform.store.send(by.tenant, id).await? else { return Ok(Moved::NotFound) };
    if begun < now && record.state == SendState::Cancelled {
        return Ok(Moved::Yes);
    }
    let done = platform.store.cancel_send(by.tenant, &record, now).await?;
    if done {
        first_touch::note(platform, by, &record, "discarded", begun).await?;
    }
    answer(platform, by, &record, done).await
}

async fn requeue(
    platform: &Platform,
    by: By,
    id: MessageId,
    from: SendState,
    now: Millis,
) -> Result<Moved, StoreError> {
    let Some(record) = platform.store.send(by.tenant, id).await? else { return Ok(Moved::NotFound) };
    let order = Store::lane_end(id, now.max(record.not_before.unwrap_or(now)));
    let done = platform.store.queue_send(by.tenant, &record, from, order, now).await?;
    if done {
        platform.store.note_outbound(by.tenant, record.contact, order).await?;
        enqueue(platform, by.tenant, record.contact, record.not_before, now).await;
    }
    answer(platform, by, &record, done).await
}

async fn answer(platform: &Platform, by: By, record: &SendRecord, done: bool) -> Result<Moved, StoreError> {
    if done {
        return Ok(Moved::Yes);
    }
    let now_at = platform.store.send(by.tenant, record.id).await?;
    Ok(now_at.map_or(Moved::NotFound, |record| Moved::No(record.state)))
}
