//! Changing what a template says: a draft in its place, a registered one by submitting it again.

use super::draft::{being_written, disagreements, words_of};
use super::place::{Author, Place, WriteError, audit, is_local, own};
use super::submit::{Caller, attempt, begin, end, give_up, is_taken, settle, wait_for_others};
use domain::ids::TemplateId;
use domain::provider::Provider;
use domain::template::draft::{ButtonWords, HeaderWords, Words};
use domain::template::lint::{Finding, lint};
use domain::template::{Category, TemplateState};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{TemplateRow, WrittenHere};
use platform::transport::Transport;
use providers::templates::edit_request;
use std::collections::BTreeMap;

const HOUR_MS: u64 = 3_600_000;
/// An approved template rests this long between two edits (Meta).
const REST_MS: u64 = 24 * HOUR_MS;
/// How long edits are counted.
const COUNTED_MS: u64 = 30 * 24 * HOUR_MS;
/// How many edits an approved template takes in that time.
const MOST_EDITS: usize = 10;
/// When an edited template is asked after.
const POLL_AFTER_MS: u64 = 10 * 60_000;

/// What changes of a template; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Another category.
    pub category: Option<Category>,
    /// Something else on top, or nothing.
    pub header: Option<Option<HeaderWords>>,
    /// Another body.
    pub body: Option<String>,
    /// Another line below, or none.
    pub footer: Option<Option<String>>,
    /// Other buttons.
    pub buttons: Option<Vec<ButtonWords>>,
    /// Other examples, all of them.
    pub examples: Option<BTreeMap<String, String>>,
}

impl Change {
    /// The words with the change in them.
    #[must_use]
    pub fn of(&self, mut words: Words) -> Words {
        if let Some(header) = &self.header {
            words.header.clone_from(header);
        }
        if let Some(body) = &self.body {
            words.body.clone_from(body);
        }
        if let Some(footer) = &self.footer {
            words.footer.clone_from(footer);
        }
        if let Some(buttons) = &self.buttons {
            words.buttons.clone_from(buttons);
        }
        if let Some(examples) = &self.examples {
            words.examples.clone_from(examples);
        }
        words
    }
}

/// Changes a template. A draft is changed where it lies, whatever the review would say of it; a registered one is
/// linted, submitted again and reviewed again, by admins. The other languages of a registered name cannot change in the
/// same moment, so where they disagree is told and not refused.
///
/// # Errors
/// As [`super::submit`]; [`WriteError::Forbidden`] also for the provider's limits: an approved template takes one edit
/// in 24 hours and ten in 30 days, and keeps its category; 360dialog edits none.
pub async fn edit(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    id: TemplateId,
    change: &Change,
) -> Result<(TemplateRow, Vec<Finding>), WriteError> {
    let store = &platform.store;
    let row = own(store, author, id).await?;
    let template = &row.template;
    let words = change.of(words_of(&row));
    let registered = match template.state {
        TemplateState::Draft => false,
        TemplateState::Approved | TemplateState::Rejected | TemplateState::Paused => true,
        TemplateState::Pending if is_taken(&row, author) => return Ok((row, Vec::new())),
        TemplateState::Pending
        | TemplateState::Disabled
        | TemplateState::InAppeal
        | TemplateState::Deleted => return Err(not_editable(&row)),
    };
    if registered && !author.admin {
        return Err(WriteError::NeedsAdmin);
    }
    if registered && is_taken(&row, author) && words.are_in(template) {
        return Ok((row, Vec::new()));
    }
    wait_for_others(author, attempt(&row))?;
    if !registered || is_local(template.provider) {
        return in_place(platform, author, row, words, change.category, registered).await;
    }
    resubmit(platform, transport, author, row, words, change).await
}

async fn in_place(
    platform: &Platform,
    author: &Author,
    mut row: TemplateRow,
    words: Words,
    category: Option<Category>,
    registered: bool,
) -> Result<(TemplateRow, Vec<Finding>), WriteError> {
    let store = &platform.store;
    let template = &mut row.template;
    template.category = category.unwrap_or(template.category);
    template.updated_at = author.now;
    words.put_into(template);
    let template = &row.template;
    let mut found = lint(&template.name, &template.language, template.category, &words);
    if registered {
        if !found.is_empty() {
            return Err(WriteError::Invalid(found));
        }
        audit(store, author, "template.submit", template).await?;
    }
    found.extend(disagreements(store, author, template).await?);
    keep(&mut row, author, words);
    if registered && let Some(written) = row.written.as_mut() {
        written.taken_by = Some(author.run.clone());
    }
    if !store.save_template(author.tenant, &row).await? {
        return Err(being_written());
    }
    Ok((row, found))
}

