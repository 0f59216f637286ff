//! Emptying a conversation's lane: one message at a time, in the order accepted, each to the provider at most once.
//!
//! A job of the queue names a conversation. Whoever finds the first message of its lane claimed by somebody else
//! leaves: that somebody looks at the lane again after every message. Whoever dies is found by its lease.

mod attempt;
mod confirm;
mod outlet;
mod settle;
mod stale;

pub use confirm::{Confirmed, confirm};
pub use stale::{SweptSends, sweep};

use crate::send::enqueue;
use attempt::Next;
use domain::failure::{Failure, FailureClass};
use domain::ids::TenantId;
use domain::message::Direction;
use domain::outbound::SendState;
use domain::outgoing::Outgoing;
use domain::time::Millis;
use platform::Platform;
use platform::bucket::{Bucket, BucketError};
use platform::dynamo::{SendRecord, Store, StoreError};
use platform::queue::outbound::LaneJob;
use platform::transport::Transport;
use platform::vault::VaultError;

/// How many messages one job sends before it puts the rest back on the queue.
const AT_MOST: usize = 20;
/// After this long a job puts the rest back, in milliseconds: a provider call of ten seconds still fits the function.
const LONG_MS: u64 = 4_000;

/// How many claims of one job may be refused because the facts moved before it rests.
const REFUSALS: u32 = 3;
/// How long it rests then, in milliseconds.
const REST_MS: u64 = 5_000;

/// A lane could not be emptied; the queue tries again.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The number's secret could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The bucket of media did not answer.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The templates could not be read.
    #[error(transparent)]
    Templates(#[from] crate::templates::SyncError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Sends what is due in a conversation.
///
/// # Errors
/// A part of ours does not answer. What was sent is settled as far as possible; nothing is sent twice.
pub async fn drain(
    platform: &Platform,
    transport: &Transport,
    bucket: &Bucket,
    job: LaneJob,
) -> Result<(), DispatchError> {
    let store = &platform.store;
    let began = platform.clock.now();
    let mut refused = 0;
    for _ in 0..AT_MOST {
        let now = platform.clock.now();
        if now.since(began) > LONG_MS {
            break;
        }
        let Some((order, id)) = store.lane_head(job.tenant, job.contact).await? else { return Ok(()) };
        let record = store.send(job.tenant, id).await?.filter(|record| record.order == order);
        let Some(record) = record else {
            // A place whose message moved to another place, or never was.
            store.leave_lane(job.tenant, job.contact, order).await?;
            continue;
        };
        match record.state {
            SendState::Queued => {
                match attempt::attempt(platform, transport, bucket, job.tenant, &record, now).await? {
                    Next::GoOn => {}
                    Next::Again if refused < REFUSALS => refused += 1,
                    Next::Again => {
                        // Rule and claim see different facts, such as an index that lags: not a reason to spin.
                        let at = now.plus_ms(REST_MS);
                        tracing::warn!(message.id = %record.id, "{} is refused again and again", record.id);
                        enqueue(platform, job.tenant, job.contact, Some(at), now).await;
                        return Ok(());
                    }
                    Next::Later(at) => {
                        enqueue(platform, job.tenant, job.contact, Some(at), now).await;
                        return Ok(());
                    }
                    Next::Stop => return Ok(()),
                }
            }
            SendState::Sending => {
                if record.lease_until.is_some_and(|until| until > now) {
                    return Ok(());
                }
                store.expire_send(job.tenant, &record, &died(), now).await?;
            }
            SendState::Held
            | SendState::Sent
            | SendState::Failed
            | SendState::Uncertain
            | SendState::Cancelled => store.leave_lane(job.tenant, job.contact, order).await?,
        }
    }
    enqueue(platform, job.tenant, job.contact, None, began).await;
    Ok(())
}

/// Notes the reaction that a message of ours is, on the message it is about; the same reaction twice is one, and of
/// two the later in the lane stays. Any other message is none.
async fn reacted(store: &Store, tenant: TenantId, record: &SendRecord) -> Result<(), StoreError> {
    let Outgoing::Reaction { target, emoji } = &record.part.content else { return Ok(()) };
    store.join_reaction(tenant, target, Direction::Outbound, record.order, emoji.as_deref()).await
}

/// Why a message whose sender died is uncertain.
fn died() -> Failure {
    Failure {
        code: "send_interrupted".to_owned(),
        message:
            "The sender ended while it was calling the provider; whether the message was taken is open. It \
                  settles by itself when the provider reports it."
                .to_owned(),
        class: FailureClass::Permanent,
        provider_code: None,
        provider_message: None,
        retry_after_s: None,
    }
}

/// When a message that waits may go, if that is not yet.
fn not_yet(record: &SendRecord, now: Millis) -> Option<Millis> {
    record.not_before.filter(|at| *at > now)
}
