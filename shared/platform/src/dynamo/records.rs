//! Items as they leave and come back: the key below the tenant, every attribute by its type, nothing that is sealed.

use super::keys;
use super::wire::{AttributeValue, Item, Key, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::TenantId;
use domain::parked::EventState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Raw JSON of a message that inflates to more than this stays packed, in bytes.
const INFLATED_AT_MOST: usize = 256 * 1024;
/// What never leaves.
const SEALED: [&str; 3] = ["sealed", "sealed_before", "before_until"];
/// Places in indexes: where a record comes to lie, they are made anew.
const PLACES: [&str; 5] = ["pk", "sk", "gpk", "dpk", "dsk"];

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// The tenant's settings.
    Tenant,
    /// A connected number, without its secrets.
    Number,
    /// A connected source of leads, without its secrets.
    LeadSource,
    /// A receiver of customer webhooks, without its secrets.
    Endpoint,
    /// A lead form.
    Form,
    /// A template.
    Template,
    /// An entry of the audit log.
    Audit,
    /// A lead.
    Lead,
    /// A contact.
    Contact,
    /// What an identity names.
    Identity,
    /// The state of a conversation.
    Conversation,
    /// Where a contact stands on a purpose.
    Standing,
    /// A row of the consent ledger.
    Consent,
    /// A message on a timeline.
    Message,
    /// A message of ours, as it was accepted.
    Send,
    /// What came to a message afterwards.
    Annex,
    /// Something on a timeline that is no message.
    Happening,
    /// How a lead was first written to.
    FirstTouch,
    /// A message of a group.
    GroupMessage,
    /// An entry of the event log.
    Event,
    /// A part of the body of such an entry, packed.
    EventPart,
    /// What a receiver of customer webhooks was told.
    Delivery,
    /// What was decided about persons: how long what is kept, and where it is sent.
    Privacy,
    /// A connected Chatwoot, without its secrets.
    Chatwoot,
    /// A connected assistant, without its key.
    Assistant,
    /// A part of a file. It lies in the bucket and in no table (`crm::transfer`).
    File,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// Its partition below the tenant.
    pub pk: String,
    /// Its place in the partition.
    pub sk: String,
    /// What it says.
    pub data: Map<String, Value>,
}

impl RecordKind {
    /// What lies under a key below a tenant; `None` for what is not moved.
    #[must_use]
    pub(super) fn of(pk: &str, sk: &str) -> Option<Self> {
        let (area, rest) = match pk.strip_prefix('#') {
            Some("") => return None,
            Some(pk) => pk.split_once('#').unwrap_or((pk, "")),
            None if pk.is_empty() => ("", ""),
            None => return None,
        };
        let sort = sk.split('#').next().unwrap_or_default();
        let simple = sk == sort;
        match (area, rest.is_empty(), sort) {
            ("", true, "PROFILE") if simple => Some(Self::Tenant),
            ("", true, "INT") => Some(Self::Number),
            ("", true, "FEED") => Some(Self::LeadSource),
            ("", true, "WE") => Some(Self::Endpoint),
            ("", true, "PRIVACY") if simple => Some(Self::Privacy),
            ("", true, keys::CHATWOOT_SORT) if simple => Some(Self::Chatwoot),
            ("", true, keys::ASSISTANT_SORT) if simple => Some(Self::Assistant),
            ("FORMS", true, "FORM") => Some(Self::Form),
            ("TPL", true, "TPL") => Some(Self::Template),
            ("AUD", true, "A") => Some(Self::Audit),
            ("L", false, "LEAD") if simple => Some(Self::Lead),
            ("L", false, "TOUCH") if simple => Some(Self::FirstTouch),
            ("G", false, "E") => Some(Self::GroupMessage),
            ("EV", false, "EV") if simple => Some(Self::Event),
            ("EV", false, "P") => Some(Self::EventPart),
            ("DV", false, "DLV") if simple => Some(Self::Delivery),
            ("I", false, "ID") if simple => Some(Self::Identity),
            ("S", false, "SEND") if simple => Some(Self::Send),
            ("W", false, "ANNEX") if simple => Some(Self::Annex),
            ("C", false, "CONTACT") if simple => Some(Self::Contact),
            ("C", false, "CONV") if simple => Some(Self::Conversation),
            ("C", false, "CONSENT") => Some(Self::Standing),
            ("C", false, "CL") => Some(Self::Consent),
            ("C", false, "E") => Some(Self::Message),
            ("C", false, "N") => Some(Self::Happening),
            _ => None,
        }
    }

