//! What the sweeper does for messages on their way out: conversations that fell off the queue, senders that died,
//! messages that stayed uncertain for a day.

use super::died;
use crate::first_touch;
use crate::send::enqueue;
use domain::failure::Failure;
use domain::ids::{EventId, MessageId, TenantId};
use domain::outbound::{SendState, UNCERTAIN_MS, look_again_at};
use domain::provider::AuthStrength;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{EventEntry, SendRecord, Store, StoreError};
use platform::telemetry::chain;
use serde::Serialize;

/// How many messages of one shard one sweep looks at.
const AT_MOST: u32 = 100;

/// What one sweep did for messages on their way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SweptSends {
    /// Conversations put on the queue again.
    pub requeued: u32,
    /// Messages whose sender died: uncertain now.
    pub uncertain: u32,
    /// Messages that stayed uncertain for a day: in the event log for a person.
    pub given_up: u32,
    /// First touches that were let go.
    pub released: u32,
}

/// Looks at every message that is overdue. Safe to run at any time and twice at once.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<SweptSends, StoreError> {
    let mut swept = SweptSends::default();
    let mut failed = None;
    for shard in 0..Store::send_shards() {
        for (tenant, id) in platform.store.due_sends(shard, now, AT_MOST).await? {
            // One message that cannot be looked at must not keep the others waiting.
            if let Err(error) = look_at(platform, tenant, id, now, &mut swept).await {
                tracing::warn!(message.id = %id, "{id} could not be looked at: {}", chain(&error));
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(swept), Err)
}

async fn look_at(
    platform: &Platform,
    tenant: TenantId,
    id: MessageId,
    now: Millis,
    swept: &mut SweptSends,
) -> Result<(), StoreError> {
    let store = &platform.store;
    let Some(record) = &store.send(tenant, id).await? else { return Ok(()) };
    match record.state {
        SendState::Queued => {
            store.postpone_send(tenant, record.id, None, look_again_at(record.not_before, now)).await?;
            enqueue(platform, tenant, record.contact, record.not_before, now).await;
            swept.requeued += 1;
        }
        SendState::Sending => {
            if store.expire_send(tenant, record, &died(), now).await? {
                tracing::warn!(
                    alarm = "send_uncertain", message.id = %record.id, "{} is uncertain: its sender died", record.id
                );
                swept.uncertain += 1;
            }
            // Whatever waited behind it may go.
            enqueue(platform, tenant, record.contact, None, now).await;
        }
        SendState::Uncertain => {
            // The index may still name it for an earlier state.
            if let Some(failure) = &record.failure
                && now.since(record.updated_at) >= UNCERTAIN_MS
            {
                give_up(store, tenant, record, failure, now).await?;
                swept.given_up += 1;
            }
        }
        SendState::Held => {
            // Its clock ran out and the queue did not bring it.
            if first_touch::release_due(platform, tenant, id, now).await?.is_some() {
                enqueue(platform, tenant, record.contact, None, now).await;
                swept.released += 1;
            }
        }
        SendState::Sent | SendState::Failed | SendState::Cancelled => {}
    }
    Ok(())
}

/// Asks a person: the message stays `uncertain`, and the event log names it.
async fn give_up(
    store: &Store,
    tenant: TenantId,
    record: &SendRecord,
    failure: &Failure,
    now: Millis,
) -> Result<(), StoreError> {
    let failure = Failure {
        code: "uncertain_expired".to_owned(),
        message: "The provider has not reported this message within 24 hours; ask the customer, then let an admin send \
                  it again or leave it."
            .to_owned(),
        ..failure.clone()
    };
    let reason =
        format!("{} stayed uncertain for 24 hours; see the message, then resend it or leave it", record.id);
    let payload = serde_json::json!({"message_id": record.id, "code": failure.code}).to_string();
    let entry = EventEntry {
        id: EventId::from_ulid(record.id.ulid()),
        provider: record.provider,
        feed: None,
        chatwoot: false,
        auth_strength: AuthStrength::Signature,
        received_at: record.updated_at,
        trace_id: record.trace_id,
        payload: payload.as_bytes(),
    };
    store.keep_ignored(tenant, entry, &reason, now).await?;
    store.give_up_on_send(tenant, record.id, &failure, now).await?;
    tracing::warn!(message.id = %record.id, "{reason}");
    Ok(())
}
