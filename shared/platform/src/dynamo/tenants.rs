//! Tenants, their numbers, and the keys that open them.

use super::wire::{AttributeValue, Item, Names, Query, Refused, StoreError, Values, s};
use super::{Store, keys};
use domain::access::{Environment, Role};
use domain::ids::{KeyId, TenantId};
use domain::provider::Provider;
use domain::tenant::{Number, Tenant};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An API key as stored: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// Its id.
    pub id: KeyId,
    /// Whose data it opens: the tenant itself, or its sandbox twin for a test key.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// Live or test.
    pub environment: Environment,
    /// What people call it.
    pub name: String,
    /// Its last four characters.
    pub last4: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Millis>,
    /// When it was revoked, for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Millis>,
}

/// A connected number with its sealed secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// The number.
    #[serde(flatten)]
    pub number: Number,
    /// `live`, `broken`, ….
    pub status: String,
    /// Why it is broken, for an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_reason: Option<String>,
    /// Sealed secrets by name: `app_secret`, `verify_token`, `webhook_secret`, each with an optional `_previous`.
    #[serde(default)]
    pub sealed: BTreeMap<String, String>,
}

impl Integration {
    /// The number's own id, by which its item is kept.
    #[must_use]
    pub fn number_id(&self) -> &str {
        number_id(&self.number)
    }

    /// The sort key of the item, which seals bind to.
    #[must_use]
    pub fn sort_key(&self) -> String {
        format!("INT#{}#{}", self.number.provider, self.number_id())
    }
}

fn number_id(number: &Number) -> &str {
    number.phone_number_id.as_deref().or(number.instance_id.as_deref()).unwrap_or("-")
}

/// A tenant with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantFacts {
    /// The tenant; absent when nobody made it.
    pub tenant: Option<Tenant>,
    /// Its numbers.
    pub integrations: Vec<Integration>,
}

impl Store {
    /// A tenant and its numbers, in one read.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn tenant_facts(&self, tenant: TenantId) -> Result<TenantFacts, StoreError> {
        let mut facts = TenantFacts { tenant: None, integrations: Vec::new() };
        let mut start = None;
        loop {
            let query = Query {
                table_name: &self.crm.name,
                index_name: None,
                key_condition_expression: "pk = :pk",
                expression_attribute_values: Values::from([(":pk", s(keys::tenant_partition(tenant)))]),
                scan_index_forward: true,
                limit: None,
                exclusive_start_key: start,
                consistent_read: false,
            };
            let page = self.crm.query("read tenant", &query).await?;
            for item in page.items {
                let sort = match item.get("sk") {
                    Some(AttributeValue::S(sort)) => sort.clone(),
                    _ => String::new(),
                };
                let corrupt = |error| StoreError::corrupt("read tenant", &sort, error);
                if sort == "PROFILE" {
                    facts.tenant = Some(serde_dynamo::from_item(item).map_err(corrupt)?);
                } else if sort.starts_with("INT#") {
                    facts.integrations.push(serde_dynamo::from_item(item).map_err(corrupt)?);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(facts);
            }
        }
    }

    /// Makes a tenant; false when the id is taken.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        let key = keys::profile(tenant.id);
        let item = with_key(tenant, key.pk, key.sk, "create tenant")?;
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        Ok(self.crm.put("create tenant", item, Some(condition)).await?.is_ok())
    }

    /// Saves a connected number.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_integration(
        &self,
        tenant: TenantId,
        integration: &Integration,
    ) -> Result<(), StoreError> {
        let key = keys::integration(tenant, integration.number.provider, integration.number_id());
        let item = with_key(integration, key.pk, key.sk, "save integration")?;
        self.crm.put("save integration", item, None).await?.ok();
        Ok(())
    }

    /// Marks a number as broken, so that nothing more is sent on it; a number that is not live stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn break_integration(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.crm
            .update(
                "break integration",
                keys::integration(tenant, provider, number),
                "SET #status = :broken, broken_reason = :reason",
                Some("#status = :live"),
                Names::from([("#status", "status")]),
                Values::from([(":live", s("live")), (":broken", s("broken")), (":reason", s(reason))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Stores a new API key under the digest of its text; false when the digest is taken.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn create_api_key(&self, digest: &str, record: &ApiKeyRecord) -> Result<bool, StoreError> {
        let key = keys::api_key(digest);
        let item = with_key(record, key.pk, key.sk, "create api key")?;
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        match self.crm.put("create api key", item, Some(condition)).await? {
            Ok(()) => Ok(true),
            Err(Refused(_)) => Ok(false),
        }
    }

    /// The key with this digest, by a consistent read: a revocation holds from the next request on.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn api_key(&self, digest: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let item = self.crm.get("look up api key", &keys::api_key(digest), true).await?;
        item.map(|item| {
            serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("look up api key", "AK", error))
        })
        .transpose()
    }

    /// Revokes a key, for good; a second revocation keeps the first time.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn revoke_api_key(&self, digest: &str, at: Millis) -> Result<(), StoreError> {
        self.crm
            .update(
                "revoke api key",
                keys::api_key(digest),
                "SET revoked_at = :at",
                Some("attribute_exists(pk) AND attribute_not_exists(revoked_at)"),
                Names::new(),
                Values::from([(":at", s(at))]),
            )
            .await?
            .ok();
        Ok(())
    }
}

fn with_key<T: Serialize>(
    value: &T,
    pk: String,
    sk: String,
    action: &'static str,
) -> Result<Item, StoreError> {
    let mut item: Item =
        serde_dynamo::to_item(value).map_err(|error| StoreError::corrupt(action, &sk, error))?;
    item.insert("pk".to_owned(), AttributeValue::S(pk));
    item.insert("sk".to_owned(), AttributeValue::S(sk));
    Ok(item)
}
