//! The work of an erasure, step by step: each is saved before the next. Whoever dies in the middle leaves the rest to the
//! next sweep.

use super::proof;
use super::steps::{Step, StepError};
use domain::consent::Purpose;
use domain::ids::{ErasureId, TenantId};
use domain::time::Millis;
use platform::Platform;
use platform::bucket::Bucket;
use platform::dynamo::{Erasure, ErasureStage, NewAuditEntry, StoreError};
use platform::telemetry::chain;
use serde::Serialize;

/// How many erasures one sweep works on.
const AT_MOST: u32 = 10;
/// How many steps of one erasure one sweep takes.
const STEPS: u32 = 200;
/// When everything is gone through again, after the request, in milliseconds: longer than any function that knew the
/// person then may run.
const AGAIN_AFTER_MS: u64 = 90_000;
/// When to look again for what was on its way, in milliseconds.
const PAUSE_MS: u64 = 60_000;

/// What one sweep did about erasures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SweptErasures {
    /// Steps that were taken.
    pub steps: u32,
    /// Erasures that are complete.
    pub complete: u32,
}

/// Goes on with every erasure that is not complete. Safe to run at any time.
///
/// # Errors
/// The table did not say which there are.
pub async fn work(platform: &Platform, bucket: &Bucket, now: Millis) -> Result<SweptErasures, StoreError> {
    let mut swept = SweptErasures::default();
    for (tenant, id) in platform.store.due_erasures(now, AT_MOST).await? {
        if let Err(error) = go_on(platform, bucket, tenant, id, now, &mut swept).await {
            tracing::warn!(erasure.id = %id, "{id} waits for the next sweep: {}", chain(&error));
        }
    }
    Ok(swept)
}

async fn go_on(
    platform: &Platform,
    bucket: &Bucket,
    tenant: TenantId,
    id: ErasureId,
    now: Millis,
    swept: &mut SweptErasures,
) -> Result<(), StepError> {
    let store = &platform.store;
    for _ in 0..STEPS {
        let Some(mut erasure) = store.erasure(tenant, id).await? else { return Ok(()) };
        if erasure.proof.is_some() {
            return Ok(());
        }
        erasure.revision += 1;
        swept.steps += 1;
        if erasure.stage == ErasureStage::Done {
            let waits_until = match (erasure.round, erasure.look_again) {
                (1, _) => Some(erasure.requested_at.plus_ms(AGAIN_AFTER_MS)),
                (_, true) => Some(now.plus_ms(PAUSE_MS)),
                (_, false) => None,
            };
            let Some(until) = waits_until else {
                return finish(platform, tenant, erasure, now, swept).await;
            };
            erasure.round = 2;
            erasure.look_again = false;
            erasure.stage = ErasureStage::Names;
            if !store.save_erasure(tenant, &erasure, until).await? || until > now {
                return Ok(());
            }
            continue;
        }
        Step::of(platform, bucket, tenant, &erasure, now).take(&mut erasure).await?;
        if !store.save_erasure(tenant, &erasure, now).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes down that nothing is left. The names in clear go with it.
async fn finish(
    platform: &Platform,
    tenant: TenantId,
    mut erasure: Erasure,
    now: Millis,
    swept: &mut SweptErasures,
) -> Result<(), StepError> {
    let store = &platform.store;
    for contact in &erasure.family {
        for purpose in Purpose::ALL {
            store.delete_standing(tenant, *contact, purpose).await?;
        }
    }
    erasure.proof = Some(proof::certified(platform, tenant, &erasure, now).await?);
    erasure.names.clear();
    let target = erasure.contact.to_string();
    let trace_id = erasure.trace_id;
    let entry =
        NewAuditEntry { at: now, actor: "system", action: "contact.erased", target: &target, trace_id };
    if store.finish_erasure(tenant, &erasure, entry).await? {
        swept.complete += 1;
        tracing::info!(erasure.id = %erasure.id, "{} is complete", erasure.id);
    }
    Ok(())
}
