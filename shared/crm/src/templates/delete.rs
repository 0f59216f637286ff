//! Deleting a template: a draft here, a registered one at its provider.

use super::SyncError;
use super::edit::unknown_id;
use super::place::{Author, Place, WriteError, audit, is_local, own};
use super::submit::{Caller, Failed, attempt, settle, wait_for_others};
use domain::ids::TemplateId;
use domain::provider::Provider;
use domain::template::TemplateState;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Store, TemplateRow};
use platform::transport::Transport;
use providers::templates::{RefusalKind, delete_request};

/// Deletes a template; it stays readable as `deleted`. 360dialog deletes a name with all its languages, so it must be
/// said that this is meant. Written to the audit log before it is done; for a template that is deleted already nothing
/// is done.
///
/// # Errors
/// [`WriteError::NotFound`]; [`WriteError::NeedsAdmin`] for anything but a draft; [`WriteError::Forbidden`] when other
/// languages would go too, or it is being submitted; [`WriteError::Sync`] when the provider refuses or does not answer.
pub async fn delete(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    id: TemplateId,
    all_languages: bool,
) -> Result<TemplateRow, WriteError> {
    let store = &platform.store;
    let row = own(store, author, id).await?;
    let draft = match row.template.state {
        TemplateState::Deleted => return Ok(row),
        TemplateState::Draft => true,
        TemplateState::Approved
        | TemplateState::Pending
        | TemplateState::Rejected
        | TemplateState::Paused
        | TemplateState::Disabled
        | TemplateState::InAppeal => false,
    };
    if !draft && !author.admin {
        return Err(WriteError::NeedsAdmin);
    }
    wait_for_others(author, attempt(&row))?;
    let template = &row.template;
    if draft || is_local(template.provider) {
        audit(store, author, "template.delete", template).await?;
        return gone(store, author, row, author.now).await;
    }
    let siblings = siblings(store, author, &row).await?;
    let named = match template.provider {
        Provider::Dialog360 if !all_languages && !siblings.is_empty() => {
            return Err(WriteError::forbidden(
                "360dialog deletes all languages of a name at once; repeat with `all_languages=true` if that is meant.",
            ));
        }
        Provider::Dialog360 => "",
        Provider::Meta | Provider::Ultramsg | Provider::Sandbox => {
            template.provider_template_id.as_deref().ok_or_else(unknown_id)?
        }
    };
    let caller = Caller::of(platform, transport, author, &Place::of(template)).await?;
    audit(store, author, "template.delete", template).await?;
    let request = delete_request(caller.provider, &template.account, &caller.secret, &template.name, named);
    match caller.call(request).await {
        Ok(_) => {}
        Err(Failed::Refused(refusal)) if refusal.kind() == RefusalKind::Absent => {}
        Err(Failed::Refused(refusal)) => {
            return Err(WriteError::Sync(SyncError::Refused {
                provider: caller.provider,
                status: refusal.status,
                code: refusal.code,
                message: refusal.message,
            }));
        }
        Err(Failed::Unknown(error)) => return Err(error.into()),
    }
    let at = platform.clock.now();
    if template.provider == Provider::Dialog360 {
        for sibling in siblings {
            gone(store, author, sibling, at).await?;
        }
    }
    gone(store, author, row, at).await
}

/// The other languages of the name that are registered in the same account.
async fn siblings(store: &Store, author: &Author, row: &TemplateRow) -> Result<Vec<TemplateRow>, WriteError> {
    let place = Place::of(&row.template);
    let rows = store.templates_named(author.tenant, &row.template.name).await?;
    let others = rows.into_iter().filter(|other| {
        let registered = !matches!(other.template.state, TemplateState::Deleted | TemplateState::Draft);
        registered && other.template.id != row.template.id && place.has(&other.template)
    });
    Ok(others.collect())
}

async fn gone(
    store: &Store,
    author: &Author,
    row: TemplateRow,
    at: Millis,
) -> Result<TemplateRow, WriteError> {
    settle(store, author, row, |row| {
        let mut row = row.clone();
        row.template.state = TemplateState::Deleted;
        row.template.rejected_reason = None;
        row.template.updated_at = at;
        // A list that was asked for before still has it.
        row.heard.listed_at = row.heard.listed_at.max(Some(at));
        if let Some(written) = row.written.as_mut() {
            written.attempt = None;
        }
        row
    })
    .await
}
