//! Drafts: made, copied, installed from a pack. Nobody outside hears of them.

use super::place::{Author, Place, WriteError, place};
use super::send::owner;
use super::submit::submit;
use domain::ids::TemplateId;
use domain::template::draft::Words;
use domain::template::lint::{Finding, lint, lint_language, lint_name, parity};
use domain::template::pack::Pack;
use domain::template::{Category, Template, TemplateState, template_id};
use platform::Platform;
use platform::dynamo::{Heard, Store, TemplateRow, WrittenHere};
use platform::transport::Transport;

/// Templates of one name to write.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// The name to register.
    pub name: String,
    /// What it is for.
    pub category: Category,
    /// The languages.
    pub languages: Vec<NewLanguage>,
    /// The id of the number for whose account they are; the tenant's main one when absent.
    pub number_id: Option<String>,
}

/// A template to write, in one language.
#[derive(Debug, Clone)]
pub struct NewLanguage {
    /// The language code.
    pub code: String,
    /// Where the words stand in the request, for naming what is wrong: empty, or such as `languages.en.`.
    pub path: String,
    /// The words.
    pub words: Words,
}

/// Makes drafts, and with `submit_now` submits them: then nothing is kept of templates that the review would refuse.
/// A repetition of the same request, and another one that says the same, finds the draft that is there.
///
/// # Errors
/// [`WriteError::NeedsAdmin`] for an agent who submits; [`WriteError::Invalid`] for a name or a language that cannot
/// be; [`WriteError::Forbidden`] when a language of the name exists; otherwise as [`submit`].
pub async fn create(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    new: &NewTemplate,
    submit_now: bool,
) -> Result<Vec<TemplateRow>, WriteError> {
    let facts = platform.store.tenant_facts(author.tenant).await?;
    let at = place(&facts, new.number_id.as_deref())?;
    write(platform, transport, author, &at, new, submit_now).await
}

/// Copies a template under another name or in another language, as `change` has it. A sandbox twin may copy the
/// templates of its live tenant.
///
/// # Errors
/// As [`create`]; [`WriteError::NotFound`].
pub async fn clone_of(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    id: TemplateId,
    copy: impl FnOnce(&Template, Words) -> NewTemplate,
    submit_now: bool,
) -> Result<Vec<TemplateRow>, WriteError> {
    let store = &platform.store;
    let own = store.template(author.tenant, id).await?;
    let is_own = own.is_some();
    let source = match own {
        Some(row) => row,
        None => {
            let live = owner(store, author.tenant).await?;
            store.template(live, id).await?.ok_or(WriteError::NotFound)?
        }
    };
    let new = copy(&source.template, words_of(&source));
    let at = if is_own {
        Place::of(&source.template)
    } else {
        place(&store.tenant_facts(author.tenant).await?, None)?
    };
    write(platform, transport, author, &at, &new, submit_now).await
}

/// The words of a stored template: as written here when it still says that, else as far as a list tells them.
pub(super) fn words_of(row: &TemplateRow) -> Words {
    let written = row.written.as_ref().map(|written| &written.words);
    written.filter(|words| words.are_in(&row.template)).map_or_else(|| Words::of(&row.template), Words::clone)
}

/// What installing a pack did.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The drafts.
    pub drafts: Vec<TemplateRow>,
    /// The names that exist already, in the order of the pack.
    pub skipped: Vec<String>,
}

/// Makes drafts of a pack's templates. A name that exists in any language is left alone.
///
/// # Errors
/// As [`create`].
pub async fn install(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    pack: &Pack,
    number_id: Option<String>,
) -> Result<Installed, WriteError> {
    let facts = platform.store.tenant_facts(author.tenant).await?;
    let at = place(&facts, number_id.as_deref())?;
    let mut done = Installed { drafts: Vec::new(), skipped: Vec::new() };
    for one in &pack.templates {
        let rows = platform.store.templates_named(author.tenant, &one.name).await?;
        let taken = |row: &TemplateRow| {
            at.has(&row.template) && row.template.state != TemplateState::Deleted && !is_from(row, author)
        };
        if rows.iter().any(taken) {
            done.skipped.push(one.name.clone());
            continue;
        }
        let languages = one.languages.iter().map(|(code, words)| NewLanguage {
            code: code.clone(),
            path: format!("{}.{code}.", one.name),
            words: words.clone(),
        });
        let new = NewTemplate {
            name: one.name.clone(),
            category: one.category,
            languages: languages.collect(),
            number_id: None,
        };
        done.drafts.extend(write(platform, transport, author, &at, &new, false).await?);
    }
    Ok(done)
}

/// Whether a row was made by an earlier run of the same request.
fn is_from(row: &TemplateRow, author: &Author) -> bool {
    row.written.as_ref().is_some_and(|written| written.made_by == author.run)
}

/// Whether a draft says what is to be written: making it again, after an answer that was lost, changes nothing.
fn is_same(row: &TemplateRow, new: &NewTemplate, language: &NewLanguage) -> bool {
    row.template.state == TemplateState::Draft
        && row.template.category == new.category
        && row.written.as_ref().is_some_and(|written| written.words == language.words)
}

