//! Everything of a tenant, a page at a time, and back again.

use super::records::{Record, RecordKind};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, s};
use super::{
    PersonField, Store, contacts, conversations, endpoints, forms, happenings, identities, keys, leads,
};
use super::{consents, deliveries, event_queries, lead_changes, outbox_items, privacy_settings, templates};
use super::{timeline, touches};
use domain::email::Email;
use domain::form::Definition;
use domain::identity::{Bsuid, Identity};
use domain::ids::{ContactId, MessageId, TenantId};
use domain::phone::Phone;
use domain::tenant::Tenant;
use ulid::Ulid;

/// How many places of an index one page looks at.
const AT_ONCE: u32 = 50;
/// When a page is full, in bytes of what its records say.
const FULL: usize = 512 * 1024;

/// Where an export stands: what is being walked, and the last place that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportPosition {
    section: u8,
    last: Option<[String; 3]>,
}

impl ExportPosition {
    /// The beginning.
    #[must_use]
    pub const fn start() -> Self {
        Self { section: 0, last: None }
    }

    /// As a text.
    #[must_use]
    pub fn text(&self) -> String {
        let last = self.last.as_ref().map(|last| last.join("|")).unwrap_or_default();
        format!("{}|{last}", self.section)
    }

    /// Reads what [`ExportPosition::text`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (section, last) = text.split_once('|')?;
        let mut parts = last.split('|').map(str::to_owned);
        let last = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(empty), None, None, None) if empty.is_empty() => None,
            (Some(pk), Some(sk), Some(gsk), None) => Some([pk, sk, gsk]),
            _ => return None,
        };
        Some(Self { section: section.parse().ok()?, last })
    }
}

/// What is walked, one after the other.
enum Section {
    /// A partition of the table, and what the sort keys begin with.
    Partition(String, &'static str),
    /// A partition of the index by time.
    ByTime(String),
}

fn section(tenant: TenantId, number: u8) -> Option<Section> {
    match number {
        0 => Some(Section::Partition(keys::tenant_partition(tenant), "")),
        1 => Some(Section::Partition(keys::forms_partition(tenant), keys::FORM_SORT)),
        2 => Some(Section::Partition(keys::template_partition(tenant), keys::TEMPLATE_SORT)),
        3 => Some(Section::Partition(keys::audit_partition(tenant), "A#")),
        4 => Some(Section::ByTime(keys::leads_by_time(tenant))),
        5 => Some(Section::ByTime(keys::timelines_by_time(tenant))),
        6 => Some(Section::ByTime(keys::happenings_by_time(tenant))),
        7 => Some(Section::ByTime(keys::groups_by_time(tenant))),
        8 => Some(Section::ByTime(keys::events_by_time(tenant))),
        9 => Some(Section::ByTime(keys::deliveries_by_time(tenant))),
        _ => None,
    }
}

impl Store {
    /// The records after a position, and where they end; `None` at the end of everything. A contact without a lead comes
    /// with every page that has messages of theirs.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn export_page(
        &self,
        tenant: TenantId,
        from: &ExportPosition,
    ) -> Result<(Vec<Record>, Option<ExportPosition>), StoreError> {
        const ACTION: &str = "export";
        let Some(walked) = section(tenant, from.section) else { return Ok((Vec::new(), None)) };
        let (index, pk, low) = match &walked {
            Section::Partition(pk, prefix) => (None, pk, *prefix),
            Section::ByTime(pk) => (Some(keys::BY_TIME), pk, ""),
        };
        let start = from.last.as_ref().map(|[own, sort, time]| {
            let mut places =
                vec![("pk", format!("{}{own}", keys::tenant_partition(tenant))), ("sk", sort.clone())];
            if index.is_some() {
                places.extend([("gpk", pk.clone()), ("gsk", time.clone())]);
            }
            let places = places.into_iter().map(|(name, text)| (name.to_owned(), s(text)));
            Item::from(places.collect::<std::collections::HashMap<_, _>>())
        });
        let mut values = Values::from([(":pk", s(pk))]);
        let condition = match (index, low.is_empty()) {
            (Some(_), _) => "gpk = :pk",
            (None, true) => "pk = :pk",
            (None, false) => {
                values.insert(":low", s(low));
                "pk = :pk AND begins_with(sk, :low)"
            }
        };
        let query = Query {
            table_name: &self.crm.name,
            index_name: index,
            key_condition_expression: condition,
            expression_attribute_values: values,
            scan_index_forward: true,
            limit: Some(AT_ONCE),
            exclusive_start_key: start,
            consistent_read: index.is_none(),
        };
        let page = self.crm.query(ACTION, &query).await?;
        let mut records = Vec::new();
        let mut size = 0;
        let own = keys::tenant_partition(tenant).len();
        let count = page.items.len();
        for (done, item) in page.items.into_iter().enumerate() {
            let key = timeline::key_of(&item).ok_or_else(|| StoreError::corrupt(ACTION, pk, "no key"))?;
            let time = match item.get("gsk") {
                Some(AttributeValue::S(time)) => time.clone(),
                _ => String::new(),
            };
            let last = [key.pk.get(own..).unwrap_or_default().to_owned(), key.sk.clone(), time];
            let found = match index {
                None => vec![item],
                Some(_) => self.with_neighbours(tenant, &key).await?,
            };
            for record in found.into_iter().filter_map(|item| Record::of(tenant, item)) {
                size += serde_json::to_string(&record.data).map_or(0, |text| text.len());
                if !records.contains(&record) {
                    records.push(record);
                }
            }
            if size > FULL && (done + 1 < count || page.last_evaluated_key.is_some()) {
                return Ok((records, Some(ExportPosition { section: from.section, last: Some(last) })));
            }
            if done + 1 == count && page.last_evaluated_key.is_some() {
                return Ok((records, Some(ExportPosition { section: from.section, last: Some(last) })));
            }
        }
        let next = from.section + 1;
        let next = section(tenant, next).map(|_| ExportPosition { section: next, last: None });
        Ok((records, next))
    }

