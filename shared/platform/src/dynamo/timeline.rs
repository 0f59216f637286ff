//! Timelines: messages (and later calls, notes and consent changes) of a contact, in one partition, sorted by time.
//!
//! A message is stored once, as the provider wrote it; everything shown is read from that again. Its key is derived
//! from the provider's time and id, so that the put is the deduplication (design, principle 2).

use super::translations::{self, StoredTranslation};
use super::wire::{AttributeValue, Item, Key, Names, Query, Refused, StoreError, Values, n, s};
use super::{GroupMessage, Store, keys};
use domain::ids::{ContactId, MessageId, TenantId};
use domain::message::Direction;
use domain::provider::Provider;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

/// Raw JSON longer than this is stored compressed, so that an ordinary message stays within one write unit (1 KiB).
pub(super) const COMPRESS_ABOVE: usize = 500;

/// Inflating stops here: nothing we stored is larger than a webhook body.
const RAW_CAP: usize = 8 << 20;

/// A message to record.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Its id, which holds its time.
    pub id: MessageId,
    /// Its direction.
    pub direction: Direction,
    /// Its kind as the API names it.
    pub kind: &'static str,
    /// Who carried it.
    pub provider: Provider,
    /// The number it was on.
    pub number: &'a str,
    /// The provider's id of it.
    pub provider_message_id: &'a str,
    /// When we first received it.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The provider's JSON, byte for byte.
    pub raw: &'a str,
}

/// Whether a message was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was.
    New,
    /// It was here; this is when it was first received, which the steps that follow must use.
    Duplicate {
        /// When it was first received.
        received_at: Millis,
    },
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// The contact in whose partition it lies.
    pub contact: ContactId,
    /// Its direction.
    pub direction: Direction,
    /// Its kind as the API names it.
    pub kind: String,
    /// Who carried it.
    pub provider: Provider,
    /// The number it was on.
    pub number: String,
    /// The provider's id of it.
    pub provider_message_id: String,
    /// When we first received it.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The provider's JSON, byte for byte; nothing for a message of ours, which is read from where it was accepted.
    pub raw: String,
    /// Whether we sent it through the API.
    pub ours: bool,
    /// What it says in other languages.
    pub translations: Vec<StoredTranslation>,
}

/// Entries of one contact, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there are older ones.
    pub more: bool,
}

/// An entry of the tenant-wide index: enough to find the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedEntry {
    /// The message.
    pub id: MessageId,
    /// The contact in whose partition it lies.
    pub contact: ContactId,
}

/// Index entries of a tenant, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexPage {
    /// The entries.
    pub entries: Vec<IndexedEntry>,
    /// Whether there are older ones.
    pub more: bool,
}

#[derive(Serialize, Deserialize)]
struct EntryItem {
    pk: String,
    sk: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gsk: Option<String>,
    kind: String,
    dir: String,
    provider: Provider,
    num: String,
    wamid: String,
    recv: u64,
    trace: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    raw: Option<String>,
    #[serde(default)]
    ours: bool,
}

impl Store {
    /// Records a message on its contact's timeline unless it is there.
    ///
    /// # Errors
    /// The table is unreachable; not transient when the message does not fit an item (400 KB).
    pub async fn record_message(
        &self,
        tenant: TenantId,
        contact: ContactId,
        entry: NewEntry<'_>,
    ) -> Result<Recorded, StoreError> {
        let key = keys::timeline(tenant, contact, entry.id.ulid());
        let sort = keys::traced_sort(entry.id.ulid(), entry.trace_id);
        let index = Some((keys::timelines_by_time(tenant), sort));
        self.record(key, index, entry).await
    }

    /// Records a message of a group, apart from every contact and every lead, unless it is there.
    ///
    /// # Errors
    /// As [`Store::record_message`].
    pub async fn record_group_message(
        &self,
        tenant: TenantId,
        group: &str,
        entry: NewEntry<'_>,
    ) -> Result<Recorded, StoreError> {
        let index = Some((keys::groups_by_time(tenant), keys::traced_sort(entry.id.ulid(), entry.trace_id)));
        self.record(keys::group_timeline(tenant, group, entry.id.ulid()), index, entry).await
    }

