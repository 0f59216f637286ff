//! Finding a template for a send, and reading the providers' lists when nobody has yet.

use super::{SyncError, sync};
use domain::ids::TenantId;
use domain::template::choice::{is_in, without_language};
use domain::template::{Template, TemplateState};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Store, StoreError, TemplateSync};
use platform::transport::Transport;
use std::time::Duration;

/// How old the lists may be when a name is not in them, in milliseconds.
const UNKNOWN_NAME_MS: u64 = 60_000;
/// How long after a failed first attempt the next one is made, in milliseconds.
const AFTER_FAILURE_MS: u64 = 10_000;
/// How often, and after how long, one looks whether somebody else has read the lists.
const LOOKS: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The rows of a template's name: its languages, whatever their states, in every account of the tenant; of a name that
/// is not registered but ends in a language (`viewing_confirmation_en`), the rows of that language. Reads the providers'
/// lists first when nobody ever did, or when the name is unknown (or only a draft) and the lists are over a minute old.
/// A sandbox twin has the templates of its live tenant beside its own, and calls nobody.
///
/// # Errors
/// The table did not answer; nothing is known and the lists could not be read.
pub async fn for_send(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    name: &str,
    now: Millis,
) -> Result<Vec<Template>, SyncError> {
    let store = &platform.store;
    let mut rows = named(store, tenant, name).await?;
    if rows.iter().any(|row| !matches!(row.state, TemplateState::Deleted | TemplateState::Draft)) {
        return Ok(rows);
    }
    let live = owner(store, tenant).await?;
    if live != tenant {
        rows.extend(named(store, live, name).await?);
        return Ok(rows);
    }
    let mut last = store.template_sync(tenant).await?;
    if is_being_read(last, now) {
        last = read_by_another(store, tenant, last, now).await?;
        rows = named(store, tenant, name).await?;
    }
    let over = |at: Option<Millis>, ms: u64| at.is_none_or(|at| now.since(at) > ms);
    let due = match last.synced_at {
        None => over(last.tried_at, AFTER_FAILURE_MS),
        Some(_) => over(last.tried_at.max(last.synced_at), UNKNOWN_NAME_MS),
    };
    if !due {
        return if last.synced_at.is_none() { Err(SyncError::JustFailed) } else { Ok(rows) };
    }
    match sync(platform, transport, tenant, now).await {
        Ok(_) => Ok(named(store, tenant, name).await?),
        Err(SyncError::NotConfigured) => Ok(rows),
        // The lists are known, only not the newest: the name is unknown as far as anybody can tell.
        Err(error) if last.synced_at.is_some() => {
            tracing::warn!("templates could not be read again: {error}");
            Ok(named(store, tenant, name).await?)
        }
        Err(error) => Err(error),
    }
}

/// Reads the lists when nobody ever did and nobody tried a moment ago.
///
/// # Errors
/// As [`sync`].
pub async fn sync_if_never(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    now: Millis,
) -> Result<(), SyncError> {
    let last = platform.store.template_sync(tenant).await?;
    let tried = last.tried_at.is_some_and(|at| now.since(at) <= AFTER_FAILURE_MS);
    if last.synced_at.is_some() || tried {
        return Ok(());
    }
    sync(platform, transport, tenant, now).await.map(drop)
}

/// Whether somebody reads the lists at this moment. Who began long ago and never came to an end has died.
fn is_being_read(last: TemplateSync, now: Millis) -> bool {
    last.is_under_way() && last.tried_at.is_some_and(|at| now.since(at) <= AFTER_FAILURE_MS)
}

/// Waits for whoever reads the lists, at most four seconds: a burst of first messages is one reading.
async fn read_by_another(
    store: &Store,
    tenant: TenantId,
    mut last: TemplateSync,
    now: Millis,
) -> Result<TemplateSync, StoreError> {
    for _ in 0..LOOKS {
        if !is_being_read(last, now) {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        last = store.template_sync(tenant).await?;
    }
    Ok(last)
}

/// Whose templates a tenant sends: its own, or for a sandbox twin those of its live tenant.
///
/// # Errors
/// The table did not answer.
pub async fn owner(store: &Store, tenant: TenantId) -> Result<TenantId, StoreError> {
    let facts = store.tenant_facts(tenant).await?;
    Ok(facts.tenant.and_then(|tenant| tenant.sandbox_of).unwrap_or(tenant))
}

async fn named(store: &Store, tenant: TenantId, name: &str) -> Result<Vec<Template>, StoreError> {
    let rows = store.templates_named(tenant, name).await?;
    if !rows.is_empty() {
        return Ok(rows.into_iter().map(|row| row.template).collect());
    }
    let Some((name, language)) = without_language(name) else { return Ok(Vec::new()) };
    let rows = store.templates_named(tenant, name).await?;
    let rows = rows.into_iter().map(|row| row.template);
    Ok(rows.filter(|template| is_in(&template.language, language)).collect())
}