    /// What an entry of the index names, with everything that belongs to it alone.
    async fn with_neighbours(&self, tenant: TenantId, key: &Key) -> Result<Vec<Item>, StoreError> {
        const ACTION: &str = "export";
        let Some(item) = self.crm.get(ACTION, key, true).await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        if let Some(lead) = keys::lead_of(key) {
            let contact = leads::read(item.clone())?.contact;
            found.push(item);
            found.extend(self.crm.get(ACTION, &keys::touch(tenant, lead), true).await?);
            if contact.first_lead() == lead {
                found.extend(self.person(tenant, contact).await?);
            }
        } else if let (Some(entry), Some(contact)) = (keys::entry_of(key), keys::contact_of(key)) {
            let message = timeline::read(item.clone())?;
            found.push(item);
            let mut beside = vec![keys::annex(tenant, &message.provider_message_id)];
            if message.ours {
                let send = keys::send(tenant, MessageId::from_ulid(entry));
                if let Some(item) = self.crm.get(ACTION, &send, true).await? {
                    let record = outbox_items::read(item.clone())?;
                    beside.extend(record.provider_message_id.as_deref().map(|id| keys::annex(tenant, id)));
                    found.push(item);
                }
            }
            found.extend(self.crm.batch_get(ACTION, &beside).await?);
            if self.crm.get(ACTION, &keys::lead(tenant, contact.first_lead()), true).await?.is_none() {
                found.extend(self.person(tenant, contact).await?);
            }
        } else if keys::entry_of(key).is_some() {
            // Of a group.
            if let Some(AttributeValue::S(name)) = item.get("wamid") {
                found.extend(self.crm.get(ACTION, &keys::annex(tenant, name), true).await?);
            }
            found.push(item);
        } else if let Some((_, event)) = keys::event_of(key) {
            let parts = event_queries::read(item.clone())?.chunks();
            found.push(item);
            let parts: Vec<Key> = (0..parts).map(|part| keys::event_payload(tenant, event, part)).collect();
            found.extend(self.crm.batch_get(ACTION, &parts).await?);
        } else {
            found.push(item);
        }
        Ok(found)
    }

