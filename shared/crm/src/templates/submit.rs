//! Submitting a draft, and what its provider answers. After that only events and lists move it.

use super::draft::{being_written, findings, words_of};
use super::place::{Author, Place, WriteError, audit, is_local, own, reached_by};
use super::sync::{secret, sync};
use super::{AT_MOST_TRIES, SyncError};
use bytes::Bytes;
use domain::ids::TemplateId;
use domain::provider::Provider;
use domain::template::lint::{Fault, Finding};
use domain::template::{Category, TemplateState};
use domain::time::Millis;
use http::Request;
use platform::Platform;
use platform::dynamo::{Store, Submission, TemplateRow};
use platform::transport::Transport;
use providers::templates::{
    New, Refusal, RefusalKind, Unusable, WriteError as ProviderError, Written, create_request, written,
};

/// How long another request's call of the provider is waited for, in milliseconds: longer than a function may run.
const UNDER_WAY_MS: u64 = 30_000;
/// When a submitted template is asked after, in milliseconds: its webhook should have come by then.
const POLL_AFTER_MS: u64 = 10 * 60_000;

/// Submits a draft: lints it, has the provider register it, and keeps the provider's id and category. UltraMsg and
/// the sandbox review nothing: there it is approved at once. Written to the audit log before it is done.
///
/// # Errors
/// [`WriteError::NeedsAdmin`], [`WriteError::NotFound`]; [`WriteError::Forbidden`] when it is no draft, is being
/// submitted, or the provider's account or name rules forbid it; [`WriteError::Invalid`] with every finding, of ours or
/// of the provider; [`WriteError::Sync`] when the provider could not be asked: then the same call may be made again.
pub async fn submit(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    id: TemplateId,
) -> Result<TemplateRow, WriteError> {
    if !author.admin {
        return Err(WriteError::NeedsAdmin);
    }
    let store = &platform.store;
    let row = own(store, author, id).await?;
    if row.template.state != TemplateState::Draft {
        return if is_taken(&row, author) { Ok(row) } else { Err(no_draft(&row)) };
    }
    let before = attempt(&row).cloned();
    wait_for_others(author, before.as_ref())?;
    let words = words_of(&row);
    let found = findings(store, author, &row, &words).await?;
    if !found.is_empty() {
        return Err(WriteError::Invalid(found));
    }
    if is_local(row.template.provider) {
        audit(store, author, "template.submit", &row.template).await?;
        return settle(store, author, row, |row| approve(row, author)).await;
    }
    let caller = Caller::of(platform, transport, author, &Place::of(&row.template)).await?;
    let row = begin(store, author, row).await?;
    audit(store, author, "template.submit", &row.template).await?;
    let template = &row.template;
    let new = New {
        name: &template.name,
        language: &template.language,
        category: template.category,
        words: &words,
    };
    let request = create_request(caller.provider, &template.account, &caller.secret, new);
    let answer = caller.call(request).await;
    let at = platform.clock.now();
    match answer {
        Ok(told) => {
            store.arm_template_poll(author.tenant, at.plus_ms(POLL_AFTER_MS)).await?;
            settle(store, author, row, |row| taken(row, author, &told, at)).await
        }
        // The answer to an earlier run was lost, and the list has what it made.
        Err(Failed::Refused(refusal)) if refusal.kind() == RefusalKind::Exists && before.is_some() => {
            sync(platform, transport, author.tenant, at).await?;
            let row = store.template(author.tenant, id).await?.ok_or(WriteError::NotFound)?;
            if row.template.state == TemplateState::Draft { Err(being_written()) } else { Ok(row) }
        }
        Err(failed) => Err(give_up(platform, author, row, failed).await?),
    }
}

/// A provider was called for nothing.
pub(super) enum Failed {
    /// It refuses.
    Refused(Refusal),
    /// Whether it did anything is not known.
    Unknown(SyncError),
}

/// What it takes to call the provider of an account.
pub(super) struct Caller<'a> {
    transport: &'a Transport,
    pub(super) provider: Provider,
    pub(super) secret: zeroize::Zeroizing<String>,
}

impl<'a> Caller<'a> {
    pub(super) async fn of(
        platform: &Platform,
        transport: &'a Transport,
        author: &Author,
        place: &Place,
    ) -> Result<Self, WriteError> {
        let facts = platform.store.tenant_facts(author.tenant).await?;
        let integration =
            reached_by(&facts, place).ok_or(SyncError::Unusable { provider: place.provider })?;
        let secret = secret(platform, author.tenant, integration).await?;
        Ok(Self { transport, provider: place.provider, secret })
    }

    pub(super) async fn call(&self, request: Result<Request<Bytes>, Unusable>) -> Result<Written, Failed> {
        let provider = self.provider;
        let request = request.map_err(|_| Failed::Unknown(SyncError::Unusable { provider }))?;
        let unreachable = |reason: String| Failed::Unknown(SyncError::Unreachable { provider, reason });
        let answer =
            self.transport.call(provider, request).await.map_err(|error| unreachable(error.to_string()))?;
        written(answer.status().as_u16(), answer.body()).map_err(|error| match error {
            ProviderError::Refused(refusal) => Failed::Refused(refusal),
            ProviderError::Unreadable(reason) => Failed::Unknown(SyncError::Unreadable { provider, reason }),
        })
    }
}

/// Notes that the provider is being called, so that nobody else does, and an event that comes before the answer counts.
pub(super) async fn begin(
    store: &Store,
    author: &Author,
    mut row: TemplateRow,
) -> Result<TemplateRow, WriteError> {
    if let Some(written) = row.written.as_mut() {
        written.attempt = Some(Submission { by: author.run.clone(), at: author.now });
    }
    if !store.save_template(author.tenant, &row).await? {
        return Err(being_written());
    }
    store.template(author.tenant, row.template.id).await?.ok_or(WriteError::NotFound)
}

