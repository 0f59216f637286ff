//! Asking after templates under review, in case their webhooks are lost.

use super::{SyncError, sync};
use domain::ids::TenantId;
use domain::template::TemplateState;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Store, StoreError, TemplateRow};
use platform::transport::Transport;
use std::time::Duration;

/// How many tenants' lists one sweep reads.
const TENANTS: u32 = 3;
/// When a list is read again while something in it is under review, in milliseconds.
const AGAIN_MS: u64 = 30 * 60_000;
/// How long one tenant's lists may take: a sweep has less than a minute for everything.
const LONGEST: Duration = Duration::from_secs(8);
/// How many rows are read at a time.
const ROWS: u32 = 200;

/// Reads the lists of the tenants that are due, a few at a time; gives how many were read. Safe to run at any time and
/// twice at once: a tenant is taken before its lists are read, and is due again later whatever comes of it.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn poll(platform: &Platform, transport: &Transport, now: Millis) -> Result<u32, StoreError> {
    let store = &platform.store;
    let mut read = 0;
    for tenant in store.due_template_polls(now, TENANTS).await? {
        let next = now.plus_ms(AGAIN_MS);
        if !store.take_template_poll(tenant, now, next).await? {
            continue;
        }
        match tokio::time::timeout(LONGEST, sync(platform, transport, tenant, now)).await {
            Ok(Ok(_)) | Ok(Err(SyncError::NotConfigured)) => {}
            Ok(Err(SyncError::Store(error))) => return Err(error),
            Ok(Err(error)) => {
                let error = platform::telemetry::chain(&error);
                tracing::warn!(tenant.id = %tenant, "templates under review could not be asked after: {error}");
                continue;
            }
            Err(_elapsed) => {
                tracing::warn!(tenant.id = %tenant, "templates under review could not be asked after in time");
                continue;
            }
        }
        read += 1;
        if !is_waiting(store, tenant).await? {
            store.disarm_template_poll(tenant, next).await?;
        }
    }
    Ok(read)
}

/// Whether anything of a tenant is under review, or was submitted without an answer.
async fn is_waiting(store: &Store, tenant: TenantId) -> Result<bool, StoreError> {
    let waits = |row: &TemplateRow| match row.template.state {
        TemplateState::Pending | TemplateState::InAppeal => true,
        TemplateState::Draft => row.written.as_ref().is_some_and(|written| written.attempt.is_some()),
        TemplateState::Approved
        | TemplateState::Rejected
        | TemplateState::Paused
        | TemplateState::Disabled
        | TemplateState::Deleted => false,
    };
    let mut after = None;
    loop {
        let page = store.templates_page(tenant, after, ROWS).await?;
        if page.rows.iter().any(waits) {
            return Ok(true);
        }
        after = page.rows.last().map(|row| row.template.id);
        if !page.more || after.is_none() {
            return Ok(false);
        }
    }
}
