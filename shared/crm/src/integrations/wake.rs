//! Messages that waited for a number to be repaired go at once, not with the sweeper's next minute.

use crate::send::enqueue;
use domain::ids::TenantId;
use domain::outbound::STALE_MS;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Integration, Store, StoreError};

/// How many waiting messages of one shard are looked at; the sweeper finds the rest.
const AT_MOST: u32 = 100;

/// Puts the conversations that wait for this number on the queue. What fails is left to the sweeper.
pub(super) async fn waiting(platform: &Platform, tenant: TenantId, integration: &Integration, now: Millis) {
    if let Err(error) = wake(platform, tenant, integration, now).await {
        tracing::warn!("messages that waited for a number are left to the sweeper: {error}");
    }
}

async fn wake(
    platform: &Platform,
    tenant: TenantId,
    integration: &Integration,
    now: Millis,
) -> Result<(), StoreError> {
    let store = &platform.store;
    // A message that waits is looked at again within this time.
    let until = now.plus_ms(2 * STALE_MS);
    let mut woken = Vec::new();
    for shard in 0..Store::send_shards() {
        for (owner, id) in store.due_sends(shard, until, AT_MOST).await? {
            if owner != tenant {
                continue;
            }
            let Some(record) = store.send(tenant, id).await? else { continue };
            let waits = record.provider == integration.number.provider
                && record.number == integration.number_id()
                && record.not_before.is_none_or(|at| at <= now);
            if waits && !woken.contains(&record.contact) {
                enqueue(platform, tenant, record.contact, None, now).await;
                woken.push(record.contact);
            }
        }
    }
    Ok(())
}