    /// The partition of the index by time that a record of this kind has a place in.
    pub(super) fn listed_in(self, tenant: TenantId) -> Option<String> {
        match self {
            Self::Lead => Some(keys::leads_by_time(tenant)),
            Self::Message => Some(keys::timelines_by_time(tenant)),
            Self::Happening => Some(keys::happenings_by_time(tenant)),
            Self::GroupMessage => Some(keys::groups_by_time(tenant)),
            Self::Event => Some(keys::events_by_time(tenant)),
            Self::Delivery => Some(keys::deliveries_by_time(tenant)),
            Self::Tenant
            | Self::Number
            | Self::LeadSource
            | Self::Endpoint
            | Self::Form
            | Self::Template
            | Self::Audit
            | Self::Contact
            | Self::Identity
            | Self::Conversation
            | Self::Standing
            | Self::Consent
            | Self::Send
            | Self::Annex
            | Self::FirstTouch
            | Self::EventPart
            | Self::Privacy
            | Self::Chatwoot
            | Self::Assistant
            | Self::File => None,
        }
    }
}

impl Record {
    /// An item of a tenant as a record; `None` for what is not moved.
    pub(super) fn of(tenant: TenantId, mut item: Item) -> Option<Self> {
        let key = super::timeline::key_of(&item)?;
        let pk = key.pk.strip_prefix(&keys::tenant_partition(tenant))?.to_owned();
        let kind = RecordKind::of(&pk, &key.sk)?;
        for place in PLACES.iter().chain(&SEALED) {
            item.remove(*place);
        }
        if let Some(AttributeValue::B(packed)) = item.get("rawz")
            && let Ok(raw) = miniz_oxide::inflate::decompress_to_vec_with_limit(packed, INFLATED_AT_MOST)
            && let Ok(raw) = String::from_utf8(raw)
        {
            item.remove("rawz");
            item.insert("raw".to_owned(), AttributeValue::S(raw));
        }
        let item: HashMap<String, AttributeValue> = item.into();
        let data = item.into_iter().map(|(name, value)| (name, to_json(value))).collect();
        Some(Self { kind, pk, sk: key.sk, data })
    }

    /// What it says, as attributes.
    pub(super) fn attributes(&self) -> Result<Item, StoreError> {
        let corrupt = |why: &str| StoreError::corrupt("import", &self.sk, why);
        let mut item: HashMap<String, AttributeValue> = HashMap::new();
        for (name, value) in &self.data {
            if PLACES.contains(&name.as_str()) {
                return Err(corrupt("a place in an index"));
            }
            item.insert(name.clone(), from_json(value).ok_or_else(|| corrupt("an attribute of no type"))?);
        }
        Ok(item.into())
    }

    /// The record as an item of a tenant; the reason when it is none.
    pub(super) fn item(&self, tenant: TenantId) -> Result<Item, StoreError> {
        let corrupt = |why: &str| StoreError::corrupt("import", &self.sk, why);
        if RecordKind::of(&self.pk, &self.sk) != Some(self.kind) {
            return Err(corrupt("a key of another kind"));
        }
        let mut item: HashMap<String, AttributeValue> = self.attributes()?.into();
        let key = Key { pk: format!("{}{}", keys::tenant_partition(tenant), self.pk), sk: self.sk.clone() };
        item.insert("pk".to_owned(), AttributeValue::S(key.pk));
        item.insert("sk".to_owned(), AttributeValue::S(key.sk));
        if let Some(list) = self.kind.listed_in(tenant) {
            item.insert("gpk".to_owned(), AttributeValue::S(list));
        }
        if self.kind == RecordKind::Event
            && matches!(item.get("state"), Some(AttributeValue::S(state)) if *state == EventState::Parked.as_str())
        {
            let (_, ulid) = self.pk.rsplit_once('#').unwrap_or_default();
            item.insert("dpk".to_owned(), AttributeValue::S(keys::parked_events(tenant)));
            item.insert("dsk".to_owned(), AttributeValue::S(ulid.to_owned()));
        }
        if let Some(AttributeValue::S(raw)) = item.get("raw")
            && matches!(self.kind, RecordKind::Message | RecordKind::GroupMessage)
            && raw.len() > super::timeline::COMPRESS_ABOVE
        {
            let packed = miniz_oxide::deflate::compress_to_vec(raw.as_bytes(), 3);
            item.remove("raw");
            item.insert("rawz".to_owned(), AttributeValue::B(packed));
        }
        Ok(item.into())
    }
}

