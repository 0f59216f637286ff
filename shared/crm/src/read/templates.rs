//! Templates as the API shows them.

use super::Slice;
use super::walk::{Chunk, Source, walk};
use domain::ids::{TemplateId, TenantId};
use domain::provider::Provider;
use domain::template::contract::required;
use domain::template::draft::Words;
use domain::template::lint::{Finding, lint};
use domain::template::{Button, Category, Header, ParameterFormat, TemplateState};
use domain::time::Millis;
use platform::dynamo::{Store, StoreError, TemplateRow};
use serde::Serialize;
use ulid::Ulid;

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Its registered name.
    pub name: String,
    /// Its language code as registered.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// Where it stands.
    pub status: TemplateState,
    /// Who approved it.
    pub provider: Provider,
    /// How its variables are addressed.
    pub parameter_format: ParameterFormat,
    /// What a send's `variables` must give, in the order of a list.
    pub variables: Vec<String>,
    /// What stands on top.
    pub header: Option<Header>,
    /// Its words.
    pub body: String,
    /// The small line below.
    pub footer: Option<String>,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
    /// How well it is received, as reported.
    pub quality: Option<String>,
    /// Why it cannot be sent, as reported.
    pub rejected_reason: Option<String>,
    /// The category it had before the provider moved it.
    pub drifted_from: Option<Category>,
    /// When we last heard that it changed.
    pub updated_at: Millis,
    /// What was written here, when it was and still is what the template says.
    pub draft: Option<Written>,
}

/// What was written here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateDraft))]
pub struct Written {
    /// The words with their examples.
    #[serde(flatten)]
    pub words: Words,
    /// What the review would refuse; of a draft only.
    pub findings: Vec<Finding>,
}

/// Which templates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateFilter {
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those registered under this language code.
    pub language: Option<String>,
    /// Only those that stand so.
    pub status: Option<TemplateState>,
    /// Only those of this category.
    pub category: Option<Category>,
}

impl TemplateFilter {
    fn takes(&self, row: &TemplateRow) -> bool {
        let template = &row.template;
        self.name.as_ref().is_none_or(|name| template.name == *name)
            && self.language.as_ref().is_none_or(|code| template.language.eq_ignore_ascii_case(code))
            && self.status.is_none_or(|status| template.state == status)
            && self.category.is_none_or(|category| template.category == category)
    }
}

/// The templates of a tenant, or of a sandbox twin and its live tenant, by id, so that the languages of one name follow
/// each other.
///
/// # Errors
/// The table did not answer.
pub async fn templates(
    store: &Store,
    tenants: &[TenantId],
    filter: &TemplateFilter,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<Template>, StoreError> {
    let found = walk(&mut Templates { store, tenants, filter }, after, limit).await?;
    Ok(Slice { items: found.items.into_iter().map(shown).collect(), next: found.next })
}

/// One template; `None` when there is no such template.
///
/// # Errors
/// The table did not answer.
pub async fn template(
    store: &Store,
    tenant: TenantId,
    id: TemplateId,
) -> Result<Option<Template>, StoreError> {
    Ok(store.template(tenant, id).await?.map(shown))
}

/// A stored template as the API shows it.
#[must_use]
pub fn shown(row: TemplateRow) -> Template {
    let template = row.template;
    let written = row.written.filter(|written| written.words.are_in(&template));
    let draft = written.map(|written| Written {
        findings: match template.state {
            TemplateState::Draft => {
                lint(&template.name, &template.language, template.category, &written.words)
            }
            TemplateState::Approved
            | TemplateState::Pending
            | TemplateState::Rejected
            | TemplateState::Paused
            | TemplateState::Disabled
            | TemplateState::InAppeal
            | TemplateState::Deleted => Vec::new(),
        },
        words: written.words,
    });
    Template {
        variables: required(&template),
        id: template.id,
        name: template.name,
        language: template.language,
        category: template.category,
        status: template.state,
        provider: template.provider,
        parameter_format: template.parameter_format,
        header: template.header,
        body: template.body,
        footer: template.footer,
        buttons: template.buttons,
        quality: template.quality,
        rejected_reason: template.rejected_reason,
        drifted_from: template.drifted_from,
        updated_at: template.updated_at,
        draft,
    }
}

struct Templates<'a> {
    store: &'a Store,
    tenants: &'a [TenantId],
    filter: &'a TemplateFilter,
}

impl Source for Templates<'_> {
    type Item = TemplateRow;

    async fn read(&mut self, after: Option<Ulid>, count: u32) -> Result<Chunk<TemplateRow>, StoreError> {
        let mut rows = Vec::new();
        let mut more = false;
        // Past the end of a page that has more, the order of the other tenant's rows is not known yet.
        let mut end = None;
        for tenant in self.tenants {
            match &self.filter.name {
                // One name has as many rows as languages: they are read at once.
                Some(name) => rows.extend(self.store.templates_named(*tenant, name).await?),
                None => {
                    let after = after.map(TemplateId::from_ulid);
                    let page = self.store.templates_page(*tenant, after, count).await?;
                    if let (true, Some(last)) = (page.more, page.rows.last()) {
                        more = true;
                        let last = last.template.id.ulid();
                        end = Some(end.map_or(last, |end: Ulid| end.min(last)));
                    }
                    rows.extend(page.rows);
                }
            }
        }
        rows.retain(|row| {
            let id = row.template.id.ulid();
            after.is_none_or(|after| id > after) && end.is_none_or(|end| id <= end)
        });
        rows.sort_by_key(|row| row.template.id.ulid());
        let entries: Vec<_> = rows
            .into_iter()
            .map(|row| (row.template.id.ulid(), self.filter.takes(&row).then_some(row)))
            .collect();
        let last = entries.last().map(|(at, _)| *at);
        Ok(Chunk { entries, last, more })
    }
}
