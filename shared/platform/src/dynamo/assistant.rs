//! The assistant's connection: whose service, which model, what it may do.

use super::tenants::with_key;
use super::wire::{Names, StoreError, Values, s};
use super::{Store, keys};
use domain::assistant::Connect;
use domain::ids::TenantId;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connected assistant with its sealed key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assistant {
    /// What its tenant set.
    #[serde(flatten)]
    pub settings: Connect,
    /// `live`, or what the last call met: `unauthorized`, `unreachable`, `error`.
    pub status: String,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Sealed secrets by name: `api_key`, if it has one.
    #[serde(default)]
    pub sealed: BTreeMap<String, String>,
    /// The last four characters of a long key, by name.
    #[serde(default)]
    pub last4: BTreeMap<String, String>,
    /// When it was saved.
    pub saved_at: Millis,
}

impl Assistant {
    /// What a secret's seal is bound to.
    #[must_use]
    pub fn place(name: &str) -> String {
        format!("{}|{name}", keys::ASSISTANT_SORT)
    }
}

impl Store {
    /// Saves the connection.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_assistant(&self, tenant: TenantId, assistant: &Assistant) -> Result<(), StoreError> {
        let key = keys::assistant(tenant);
        let item = with_key(assistant, key.pk, key.sk, "save assistant")?;
        self.crm.put("save assistant", item, None).await?.ok();
        Ok(())
    }

    /// The connection.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn assistant(&self, tenant: TenantId) -> Result<Option<Assistant>, StoreError> {
        let item = self.crm.get("read assistant", &keys::assistant(tenant), true).await?;
        let read = |item| {
            serde_dynamo::from_item(item)
                .map_err(|error| StoreError::corrupt("read assistant", keys::ASSISTANT_SORT, error))
        };
        item.map(read).transpose()
    }

    /// Forgets the connection.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_assistant(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.crm.delete("forget assistant", &keys::assistant(tenant)).await
    }

    /// Notes what the last call met; a connection that was saved anew meanwhile stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_assistant(
        &self,
        tenant: TenantId,
        saved_at: Millis,
        status: &str,
        error: &str,
    ) -> Result<(), StoreError> {
        let values = Values::from([(":status", s(status)), (":error", s(error)), (":saved", s(saved_at))]);
        let names = Names::from([("#status", "status")]);
        let (key, set) = (keys::assistant(tenant), "SET #status = :status, last_error = :error");
        self.crm.update("note assistant", key, set, Some("saved_at = :saved"), names, values).await?.ok();
        Ok(())
    }
}
