//! Leads as the API shows them.

use super::Slice;
use super::contact::{ContactBrief, brief};
use super::family::{Families, Family};
use super::walk::{Chunk, Source, walk};
use domain::ids::{ContactId, ConversationId, LeadId, TenantId};
use domain::lead::{Attributes, LeadSource, LeadStatus, ScoreFacts, ScoreReason, Utm, score};
use domain::message::Referral;
use domain::time::Millis;
use platform::dynamo::{Conversation, Lead as Stored, OptInRequest, PersonField, Store, StoreError};
use serde::Serialize;
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

/// Fils in a dirham.
const FILS: u64 = 100;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    /// In the currency's smallest unit: fils.
    pub amount: u64,
    /// ISO 4217.
    pub currency: &'static str,
}

/// A lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// The name the person gave, else the one they show.
    pub name: Option<String>,
    /// Their number in full.
    pub phone: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// The contact it is about.
    pub contact_id: ContactId,
    /// The same, in short.
    pub contact: Option<ContactBrief>,
    /// The conversation with the contact.
    pub conversation_id: ConversationId,
    /// Whether there is a conversation on WhatsApp.
    pub has_whatsapp: bool,
    /// Where it came from.
    pub source: String,
    /// What the source calls it.
    pub external_id: Option<String>,
    /// What people made of it.
    pub status: LeadStatus,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// How promising it is, 0 to 100.
    pub score: u8,
    /// What the score is made of.
    pub score_reasons: Vec<ScoreReason>,
    /// What they would spend, in whole dirhams.
    pub budget_aed: Option<u64>,
    /// The same, as money.
    pub budget: Option<Money>,
    /// How many bedrooms; a studio has none.
    pub bedrooms: Option<u8>,
    /// Where they look.
    pub area: Option<String>,
    /// When they want the keys.
    pub handover_horizon: Option<String>,
    /// How they came, as the campaign tagged its link.
    pub utm: Utm,
    /// Anything else.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, serde_json::Value>))]
    pub attributes: Attributes,
    /// The ad that led here.
    pub referral: Option<Referral>,
    /// An opt-in that was asked for and not confirmed yet.
    pub opt_in_request: Option<OptInRequest>,
    /// When it came.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
    /// When the person last enquired.
    pub enquired_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
}

/// Which leads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeadFilter {
    /// Only those from here.
    pub source: Option<LeadSource>,
    /// Only those that stand so.
    pub status: Option<LeadStatus>,
    /// Only those that came after.
    pub created_after: Option<Millis>,
    /// Only those that came before.
    pub created_before: Option<Millis>,
    /// Only those with at least so many points.
    pub score_min: Option<u8>,
    /// Only those that somebody works on; an empty name is nobody.
    pub assigned_to: Option<String>,
    /// Only those with, or without, a conversation on WhatsApp.
    pub has_whatsapp: Option<bool>,
    /// Only those who look here, in any case of letters.
    pub area: Option<String>,
    /// Only those with this in their name, number, address, area or external id, in any case of letters.
    pub q: Option<String>,
}

impl LeadFilter {
    /// What the lead itself tells.
    fn takes(&self, lead: &Stored) -> bool {
        let card = &lead.card;
        let same = |wanted: &str, given: Option<&String>| {
            given.is_some_and(|given| given.to_lowercase() == wanted.to_lowercase())
        };
        self.source.as_ref().is_none_or(|source| lead.source == source.as_str())
            && self.status.is_none_or(|status| lead.status == status)
            && self.created_after.is_none_or(|after| lead.created_at > after)
            && self.created_before.is_none_or(|before| lead.created_at < before)
            && self.area.as_deref().is_none_or(|area| same(area, card.area.as_ref()))
            && self
                .assigned_to
                .as_deref()
                .is_none_or(|name| card.assigned_to.as_deref().unwrap_or_default() == name)
    }

