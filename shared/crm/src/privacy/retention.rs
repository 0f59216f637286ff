//! What is older than its tenant keeps it goes, a batch at a time. The consent ledger and the audit log stay.

use super::steps::StepError;
use domain::ids::TenantId;
use domain::privacy::Retention;
use domain::time::Millis;
use futures_util::stream::{self, TryStreamExt as _};
use platform::Platform;
use platform::bucket::{Bucket, ObjectKey};
use platform::dynamo::{Dated, StoreError};
use platform::telemetry::chain;

/// How often it is looked, in milliseconds.
const EVERY_MS: u64 = 60 * 60 * 1_000;
/// How many tenants are read at once.
const TENANTS: u32 = 100;
/// How many items one batch takes.
const BATCH: u32 = 200;
/// How many batches of one kind one look takes for one tenant: the rest waits for the next.
const BATCHES: u32 = 50;
/// How many are deleted at a time.
const AT_A_TIME: usize = 8;
/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Deletes what is older than its tenant keeps it, once an hour; says how much.
///
/// # Errors
/// The table did not answer; the next hour does the rest.
pub async fn expire(
    platform: &Platform,
    bucket: &Bucket,
    owner: &str,
    now: Millis,
) -> Result<u32, StoreError> {
    // The lease is never given back: it ends when the next hour begins. The hour makes each a holder of its own.
    let holder = format!("{owner}/{}", now.unix_ms());
    if !platform.store.take_lease("retention", &holder, now, now.plus_ms(EVERY_MS)).await? {
        return Ok(0);
    }
    let (mut gone, mut after) = (0, None);
    loop {
        let tenants = platform.store.tenants(after, TENANTS).await?;
        let Some(last) = tenants.last() else { return Ok(gone) };
        after = Some(*last);
        for tenant in tenants {
            let kept = platform.store.privacy_settings(tenant).await?.retention;
            match of_tenant(platform, bucket, tenant, kept, now).await {
                Ok(count) => gone += count,
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, "what is too old waits an hour: {}", chain(&error));
                }
            }
        }
    }
}

async fn of_tenant(
    platform: &Platform,
    bucket: &Bucket,
    tenant: TenantId,
    kept: Retention,
    now: Millis,
) -> Result<u32, StepError> {
    let kinds = [
        (Dated::Messages, kept.messages_days),
        (Dated::Groups, kept.messages_days),
        (Dated::Timeline, kept.timeline_days),
        (Dated::Events, kept.events_days),
        (Dated::Deliveries, kept.deliveries_days),
    ];
    let mut gone = 0;
    for (kind, days) in kinds {
        let Some(days) = days else { continue };
        let before = Millis::from_unix_ms(now.unix_ms().saturating_sub(u64::from(days) * DAY_MS));
        for _ in 0..BATCHES {
            let found = platform.store.outdated(tenant, kind, before, BATCH).await?;
            if found.is_empty() {
                break;
            }
            let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
            stream::iter(found.iter().map(Ok::<_, StepError>))
                .try_for_each_concurrent(AT_A_TIME, |one| async move {
                    if let Some(message) = platform.store.file_of_outdated(tenant, one).await? {
                        bucket.delete(&ObjectKey::of_message(tenant, message)).await?;
                    }
                    platform.store.delete_outdated(tenant, one).await?;
                    Ok(())
                })
                .await?;
            gone += count;
        }
    }
    Ok(gone)
}
