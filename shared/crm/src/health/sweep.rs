//! What the sweeper does for numbers: asks their providers how they stand, in case a webhook is lost (UltraMsg sends
//! none about an instance), stops those that cannot send, begins
//! conservative mode when its hour has come, and carries changes through to what waits.

use super::hear::{Heard, hear, tell};
use super::is_rated;
use super::settle::settle;
use crate::events::{BrokenNumber, Emitter, Receiver, integration_broken};
use crate::integrations::{Outside, check};
use domain::health::{LOOK_CLOSELY_MS, Report, SETTLE_MS};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::dynamo::{Integration, StoreError};
use platform::telemetry::chain;
use platform::transport::Transport;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// How many numbers one sweep looks at.
const AT_MOST: u32 = 20;
/// How many at a time.
const AT_A_TIME: usize = 10;
/// How long one look may take: a sweep has less than a minute for everything.
const LONGEST: Duration = Duration::from_secs(5);

/// What one sweep did for numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SweptNumbers {
    /// Numbers that were looked at.
    pub looked_at: u32,
    /// Messages that were held by conservative mode and go now.
    pub released: u32,
    /// Messages that waited for a turn or for the limit and go now.
    pub hurried: u32,
}

/// Looks at the numbers that are due. Safe to run at any time and twice at once: a number is taken before it is looked at
/// and is due again later whatever comes of it.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(
    platform: &Platform,
    transport: &Transport,
    now: Millis,
) -> Result<SweptNumbers, StoreError> {
    let due = platform.store.due_numbers(now, AT_MOST).await?;
    let looks = due.into_iter().map(|(tenant, provider, number)| async move {
        let looked = look_at(platform, transport, tenant, provider, &number, now).await;
        if let Err(error) = &looked {
            tracing::warn!(tenant.id = %tenant, %provider, "a number could not be looked at: {}", chain(error));
        }
        looked
    });
    let looked: Vec<_> = futures_util::stream::iter(looks).buffer_unordered(AT_A_TIME).collect().await;
    let mut swept = SweptNumbers::default();
    for one in looked {
        let one = one?;
        swept.looked_at += one.looked_at;
        swept.released += one.released;
        swept.hurried += one.hurried;
    }
    Ok(swept)
}

async fn look_at(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    provider: Provider,
    number: &str,
    now: Millis,
) -> Result<SweptNumbers, StoreError> {
    let store = &platform.store;
    let mut swept = SweptNumbers::default();
    if !store.take_look_at_number(tenant, provider, number, now, now.plus_ms(LOOK_CLOSELY_MS)).await? {
        return Ok(swept);
    }
    let facts = store.tenant_facts_now(tenant).await?;
    let same = |one: &&Integration| one.number.provider == provider && one.number_id() == number;
    let Some(integration) = facts.integrations.iter().find(same) else {
        store.leave_number_alone(tenant, provider, number).await?;
        return Ok(swept);
    };
    swept.looked_at = 1;
    let outside =
        Outside { platform, transport, public_url: "", dialog360_probe_path: &platform.dialog360_probe_path };
    let looked = tokio::time::timeout(LONGEST, check(outside, tenant, integration, now)).await;
    match looked {
        // A token that was refused or an instance that lost its phone is told before somebody's message waits for it.
        Ok(Ok(checked)) if checked.stopped => {
            stop(platform, tenant, integration, &checked.message, now).await?;
        }
        Ok(Ok(_)) => {}
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(tenant.id = %tenant, %provider, "a number's provider was not asked in time");
        }
    }
    if !is_rated(provider) {
        return Ok(swept);
    }
    // What the look found is kept already; this is for the time that has passed.
    let (report, trace_id) = (Report::default(), Uuid::new_v4());
    let heard =
        Heard { tenant, provider, number, report: &report, limit: None, at: now, asked: true, trace_id };
    let record = hear(platform, heard, now).await?;
    if record.settling_until.is_some() {
        let turned = record.health.mode_since.is_some_and(|since| now.since(since) <= SETTLE_MS);
        if turned {
            // Whoever turned it may have ended before that was told.
            tell(platform, tenant, &record, trace_id, now).await?;
        }
        let settled = settle(platform, tenant, &record, now).await?;
        swept.released = settled.released;
        swept.hurried = settled.hurried;
    }
    Ok(swept)
}

/// Stops a number that its provider says cannot send, and tells the tenant's receivers; one that is stopped stays so.
async fn stop(
    platform: &Platform,
    tenant: TenantId,
    integration: &Integration,
    reason: &str,
    now: Millis,
) -> Result<(), StoreError> {
    if !platform.store.break_integration(tenant, integration, reason).await? {
        return Ok(());
    }
    let provider = integration.number.provider;
    tracing::warn!(alarm = "number_broken", tenant.id = %tenant, %provider, "a number is broken");
    let receivers = Receiver::read(platform, tenant).await?;
    let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id: Uuid::new_v4(), now };
    let number = integration.number_id();
    let broken = BrokenNumber { provider, number, status: "broken", broken_reason: reason };
    integration_broken(emitter, &broken, integration.revision).await
}