    /// Whether the person must be looked at, too.
    fn asks_for_people(&self) -> bool {
        self.score_min.is_some() || self.has_whatsapp.is_some() || self.q.is_some()
    }

    /// What the lead tells as it is shown.
    fn takes_shown(&self, lead: &Lead) -> bool {
        self.score_min.is_none_or(|least| lead.score >= least)
            && self.has_whatsapp.is_none_or(|has| lead.has_whatsapp == has)
            && self.q.as_deref().is_none_or(|wanted| mentions(lead, wanted))
    }
}

/// Whether something about a lead holds a text.
fn mentions(lead: &Lead, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
    let number = digits.len() >= 3 && wanted.chars().all(|c| !c.is_alphabetic());
    let texts = [&lead.name, &lead.email, &lead.area, &lead.external_id];
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
        || (number && lead.phone.as_deref().is_some_and(|phone| phone.contains(&digits)))
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
    now: Millis,
) -> Result<Slice<Lead>, StoreError> {
    let end = filter.created_before.map(|before| Ulid::from_parts(before.unix_ms(), 0));
    // The earlier of where the page before ended and where the time asked for begins.
    let start = [after, end].into_iter().flatten().min();
    let people = People::default();
    let mut leads = Leads { store, tenant, filter, now, people };
    let found = walk(&mut leads, start, limit).await?;
    let mut people = leads.people;
    people.load(store, tenant, &found.items).await?;
    let items = found.items.into_iter().map(|lead| people.shown(lead, now)).collect();
    Ok(Slice { items, next: found.next })
}

/// One lead; a double is answered with the lead it turned out to be. `None` when there is no such lead.
///
/// # Errors
/// The table did not answer.
pub async fn lead(
    store: &Store,
    tenant: TenantId,
    id: LeadId,
    now: Millis,
) -> Result<Option<Lead>, StoreError> {
    let Some(lead) = store.leads(tenant, &[id]).await?.pop() else { return Ok(None) };
    let family = Family::read(store, tenant, lead.contact).await?;
    one(store, tenant, lead, family, now).await.map(Some)
}

/// As [`lead`], by consistent reads: what was written a moment ago is seen.
pub(crate) async fn fresh_lead(
    store: &Store,
    tenant: TenantId,
    id: LeadId,
    now: Millis,
) -> Result<Option<Lead>, StoreError> {
    let Some(lead) = store.lead(tenant, id).await? else { return Ok(None) };
    let family = Family::fresh(store, tenant, lead.contact).await?;
    one(store, tenant, lead, family, now).await.map(Some)
}

async fn one(
    store: &Store,
    tenant: TenantId,
    lead: Stored,
    family: Option<Family>,
    now: Millis,
) -> Result<Lead, StoreError> {
    let Some(family) = family else { return Ok(shown(lead, None, &[], now)) };
    let own = match lead.merged_into {
        None => lead,
        Some(_) => {
            let leads = store.leads(tenant, &family.possible_leads()).await?;
            family.lead(&leads).cloned().unwrap_or(lead)
        }
    };
    let conversations = store.conversations(tenant, &family.ids()).await?;
    let conversations: Vec<&Conversation> = conversations.iter().collect();
    Ok(shown(own, Some(&family), &conversations, now))
}

