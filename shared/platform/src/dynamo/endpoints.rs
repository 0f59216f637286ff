//! Receivers of customer webhooks, and how they have been doing.

use super::audit::NewAuditEntry;
use super::tenants::with_key;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{EndpointId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};

/// A receiver as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where it is.
    pub url: String,
    /// What it wants: `*`, or names of event types.
    pub events: Vec<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether anything is delivered to it.
    pub enabled: bool,
    /// Why it is switched off, for an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// When it was switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Millis>,
    /// Its sealed secret.
    pub sealed: String,
    /// The sealed secret before the last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_before: Option<String>,
    /// Until when the secret before is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_until: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
    /// Counts the writes; 0 for one that was never written.
    #[serde(default)]
    pub revision: u64,
}

/// How a receiver has been doing since its last success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointHealth {
    /// Failures in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Millis>,
    /// When the last of them was.
    pub last_failure_at: Option<Millis>,
    /// Until when deliveries wait.
    pub waits_until: Option<Millis>,
}

impl Store {
    /// Writes a receiver that was made from the one that was read, or from nothing, with its entry in the audit log, both
    /// or neither; false when somebody else wrote it meanwhile. Until `new_until` those who remember receivers may not
    /// know it yet.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_endpoint(
        &self,
        tenant: TenantId,
        endpoint: &Endpoint,
        new_until: Option<Millis>,
        entry: NewAuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let key = keys::endpoint(tenant, endpoint.id);
        let next = Endpoint { revision: endpoint.revision + 1, ..endpoint.clone() };
        let mut item = with_key(&next, key.pk, key.sk, "save endpoint")?;
        if let Some(until) = new_until {
            item.insert("dpk".to_owned(), s(keys::NEW_ENDPOINTS));
            item.insert("dsk".to_owned(), s(keys::new_endpoint_sort(until, tenant, endpoint.id)));
        }
        let change = || {
            let same = match endpoint.revision {
                0 => Condition::absent(),
                revision => Condition::of("revision = :read", [(":read", n(revision))]),
            };
            let mut all = Transaction::default();
            all.put(&self.crm.name, item.clone(), same);
            all
        };
        Ok(self.audited(tenant, entry, change).await?.is_ok())
    }

    /// One receiver.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn endpoint(&self, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let item = self.crm.get("read endpoint", &keys::endpoint(tenant, id), true).await?;
        item.map(read_endpoint).transpose()
    }

    /// A tenant's receivers, by id.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn endpoints(&self, tenant: TenantId) -> Result<Vec<Endpoint>, StoreError> {
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND begins_with(sk, :sort)",
            expression_attribute_values: Values::from([
                (":pk", s(keys::tenant_partition(tenant))),
                (":sort", s(keys::ENDPOINT_SORT)),
            ]),
            scan_index_forward: true,
            limit: None,
            exclusive_start_key: None,
            consistent_read: true,
        };
        // At most twenty small items: one page.
        let page = self.crm.query("list endpoints", &query).await?;
        page.items.into_iter().map(read_endpoint).collect()
    }

    /// Deletes a receiver, with its entry in the audit log, both or neither; false when it is gone already.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
        entry: NewAuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let change = || {
            let mut all = Transaction::default();
            all.delete(&self.crm.name, keys::endpoint(tenant, id), Condition::of("attribute_exists(pk)", []));
            all
        };
        Ok(self.audited(tenant, entry, change).await?.is_ok())
    }

    /// Receivers of any tenant whose settings changed a moment ago, each with when everybody will know.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn new_endpoints(&self, limit: u32) -> Result<Vec<(TenantId, EndpointId, Millis)>, StoreError> {
        const ACTION: &str = "list new endpoints";
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::DUE),
            key_condition_expression: "dpk = :pk",
            expression_attribute_values: Values::from([(":pk", s(keys::NEW_ENDPOINTS))]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.crm.query(ACTION, &query).await?;
        let of = |item: &Item| {
            let (tenant, id) = timeline::key_of(item).as_ref().and_then(keys::endpoint_of)?;
            let Some(AttributeValue::S(due)) = item.get("dsk") else { return None };
            let until = due.split('#').next()?.parse().ok().map(Millis::from_unix_ms)?;
            Some((tenant, id, until))
        };
        let corrupt = || StoreError::corrupt(ACTION, "ENDPOINTS", "not an endpoint's key");
        page.items.iter().map(|item| of(item).ok_or_else(corrupt)).collect()
    }

    /// Everybody knows a receiver's settings by now, unless they changed again.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn endpoint_is_known(
        &self,
        tenant: TenantId,
        id: EndpointId,
        until: Millis,
    ) -> Result<(), StoreError> {
        self.crm
            .update(
                "endpoint is known",
                keys::endpoint(tenant, id),
                "REMOVE dpk, dsk",
                Some("dsk = :dsk"),
                Names::new(),
                Values::from([(":dsk", s(keys::new_endpoint_sort(until, tenant, id)))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// How receivers have been doing, in the order asked for.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn endpoint_health(
        &self,
        tenant: TenantId,
        ids: &[EndpointId],
    ) -> Result<Vec<EndpointHealth>, StoreError> {
        let wanted: Vec<Key> = ids.iter().map(|id| keys::endpoint_health(tenant, *id)).collect();
        let items = self.crm.batch_get("read endpoint health", &wanted).await?;
        let of = |key: &Key| items.iter().find(|item| timeline::key_of(item).as_ref() == Some(key));
        Ok(wanted.iter().map(|key| of(key).map(read_health).unwrap_or_default()).collect())
    }

    /// A receiver failed; from `waits_until` on, when given, its other deliveries wait.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn endpoint_failed(
        &self,
        tenant: TenantId,
        id: EndpointId,
        at: Millis,
        waits_until: Option<Millis>,
    ) -> Result<(), StoreError> {
        let mut values = Values::from([(":at", n(at.unix_ms())), (":one", n(1))]);
        let mut expression = "SET since = if_not_exists(since, :at), failed_at = :at".to_owned();
        if let Some(until) = waits_until {
            values.insert(":until", n(until.unix_ms()));
            expression.push_str(", waits = :until");
        }
        expression.push_str(" ADD failures :one");
        let key = keys::endpoint_health(tenant, id);
        self.crm.update("endpoint failed", key, &expression, None, Names::new(), values).await?.ok();
        Ok(())
    }

    /// A receiver works, or begins anew: what it failed before does not count any more.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn endpoint_works(&self, tenant: TenantId, id: EndpointId) -> Result<(), StoreError> {
        self.crm
            .update(
                "endpoint works",
                keys::endpoint_health(tenant, id),
                "SET failures = :none REMOVE since, failed_at, waits",
                None,
                Names::new(),
                Values::from([(":none", n(0))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Takes the one attempt that a failing receiver gets, until `until`; false when another delivery has it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn probe_endpoint(
        &self,
        tenant: TenantId,
        id: EndpointId,
        until: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let taken = self
            .crm
            .update(
                "probe endpoint",
                keys::endpoint_health(tenant, id),
                "SET waits = :until",
                Some("attribute_not_exists(waits) OR waits <= :now"),
                Names::new(),
                Values::from([(":until", n(until.unix_ms())), (":now", n(now.unix_ms()))]),
            )
            .await?;
        Ok(taken.is_ok())
    }
}

pub(super) fn read_endpoint(item: Item) -> Result<Endpoint, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read endpoint", "WE", error))
}

fn read_health(item: &Item) -> EndpointHealth {
    let number = |name: &str| match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse::<u64>().ok(),
        _ => None,
    };
    let at = |name: &str| number(name).map(Millis::from_unix_ms);
    EndpointHealth {
        failures: number("failures").and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        failing_since: at("since"),
        last_failure_at: at("failed_at"),
        waits_until: at("waits"),
    }
}