/// Texts, numbers, lists and maps as themselves; the other types under a name that starts with `$`.
fn to_json(value: AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::Bool(yes) => Value::Bool(yes),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::N(number) => match number.parse::<u64>() {
            Ok(whole) if whole.to_string() == number => json!(whole),
            _ => json!({"$n": number}),
        },
        AttributeValue::L(values) => values.into_iter().map(to_json).collect(),
        AttributeValue::M(members) => {
            members.into_iter().map(|(name, value)| (name, to_json(value))).collect::<Map<_, _>>().into()
        }
        AttributeValue::Ss(mut texts) => {
            texts.sort();
            json!({"$set": texts})
        }
        AttributeValue::Ns(mut numbers) => {
            numbers.sort();
            json!({"$numbers": numbers})
        }
        AttributeValue::B(bytes) => json!({"$bytes": STANDARD.encode(bytes)}),
        AttributeValue::Bs(many) => {
            json!({"$many": many.into_iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>()})
        }
    }
}

fn from_json(value: &Value) -> Option<AttributeValue> {
    let texts = |value: &Value| {
        let values = value.as_array()?.iter();
        values.map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    };
    Some(match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(yes) => AttributeValue::Bool(*yes),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Number(number) => AttributeValue::N(number.as_u64()?.to_string()),
        Value::Array(values) => AttributeValue::L(values.iter().map(from_json).collect::<Option<_>>()?),
        Value::Object(members) => {
            let special =
                members.iter().next().filter(|(name, _)| members.len() == 1 && name.starts_with('$'));
            match special.map(|(name, value)| (name.as_str(), value)) {
                Some(("$n", value)) => AttributeValue::N(value.as_str()?.to_owned()),
                Some(("$set", value)) => AttributeValue::Ss(texts(value)?),
                Some(("$numbers", value)) => AttributeValue::Ns(texts(value)?),
                Some(("$bytes", value)) => AttributeValue::B(STANDARD.decode(value.as_str()?).ok()?),
                Some(("$many", value)) => {
                    let many = texts(value)?.into_iter().map(|text| STANDARD.decode(text).ok());
                    AttributeValue::Bs(many.collect::<Option<_>>()?)
                }
                _ => {
                    let pairs = members.iter().map(|(name, value)| Some((name.clone(), from_json(value)?)));
                    AttributeValue::M(pairs.collect::<Option<_>>()?)
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn an_item_comes_back_as_it_left_in_another_tenant_and_without_what_was_sealed() {
        let tenants = ["a", "b"].map(|name| TenantId::from_ulid(derived_ulid(1, &[name])));
        let ulid = derived_ulid(2, &["c"]);
        let record = Record {
            kind: RecordKind::Contact,
            pk: format!("#C#{ulid}"),
            sk: "CONTACT".to_owned(),
            data: json!({
                "name": "A", "n": 5, "odd": {"$n": "-1.5"}, "absorbed": {"$set": ["x", "y"]},
                "bytes": {"$bytes": "AAE="}, "list": [1, {"deep": null}], "yes": true,
            })
            .as_object()
            .unwrap()
            .clone(),
        };
        let there = record.item(tenants[0]).unwrap();
        assert_eq!(Record::of(tenants[0], there.clone()), Some(record.clone()));
        assert_eq!(Record::of(tenants[1], there), None, "not this tenant's");
        let mut sealed = record.item(tenants[1]).unwrap();
        sealed.insert("sealed".to_owned(), AttributeValue::S("x".to_owned()));
        assert_eq!(Record::of(tenants[1], sealed), Some(record));
    }

    #[test]
    fn a_key_tells_the_kind_and_another_kind_is_no_record() {
        let tenant = TenantId::from_ulid(derived_ulid(1, &["a"]));
        for (kind, pk, sk) in [
            (RecordKind::Contact, "", "PROFILE"),
            (RecordKind::Tenant, "#KEYS", "KEY#1"),
            (RecordKind::Contact, "#C#1", "OUT#1"),
            (RecordKind::Message, "#C#1", "CONTACT"),
            (RecordKind::Tenant, "in", "PROFILE"),
            (RecordKind::Privacy, "#", "PRIVACY"),
            (RecordKind::File, "in", "PROFILE"),
            (RecordKind::File, "in", "01ARZ3NDEKTSV4RRFFQ69G5FAV#0"),
        ] {
            let record = Record { kind, pk: pk.to_owned(), sk: sk.to_owned(), data: Map::new() };
            assert!(record.item(tenant).is_err(), "{pk} {sk}");
        }
    }
}
