//! A number sends normally again, or its limit was raised: what waited for that goes.

use crate::send::enqueue;
use domain::health::Mode;
use domain::ids::TenantId;
use domain::outbound::{HeldFor, SendState, WAITS_FOR_LIMIT, WAITS_FOR_TURN};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{HealthRecord, SendRecord, Store, StoreError};

/// How many held messages of a number one sweep releases.
const RELEASED: u32 = 200;
/// How many waiting messages of one shard are looked at; what lies behind them goes at its own time.
const LOOKED_AT: u32 = 1_000;

/// What became of what waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Held messages that were released.
    pub(super) released: u32,
    /// Queued messages that need not wait any longer.
    pub(super) hurried: u32,
}

/// Carries a number's standing through to the messages that wait. Safe to repeat and to run twice at once.
pub(super) async fn settle(
    platform: &Platform,
    tenant: TenantId,
    record: &HealthRecord,
    now: Millis,
) -> Result<Settled, StoreError> {
    let mut settled = Settled::default();
    if record.health.mode == Mode::Normal {
        settled.released = release(platform, tenant, record, now).await?;
    }
    settled.hurried = hurry(platform, tenant, record, now).await?;
    Ok(settled)
}

/// Releases what the mode held, in the order accepted. What a caller holds stays held.
async fn release(
    platform: &Platform,
    tenant: TenantId,
    record: &HealthRecord,
    now: Millis,
) -> Result<u32, StoreError> {
    let store = &platform.store;
    let held = store.held_sends(tenant, record.provider, &record.number, RELEASED).await?;
    let mut released = 0;
    for id in held {
        let Some(send) = store.send(tenant, id).await? else { continue };
        if send.state != SendState::Held || send.held_for != Some(HeldFor::ConservativeMode) {
            continue;
        }
        // Each a moment later than the one before, so that those of one conversation keep their order.
        let at = now.plus_ms(u64::from(released)).max(send.not_before.unwrap_or(now));
        let order = Store::lane_end(id, at);
        if store.queue_send(tenant, &send, SendState::Held, order, now).await? {
            store.note_outbound(tenant, send.contact, order).await?;
            enqueue(platform, tenant, send.contact, send.not_before, now).await;
            released += 1;
        }
    }
    Ok(released)
}

/// Has messages go that wait for a turn which nobody needs any more, or for a limit that may have room now.
async fn hurry(
    platform: &Platform,
    tenant: TenantId,
    record: &HealthRecord,
    now: Millis,
) -> Result<u32, StoreError> {
    let store = &platform.store;
    // Whatever its time is.
    let until = Millis::from_unix_ms(now.unix_ms().saturating_mul(2));
    let waits = |send: &SendRecord| match send.failure.as_ref().map(|why| why.code.as_str()) {
        Some(WAITS_FOR_TURN) => {
            record.health.mode == Mode::Normal
                && send.provider == record.provider
                && send.number == record.number
        }
        Some(WAITS_FOR_LIMIT) => true,
        _ => false,
    };
    let mut hurried = 0;
    for shard in 0..Store::send_shards() {
        for (owner, id) in store.due_sends(shard, until, LOOKED_AT).await? {
            if owner != tenant {
                continue;
            }
            let Some(send) = store.send(tenant, id).await? else { continue };
            let later = send.not_before.is_some_and(|at| at > now);
            if send.state == SendState::Queued
                && later
                && waits(&send)
                && store.hurry_send(tenant, &send, now).await?
            {
                enqueue(platform, tenant, send.contact, None, now).await;
                hurried += 1;
            }
        }
    }
    Ok(hurried)
}
