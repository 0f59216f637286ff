//! Sealed values wherever they lie in a tenant's partitions, for wrapping their data keys anew.

use super::wire::{AttributeValue, Item, Names, Query, StoreError, Values, s};
use super::{Store, keys};
use domain::ids::TenantId;
use std::collections::BTreeMap;

/// What a sealed value is an attribute of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// A number, its trial, or a source of leads: several values by name.
    Integration,
    /// Chatwoot: several values by name.
    Chatwoot,
    /// The assistant: its key by name.
    Assistant,
    /// A receiver of customer webhooks: one or two.
    Endpoint,
    /// The key that visitors' addresses are hashed with: one.
    Form,
    /// The key that identities of erased persons are hashed with: one.
    Grave,
}

/// One item with sealed values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedItem {
    /// What it is.
    pub kind: SealedKind,
    sort: String,
    /// Its values, each under its name.
    pub values: BTreeMap<String, String>,
}

/// A receiver's values, as its item names them.
const OF_ENDPOINTS: [&str; 2] = ["sealed", "sealed_before"];

impl Store {
    /// The items of a tenant that hold sealed values.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn sealed_items(&self, tenant: TenantId) -> Result<Vec<SealedItem>, StoreError> {
        let mut found = Vec::new();
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
                consistent_read: true,
            };
            let page = self.crm.query("list sealed values", &query).await?;
            found.extend(page.items.iter().filter_map(sealed_item));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        if let Some(sealed) = self.form_address_key(tenant).await? {
            let [name, _] = OF_ENDPOINTS;
            let values = BTreeMap::from([(name.to_owned(), sealed)]);
            let sort = keys::form_address_key(tenant).sk;
            found.push(SealedItem { kind: SealedKind::Form, sort, values });
        }
        if let Some(sealed) = self.grave_key(tenant).await? {
            let [name, _] = OF_ENDPOINTS;
            let values = BTreeMap::from([(name.to_owned(), sealed)]);
            let sort = keys::grave_key(tenant).sk;
            found.push(SealedItem { kind: SealedKind::Grave, sort, values });
        }
        Ok(found)
    }

    /// Puts values in the place of those that were read; false when any of them was written meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn replace_sealed(
        &self,
        tenant: TenantId,
        item: &SealedItem,
        new: &BTreeMap<String, String>,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "replace sealed values";
        let key = match item.kind {
            SealedKind::Integration | SealedKind::Chatwoot | SealedKind::Assistant | SealedKind::Endpoint => {
                keys::beside_the_profile(tenant, &item.sort)
            }
            SealedKind::Form => keys::form_address_key(tenant),
            SealedKind::Grave => keys::grave_key(tenant),
        };
        let before = |name| item.values.get(name);
        let (expression, condition, values) = match item.kind {
            SealedKind::Integration | SealedKind::Chatwoot | SealedKind::Assistant => (
                "SET sealed = :new",
                "sealed = :old",
                Values::from([(":new", map(new)), (":old", map(&item.values))]),
            ),
            SealedKind::Endpoint | SealedKind::Form | SealedKind::Grave => {
                let [now, earlier] = OF_ENDPOINTS;
                let (Some(old), Some(to)) = (before(now), new.get(now)) else { return Ok(false) };
                let mut values = Values::from([(":old", s(old)), (":new", s(to))]);
                match (before(earlier), new.get(earlier)) {
                    (Some(old), Some(to)) => {
                        values.insert(":old_before", s(old));
                        values.insert(":new_before", s(to));
                        (
                            "SET sealed = :new, sealed_before = :new_before",
                            "sealed = :old AND sealed_before = :old_before",
                            values,
                        )
                    }
                    _ => {
                        ("SET sealed = :new", "sealed = :old AND attribute_not_exists(sealed_before)", values)
                    }
                }
            }
        };
        Ok(self.crm.update(ACTION, key, expression, Some(condition), Names::new(), values).await?.is_ok())
    }
}

fn sealed_item(item: &Item) -> Option<SealedItem> {
    let Some(AttributeValue::S(sort)) = item.get("sk") else { return None };
    let text = |value: &AttributeValue| match value {
        AttributeValue::S(text) => Some(text.clone()),
        _ => None,
    };
    let (kind, values) = match item.get("sealed")? {
        AttributeValue::M(values) => {
            let values = values.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
            let kind = match sort.as_str() {
                keys::CHATWOOT_SORT => SealedKind::Chatwoot,
                keys::ASSISTANT_SORT => SealedKind::Assistant,
                _ => SealedKind::Integration,
            };
            (kind, values.collect())
        }
        AttributeValue::S(_) => {
            let values =
                OF_ENDPOINTS.iter().filter_map(|name| Some(((*name).to_owned(), text(item.get(*name)?)?)));
            (SealedKind::Endpoint, values.collect())
        }
        _ => return None,
    };
    Some(SealedItem { kind, sort: sort.clone(), values })
}

fn map(values: &BTreeMap<String, String>) -> AttributeValue {
    AttributeValue::M(values.iter().map(|(name, value)| (name.clone(), s(value))).collect())
}