    async fn record(
        &self,
        key: Key,
        index: Option<(String, String)>,
        entry: NewEntry<'_>,
    ) -> Result<Recorded, StoreError> {
        let (gpk, gsk) = index.unzip();
        let mut item = Item::from(std::collections::HashMap::from([
            ("pk".to_owned(), AttributeValue::S(key.pk)),
            ("sk".to_owned(), AttributeValue::S(key.sk)),
            ("kind".to_owned(), s(entry.kind)),
            ("dir".to_owned(), s(direction_name(entry.direction))),
            ("provider".to_owned(), s(entry.provider)),
            ("num".to_owned(), s(entry.number)),
            ("wamid".to_owned(), s(entry.provider_message_id)),
            ("recv".to_owned(), n(entry.received_at.unix_ms())),
            ("trace".to_owned(), s(entry.trace_id)),
        ]));
        if let (Some(gpk), Some(gsk)) = (gpk, gsk) {
            item.insert("gpk".to_owned(), AttributeValue::S(gpk));
            item.insert("gsk".to_owned(), AttributeValue::S(gsk));
        }
        if entry.raw.len() > COMPRESS_ABOVE {
            let packed = miniz_oxide::deflate::compress_to_vec(entry.raw.as_bytes(), 3);
            item.insert("rawz".to_owned(), AttributeValue::B(packed));
        } else {
            item.insert("raw".to_owned(), s(entry.raw));
        }
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        match self.crm.put("record message", item, Some(condition)).await? {
            Ok(()) => Ok(Recorded::New),
            Err(Refused(old)) => {
                let received_at = old.as_ref().and_then(|item| match item.get("recv") {
                    Some(AttributeValue::N(ms)) => ms.parse().ok().map(Millis::from_unix_ms),
                    _ => None,
                });
                Ok(Recorded::Duplicate { received_at: received_at.unwrap_or(entry.received_at) })
            }
        }
    }

    /// One message of a contact.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn entry(
        &self,
        tenant: TenantId,
        contact: ContactId,
        id: MessageId,
    ) -> Result<Option<Entry>, StoreError> {
        let key = keys::timeline(tenant, contact, id.ulid());
        self.crm.get("read message", &key, true).await?.map(read).transpose()
    }

    /// Messages by where they lie; absent ones are left out.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn entries(&self, tenant: TenantId, of: &[IndexedEntry]) -> Result<Vec<Entry>, StoreError> {
        let keys: Vec<Key> = of.iter().map(|at| keys::timeline(tenant, at.contact, at.id.ulid())).collect();
        self.crm.batch_get("read messages", &keys).await?.into_iter().map(read).collect()
    }

    /// A contact's messages older than `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn timeline(
        &self,
        tenant: TenantId,
        contact: ContactId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<EntryPage, StoreError> {
        let upper = before.map_or_else(|| "E$".to_owned(), keys::timeline_sort);
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":low", s("E#")),
                (":high", s(upper)),
            ]),
            scan_index_forward: false,
            // BETWEEN is inclusive: the entry named by `before` itself may come first.
            limit: Some(limit.saturating_add(2)),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("read timeline", &query).await?;
        let mut entries: Vec<Entry> = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        entries.retain(|entry| before.is_none_or(|before| entry.id.ulid() < before));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // DynamoDB ends a page at 1 MB too; then there is more although the limit was not reached.
        let more = entries.len() > limit || page.last_evaluated_key.is_some();
        entries.truncate(limit);
        Ok(EntryPage { entries, more })
    }

    /// A tenant's messages older than `before` (all when absent), newest first, as the index lists them. A message
    /// recorded under two contacts that were joined later is listed twice, with one id.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn messages_by_time(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<IndexPage, StoreError> {
        let page = self
            .crm
            .newest_first("list messages by time", keys::timelines_by_time(tenant), before, limit)
            .await?;
        let entries = page.items.into_iter().map(indexed).collect::<Result<_, _>>()?;
        Ok(IndexPage { entries, more: page.last_evaluated_key.is_some() })
    }

    /// Where a message lies, by its id alone. The index follows the table within moments.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn find_message(
        &self,
        tenant: TenantId,
        id: MessageId,
    ) -> Result<Option<IndexedEntry>, StoreError> {
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::BY_TIME),
            key_condition_expression: "gpk = :pk AND begins_with(gsk, :sk)",
            expression_attribute_values: Values::from([
                (":pk", s(keys::timelines_by_time(tenant))),
                (":sk", s(id.ulid())),
            ]),
            scan_index_forward: true,
            limit: Some(1),
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.crm.query("find message", &query).await?;
        page.items.into_iter().next().map(indexed).transpose()
    }
}