async fn write(
    platform: &Platform,
    transport: &Transport,
    author: &Author,
    at: &Place,
    new: &NewTemplate,
    submit_now: bool,
) -> Result<Vec<TemplateRow>, WriteError> {
    if submit_now && !author.admin {
        return Err(WriteError::NeedsAdmin);
    }
    let mut found = lint_name(&new.name);
    for language in &new.languages {
        found.extend(lint_language(&language.code));
    }
    if !found.is_empty() {
        return Err(WriteError::Invalid(found));
    }
    let store = &platform.store;
    let known = store.templates_named(author.tenant, &new.name).await?;
    let mut rows = Vec::new();
    for language in &new.languages {
        let (row, fresh) = row(author, at, new, language, &known)?;
        rows.push((language, row, fresh));
    }
    if submit_now {
        let templates: Vec<Template> = rows.iter().map(|(_, row, _)| row.template.clone()).collect();
        let mut found = Vec::new();
        for (language, row, _) in &rows {
            let mut own = lint(&new.name, &language.code, new.category, &language.words);
            let others = known.iter().map(|row| &row.template).chain(&templates);
            own.extend(parity(&row.template, &compared(&row.template, others)));
            found.extend(own.into_iter().map(|found| at_path(&language.path, found)));
        }
        if !found.is_empty() {
            return Err(WriteError::Invalid(found));
        }
    }
    for (_, row, fresh) in &rows {
        if *fresh && !store.save_template(author.tenant, row).await? {
            return Err(being_written());
        }
    }
    let mut done = Vec::new();
    for (_, row, _) in rows {
        let id = row.template.id;
        done.push(if submit_now { submit(platform, transport, author, id).await? } else { row });
    }
    Ok(done)
}

/// The row of one language, and whether it is yet to be written.
fn row(
    author: &Author,
    at: &Place,
    new: &NewTemplate,
    language: &NewLanguage,
    known: &[TemplateRow],
) -> Result<(TemplateRow, bool), WriteError> {
    let id = template_id(author.tenant, at.provider, &at.account, &new.name, &language.code);
    let old = known.iter().find(|row| row.template.id == id);
    if let Some(old) = old.filter(|old| old.template.state != TemplateState::Deleted) {
        if is_from(old, author) || is_same(old, new, language) {
            return Ok((old.clone(), false));
        }
        let (name, code, state) = (&new.name, &language.code, old.template.state.as_str());
        return Err(WriteError::forbidden(format!(
            "There is `{name}` in `{code}` already; it is {}. Edit it, or clone it under another name.",
            state.replace('_', " ")
        )));
    }
    let mut template = Template {
        id,
        provider: at.provider,
        account: at.account.clone(),
        provider_template_id: None,
        name: new.name.clone(),
        language: language.code.clone(),
        category: new.category,
        state: TemplateState::Draft,
        parameter_format: language.words.parameter_format(),
        header: None,
        body: String::new(),
        footer: None,
        buttons: Vec::new(),
        quality: None,
        rejected_reason: None,
        drifted_from: None,
        updated_at: author.now,
    };
    language.words.put_into(&mut template);
    // A deleted template's place is taken over, with what was last heard of it.
    let mut row = match old {
        Some(old) => {
            let mut row = old.clone();
            row.template = template;
            row
        }
        None => TemplateRow::new(template, Heard::default()),
    };
    row.written = Some(WrittenHere {
        words: language.words.clone(),
        made_by: author.run.clone(),
        attempt: None,
        taken_by: None,
        edited_at: Vec::new(),
    });
    Ok((row, true))
}

/// The other languages of a template's name that it must agree with: those that are sent, or are to be.
pub(super) fn compared<'a>(
    template: &Template,
    others: impl Iterator<Item = &'a Template>,
) -> Vec<&'a Template> {
    let at = Place::of(template);
    let counts = |other: &&Template| {
        let lives = match other.state {
            TemplateState::Approved
            | TemplateState::Pending
            | TemplateState::Paused
            | TemplateState::InAppeal
            | TemplateState::Draft => true,
            TemplateState::Rejected | TemplateState::Disabled | TemplateState::Deleted => false,
        };
        lives && other.name == template.name && other.id != template.id && at.has(other)
    };
    others.filter(counts).collect()
}

/// What the review would refuse of a stored draft, the other languages of its name included.
pub(super) async fn findings(
    store: &Store,
    author: &Author,
    row: &TemplateRow,
    words: &Words,
) -> Result<Vec<Finding>, WriteError> {
    let template = &row.template;
    let mut found = lint(&template.name, &template.language, template.category, words);
    found.extend(disagreements(store, author, template).await?);
    Ok(found)
}

/// Where a template and the other languages of its name disagree.
pub(super) async fn disagreements(
    store: &Store,
    author: &Author,
    template: &Template,
) -> Result<Vec<Finding>, WriteError> {
    let rows = store.templates_named(author.tenant, &template.name).await?;
    let others = compared(template, rows.iter().map(|row| &row.template));
    Ok(parity(template, &others))
}

fn at_path(path: &str, found: Finding) -> Finding {
    let of_the_name = ["name", "category"].contains(&found.field.as_str());
    let field = if of_the_name { found.field } else { format!("{path}{}", found.field) };
    Finding { field, ..found }
}

pub(super) fn being_written() -> WriteError {
    WriteError::Forbidden {
        message: "Somebody else is writing this template; try again in a moment.".to_owned(),
        retry_after_s: Some(1),
    }
}
