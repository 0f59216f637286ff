//! What is older than it may be: found through the index by time, and deleted with what belongs to it alone.

use super::wire::{AttributeValue, Key, Query, StoreError, Values, s};
use super::{Store, keys, timeline};
use domain::ids::{MessageId, TenantId};
use domain::time::Millis;
use ulid::Ulid;

/// What kinds of entries the index by time lists, for retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dated {
    /// Messages.
    Messages,
    /// Messages of groups.
    Groups,
    /// What happened beside messages.
    Timeline,
    /// The event log.
    Events,
    /// Deliveries of customer webhooks.
    Deliveries,
}

/// Something older than it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    key: Key,
}

impl Store {
    /// Entries older than a time, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn outdated(
        &self,
        tenant: TenantId,
        kind: Dated,
        before: Millis,
        limit: u32,
    ) -> Result<Vec<Outdated>, StoreError> {
        let partition = match kind {
            Dated::Messages => keys::timelines_by_time(tenant),
            Dated::Groups => keys::groups_by_time(tenant),
            Dated::Timeline => keys::happenings_by_time(tenant),
            Dated::Events => keys::events_by_time(tenant),
            Dated::Deliveries => keys::deliveries_by_time(tenant),
        };
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::BY_TIME),
            key_condition_expression: "gpk = :pk AND gsk < :before",
            expression_attribute_values: Values::from([
                (":pk", s(partition)),
                (":before", s(Ulid::from_parts(before.unix_ms(), 0))),
            ]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.crm.query("list what is older than it may be", &query).await?;
        Ok(page.items.iter().filter_map(timeline::key_of).map(|key| Outdated { key }).collect())
    }

    /// The message whose file goes before something outdated does, if that is one with a file.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn file_of_outdated(
        &self,
        tenant: TenantId,
        outdated: &Outdated,
    ) -> Result<Option<MessageId>, StoreError> {
        let Some(entry) = keys::entry_of(&outdated.key) else { return Ok(None) };
        let key = &outdated.key;
        let item = self
            .crm
            .get("look for a file", key, false)
            .await?
            .filter(|_| key.pk.contains(&tenant.to_string()));
        let kind = item.as_ref().and_then(|item| item.get("kind"));
        let text = ["text", "reaction", "location", "contacts", "interactive", "button"];
        let bare = matches!(kind, Some(AttributeValue::S(kind)) if text.contains(&kind.as_str()));
        Ok((item.is_some() && !bare).then(|| MessageId::from_ulid(entry)))
    }

    /// Deletes something outdated with what belongs to it alone.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn delete_outdated(&self, tenant: TenantId, outdated: &Outdated) -> Result<(), StoreError> {
        const ACTION: &str = "delete what is older than it may be";
        let key = &outdated.key;
        let Some(item) = self.crm.get(ACTION, key, true).await? else { return Ok(()) };
        if let Some(entry) = keys::entry_of(key) {
            let id = MessageId::from_ulid(entry);
            if let Some(AttributeValue::S(wamid)) = item.get("wamid") {
                self.crm.delete(ACTION, &keys::annex(tenant, wamid)).await?;
            }
            if let Some(send) = self.send(tenant, id).await? {
                if let Some(wamid) = &send.provider_message_id {
                    self.crm.delete(ACTION, &keys::annex(tenant, wamid)).await?;
                }
                self.delete_send(tenant, id).await?;
            }
        } else if let Some((of, event)) = keys::event_of(key) {
            let chunks = match item.get("chunks") {
                Some(AttributeValue::N(count)) => count.parse().unwrap_or(0),
                _ => 0,
            };
            for chunk in 0..chunks {
                self.crm.delete(ACTION, &keys::event_payload(of, event, chunk)).await?;
            }
        }
        self.crm.delete(ACTION, key).await
    }
}
