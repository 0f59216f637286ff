//! Templates as the API shows them.

use super::Slice;
use super::walk::{Chunk, Source, walk};
use domain::ids::{TemplateId, TenantId};
use domain::provider::Provider;
use domain::template::contract::required;
use domain::template::{Button, Category, Header, ParameterFormat, Template as Stored, TemplateState};
use domain::time::Millis;
use platform::dynamo::{Store, StoreError};
use serde::Serialize;
use ulid::Ulid;

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    fn takes(&self, template: &Stored) -> bool {
        self.name.as_ref().is_none_or(|name| template.name == *name)
            && self.language.as_ref().is_none_or(|code| template.language.eq_ignore_ascii_case(code))
            && self.status.is_none_or(|status| template.state == status)
            && self.category.is_none_or(|category| template.category == category)
    }
}

/// A tenant's templates, by id, so that the languages of one name follow each other.
///
/// # Errors
/// The table did not answer.
pub async fn templates(
    store: &Store,
    tenant: TenantId,
    filter: &TemplateFilter,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<Template>, StoreError> {
    let found = walk(&mut Templates { store, tenant, filter }, after, limit).await?;
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
    Ok(store.template(tenant, id).await?.map(|row| shown(row.template)))
}

fn shown(template: Stored) -> Template {
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
    }
}

struct Templates<'a> {
    store: &'a Store,
    tenant: TenantId,
    filter: &'a TemplateFilter,
}

impl Source for Templates<'_> {
    type Item = Stored;

    async fn read(&mut self, after: Option<Ulid>, count: u32) -> Result<Chunk<Stored>, StoreError> {
        let (rows, more) = match &self.filter.name {
            // One name has as many rows as languages: they are read at once.
            Some(name) => (self.store.templates_named(self.tenant, name).await?, false),
            None => {
                let page =
                    self.store.templates_page(self.tenant, after.map(TemplateId::from_ulid), count).await?;
                (page.rows, page.more)
            }
        };
        let rows = rows.into_iter().map(|row| row.template);
        let rows = rows.filter(|template| after.is_none_or(|after| template.id.ulid() > after));
        let entries: Vec<_> = rows
            .map(|template| (template.id.ulid(), self.filter.takes(&template).then_some(template)))
            .collect();
        let last = entries.last().map(|(at, _)| *at);
        Ok(Chunk { entries, last, more })
    }
}
