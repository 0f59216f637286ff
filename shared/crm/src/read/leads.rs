//! Leads as the API shows them.

use super::Slice;
use super::contact::{ContactBrief, brief};
use super::family::{Families, Family};
use super::walk::{Chunk, Source, walk};
use domain::ids::{ContactId, ConversationId, LeadId, TenantId};
use domain::message::Referral;
use domain::time::Millis;
use platform::dynamo::{Lead as Stored, Store, StoreError};
use serde::Serialize;
use ulid::Ulid;
use uuid::Uuid;

/// A lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// The contact it is about.
    pub contact_id: ContactId,
    /// The same, in short.
    pub contact: Option<ContactBrief>,
    /// The conversation with the contact.
    pub conversation_id: ConversationId,
    /// Where it came from.
    pub source: String,
    /// What people make of it.
    pub status: String,
    /// How promising it is; absent until it is scored.
    pub score: Option<u8>,
    /// The ad that led here.
    pub referral: Option<Referral>,
    /// When it came.
    pub created_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
}

/// Where a lead can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadSource {
    /// Somebody wrote.
    Whatsapp,
    /// Somebody wrote after tapping an ad.
    WhatsappAd,
}

impl LeadSource {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Whatsapp, Self::WhatsappAd];

    /// The name in the API and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::WhatsappAd => "whatsapp_ad",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// What people can make of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadStatus {
    /// Nobody has looked at it.
    New,
}

impl LeadStatus {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::New];

    /// The name in the API and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Which leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeadFilter {
    /// Only those from here.
    pub source: Option<LeadSource>,
    /// Only those that stand so.
    pub status: Option<LeadStatus>,
    /// Only those that came after.
    pub created_after: Option<Millis>,
}

impl LeadFilter {
    fn takes(self, lead: &Stored) -> bool {
        self.source.is_none_or(|source| lead.source == source.as_str())
            && self.status.is_none_or(|status| lead.status == status.as_str())
            && self.created_after.is_none_or(|after| lead.created_at > after)
    }
}

/// A tenant's leads, newest first.
///
/// # Errors
/// The table did not answer.
pub async fn leads(
    store: &Store,
    tenant: TenantId,
    filter: LeadFilter,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<Lead>, StoreError> {
    let found = walk(&mut Leads { store, tenant, filter }, after, limit).await?;
    let mut families = Families::default();
    families.load(store, tenant, found.items.iter().map(|lead| lead.contact)).await?;
    let items = found.items.into_iter().map(|lead| {
        let family = families.of(lead.contact);
        shown(lead, family.as_ref())
    });
    Ok(Slice { items: items.collect(), next: found.next })
}

/// One lead; a double is answered with the lead it turned out to be. `None` when there is no such lead.
///
/// # Errors
/// The table did not answer.
pub async fn lead(store: &Store, tenant: TenantId, id: LeadId) -> Result<Option<Lead>, StoreError> {
    let Some(lead) = store.leads(tenant, &[id]).await?.pop() else { return Ok(None) };
    let Some(family) = Family::read(store, tenant, lead.contact).await? else {
        return Ok(Some(shown(lead, None)));
    };
    let own = match lead.merged_into {
        None => lead,
        Some(_) => {
            let leads = store.leads(tenant, &family.possible_leads()).await?;
            family.lead(&leads).cloned().unwrap_or(lead)
        }
    };
    Ok(Some(shown(own, Some(&family))))
}

fn shown(lead: Stored, family: Option<&Family>) -> Lead {
    let contact_id = family.map_or(lead.contact, Family::id);
    Lead {
        id: lead.id,
        contact_id,
        contact: family.map(brief),
        conversation_id: contact_id.conversation(),
        source: lead.source,
        status: lead.status,
        score: None,
        referral: lead.referral.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        created_at: lead.created_at,
        trace_id: lead.trace_id,
    }
}

struct Leads<'a> {
    store: &'a Store,
    tenant: TenantId,
    filter: LeadFilter,
}

impl Source for Leads<'_> {
    type Item = Stored;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<Stored>, StoreError> {
        let page = self.store.leads_by_time(self.tenant, before, count).await?;
        // A lead's id holds a time that is not before its creation, so nothing that follows an older one is newer.
        let oldest = self.filter.created_after.map(Millis::unix_ms);
        let passed = page.last.zip(oldest).is_some_and(|(last, oldest)| last.timestamp_ms() <= oldest);
        let entries = page.leads.into_iter().map(|lead| {
            let at = lead.id.ulid();
            (at, self.filter.takes(&lead).then_some(lead))
        });
        Ok(Chunk { entries: entries.collect(), last: page.last, more: page.more && !passed })
    }
}