fn shown(lead: Stored, family: Option<&Family>, conversations: &[&Conversation], now: Millis) -> Lead {
    let contact_id = family.map_or(lead.contact, Family::id);
    let get = |field| family.and_then(|family| family.get(field)).map(str::to_owned);
    let (phone, email) = (get(PersonField::Phone), get(PersonField::Email));
    let enquired_at = lead.enquired_at.unwrap_or(lead.created_at);
    let card = lead.card;
    let points = score(
        &ScoreFacts {
            wrote_on_whatsapp: lead.made_by.is_none()
                || conversations.iter().any(|one| one.last_inbound.is_some()),
            has_phone: card.phone || phone.is_some(),
            has_email: card.email || email.is_some(),
            budget_fils: card.budget_fils,
            horizon: card.handover_horizon.as_deref(),
            source: &lead.source,
            enquired_at,
        },
        now,
    );
    Lead {
        id: lead.id,
        name: card.name.or_else(|| get(PersonField::Name)),
        phone,
        email,
        contact_id,
        contact: family.map(brief),
        conversation_id: contact_id.conversation(),
        has_whatsapp: !conversations.is_empty(),
        source: lead.source,
        external_id: card.external_id,
        status: lead.status,
        assigned_to: card.assigned_to,
        score: points.value,
        score_reasons: points.reasons,
        budget_aed: card.budget_fils.map(|fils| fils / FILS),
        budget: card.budget_fils.map(|amount| Money { amount, currency: "AED" }),
        bedrooms: card.bedrooms,
        area: card.area,
        handover_horizon: card.handover_horizon,
        utm: card.utm,
        attributes: card.attributes,
        referral: lead.referral.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        opt_in_request: card.opt_in,
        created_at: lead.created_at,
        updated_at: lead.updated_at.unwrap_or(lead.created_at),
        enquired_at,
        trace_id: lead.trace_id,
    }
}

/// The people that leads are about, read many at a time.
#[derive(Default)]
struct People {
    families: Families,
    conversations: HashMap<ContactId, Option<Conversation>>,
}

impl People {
    async fn load(&mut self, store: &Store, tenant: TenantId, leads: &[Stored]) -> Result<(), StoreError> {
        self.families.load(store, tenant, leads.iter().map(|lead| lead.contact)).await?;
        let families = leads.iter().filter_map(|lead| self.families.of(lead.contact));
        let mut ids: Vec<ContactId> = families.flat_map(|family| family.ids()).collect();
        ids.retain(|id| !self.conversations.contains_key(id));
        ids.sort_unstable();
        ids.dedup();
        let found = store.conversations(tenant, &ids).await?;
        self.conversations.extend(ids.into_iter().map(|id| (id, None)));
        self.conversations.extend(found.into_iter().map(|one| (one.contact, Some(one))));
        Ok(())
    }

    fn shown(&self, lead: Stored, now: Millis) -> Lead {
        let family = self.families.of(lead.contact);
        let ids = family.as_ref().map(Family::ids).unwrap_or_default();
        let conversations: Vec<&Conversation> =
            ids.iter().filter_map(|id| self.conversations.get(id)?.as_ref()).collect();
        shown(lead, family.as_ref(), &conversations, now)
    }
}

struct Leads<'a> {
    store: &'a Store,
    tenant: TenantId,
    filter: LeadFilter,
    now: Millis,
    people: People,
}

impl Source for Leads<'_> {
    type Item = Stored;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<Stored>, StoreError> {
        let page = self.store.leads_by_time(self.tenant, before, count).await?;
        // A lead's position is the time it came, so nothing that follows an older one is newer.
        let oldest = self.filter.created_after.map(Millis::unix_ms);
        let passed = page.last.zip(oldest).is_some_and(|(last, oldest)| last.timestamp_ms() <= oldest);
        let mut entries: Vec<(Ulid, Option<Stored>)> = page
            .leads
            .into_iter()
            .map(|lead| (lead.position, Some(lead).filter(|lead| self.filter.takes(lead))))
            .collect();
        if self.filter.asks_for_people() {
            let taken: Vec<Stored> = entries.iter().filter_map(|(_, lead)| lead.clone()).collect();
            self.people.load(self.store, self.tenant, &taken).await?;
            for (_, slot) in &mut entries {
                let (people, filter, now) = (&self.people, &self.filter, self.now);
                *slot = slot.take().filter(|lead| filter.takes_shown(&people.shown(lead.clone(), now)));
            }
        }
        Ok(Chunk { entries, last: page.last, more: page.more && !passed })
    }
}
