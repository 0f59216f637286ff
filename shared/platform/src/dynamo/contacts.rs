//! Contacts: what is known about a person, each field by its own latest word.

use super::wire::{AttributeValue, Item, Key, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::identity::Identity;
use domain::ids::{ContactId, LeadId, TenantId};
use domain::time::Millis;
use std::collections::HashMap;
use ulid::Ulid;

/// A field of a person that may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonField {
    /// The name shown.
    Name,
    /// The WhatsApp user name.
    Username,
    /// The phone number.
    Phone,
    /// The business-scoped user id.
    Bsuid,
    /// The id in the linked portfolio.
    ParentBsuid,
    /// A provider's opaque id.
    Opaque,
    /// The e-mail address.
    Email,
}

impl PersonField {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Username, Self::Phone, Self::Bsuid, Self::ParentBsuid, Self::Opaque, Self::Email];

    const fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", "name_o"),
            Self::Username => ("username", "username_o"),
            Self::Phone => ("phone", "phone_o"),
            Self::Bsuid => ("bsuid", "bsuid_o"),
            Self::ParentBsuid => ("parent_bsuid", "parent_bsuid_o"),
            Self::Opaque => ("opaque", "opaque_o"),
            Self::Email => ("email", "email_o"),
        }
    }
}

/// A field's value and the order of the event that said it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Where the event stands among the others.
    pub order: Ulid,
    /// What it said.
    pub value: String,
}

/// A contact as stored; what it absorbed is read beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// What is known, each field with its order.
    pub fields: HashMap<PersonField, Field>,
    /// Contacts that turned out to be this person.
    pub absorbed: Vec<ContactId>,
    /// The contact this one turned out to be.
    pub merged_into: Option<ContactId>,
    /// Its leads beside the first one.
    pub further_leads: Vec<LeadId>,
    /// The lead that was made last, unless it is the first one.
    pub latest_lead: Option<LeadId>,
    /// When the first event about the person was received.
    pub created_at: Millis,
    /// Every identity it was ever known by.
    pub known_by: Vec<Identity>,
}

impl Contact {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: PersonField) -> Option<&str> {
        self.fields.get(&field).map(|field| field.value.as_str())
    }
}

impl Store {
    /// Makes sure that a contact exists, and notes what it is known by, for good: a number given back is its own still when
    /// the person asks to be forgotten.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn ensure_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
        received_at: Millis,
        known_by: &[Identity],
    ) -> Result<(), StoreError> {
        let mut values = Values::from([(":at", n(received_at.unix_ms()))]);
        let mut expression = String::from("SET created_at = if_not_exists(created_at, :at)");
        if !known_by.is_empty() {
            let mut names: Vec<String> = known_by.iter().map(Identity::spelled).collect();
            names.sort_unstable();
            names.dedup();
            values.insert(":names", AttributeValue::Ss(names));
            expression.push_str(" ADD known_by :names");
        }
        self.crm
            .update("ensure contact", keys::contact(tenant, contact), &expression, None, Names::new(), values)
            .await?
            .ok();
        Ok(())
    }

    /// Sets one field of a contact unless a later event has set it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn learn_about_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
        field: PersonField,
        value: &str,
        order: Ulid,
    ) -> Result<(), StoreError> {
        let (attribute, order_attribute) = field.attributes();
        let names = Names::from([("#f", attribute), ("#o", order_attribute)]);
        let values = Values::from([(":v", s(value)), (":o", s(order))]);
        self.crm
            .update(
                "learn about contact",
                keys::contact(tenant, contact),
                "SET #f = :v, #o = :o",
                Some("attribute_not_exists(#o) OR #o < :o"),
                names,
                values,
            )
            .await?
            .ok();
        Ok(())
    }

    /// One contact, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn contact(&self, tenant: TenantId, id: ContactId) -> Result<Option<Contact>, StoreError> {
        let item = self.crm.get("read contact", &keys::contact(tenant, id), true).await?;
        item.as_ref().map(read).transpose()
    }

    /// Reads contacts; absent ones are left out.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn contacts(&self, tenant: TenantId, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let keys: Vec<Key> = ids.iter().map(|id| keys::contact(tenant, *id)).collect();
        let items = self.crm.batch_get("read contacts", &keys).await?;
        items.into_iter().map(|item| read(&item)).collect()
    }

    /// A contact with everything it was joined with, oldest first: the one that stayed, then what it absorbed. Given
    /// an absorbed contact, it finds the one that stayed. Empty when there is no such contact.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn contact_family(&self, tenant: TenantId, id: ContactId) -> Result<Vec<Contact>, StoreError> {
        let mut family: Vec<Contact> = Vec::new();
        let mut wanted = vec![id];
        while !wanted.is_empty() && family.len() < 64 {
            for contact in self.contacts(tenant, &wanted).await? {
                family.push(contact);
            }
            wanted = family
                .iter()
                .flat_map(|contact| contact.absorbed.iter().copied().chain(contact.merged_into))
                .filter(|id| family.iter().all(|known| known.id != *id))
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            // A named contact that does not exist would be asked for again and again.
            let present = self.contacts(tenant, &wanted).await?;
            wanted.retain(|id| present.iter().any(|contact| contact.id == *id));
        }
        family.sort_by_key(|contact| (contact.merged_into.is_some(), contact.id));
        Ok(family)
    }
}

pub(super) fn read(item: &Item) -> Result<Contact, StoreError> {
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    let corrupt = |why: &str| StoreError::corrupt("read contact", &text("pk").unwrap_or_default(), why);
    let ulid = |text: &str| Ulid::from_string(text).map_err(|_| corrupt("not a ULID"));
    let key = Key { pk: text("pk").unwrap_or_default(), sk: String::new() };
    let id = keys::contact_of(&key).ok_or_else(|| corrupt("no contact in its key"))?;
    let mut fields = HashMap::new();
    for field in PersonField::ALL {
        let (attribute, order_attribute) = field.attributes();
        if let (Some(value), Some(order)) = (text(attribute), text(order_attribute)) {
            fields.insert(field, Field { order: ulid(&order)?, value });
        }
    }
    let ulids = |name: &str| match item.get(name) {
        Some(AttributeValue::Ss(ids)) => ids.iter().map(|id| ulid(id)).collect::<Result<Vec<_>, _>>(),
        _ => Ok(Vec::new()),
    };
    let absorbed = ulids("absorbed")?.into_iter().map(ContactId::from_ulid).collect();
    let further_leads = ulids("leads")?.into_iter().map(LeadId::from_ulid).collect();
    let latest_lead = text("lead").map(|id| ulid(&id).map(LeadId::from_ulid)).transpose()?;
    let merged_into = text("merged_into").map(|id| ulid(&id).map(ContactId::from_ulid)).transpose()?;
    let created_at = match item.get("created_at") {
        Some(AttributeValue::N(ms)) => {
            ms.parse().map(Millis::from_unix_ms).map_err(|_| corrupt("created_at"))?
        }
        // A contact that was only marked as joined so far: its id holds a time as good as any.
        _ => Millis::from_unix_ms(id.ulid().timestamp_ms()),
    };
    let known_by = match item.get("known_by") {
        Some(AttributeValue::Ss(names)) => {
            names.iter().filter_map(|name| Identity::parse_spelled(name)).collect()
        }
        _ => Vec::new(),
    };
    Ok(Contact { id, fields, absorbed, merged_into, further_leads, latest_lead, created_at, known_by })
}
