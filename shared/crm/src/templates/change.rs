//! What webhooks say about templates, applied to the templates we know.

use super::merge::{self, Outcome};
use super::{AT_MOST_TRIES, SyncError};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::template::TemplateState;
use platform::dynamo::{Store, TemplateRow, Told};
use providers::event::Account;
use providers::templates::TemplateChange;

/// What became of a webhook about a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The template is as it says.
    Moved,
    /// Something newer is known.
    Stale,
    /// It says nothing that we act on.
    Nothing,
    /// No such template is known; a sync brings it.
    Unknown,
}

/// Applies a change to the tenant's template. Safe to run again and in any order.
///
/// # Errors
/// The table did not answer, or the template was written by somebody else all the while.
pub async fn apply_change(
    store: &Store,
    tenant: TenantId,
    provider: Provider,
    account: &Account,
    change: &TemplateChange,
    told: Told,
) -> Result<Applied, SyncError> {
    let mut result = Applied::Unknown;
    let rows = store.templates_named(tenant, &change.name).await?;
    let rows: Vec<_> = rows.into_iter().filter(|row| is_meant(row, provider, account, change)).collect();
    if rows.is_empty() {
        return Ok(result);
    }
    let synced_at = store.template_sync(tenant).await?.synced_at;
    for mut row in rows {
        for attempt in 1.. {
            let moved = match merge::told(&row, &change.changed, told, synced_at) {
                Outcome::Moved(moved) => moved,
                Outcome::Stale => {
                    result = Applied::Stale;
                    break;
                }
                Outcome::Nothing => {
                    result = Applied::Nothing;
                    break;
                }
            };
            if store.save_template(tenant, &moved).await? {
                result = Applied::Moved;
                break;
            }
            if attempt == AT_MOST_TRIES {
                return Err(SyncError::Contended);
            }
            let Some(again) = store.template(tenant, row.template.id).await? else { break };
            row = again;
        }
    }
    Ok(result)
}

/// Whether a change is about this row, and not about one of the same name in another account or before it.
fn is_meant(row: &TemplateRow, provider: Provider, account: &Account, change: &TemplateChange) -> bool {
    let template = &row.template;
    if template.provider != provider || template.language != change.language {
        return false;
    }
    // A provider cannot mean a draft, unless it is being submitted this moment.
    let under_way = row.written.as_ref().is_some_and(|written| written.attempt.is_some());
    if template.state == TemplateState::Draft && !under_way {
        return false;
    }
    // 360dialog keeps ids of its own, and its webhooks name Meta's.
    if provider != Provider::Meta {
        return true;
    }
    let agrees =
        |own: Option<&str>, named: Option<&str>| own.zip(named).is_none_or(|(own, named)| own == named);
    agrees(Some(&template.account), account.waba_id.as_deref())
        && agrees(template.provider_template_id.as_deref(), change.provider_template_id.as_deref())
}