    /// A contact with its identities, its conversation's state, where it stands and its rows of the ledger.
    async fn person(&self, tenant: TenantId, contact: ContactId) -> Result<Vec<Item>, StoreError> {
        const ACTION: &str = "export a contact";
        let mut wanted = vec![keys::contact(tenant, contact), keys::conversation(tenant, contact)];
        wanted.extend(domain::consent::Purpose::ALL.map(|purpose| keys::consent(tenant, contact, purpose)));
        let mut found = self.crm.batch_get(ACTION, &wanted).await?;
        if let Some(known) = self.contact(tenant, contact).await? {
            let text = |field| known.get(field);
            let named = [
                text(PersonField::Phone).and_then(|text| Phone::parse_e164(text).ok()).map(Identity::Phone),
                text(PersonField::Bsuid).and_then(Bsuid::parse).map(Identity::Bsuid),
                text(PersonField::Opaque).map(|text| Identity::Opaque(text.to_owned())),
                text(PersonField::Email).and_then(|text| Email::parse(text).ok()).map(Identity::Email),
            ];
            let named: Vec<Key> = named.iter().flatten().map(|name| keys::identity(tenant, name)).collect();
            found.extend(self.crm.batch_get(ACTION, &named).await?);
        }
        let mut start = None;
        loop {
            let query = Query {
                table_name: &self.consents.name,
                index_name: None,
                key_condition_expression: "pk = :pk AND begins_with(sk, :low)",
                expression_attribute_values: Values::from([
                    (":pk", s(keys::contact_partition(tenant, contact))),
                    (":low", s("CL#")),
                ]),
                scan_index_forward: true,
                limit: None,
                exclusive_start_key: start,
                consistent_read: true,
            };
            let page = self.consents.query(ACTION, &query).await?;
            found.extend(self.consents_to_move(tenant, page.items).await?);
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Whether a record can be one of a tenant.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_record(&self, tenant: TenantId, record: &Record) -> Result<(), StoreError> {
        let item = record.item(tenant)?;
        let corrupt = |why: String| StoreError::corrupt("import", &record.sk, why);
        match record.kind {
            RecordKind::Lead => leads::read(item).map(drop),
            RecordKind::Contact => contacts::read(&item).map(drop),
            RecordKind::Identity => identities::read(item).map(drop),
            RecordKind::Conversation => conversations::read(&item).map(drop),
            RecordKind::Message => timeline::read(item).map(drop),
            RecordKind::Send => outbox_items::read(item).map(drop),
            RecordKind::Happening => happenings::read(item).map(drop),
            RecordKind::Template => templates::read(item).map(drop),
            RecordKind::Endpoint => endpoints::read_endpoint(item).map(drop),
            RecordKind::Form => forms::read(item).and_then(|form| {
                let checked: Result<Definition, _> = form.definition.checked();
                checked.map(drop).map_err(|error| corrupt(error.to_string()))
            }),
            RecordKind::Standing => {
                consents::read(&item).map(drop).ok_or_else(|| corrupt("not a standing".to_owned()))
            }
            RecordKind::Consent => serde_dynamo::from_item::<_, super::ConsentRow>(item)
                .map(drop)
                .map_err(|error| corrupt(error.to_string())),
            RecordKind::GroupMessage => match (item.get("wamid"), item.get("kind"), item.get("gsk")) {
                (Some(AttributeValue::S(_)), Some(AttributeValue::S(_)), Some(AttributeValue::S(_))) => {
                    Ok(())
                }
                _ => Err(corrupt("no message of a group".to_owned())),
            },
            RecordKind::FirstTouch => {
                let lead = timeline::key_of(&item).as_ref().and_then(keys::lead_of);
                let lead = lead.ok_or_else(|| corrupt("of no lead".to_owned()))?;
                touches::read(lead, item).map(drop)
            }
            RecordKind::Event => event_queries::read(item).map(drop),
            RecordKind::EventPart => match item.get("z") {
                Some(AttributeValue::B(_)) => Ok(()),
                _ => Err(corrupt("no part of a body".to_owned())),
            },
            RecordKind::Delivery => deliveries::read(item).map(drop),
            RecordKind::Privacy => privacy_settings::read(&item).map(drop),
            RecordKind::Tenant => tenant_of(record).map(drop),
            RecordKind::Annex
            | RecordKind::Chatwoot
            | RecordKind::Assistant
            | RecordKind::Number
            | RecordKind::LeadSource
            | RecordKind::Audit
            | RecordKind::File => Ok(()),
        }
    }

    /// Writes a record unless something lies in its place; true when it was written.
    ///
    /// # Errors
    /// The table is unreachable, or the record makes no sense.
    pub async fn import_record(&self, tenant: TenantId, record: &Record) -> Result<bool, StoreError> {
        const ACTION: &str = "import";
        let item = record.item(tenant)?;
        let absent = || Some(("attribute_not_exists(pk)", Names::new(), Values::new()));
        if record.kind == RecordKind::Lead {
            let lead = leads::read(item.clone())?;
            if let Some(id) = &lead.card.external_id {
                let named = lead_changes::enquiry_item(tenant, &lead.source, id, lead.id);
                self.crm.put(ACTION, named, absent()).await?.ok();
            }
        }
        if record.kind == RecordKind::Consent {
            return self.import_consent(tenant, item).await;
        }
        let asked = (record.kind == RecordKind::Standing).then(|| item.clone());
        let written = self.crm.put(ACTION, item, absent()).await?.is_ok();
        if let Some(asked) = asked.filter(|_| !written) {
            self.keep_notes_of_standing(&asked).await?;
        }
        Ok(written)
    }

    /// The rows of the ledger made the standing before it came: what only the standing knows is added to it.
    async fn keep_notes_of_standing(&self, item: &Item) -> Result<(), StoreError> {
        const ACTION: &str = "import a standing";
        let key = timeline::key_of(item).ok_or_else(|| StoreError::corrupt(ACTION, "CONSENT", "no key"))?;
        for (name, change) in [
            ("requested_at", "SET requested_at = if_not_exists(requested_at, :at)"),
            ("confirmed_at", "SET confirmed_at = if_not_exists(confirmed_at, :at)"),
        ] {
            if let Some(at) = item.get(name) {
                let values = Values::from([(":at", at.clone())]);
                self.crm.update(ACTION, key.clone(), change, None, Names::new(), values).await?.ok();
            }
        }
        Ok(())
    }

    /// Rows of the ledger as they move: with what is personal in them, and without their places in a chain that stays
    /// behind.
    async fn consents_to_move(&self, tenant: TenantId, items: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        const ACTION: &str = "export consents";
        let keys: Vec<Option<Key>> = items.iter().map(timeline::key_of).collect();
        let rows = self.read_consents(tenant, items, ACTION).await?;
        let moved = keys.into_iter().zip(rows).map(|(key, row)| {
            let key = key.ok_or_else(|| StoreError::corrupt(ACTION, "CL", "no key"))?;
            let row = super::ConsentRow { seq: None, hash: None, ..row };
            super::tenants::with_key(&row, key.pk, key.sk, ACTION)
        });
        moved.collect()
    }

    /// A row that came goes to the end of this tenant's ledger; true when it was not there.
    async fn import_consent(&self, tenant: TenantId, item: Item) -> Result<bool, StoreError> {
        const ACTION: &str = "import a consent";
        let key = timeline::key_of(&item).ok_or_else(|| StoreError::corrupt(ACTION, "CL", "no key"))?;
        let contact =
            keys::contact_of(&key).ok_or_else(|| StoreError::corrupt(ACTION, &key.pk, "no contact"))?;
        let row: super::ConsentRow =
            serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(ACTION, &key.sk, error))?;
        let consent = super::NewConsent {
            id: row.id,
            purpose: row.purpose,
            state: row.state,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            wording: row.words(),
            language: row.language.as_deref(),
            version: row.version.as_deref(),
            ip_hash: row.ip_hash.as_deref(),
            collected_by: row.collected_by.as_deref(),
            confirms: row.confirms,
            source: &row.source,
            actor: &row.actor,
            trace_id: row.trace_id,
        };
        Ok(self.record_consent(tenant, contact, &consent).await?.new)
    }
}

/// A tenant as another one's export has it.
///
/// # Errors
/// It is none.
pub fn tenant_of(record: &Record) -> Result<Tenant, StoreError> {
    serde_dynamo::from_item(record.attributes()?)
        .map_err(|error| StoreError::corrupt("import a tenant", &record.sk, error))
}

impl Record {
    /// The id that the last part of its key holds.
    #[must_use]
    pub fn ulid(&self) -> Option<Ulid> {
        Ulid::from_string(self.sk.rsplit('#').next()?).ok()
    }
}
