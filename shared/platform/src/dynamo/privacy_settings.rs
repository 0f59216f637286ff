//! What a tenant's admins decided about persons: how long what is kept, and where data is sent besides what is known by
//! itself.

use super::audit::NewAuditEntry;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, StoreError, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::privacy::PrivacySettings;

impl Store {
    /// What was decided; nothing when nobody did.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn privacy_settings(&self, tenant: TenantId) -> Result<PrivacySettings, StoreError> {
        const ACTION: &str = "read what was decided about persons";
        let item = self.crm.get(ACTION, &keys::privacy_settings(tenant), true).await?;
        item.as_ref().map_or_else(|| Ok(PrivacySettings::default()), read)
    }

    /// Puts other decisions in their place, with an entry in the audit log.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_privacy_settings(
        &self,
        tenant: TenantId,
        settings: &PrivacySettings,
        entry: NewAuditEntry<'_>,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "save what was decided about persons";
        let text =
            serde_json::to_string(settings).map_err(|error| StoreError::corrupt(ACTION, "PRIVACY", error))?;
        let key = keys::privacy_settings(tenant);
        let item = Item::from(std::collections::HashMap::from([
            ("pk".to_owned(), AttributeValue::S(key.pk)),
            ("sk".to_owned(), AttributeValue::S(key.sk)),
            ("settings".to_owned(), s(text)),
        ]));
        let saved = self.audited(tenant, entry, || {
            let mut all = Transaction::default();
            all.put(&self.crm.name, item.clone(), Condition::default());
            all
        });
        saved.await?.ok();
        Ok(())
    }
}

pub(super) fn read(item: &Item) -> Result<PrivacySettings, StoreError> {
    match item.get("settings") {
        Some(AttributeValue::S(text)) => serde_json::from_str(text)
            .map_err(|error| StoreError::corrupt("read what was decided about persons", "PRIVACY", error)),
        _ => Ok(PrivacySettings::default()),
    }
}
