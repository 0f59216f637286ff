//! A customer waits: noted with their message, and somebody told to look after a moment of quiet.

use domain::assistant::QUIET_MS;
use domain::ids::{ContactId, MessageId, TenantId};
use domain::keywords::revocation;
use domain::message::Content;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{StoreError, Wanted};
use platform::queue::assistant::AssistantJob;
use std::time::Duration;
use ulid::Ulid;
use uuid::Uuid;

/// How many conversations one sweep looks at.
const SWEPT: u32 = 200;
/// The longest that the queue holds a job, in milliseconds.
const LONGEST_DELAY_MS: u64 = 900_000;

/// Whether a message is one that somebody would answer.
fn asks(content: &Content) -> bool {
    match content {
        Content::Text { body } => revocation(body).is_none(),
        Content::Button { text, .. } => text.as_deref().and_then(revocation).is_none(),
        Content::Interactive(reply) => reply.title.as_deref().and_then(revocation).is_none(),
        Content::Media(..) | Content::Location(_) | Content::Contacts(_) | Content::Order(_) => true,
        Content::Reaction { .. }
        | Content::Edit { .. }
        | Content::Revoke { .. }
        | Content::System { .. }
        | Content::Unsupported { .. }
        | Content::Unknown { .. } => false,
    }
}

/// Notes that a customer waits for an answer to a message, and has somebody look after a moment of quiet: the queue, or
/// the sweeper within two minutes. The same message again changes nothing; `received_at` is when it first came.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn wait_for_answer(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    (message, content, trace_id): (MessageId, &Content, Uuid),
    received_at: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    if !asks(content) {
        return Ok(());
    }
    let order = Ulid::from_parts(received_at.unix_ms(), message.ulid().random());
    let wanted = Wanted { order, message, trace_id };
    if platform.store.want_assistant(tenant, contact, wanted, now.plus_ms(QUIET_MS), now).await? {
        enqueue(platform, AssistantJob { tenant, contact }, QUIET_MS).await;
    }
    Ok(())
}

/// Puts a conversation on the queue. Should the queue not take it, the sweeper does it within a minute.
pub(super) async fn enqueue(platform: &Platform, job: AssistantJob, wait_ms: u64) {
    if wait_ms > LONGEST_DELAY_MS {
        return;
    }
    let wait = Duration::from_millis(wait_ms);
    if let Err(error) = platform.assistant.send_later(&job.tenant.to_string(), &job.encode(), wait).await {
        tracing::warn!("a customer waits for the sweeper to be answered: {error}");
    }
}

/// Has those looked at whose time has come and whom the queue did not bring.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<u32, StoreError> {
    let due = platform.store.due_assistant_turns(now, SWEPT).await?;
    let count = due.len();
    for (tenant, contact) in due {
        enqueue(platform, AssistantJob { tenant, contact }, 0).await;
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
