//! Leads: one is made for every new contact that writes; its timeline is the contact's.

use super::wire::{Item, Key, Names, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{ContactId, LeadId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

/// A lead as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// The contact it is about.
    pub contact: ContactId,
    /// Where it came from, such as `whatsapp` or `whatsapp_ad`.
    pub source: String,
    /// `new` and what people make of it.
    pub status: String,
    /// When it came.
    pub created_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The ad that led here, as JSON.
    pub referral: Option<String>,
    /// The lead this one turned out to be a double of.
    pub merged_into: Option<LeadId>,
}

/// Leads, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeadPage {
    /// The leads; doubles are left out.
    pub leads: Vec<Lead>,
    /// The last position looked at, for the next page.
    pub last: Option<Ulid>,
    /// Whether there are older ones.
    pub more: bool,
}

#[derive(Serialize, Deserialize)]
struct LeadItem {
    pk: String,
    sk: String,
    gsk: String,
    contact: String,
    source: String,
    status: String,
    created_at: u64,
    trace: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    referral: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    merged_into: Option<String>,
}

impl Store {
    /// Makes sure that a contact's first lead exists; an existing one stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn ensure_first_lead(
        &self,
        tenant: TenantId,
        contact: ContactId,
        source: &str,
        referral: Option<&str>,
        created_at: Millis,
        trace_id: Uuid,
    ) -> Result<(), StoreError> {
        let id = contact.first_lead();
        let key = keys::lead(tenant, id);
        let mut expression = String::from(
            "SET gpk = :gpk, gsk = :gsk, contact = :c, #source = :source, #status = :status, created_at = :at, trace = :trace",
        );
        let mut values = Values::from([
            (":gpk", s(keys::leads_by_time(tenant))),
            (":gsk", s(id.ulid())),
            (":c", s(contact.ulid())),
            (":source", s(source)),
            (":status", s("new")),
            (":at", n(created_at.unix_ms())),
            (":trace", s(trace_id)),
        ]);
        if let Some(referral) = referral {
            values.insert(":referral", s(referral));
            expression.push_str(", referral = :referral");
        }
        let names = Names::from([("#source", "source"), ("#status", "status")]);
        self.crm
            .update("ensure lead", key, &expression, Some("attribute_not_exists(pk)"), names, values)
            .await?
            .ok();
        Ok(())
    }

    /// Reads leads; absent ones are left out, doubles are not.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn leads(&self, tenant: TenantId, ids: &[LeadId]) -> Result<Vec<Lead>, StoreError> {
        let keys: Vec<Key> = ids.iter().map(|id| keys::lead(tenant, *id)).collect();
        self.crm.batch_get("read leads", &keys).await?.into_iter().map(read).collect()
    }

    /// A tenant's leads older than `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn leads_by_time(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<LeadPage, StoreError> {
        let page = self.crm.newest_first("list leads", keys::leads_by_time(tenant), before, limit).await?;
        let found: Vec<Key> = page.items.iter().filter_map(timeline::key_of).collect();
        let items = self.crm.batch_get("read leads", &found).await?;
        let mut leads: Vec<Lead> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        leads.sort_by_key(|lead| std::cmp::Reverse(lead.id));
        let last = leads.last().map(|lead| lead.id.ulid());
        leads.retain(|lead| lead.merged_into.is_none());
        Ok(LeadPage { leads, last, more: page.last_evaluated_key.is_some() })
    }
}

fn read(item: Item) -> Result<Lead, StoreError> {
    let stored: LeadItem =
        serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read lead", "lead", error))?;
    let corrupt = || StoreError::corrupt("read lead", &stored.pk, "not a ULID");
    let ulid = |text: &str| Ulid::from_string(text).map_err(|_| corrupt());
    Ok(Lead {
        id: LeadId::from_ulid(ulid(&stored.gsk)?),
        contact: ContactId::from_ulid(ulid(&stored.contact)?),
        merged_into: stored.merged_into.as_deref().map(|id| ulid(id).map(LeadId::from_ulid)).transpose()?,
        source: stored.source,
        status: stored.status,
        created_at: Millis::from_unix_ms(stored.created_at),
        trace_id: stored.trace,
        referral: stored.referral,
    })
}