const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    }
}

pub(super) fn indexed(item: Item) -> Result<IndexedEntry, StoreError> {
    let key: Key = key_of(&item)
        .ok_or_else(|| StoreError::corrupt("list messages by time", "index", "no key in the index entry"))?;
    let at = keys::contact_of(&key).zip(keys::entry_of(&key));
    let (contact, entry) =
        at.ok_or_else(|| StoreError::corrupt("list messages by time", &key.pk, "not a timeline key"))?;
    Ok(IndexedEntry { id: MessageId::from_ulid(entry), contact })
}

pub(super) fn key_of(item: &Item) -> Option<Key> {
    match (item.get("pk")?, item.get("sk")?) {
        (AttributeValue::S(pk), AttributeValue::S(sk)) => Some(Key { pk: pk.clone(), sk: sk.clone() }),
        _ => None,
    }
}

/// A message of a group, which is under no contact.
pub(super) fn read_of_group(item: Item) -> Result<GroupMessage, StoreError> {
    let key = key_of(&item).ok_or_else(|| StoreError::corrupt("read message", "group", "no key"))?;
    let corrupt = |why: &str| StoreError::corrupt("read message", &key.pk, why);
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    let id = keys::entry_of(&key).ok_or_else(|| corrupt("not a timeline key"))?;
    let (provider_message_id, kind) = (text("wamid"), text("kind"));
    let raw = match (item.get("raw"), item.get("rawz")) {
        (Some(AttributeValue::S(raw)), _) => raw.clone(),
        (None, Some(AttributeValue::B(packed))) => unpacked(packed).map_err(corrupt)?,
        _ => return Err(corrupt("no raw JSON")),
    };
    Ok(GroupMessage { partition: key.pk, id: MessageId::from_ulid(id), provider_message_id, kind, raw })
}

fn unpacked(packed: &[u8]) -> Result<String, &'static str> {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, RAW_CAP)
        .map_err(|_| "its raw JSON does not inflate")?;
    String::from_utf8(bytes).map_err(|_| "its raw JSON is not UTF-8")
}

pub(super) fn read(mut item: Item) -> Result<Entry, StoreError> {
    let translations = translations::take(&mut item);
    let packed = match item.remove("rawz") {
        Some(AttributeValue::B(packed)) => Some(packed),
        _ => None,
    };
    let stored: EntryItem = serde_dynamo::from_item(item)
        .map_err(|error| StoreError::corrupt("read message", "timeline", error))?;
    let key = Key { pk: stored.pk, sk: stored.sk };
    let corrupt = |why: &str| StoreError::corrupt("read message", &key.pk, why);
    let raw = match (stored.raw, packed) {
        (Some(raw), _) => raw,
        (None, Some(packed)) => unpacked(&packed).map_err(corrupt)?,
        (None, None) => return Err(corrupt("no raw JSON")),
    };
    Ok(Entry {
        id: MessageId::from_ulid(keys::entry_of(&key).ok_or_else(|| corrupt("not a timeline key"))?),
        contact: keys::contact_of(&key).ok_or_else(|| corrupt("not a contact's key"))?,
        direction: if stored.dir == "out" { Direction::Outbound } else { Direction::Inbound },
        kind: stored.kind,
        provider: stored.provider,
        number: stored.num,
        provider_message_id: stored.wamid,
        received_at: Millis::from_unix_ms(stored.recv),
        trace_id: stored.trace,
        raw,
        ours: stored.ours,
        translations,
    })
}
