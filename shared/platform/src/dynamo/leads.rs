//! Leads, read: one is made for every new contact that writes, others by requests; the timeline is the contact's.

use super::wire::{Item, Key, Names, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{ContactId, LeadId, TenantId};
use domain::lead::{Attributes, LeadStatus, Utm};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

/// What people and programs fill in; kept as one JSON text, because it is always changed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadCard {
    /// The name the person gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether a phone number is known.
    pub phone: bool,
    /// Whether an e-mail address is known.
    pub email: bool,
    /// What they would spend, in fils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_fils: Option<u64>,
    /// How many bedrooms; a studio has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bedrooms: Option<u8>,
    /// Where they look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// When they want the keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover_horizon: Option<String>,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// How they came, as the campaign tagged its link.
    #[serde(skip_serializing_if = "Utm::is_empty")]
    pub utm: Utm,
    /// Anything else.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// What the source calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// An opt-in that was asked for and not confirmed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<OptInRequest>,
}

/// A box that was ticked: an opt-in counts once the person confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptInRequest {
    /// The words beside the box.
    pub wording: String,
    /// Their language.
    pub language: String,
    /// Where the box was.
    pub source: String,
    /// When it was ticked.
    pub at: Millis,
}

/// A lead as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// Where it stands in the list: the time it came, and what tells it from others of that moment.
    pub position: Ulid,
    /// The contact it is about.
    pub contact: ContactId,
    /// Where it came from, such as `whatsapp` or `bayut`.
    pub source: String,
    /// What people made of it.
    pub status: LeadStatus,
    /// When it came.
    pub created_at: Millis,
    /// When it was last changed by a person or a program.
    pub updated_at: Option<Millis>,
    /// When the person last enquired.
    pub enquired_at: Option<Millis>,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The ad that led here, as JSON.
    pub referral: Option<String>,
    /// The lead this one turned out to be a double of.
    pub merged_into: Option<LeadId>,
    /// What people and programs filled in.
    pub card: LeadCard,
    /// Which request made it; absent when a message did.
    pub made_by: Option<Ulid>,
    /// How often it was changed.
    pub revision: u64,
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
pub(super) struct LeadItem {
    pub(super) pk: String,
    pub(super) sk: String,
    pub(super) gpk: String,
    pub(super) gsk: String,
    pub(super) contact: String,
    pub(super) source: String,
    pub(super) status: String,
    pub(super) created_at: u64,
    pub(super) trace: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) referral: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) merged_into: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) updated_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) enquired_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) card: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) made_by: Option<String>,
    #[serde(default)]
    pub(super) rev: u64,
}

/// Where a lead stands among those that came at other times.
pub(super) const fn position(id: LeadId, created_at: Millis) -> Ulid {
    Ulid::from_parts(created_at.unix_ms(), id.ulid().random())
}

impl Store {
    /// Makes sure that a contact's first lead exists; false when it did, and it stays as it is.
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
    ) -> Result<bool, StoreError> {
        let id = contact.first_lead();
        let key = keys::lead(tenant, id);
        let mut expression = String::from(
            "SET gpk = :gpk, gsk = :gsk, contact = :c, #source = :source, #status = :status, created_at = :at, trace = :trace",
        );
        let mut values = Values::from([
            (":gpk", s(keys::leads_by_time(tenant))),
            (":gsk", s(position(id, created_at))),
            (":c", s(contact.ulid())),
            (":source", s(source)),
            (":status", s(LeadStatus::New.as_str())),
            (":at", n(created_at.unix_ms())),
            (":trace", s(trace_id)),
        ]);
        if let Some(referral) = referral {
            values.insert(":referral", s(referral));
            expression.push_str(", referral = :referral");
        }
        let names = Names::from([("#source", "source"), ("#status", "status")]);
        let made = self
            .crm
            .update("ensure lead", key, &expression, Some("attribute_not_exists(pk)"), names, values)
            .await?;
        Ok(made.is_ok())
    }

    /// One lead, by a consistent read; a double is read as it is.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn lead(&self, tenant: TenantId, id: LeadId) -> Result<Option<Lead>, StoreError> {
        self.crm.get("read lead", &keys::lead(tenant, id), true).await?.map(read).transpose()
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
        leads.sort_by_key(|lead| std::cmp::Reverse(lead.position));
        let last = leads.last().map(|lead| lead.position);
        leads.retain(|lead| lead.merged_into.is_none());
        Ok(LeadPage { leads, last, more: page.last_evaluated_key.is_some() })
    }
}

pub(super) fn read(item: Item) -> Result<Lead, StoreError> {
    let stored: LeadItem =
        serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read lead", "lead", error))?;
    let key = Key { pk: stored.pk, sk: stored.sk };
    let corrupt = |why: &str| StoreError::corrupt("read lead", &key.pk, why);
    let ulid = |text: &str| Ulid::from_string(text).map_err(|_| corrupt("not a ULID"));
    let card = stored.card.as_deref().map(serde_json::from_str).transpose();
    Ok(Lead {
        id: keys::lead_of(&key).ok_or_else(|| corrupt("not a lead's key"))?,
        position: ulid(&stored.gsk)?,
        contact: ContactId::from_ulid(ulid(&stored.contact)?),
        merged_into: stored.merged_into.as_deref().map(|id| ulid(id).map(LeadId::from_ulid)).transpose()?,
        source: stored.source,
        status: LeadStatus::parse(&stored.status).ok_or_else(|| corrupt("not a status"))?,
        created_at: Millis::from_unix_ms(stored.created_at),
        updated_at: stored.updated_at.map(Millis::from_unix_ms),
        enquired_at: stored.enquired_at.map(Millis::from_unix_ms),
        trace_id: stored.trace,
        referral: stored.referral,
        card: card.map_err(|_| corrupt("its card is not JSON"))?.unwrap_or_default(),
        made_by: stored.made_by.as_deref().map(ulid).transpose()?,
        revision: stored.rev,
    })
}
