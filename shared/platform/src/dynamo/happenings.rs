//! What happens with a contact beside messages: calls, e-mails, notes, and what people do with its leads. They lie in
//! the contact's partition beside its messages and sort by the same kind of id.

use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::{ContactId, EventId, LeadId, TenantId};
use domain::time::Millis;
use serde::Deserialize;
use serde_json::Value;
use ulid::Ulid;
use uuid::Uuid;

/// Something that happened, as it is written down and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// Its id, which holds its time.
    pub id: EventId,
    /// The contact in whose partition it lies.
    pub contact: ContactId,
    /// The lead it is about, when it is about one.
    pub lead: Option<LeadId>,
    /// What happened, such as `voice.call`.
    pub kind: String,
    /// Who wrote it down: a key's id, a source, or `system`.
    pub actor: String,
    /// When it was written down.
    pub recorded_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// What there is to know about it.
    pub data: Value,
}

/// Happenings of one contact, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HappeningPage {
    /// What happened.
    pub happenings: Vec<Happening>,
    /// Whether there are older ones.
    pub more: bool,
}

#[derive(Deserialize)]
struct HappeningItem {
    pk: String,
    sk: String,
    kind: String,
    actor: String,
    recv: u64,
    trace: Uuid,
    #[serde(default)]
    lead: Option<LeadId>,
    data: String,
}

impl Store {
    /// Writes down what happened; true when it was new. A second time it is not written again.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn record_happening(
        &self,
        tenant: TenantId,
        happening: &Happening,
    ) -> Result<bool, StoreError> {
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        let put = self.crm.put("record happening", item_of(tenant, happening), Some(condition)).await?;
        Ok(put.is_ok())
    }

    /// One thing that happened with a contact.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn happening(
        &self,
        tenant: TenantId,
        contact: ContactId,
        id: EventId,
    ) -> Result<Option<Happening>, StoreError> {
        let key = keys::happening(tenant, contact, id.ulid());
        let item = self.crm.get("read happening", &key, true).await?;
        item.map(read).transpose()
    }

    /// What happened with a contact before `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn happenings(
        &self,
        tenant: TenantId,
        contact: ContactId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<HappeningPage, StoreError> {
        let upper = before.map_or_else(|| "N$".to_owned(), keys::happening_sort);
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":low", s(keys::HAPPENING)),
                (":high", s(upper)),
            ]),
            scan_index_forward: false,
            // BETWEEN is inclusive: the one named by `before` itself may come first.
            limit: Some(limit.saturating_add(2)),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("read happenings", &query).await?;
        let mut happenings: Vec<Happening> = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        happenings.retain(|one| before.is_none_or(|before| one.id.ulid() < before));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = happenings.len() > limit || page.last_evaluated_key.is_some();
        happenings.truncate(limit);
        Ok(HappeningPage { happenings, more })
    }
}

pub(super) fn item_of(tenant: TenantId, happening: &Happening) -> Item {
    let key = keys::happening(tenant, happening.contact, happening.id.ulid());
    let mut item = Item::from(std::collections::HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk)),
        ("sk".to_owned(), AttributeValue::S(key.sk)),
        ("gpk".to_owned(), s(keys::happenings_by_time(tenant))),
        ("gsk".to_owned(), s(keys::traced_sort(happening.id.ulid(), happening.trace_id))),
        ("kind".to_owned(), s(&happening.kind)),
        ("actor".to_owned(), s(&happening.actor)),
        ("recv".to_owned(), n(happening.recorded_at.unix_ms())),
        ("trace".to_owned(), s(happening.trace_id)),
        ("data".to_owned(), s(&happening.data)),
    ]));
    if let Some(lead) = happening.lead {
        item.insert("lead".to_owned(), s(lead));
    }
    item
}

pub(super) fn read(item: Item) -> Result<Happening, StoreError> {
    let stored: HappeningItem = serde_dynamo::from_item(item)
        .map_err(|error| StoreError::corrupt("read happening", "timeline", error))?;
    let key = Key { pk: stored.pk, sk: stored.sk };
    let corrupt = |why: &str| StoreError::corrupt("read happening", &key.pk, why);
    Ok(Happening {
        id: keys::happening_of(&key).ok_or_else(|| corrupt("not a happening's key"))?,
        contact: keys::contact_of(&key).ok_or_else(|| corrupt("not a contact's key"))?,
        lead: stored.lead,
        kind: stored.kind,
        actor: stored.actor,
        recorded_at: Millis::from_unix_ms(stored.recv),
        trace_id: stored.trace,
        data: serde_json::from_str(&stored.data).map_err(|_| corrupt("its data is not JSON"))?,
    })
}
