//! What is to be carried over: put in line, and somebody told.

use crate::read::conversation_messages;
use domain::ids::{ContactId, EventId, MessageId, TenantId};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{ChatwootItem, StoreError};
use platform::queue::deliveries::DeliveryJob;
use std::time::Duration;
use ulid::Ulid;

/// How many of the newest messages are carried over at the hand-off.
const HISTORY: u32 = 20;
/// When the sweeper looks for what the queue should have brought, in milliseconds.
const STALE_MS: u64 = 60_000;

/// A conversation went to a person: from now on it is carried over, with its newest messages and the reason.
pub(crate) async fn begin(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    event: EventId,
    now: Millis,
) -> Result<(), StoreError> {
    let store = &platform.store;
    if store.chatwoot(tenant).await?.is_none() {
        return Ok(());
    }
    let history = conversation_messages(store, tenant, contact.conversation(), None, HISTORY, false).await?;
    for message in history.map(|page| page.items).unwrap_or_default() {
        store.add_chatwoot_item(tenant, contact, message.id.ulid(), &ChatwootItem::Message).await?;
    }
    store.add_chatwoot_item(tenant, contact, event.ulid(), &ChatwootItem::Handoff).await?;
    call(platform, tenant, contact, now).await
}

/// Carries a message over, if its conversation is carried over. The same message again changes nothing.
pub(crate) async fn mirror(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    id: MessageId,
    now: Millis,
) -> Result<(), StoreError> {
    put(platform, tenant, contact, id.ulid(), &ChatwootItem::Message, now).await
}

/// Leaves a private note of ours; `order` names it.
pub(crate) async fn note(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    order: Ulid,
    text: String,
    now: Millis,
) -> Result<(), StoreError> {
    put(platform, tenant, contact, order, &ChatwootItem::Note { text }, now).await
}

async fn put(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    order: Ulid,
    item: &ChatwootItem,
    now: Millis,
) -> Result<(), StoreError> {
    if platform.store.chatwoot_thread(tenant, contact).await?.is_none() {
        return Ok(());
    }
    platform.store.add_chatwoot_item(tenant, contact, order, item).await?;
    // Also where it was in line before: whoever put it there may have died before calling.
    call(platform, tenant, contact, now).await
}

/// Has somebody look at the line: the queue at once, or the sweeper within a minute.
async fn call(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    now: Millis,
) -> Result<(), StoreError> {
    platform.store.wake_chatwoot_thread(tenant, contact, now.plus_ms(STALE_MS)).await?;
    enqueue(platform, tenant, contact, 0).await;
    Ok(())
}

pub(super) async fn enqueue(platform: &Platform, tenant: TenantId, contact: ContactId, wait_ms: u64) {
    let job = DeliveryJob::Chatwoot { tenant, contact };
    let wait = Duration::from_millis(wait_ms);
    if let Err(error) = platform.deliveries.send_later(&tenant.to_string(), &job.encode(), wait).await {
        tracing::warn!("a conversation waits for the sweeper to be carried over: {error}");
    }
}