/// What to say when the provider did not take it. A refusal ends the attempt; an answer that was lost leaves it, so
/// that the next run looks for what this one may have made.
pub(super) async fn give_up(
    platform: &Platform,
    author: &Author,
    row: TemplateRow,
    failed: Failed,
) -> Result<WriteError, WriteError> {
    let provider = row.template.provider;
    let refusal = match failed {
        Failed::Unknown(error) => {
            let at = platform.clock.now().plus_ms(POLL_AFTER_MS);
            platform.store.arm_template_poll(author.tenant, at).await?;
            return Ok(error.into());
        }
        Failed::Refused(refusal) => refusal,
    };
    let kind = refusal.kind();
    let said = SyncError::Refused {
        provider,
        status: refusal.status,
        code: refusal.code,
        message: refusal.message.clone(),
    };
    if kind == RefusalKind::Failed {
        return Ok(said.into());
    }
    let ended = |row: &TemplateRow| {
        let mut row = row.clone();
        if let Some(written) = row.written.as_mut() {
            written.attempt = None;
        }
        row
    };
    settle(&platform.store, author, row, ended).await?;
    Ok(match kind {
        RefusalKind::Content { field } => {
            WriteError::Invalid(vec![Finding::new(field, Fault::RefusedByProvider, refusal.message)])
        }
        RefusalKind::Exists => WriteError::forbidden(
            "The provider has a template of this name and language already, or the name with another category; \
             read its list with POST /v1/whatsapp/templates/sync.",
        ),
        RefusalKind::NameBlocked => WriteError::forbidden(
            "A template of this name was deleted, and the name stays taken for about 30 days; use another name.",
        ),
        RefusalKind::Full => WriteError::forbidden(
            "The account has as many templates as it may have; delete some that nobody sends.",
        ),
        RefusalKind::NotEditable | RefusalKind::Absent => {
            WriteError::forbidden(format!("The provider refuses: {}", refusal.message))
        }
        RefusalKind::Credentials | RefusalKind::Busy | RefusalKind::Failed => said.into(),
    })
}

/// Writes what `change` makes of the row, again when somebody else wrote it meanwhile; gives what is stored then.
pub(super) async fn settle(
    store: &Store,
    author: &Author,
    mut row: TemplateRow,
    change: impl Fn(&TemplateRow) -> TemplateRow,
) -> Result<TemplateRow, WriteError> {
    let id = row.template.id;
    for _attempt in 0..AT_MOST_TRIES {
        let next = change(&row);
        if store.save_template(author.tenant, &next).await? {
            return Ok(next);
        }
        row = store.template(author.tenant, id).await?.ok_or(WriteError::NotFound)?;
    }
    Err(WriteError::Sync(SyncError::Contended))
}

/// The row after the provider took a new template.
fn taken(row: &TemplateRow, author: &Author, told: &Written, at: Millis) -> TemplateRow {
    let mut row = row.clone();
    let asked = row.template.category;
    if row.template.state == TemplateState::Draft {
        row.template.state = told.state.unwrap_or(TemplateState::Pending);
        row.template.rejected_reason = None;
        drift(&mut row, asked, told.category);
    }
    if told.provider_template_id.is_some() {
        row.template.provider_template_id.clone_from(&told.provider_template_id);
    }
    end(&mut row, author, at);
    row
}

/// The provider's category counts, and a person confirms it before it is sent to those who gave no opt-in (F6).
fn drift(row: &mut TemplateRow, asked: Category, told: Option<Category>) {
    let category = told.unwrap_or(asked);
    row.template.category = category;
    row.template.drifted_from = (category != asked).then_some(asked);
}

/// The attempt is over and was taken. A list that was asked for before does not know it.
pub(super) fn end(row: &mut TemplateRow, author: &Author, at: Millis) {
    row.heard.listed_at = row.heard.listed_at.max(Some(at));
    row.template.updated_at = at;
    if let Some(written) = row.written.as_mut() {
        written.attempt = None;
        written.taken_by = Some(author.run.clone());
    }
}

fn approve(row: &TemplateRow, author: &Author) -> TemplateRow {
    let mut row = row.clone();
    row.template.state = TemplateState::Approved;
    end(&mut row, author, author.now);
    row
}

pub(super) fn attempt(row: &TemplateRow) -> Option<&Submission> {
    row.written.as_ref().and_then(|written| written.attempt.as_ref())
}

/// Whether an earlier run of this request was taken.
pub(super) fn is_taken(row: &TemplateRow, author: &Author) -> bool {
    row.written.as_ref().and_then(|written| written.taken_by.as_ref()) == Some(&author.run)
}

/// An attempt of another request that may still be under way.
pub(super) fn wait_for_others(author: &Author, attempt: Option<&Submission>) -> Result<(), WriteError> {
    let Some(attempt) = attempt.filter(|attempt| attempt.by != author.run) else { return Ok(()) };
    let left = UNDER_WAY_MS.saturating_sub(author.now.since(attempt.at));
    if left == 0 {
        return Ok(());
    }
    Err(WriteError::Forbidden {
        message: "The template is being submitted by another request.".to_owned(),
        retry_after_s: u32::try_from(left.div_ceil(1_000)).ok(),
    })
}

fn no_draft(row: &TemplateRow) -> WriteError {
    let state = row.template.state.as_str().replace('_', " ");
    WriteError::forbidden(format!("Only a draft can be submitted; this template is {state}."))
}
