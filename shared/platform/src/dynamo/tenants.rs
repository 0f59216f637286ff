//! Tenants and their numbers.

use super::endpoints::{Endpoint, read_endpoint};
use super::health::{HealthRecord, read_health, read_limit};
use super::wire::{AttributeValue, Item, Names, Query, StoreError, Values, s};
use super::{Store, keys};
use domain::health::{MessagingLimit, Told};
use domain::ids::TenantId;
use domain::number::{LastCheck, NumberFacts};
use domain::provider::Provider;
use domain::tenant::{Number, Plan, Tenant};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// How often each secret was sealed, by name: its seal is bound to that, so an older one does not open in its place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, u64>,
    /// How often its settings were saved.
    #[serde(default)]
    pub revision: u64,
    /// What is known about it besides.
    #[serde(default)]
    pub about: About,
}

/// What is known about a connected number besides what sending on it needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// What its provider says about it.
    pub facts: NumberFacts,
    /// The last four characters of its secrets, by name.
    pub last4: BTreeMap<String, String>,
    /// What it is claimed under, so that it belongs to one tenant.
    pub claims: Vec<String>,
    /// The digits of the phone that UltraMsg's instance is linked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_phone: Option<String>,
    /// The phone it was linked to before, when the SIM was swapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_phone_before: Option<String>,
    /// The numbers in whose place it stands, itself with the SIM before a swap among them; the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<Replaced>,
    /// Until when the secrets named `_previous` are good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<Millis>,
    /// When it was connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Millis>,
    /// When its settings were last saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Millis>,
    /// What the last look at it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_check: Option<LastCheck>,
}

/// A number in whose place another stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Who carried it.
    pub provider: Provider,
    /// The number, as its item is named.
    pub number: String,
    /// When it was connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<Millis>,
    /// Since when.
    pub at: Millis,
    /// Whether customers see another phone number than before.
    pub changed: bool,
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

    /// What a secret's seal is bound to: the item, the name and the version.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        let sort = self.sort_key();
        match self.versions.get(name) {
            Some(version) => format!("{sort}|{name}|{version}"),
            // Sealed before there were versions.
            None => format!("{sort}|{name}"),
        }
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
    /// Numbers that are being connected: their webhooks are taken, nothing else.
    pub trials: Vec<Integration>,
    /// Its receivers of customer webhooks.
    pub endpoints: Vec<Endpoint>,
    /// How its numbers stand with their customers.
    pub health: Vec<HealthRecord>,
    /// How many people all its numbers together may write to first, as last told.
    pub limit: Option<Told<MessagingLimit>>,
    /// Whether its conversations are carried over to Chatwoot once a person takes over.
    pub chatwoot: bool,
    /// Whether its assistant answers by itself.
    pub assistant: bool,
}

impl TenantFacts {
    /// How one of the numbers stands.
    #[must_use]
    pub fn health_of(&self, provider: Provider, number: &str) -> Option<&HealthRecord> {
        self.health.iter().find(|one| one.provider == provider && one.number == number)
    }
}

impl Store {
    /// A tenant and its numbers, in one read.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn tenant_facts(&self, tenant: TenantId) -> Result<TenantFacts, StoreError> {
        self.read_tenant(tenant, false).await
    }

    /// A tenant and its numbers as they stand at this moment.
    ///
    /// # Errors
    /// As [`Store::tenant_facts`].
    pub async fn tenant_facts_now(&self, tenant: TenantId) -> Result<TenantFacts, StoreError> {
        self.read_tenant(tenant, true).await
    }

    async fn read_tenant(&self, tenant: TenantId, consistent: bool) -> Result<TenantFacts, StoreError> {
        let mut facts = TenantFacts {
            tenant: None,
            integrations: Vec::new(),
            trials: Vec::new(),
            endpoints: Vec::new(),
            health: Vec::new(),
            limit: None,
            chatwoot: false,
            assistant: false,
        };
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
                consistent_read: consistent,
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
                } else if sort.starts_with("TRIAL#") {
                    facts.trials.push(serde_dynamo::from_item(item).map_err(corrupt)?);
                } else if sort.starts_with(keys::ENDPOINT_SORT) {
                    facts.endpoints.push(read_endpoint(item)?);
                } else if sort.starts_with(keys::HEALTH_SORT) {
                    facts.health.push(read_health(item)?);
                } else if sort == keys::CHATWOOT_SORT {
                    facts.chatwoot = true;
                } else if sort == keys::ASSISTANT_SORT {
                    facts.assistant = matches!(item.get("auto_reply"), Some(AttributeValue::Bool(true)));
                } else if sort == keys::LIMIT_SORT {
                    facts.limit = read_limit(&item);
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
        let mut item = with_key(tenant, key.pk, key.sk, "create tenant")?;
        item.insert("gpk".to_owned(), s(keys::TENANTS));
        item.insert("gsk".to_owned(), s(tenant.id));
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        Ok(self.crm.put("create tenant", item, Some(condition)).await?.is_ok())
    }

    /// Gives a tenant another plan; one that does not exist stays so.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn set_tenant_plan(&self, tenant: TenantId, plan: Plan) -> Result<(), StoreError> {
        let moved = self.crm.update(
            "set the plan of a tenant",
            keys::profile(tenant),
            "SET #plan = :plan",
            Some("attribute_exists(pk)"),
            Names::from([("#plan", "plan")]),
            Values::from([(":plan", s(plan.as_str()))]),
        );
        moved.await.map(drop)
    }

    /// The ids of all tenants after one (from the first when absent), the oldest first, at most `limit`. For the
    /// platform's engineers.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn tenants(&self, after: Option<TenantId>, limit: u32) -> Result<Vec<TenantId>, StoreError> {
        let after = after.map_or_else(|| TenantId::PREFIX.to_owned(), |tenant| tenant.to_string());
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::BY_TIME),
            key_condition_expression: "gpk = :pk AND gsk > :after",
            expression_attribute_values: Values::from([(":pk", s(keys::TENANTS)), (":after", s(after))]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.crm.query("list tenants", &query).await?;
        let ids = page.items.iter().filter_map(|item| match item.get("gsk") {
            Some(AttributeValue::S(id)) => TenantId::parse(id).ok(),
            _ => None,
        });
        Ok(ids.collect())
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

    /// Marks a number as broken, so that nothing more is sent on it. False when it is not live, or has other secrets by
    /// now than those that were refused: it stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn break_integration(
        &self,
        tenant: TenantId,
        integration: &Integration,
        reason: &str,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "break integration";
        let sealed = serde_dynamo::to_attribute_value(&integration.sealed)
            .map_err(|error| StoreError::corrupt(ACTION, "INT", error))?;
        let values =
            [(":live", s("live")), (":broken", s("broken")), (":reason", s(reason)), (":sealed", sealed)];
        let broken = self
            .crm
            .update(
                ACTION,
                keys::integration(tenant, integration.number.provider, integration.number_id()),
                "SET #status = :broken, broken_reason = :reason",
                Some("#status = :live AND sealed = :sealed"),
                Names::from([("#status", "status")]),
                Values::from(values),
            )
            .await?;
        Ok(broken.is_ok())
    }
}

pub(super) fn with_key<T: Serialize>(
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
