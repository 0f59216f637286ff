//! A data key per contact: what is personal in rows that nobody may change or delete is sealed with it, and whoever destroys
//! it has erased that for good (F11). It lies in `crm`, with what else is known of the contact; what it seals lies in the
//! ledger's own table.
//!
//! KMS wraps it as it wraps the whole table, and no second time: a withdrawal must be written down also while the key
//! service does not answer, and who may read this table reads the contact in clear anyway.

use super::wire::{AttributeValue, Item, Key, StoreError, s};
use super::{Store, keys};
use crate::vault::{DataKey, Place, Sealed, open, seal};
use domain::ids::{ConsentId, ContactId, TenantId};
use domain::ledger::Personal;
use std::collections::HashMap;

/// What a contact's key is for.
const PURPOSE: &str = "consent";
const ATTRIBUTE: &str = "data_key";

/// The key of one contact.
pub(super) struct ContactKey {
    tenant: TenantId,
    contact: ContactId,
    key: DataKey,
}

impl ContactKey {
    pub(super) fn random(tenant: TenantId, contact: ContactId) -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::corrupt("make a data key", "KEY", error))?;
        Ok(Self { tenant, contact, key: DataKey::of(bytes) })
    }

    /// The key in an item.
    pub(super) fn read(tenant: TenantId, contact: ContactId, item: &Item) -> Result<Self, StoreError> {
        match item.get(ATTRIBUTE) {
            Some(AttributeValue::B(bytes)) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
        .map(|bytes| Self { tenant, contact, key: DataKey::of(bytes) })
        .ok_or_else(|| StoreError::corrupt("read a data key", &contact.to_string(), "no key of 32 bytes"))
    }

    /// As it lies in the table.
    pub(super) fn item(&self) -> Item {
        let Key { pk, sk } = keys::data_key(self.tenant, self.contact);
        let key = AttributeValue::B(self.key.bytes().to_vec());
        let attributes = [("pk", s(pk)), ("sk", s(sk)), (ATTRIBUTE, key)];
        Item::from(HashMap::from(attributes.map(|(name, value)| (name.to_owned(), value))))
    }

    /// Where what is personal in a row belongs.
    fn field(&self, id: ConsentId) -> String {
        format!("{}|{id}", self.contact)
    }

    /// What is personal in a row, readable with this key and in this row only.
    pub(super) fn seal(&self, id: ConsentId, personal: &Personal) -> Result<String, StoreError> {
        let corrupt = |why: String| StoreError::corrupt("seal a consent", &id.to_string(), why);
        let text = serde_json::to_vec(personal).map_err(|error| corrupt(error.to_string()))?;
        let field = self.field(id);
        let place = Place { tenant: self.tenant, purpose: PURPOSE, field: &field };
        // Where KMS names the key it wrapped, the contact does.
        let name = self.contact.ulid().to_bytes();
        seal(&self.key, &name, &place, &text)
            .map(|sealed| sealed.to_string())
            .map_err(|error| corrupt(error.to_string()))
    }

    /// Reads it again; `None` when it is not what was sealed for this row.
    pub(super) fn open(&self, id: ConsentId, sealed: &str) -> Option<Personal> {
        let field = self.field(id);
        let place = Place { tenant: self.tenant, purpose: PURPOSE, field: &field };
        let text = open(&self.key, &place, &Sealed::parse(sealed).ok()?).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Store {
    /// The data keys of contacts, those that have one.
    pub(super) async fn data_keys(
        &self,
        tenant: TenantId,
        contacts: &[ContactId],
    ) -> Result<HashMap<ContactId, ContactKey>, StoreError> {
        let wanted: Vec<Key> = contacts.iter().map(|contact| keys::data_key(tenant, *contact)).collect();
        let mut found = HashMap::with_capacity(wanted.len());
        for item in self.crm.batch_get("read data keys", &wanted).await? {
            let contact = super::timeline::key_of(&item).as_ref().and_then(keys::contact_of);
            let contact = contact.ok_or_else(|| StoreError::corrupt("read data keys", "KEY", "of nobody"))?;
            found.insert(contact, ContactKey::read(tenant, contact, &item)?);
        }
        Ok(found)
    }

    /// Destroys a contact's data key: nobody reads again what it sealed. True when there was one.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn destroy_data_key(&self, tenant: TenantId, contact: ContactId) -> Result<bool, StoreError> {
        const ACTION: &str = "destroy a data key";
        let key = keys::data_key(tenant, contact);
        let there = self.crm.get(ACTION, &key, true).await?.is_some();
        self.crm.delete(ACTION, &key).await?;
        Ok(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_contacts_key_opens_its_own_rows_and_nothing_else() {
        let tenant = |name| TenantId::from_ulid(derived_ulid(1, &[name]));
        let contact = |name| ContactId::from_ulid(derived_ulid(1, &[name]));
        let row = |name| ConsentId::from_ulid(derived_ulid(1, &[name]));
        let personal = Personal { salt: "00".into(), wording: Some("نعم".into()), ..Personal::default() };
        let key = ContactKey::random(tenant("a"), contact("c")).unwrap();
        let sealed = key.seal(row("1"), &personal).unwrap();
        assert_eq!(key.open(row("1"), &sealed), Some(personal.clone()));
        let again = ContactKey::read(tenant("a"), contact("c"), &key.item()).unwrap();
        assert_eq!(again.open(row("1"), &sealed), Some(personal));
        assert_eq!(key.open(row("2"), &sealed), None, "another row");
        assert_eq!(key.open(row("1"), "x"), None);
        for (tenant_name, contact_name) in [("b", "c"), ("a", "d")] {
            let other = ContactKey::read(tenant(tenant_name), contact(contact_name), &key.item()).unwrap();
            assert_eq!(other.open(row("1"), &sealed), None, "{tenant_name} {contact_name}");
        }
        let other = ContactKey::random(tenant("a"), contact("c")).unwrap();
        assert_eq!(other.open(row("1"), &sealed), None, "another key");
        assert!(ContactKey::read(tenant("a"), contact("c"), &Item::default()).is_err());
    }
}
