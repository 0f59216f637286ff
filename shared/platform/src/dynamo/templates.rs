//! Templates, each with when every part of it was last heard of: lists and webhooks come in any order, and what to make
//! of that is the caller's rule. A write names the revision it was made from.

use super::wire::{AttributeValue, Item, Names, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::{TemplateId, TenantId};
use domain::template::Template;
use domain::template::draft::Words;
use domain::time::Millis;
use serde::{Deserialize, Serialize};

/// A template as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRow {
    /// The template.
    #[serde(flatten)]
    pub template: Template,
    /// When its parts were last heard of.
    #[serde(default)]
    pub heard: Heard,
    /// What was written here, when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<WrittenHere>,
    /// Counts the writes; 0 for one that was never written.
    #[serde(default)]
    revision: u64,
}

/// What a tenant's people wrote, and how far its submission is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenHere {
    /// The words with their examples.
    pub words: Words,
    /// The request that made the draft: its repetition finds it.
    pub made_by: String,
    /// The call of the provider that is being made, or whose answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Submission>,
    /// The request that the provider took last: its repetition finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// When the registered template was edited, for the provider's limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edited_at: Vec<Millis>,
}

/// A call of the provider that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The request that makes it.
    pub by: String,
    /// Since when.
    pub at: Millis,
}

/// When the parts of a template were last heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// When the list was asked for that it was last in, or last missing from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed_at: Option<Millis>,
    /// The latest webhook about its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Told>,
    /// The latest webhook about its quality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Told>,
    /// The latest webhook about its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Told>,
    /// The latest webhook about its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Told>,
}

/// A webhook, by the provider's clock and by ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When the provider made it.
    pub event_at: Millis,
    /// When we received it.
    pub received_at: Millis,
}

/// Templates by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateRows {
    /// The templates.
    pub rows: Vec<TemplateRow>,
    /// Whether there are more.
    pub more: bool,
}

/// When a tenant's lists were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TemplateSync {
    /// The last time that every list was read to its end.
    pub synced_at: Option<Millis>,
    /// The last time that somebody began to.
    pub tried_at: Option<Millis>,
    /// When the last attempt that failed had begun.
    pub failed_at: Option<Millis>,
}

impl TemplateSync {
    /// Whether somebody began to read them and has neither come to an end nor failed.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.tried_at > self.synced_at.max(self.failed_at)
    }
}

/// How far an attempt to read a tenant's lists has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncStep {
    /// It begins.
    Begun,
    /// Every list was read to its end.
    Done,
    /// One could not be.
    Failed,
}

impl TemplateRow {
    /// A template that is not stored yet.
    #[must_use]
    pub const fn new(template: Template, heard: Heard) -> Self {
        Self { template, heard, written: None, revision: 0 }
    }
}

impl Store {
    /// One template.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn template(
        &self,
        tenant: TenantId,
        id: TemplateId,
    ) -> Result<Option<TemplateRow>, StoreError> {
        let item = self.crm.get("read template", &keys::template(tenant, id), true).await?;
        item.map(read).transpose()
    }

    /// The rows of one name: its languages, in every account of the tenant.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn templates_named(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Vec<TemplateRow>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let query = Query {
                table_name: &self.crm.name,
                index_name: None,
                key_condition_expression: "pk = :pk AND begins_with(sk, :name)",
                expression_attribute_values: Values::from([
                    (":pk", s(keys::template_partition(tenant))),
                    (":name", s(keys::templates_named(name))),
                ]),
                scan_index_forward: true,
                limit: None,
                exclusive_start_key: start,
                consistent_read: true,
            };
            let page = self.crm.query("read templates of a name", &query).await?;
            for item in page.items {
                let row = read(item)?;
                // Two names may share a digest.
                if row.template.name == name {
                    found.push(row);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// A tenant's templates after `after` (all when absent), by id, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn templates_page(
        &self,
        tenant: TenantId,
        after: Option<TemplateId>,
        limit: u32,
    ) -> Result<TemplateRows, StoreError> {
        let after = after.map_or_else(|| keys::TEMPLATE_SORT.to_owned(), |id| keys::template(tenant, id).sk);
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk > :after",
            expression_attribute_values: Values::from([
                (":pk", s(keys::template_partition(tenant))),
                (":after", s(after)),
            ]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("list templates", &query).await?;
        let rows = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(TemplateRows { rows, more: page.last_evaluated_key.is_some() })
    }

    /// Writes a template that was made from the row as it was read, or from nothing; false when somebody else wrote it
    /// meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_template(&self, tenant: TenantId, row: &TemplateRow) -> Result<bool, StoreError> {
        let key = keys::template(tenant, row.template.id);
        let next = TemplateRow { revision: row.revision + 1, ..row.clone() };
        let mut item: Item = serde_dynamo::to_item(&next)
            .map_err(|error| StoreError::corrupt("save template", &key.sk, error))?;
        item.insert("pk".to_owned(), AttributeValue::S(key.pk));
        item.insert("sk".to_owned(), AttributeValue::S(key.sk));
        let condition = if row.revision == 0 {
            ("attribute_not_exists(pk)", Names::new(), Values::new())
        } else {
            ("revision = :read", Names::new(), Values::from([(":read", n(row.revision))]))
        };
        Ok(self.crm.put("save template", item, Some(condition)).await?.is_ok())
    }

    /// When the tenant's lists were read.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn template_sync(&self, tenant: TenantId) -> Result<TemplateSync, StoreError> {
        let item = self.crm.get("read template sync", &keys::template_sync(tenant), true).await?;
        let at = |name: &str| match item.as_ref()?.get(name) {
            Some(AttributeValue::N(ms)) => ms.parse().ok().map(Millis::from_unix_ms),
            _ => None,
        };
        Ok(TemplateSync { synced_at: at("synced_at"), tried_at: at("tried_at"), failed_at: at("failed_at") })
    }

    /// Notes how far the attempt that began at `at` has come.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_template_sync(
        &self,
        tenant: TenantId,
        at: Millis,
        step: SyncStep,
    ) -> Result<(), StoreError> {
        let expression = match step {
            SyncStep::Begun => "SET tried_at = :at",
            SyncStep::Done => "SET synced_at = :at",
            SyncStep::Failed => "SET failed_at = :at",
        };
        let values = Values::from([(":at", n(at.unix_ms()))]);
        let key = keys::template_sync(tenant);
        self.crm.update("note template sync", key, expression, None, Names::new(), values).await?.ok();
        Ok(())
    }
}

pub(super) fn read(item: Item) -> Result<TemplateRow, StoreError> {
    let at = match item.get("sk") {
        Some(AttributeValue::S(sort)) => sort.clone(),
        _ => String::new(),
    };
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read template", &at, error))
}