async fn resubmit(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    mut row: TemplateRow,
    words: Words,
    change: &Change,
) -> Result<(TemplateRow, Vec<Finding>), WriteError> {
    let store = &platform.store;
    let category = change.category.filter(|category| *category != row.template.category);
    may_edit(&row, category, change, author.now)?;
    let provider_template_id = row.template.provider_template_id.clone().ok_or_else(unknown_id)?;
    let mut next = row.template.clone();
    next.category = category.unwrap_or(next.category);
    words.put_into(&mut next);
    let found = lint(&next.name, &next.language, next.category, &words);
    if !found.is_empty() {
        return Err(WriteError::Invalid(found));
    }
    let told = disagreements(store, author, &next).await?;
    let caller = Caller::of(platform, transport, author, &Place::of(&row.template)).await?;
    if row.written.is_none() {
        let known = words_of(&row);
        keep(&mut row, author, known);
    }
    let row = begin(store, author, row).await?;
    audit(store, author, "template.submit", &row.template).await?;
    let request = edit_request(caller.provider, &provider_template_id, &caller.secret, category, &words);
    let answer = caller.call(request).await;
    let at = platform.clock.now();
    if let Err(failed) = answer {
        return Err(give_up(platform, author, row, failed).await?);
    }
    store.arm_template_poll(author.tenant, at.plus_ms(POLL_AFTER_MS)).await?;
    let row = settle(store, author, row, |row| {
        let mut row = row.clone();
        // An event that came before the answer is about the new words.
        if row.heard.state.is_none_or(|told| told.received_at < author.now) {
            row.template.state = TemplateState::Pending;
            row.template.rejected_reason = None;
        }
        row.template.category = category.unwrap_or(row.template.category);
        words.put_into(&mut row.template);
        keep(&mut row, author, words.clone());
        end(&mut row, author, at);
        if let Some(written) = row.written.as_mut() {
            written.edited_at.retain(|edited| at.since(*edited) < COUNTED_MS);
            written.edited_at.push(at);
        }
        row
    })
    .await?;
    Ok((row, told))
}

/// What a provider allows of a registered template.
fn may_edit(
    row: &TemplateRow,
    category: Option<Category>,
    change: &Change,
    now: Millis,
) -> Result<(), WriteError> {
    let template = &row.template;
    if template.provider == Provider::Dialog360 {
        return Err(WriteError::forbidden(
            "360dialog edits no registered templates; clone it under another name and submit the copy.",
        ));
    }
    if change.buttons.is_none() && words_of(row).buttons.len() != template.buttons.len() {
        return Err(WriteError::forbidden(
            "The template has buttons that cannot be written here; give all `buttons`, or edit it at the provider.",
        ));
    }
    if template.state != TemplateState::Approved {
        return Ok(());
    }
    if category.is_some() {
        return Err(WriteError::forbidden(
            "The category of an approved template cannot be changed; clone it under another name.",
        ));
    }
    let edits = row.written.as_ref().map(|written| written.edited_at.as_slice()).unwrap_or_default();
    let counted: Vec<Millis> = edits.iter().copied().filter(|at| now.since(*at) < COUNTED_MS).collect();
    let rest = counted.iter().max().map(|last| REST_MS.saturating_sub(now.since(*last)));
    let full = counted
        .iter()
        .min()
        .filter(|_| counted.len() >= MOST_EDITS)
        .map(|first| COUNTED_MS.saturating_sub(now.since(*first)));
    let wait = rest.max(full).filter(|ms| *ms > 0);
    match wait {
        None => Ok(()),
        Some(ms) => Err(WriteError::Forbidden {
            message: "An approved template takes one edit in 24 hours and ten in 30 days.".to_owned(),
            retry_after_s: u32::try_from(ms.div_ceil(1_000)).ok(),
        }),
    }
}

/// Keeps what was written.
fn keep(row: &mut TemplateRow, author: &Author, words: Words) {
    match row.written.as_mut() {
        Some(written) => written.words = words,
        None => {
            row.written = Some(WrittenHere {
                words,
                made_by: author.run.clone(),
                attempt: None,
                taken_by: None,
                edited_at: Vec::new(),
            });
        }
    }
}

fn not_editable(row: &TemplateRow) -> WriteError {
    let state = row.template.state.as_str().replace('_', " ");
    WriteError::forbidden(format!(
        "A draft, approved, rejected or paused template can be edited; this one is {state}."
    ))
}

pub(super) fn unknown_id() -> WriteError {
    WriteError::forbidden(
        "The provider's id of the template is not known; read the list with POST /v1/whatsapp/templates/sync.",
    )
}
