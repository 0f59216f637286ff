//! Reading a tenant's templates from its providers, every page of them.

use super::merge::{self, Place};
use super::{AT_MOST_TRIES, SyncError};
use crate::credentials;
use domain::ids::{TemplateId, TenantId};
use domain::provider::Provider;
use domain::template::template_id;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Integration, Store, SyncStep, TemplateRow};
use platform::transport::Transport;
use providers::templates::{PageError, Reported, list_request, page};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use zeroize::Zeroizing;

/// How many pages one account may have: Meta allows some thousand templates, a hundred a page.
const AT_MOST_PAGES: usize = 200;
/// The most of a page that is read, in bytes: a hundred templates with their examples.
const PAGE_LIMIT: usize = 4 * 1024 * 1024;
/// How many rows are read at a time.
const ROWS: u32 = 200;

/// What a sync did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SyncedTemplates))]
pub struct Synced {
    /// How many templates the providers have.
    pub seen: usize,
    /// How many of them were new or had changed.
    pub changed: usize,
    /// How many are gone there and were marked as deleted.
    pub removed: usize,
}

/// Reads the templates of every number that has some. What one provider refuses to tell keeps nobody else's from
/// being read.
///
/// # Errors
/// [`SyncError::NotConfigured`] without a number of Meta or 360dialog; else the first thing that went wrong, after
/// everything that could be done was.
pub async fn sync(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    now: Millis,
) -> Result<Synced, SyncError> {
    let facts = platform.store.tenant_facts(tenant).await?;
    let mut accounts: BTreeMap<(Provider, String), &Integration> = BTreeMap::new();
    for integration in &facts.integrations {
        if let Some(account) = account_of(integration) {
            accounts.entry((integration.number.provider, account)).or_insert(integration);
        }
    }
    if accounts.is_empty() || facts.tenant.is_some_and(|tenant| tenant.sandbox_of.is_some()) {
        return Err(SyncError::NotConfigured);
    }
    platform.store.note_template_sync(tenant, now, SyncStep::Begun).await?;
    let mut done = Synced::default();
    let mut failed = None;
    for ((_, account), integration) in accounts {
        match one_account(platform, transport, tenant, &account, integration, now).await {
            Ok(one) => {
                done.seen += one.seen;
                done.changed += one.changed;
                done.removed += one.removed;
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed {
        platform.store.note_template_sync(tenant, now, SyncStep::Failed).await?;
        return Err(error);
    }
    platform.store.note_template_sync(tenant, now, SyncStep::Done).await?;
    Ok(done)
}

/// The account whose templates a number sends; `None` where there are none.
pub(super) fn account_of(integration: &Integration) -> Option<String> {
    match integration.number.provider {
        Provider::Meta => integration.number.waba_id.clone(),
        Provider::Dialog360 => Some(integration.number_id().to_owned()),
        Provider::Ultramsg | Provider::Sandbox => None,
    }
}

async fn one_account(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    account: &str,
    integration: &Integration,
    now: Millis,
) -> Result<Synced, SyncError> {
    let provider = integration.number.provider;
    let secret = secret(platform, tenant, integration).await?;
    let list = whole_list(transport, provider, account, &secret).await?;
    let store = &platform.store;
    let stored = account_rows(store, tenant, provider, account).await?;
    let mut done = Synced { seen: list.templates.len(), ..Synced::default() };
    for (id, reported) in by_id(tenant, provider, account, &list.templates) {
        let place = Place { id, provider, account };
        let change = |old: Option<&TemplateRow>| merge::listed(old, place, reported, now);
        done.changed += usize::from(write(store, tenant, id, stored.get(&id), change).await?);
    }
    let seen = by_id(tenant, provider, account, &list.templates);
    // A template that could not be read is there all the same.
    let gone = stored.iter().filter(|(id, _)| !list.holes && !seen.contains_key(id));
    for (id, row) in gone {
        let change = |old: Option<&TemplateRow>| merge::absent(old?, now);
        done.removed += usize::from(write(store, tenant, *id, Some(row), change).await?);
    }
    Ok(done)
}

/// A list may name one template twice, when it moves between pages; the later word counts.
fn by_id<'a>(
    tenant: TenantId,
    provider: Provider,
    account: &str,
    templates: &'a [Reported],
) -> BTreeMap<TemplateId, &'a Reported> {
    let id = |one: &Reported| template_id(tenant, provider, account, &one.name, &one.language);
    templates.iter().map(|one| (id(one), one)).collect()
}

/// Writes what `change` makes of the row, again when somebody else wrote it meanwhile; false when there is nothing to
/// write.
async fn write(
    store: &Store,
    tenant: TenantId,
    id: TemplateId,
    row: Option<&TemplateRow>,
    change: impl Fn(Option<&TemplateRow>) -> Option<TemplateRow>,
) -> Result<bool, SyncError> {
    let mut row = row.cloned();
    for _attempt in 0..AT_MOST_TRIES {
        let Some(next) = change(row.as_ref()) else { return Ok(false) };
        if store.save_template(tenant, &next).await? {
            return Ok(true);
        }
        row = store.template(tenant, id).await?;
    }
    Err(SyncError::Contended)
}

async fn account_rows(
    store: &Store,
    tenant: TenantId,
    provider: Provider,
    account: &str,
) -> Result<HashMap<TemplateId, TemplateRow>, SyncError> {
    let mut rows = HashMap::new();
    let mut after = None;
    loop {
        let page = store.templates_page(tenant, after, ROWS).await?;
        after = page.rows.last().map(|row| row.template.id);
        let own = |row: &TemplateRow| row.template.provider == provider && row.template.account == account;
        rows.extend(page.rows.into_iter().filter(own).map(|row| (row.template.id, row)));
        if !page.more || after.is_none() {
            return Ok(rows);
        }
    }
}

/// Every template of an account.
struct List {
    templates: Vec<Reported>,
    /// Whether some could not be read.
    holes: bool,
}

async fn whole_list(
    transport: &Transport,
    provider: Provider,
    account: &str,
    secret: &str,
) -> Result<List, SyncError> {
    let mut list = List { templates: Vec::new(), holes: false };
    let mut after: Option<String> = None;
    for _page in 0..AT_MOST_PAGES {
        let request = list_request(provider, account, secret, after.as_deref())
            .map_err(|_| SyncError::Unusable { provider })?;
        let answer = transport.call_for(provider, request, PAGE_LIMIT).await;
        let answer =
            answer.map_err(|error| SyncError::Unreachable { provider, reason: error.to_string() })?;
        let read = page(provider, answer.status().as_u16(), answer.body(), after.as_deref());
        let read = read.map_err(|error| refused(provider, error))?;
        for reason in &read.unreadable {
            tracing::warn!(%provider, "a template could not be read: {reason}");
        }
        list.holes |= !read.unreadable.is_empty();
        list.templates.extend(read.templates);
        match read.next {
            None => return Ok(list),
            // A cursor that leads to itself would never end.
            Some(next) if after.as_ref() == Some(&next) => break,
            Some(next) => after = Some(next),
        }
    }
    Err(SyncError::Unreadable { provider, reason: "the list does not end".to_owned() })
}

fn refused(provider: Provider, error: PageError) -> SyncError {
    match error {
        PageError::Refused { status, code, message } => {
            SyncError::Refused { provider, status, code, message }
        }
        PageError::Unreadable(reason) => SyncError::Unreadable { provider, reason },
    }
}

/// The secret that opens a number's API.
pub(super) async fn secret(
    platform: &Platform,
    tenant: TenantId,
    integration: &Integration,
) -> Result<Zeroizing<String>, SyncError> {
    let provider = integration.number.provider;
    credentials::secret(platform, tenant, integration).await?.ok_or(SyncError::Unusable { provider })
}
