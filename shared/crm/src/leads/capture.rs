//! Somebody enquires: a new lead, or one more enquiry of somebody whose lead is open.

use super::person::{self, Enquirer};
use super::{By, LeadError, TRIES};
use crate::read::{self, Family};
use domain::email::Email;
use domain::ids::{EventId, LeadId, derived_ulid};
use domain::language::{self, Language};
use domain::lead::{Attributes, LeadSource, LeadStatus, Utm, merged};
use domain::message::Referral;
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{
    Happening, Lead, LeadCard, LeadChange, LeadChanged, LeadMade, NewLead, NewTouch, OptInRequest, Store,
    StoreError,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use ulid::Ulid;

/// What somebody asks for, checked by `domain::lead`.
#[derive(Debug, Clone)]
pub struct Enquiry {
    /// Their name.
    pub name: Option<String>,
    /// Their number; it or the address is there.
    pub phone: Option<Phone>,
    /// Their address.
    pub email: Option<Email>,
    /// Where they came from.
    pub source: LeadSource,
    /// How they came.
    pub utm: Utm,
    /// What they would spend, in fils.
    pub budget_fils: Option<u64>,
    /// How many bedrooms.
    pub bedrooms: Option<u8>,
    /// Where they look.
    pub area: Option<String>,
    /// When they want the keys.
    pub handover_horizon: Option<String>,
    /// Anything else.
    pub attributes: Attributes,
    /// The ad that led here.
    pub referral: Option<Referral>,
    /// What the source calls the enquiry.
    pub external_id: Option<String>,
    /// What they speak, as the form or the program says.
    pub language: Option<Language>,
    /// The opt-in box that was ticked.
    pub opt_in: Option<OptInRequest>,
    /// What they wrote.
    pub message: Option<String>,
    /// When they enquired, by the source's clock.
    pub enquired_at: Option<Millis>,
    /// When it came to us.
    pub received_at: Millis,
}

/// A captured lead.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CapturedLead))]
pub struct Captured {
    /// The lead.
    #[serde(flatten)]
    pub lead: read::Lead,
    /// The person had an open lead already: the enquiry was added to it.
    pub duplicate: bool,
}

/// Takes an enquiry: makes a lead, or adds to the open lead of the same person. The same enquiry again changes nothing.
///
/// # Errors
/// [`LeadError`]; what was stored by then is found by the next try.
pub async fn capture(
    platform: &Platform,
    by: By<'_>,
    enquiry: &Enquiry,
    now: Millis,
) -> Result<Captured, LeadError> {
    let store = &platform.store;
    let source = enquiry.source.as_str();
    for _ in 0..TRIES {
        let outcome = match known(store, by, enquiry, source).await? {
            Some(lead) => added(store, by, enquiry, lead).await?,
            None => found_or_made(platform, by, enquiry).await?,
        };
        if let Some((lead, duplicate)) = outcome {
            let shown = read::fresh_lead(store, by.tenant, lead, now).await?;
            let lead = shown.ok_or_else(|| StoreError::missing("read lead", lead))?;
            return Ok(Captured { lead, duplicate });
        }
    }
    Err(LeadError::Busy)
}

/// The lead that this enquiry of the source led to before.
async fn known(
    store: &Store,
    by: By<'_>,
    enquiry: &Enquiry,
    source: &str,
) -> Result<Option<Lead>, StoreError> {
    let Some(external_id) = &enquiry.external_id else { return Ok(None) };
    let Some(id) = store.lead_of_enquiry(by.tenant, source, external_id).await? else { return Ok(None) };
    store.lead(by.tenant, id).await
}

type Outcome = Option<(LeadId, bool)>;

/// The person's open lead with the enquiry added, or a new lead; `None` when somebody else was at it: look again.
async fn found_or_made(platform: &Platform, by: By<'_>, enquiry: &Enquiry) -> Result<Outcome, LeadError> {
    let store = &platform.store;
    let who = Enquirer {
        name: enquiry.name.as_deref(),
        phone: enquiry.phone.as_ref(),
        email: enquiry.email.as_ref(),
    };
    let order = Ulid::from_parts(enquiry.received_at.unix_ms(), by.mark.random());
    let contact = person::contact(platform, by.tenant, who, order, enquiry.received_at).await?;
    let own = store.contact(by.tenant, contact).await?;
    let family = Family::fresh(store, by.tenant, contact).await?;
    let mut ids = family.as_ref().map(Family::possible_leads).unwrap_or_default();
    ids.extend(own.iter().flat_map(|own| own.further_leads.iter().copied()));
    ids.push(contact.first_lead());
    ids.sort_unstable();
    ids.dedup();
    let mut leads = Vec::with_capacity(ids.len());
    for id in ids {
        leads.extend(store.lead(by.tenant, id).await?);
    }
    if let Some(own) = leads.iter().find(|lead| lead.made_by == Some(by.mark)) {
        return Ok(Some((own.id, false)));
    }
    let open = leads.iter().filter(|lead| lead.merged_into.is_none() && lead.status.is_open());
    if let Some(open) = open.max_by_key(|lead| lead.position) {
        return added(store, by, enquiry, open.clone()).await;
    }
    let first = contact.first_lead();
    let id = if leads.iter().any(|lead| lead.id == first) { LeadId::from_ulid(by.mark) } else { first };
    let card = card_of(enquiry);
    let referral = enquiry.referral.as_ref().and_then(|ad| serde_json::to_string(ad).ok());
    let new = NewLead {
        id,
        contact,
        after: own.and_then(|own| own.latest_lead),
        source: enquiry.source.as_str(),
        created_at: enquiry.received_at,
        trace_id: by.trace_id,
        referral: referral.as_deref(),
        card: &card,
        made_by: by.mark,
        touch: touch(store, by, enquiry).await?,
    };
    let created = happening(by, enquiry, "lead.created", id, contact);
    match store.create_lead(by.tenant, &new, &[created]).await? {
        LeadMade::Yes => {
            if let (Some(phone), true) = (&enquiry.phone, id == first) {
                person::has_lead(store, by.tenant, phone).await?;
            }
            Ok(Some((id, false)))
        }
        LeadMade::LookAgain => Ok(None),
    }
}

/// What the first touch of a new lead must know, where the tenant has leads written to or given to agents.
async fn touch(store: &Store, by: By<'_>, enquiry: &Enquiry) -> Result<Option<NewTouch>, StoreError> {
    let tenant = store.tenant_facts(by.tenant).await?.tenant;
    let wanted = tenant.is_some_and(|tenant| tenant.first_touch.is_some() || tenant.assignment.is_some());
    let of_box = enquiry.opt_in.as_ref().and_then(|opt_in| Language::parse(&opt_in.language));
    Ok(wanted.then(|| NewTouch {
        said: enquiry.message.as_deref().and_then(language::detect),
        form: enquiry.language.or(of_box),
        trace_id: by.trace_id,
    }))
}

/// A lead with one more enquiry: empty fields are filled, attributes merged, nothing else is overwritten.
async fn added(store: &Store, by: By<'_>, enquiry: &Enquiry, lead: Lead) -> Result<Outcome, LeadError> {
    if lead.made_by == Some(by.mark) {
        return Ok(Some((lead.id, false)));
    }
    let (known, new) = (lead.card.clone(), card_of(enquiry));
    // Attributes beyond the bounds are in the timeline's entry all the same.
    let attributes = merged(&known.attributes, &new.attributes).unwrap_or(known.attributes);
    let card = LeadCard {
        name: known.name.or(new.name),
        phone: known.phone || new.phone,
        email: known.email || new.email,
        budget_fils: known.budget_fils.or(new.budget_fils),
        bedrooms: known.bedrooms.or(new.bedrooms),
        area: known.area.or(new.area),
        handover_horizon: known.handover_horizon.or(new.handover_horizon),
        assigned_to: known.assigned_to,
        utm: if known.utm.is_empty() { new.utm } else { known.utm },
        attributes,
        // An id belongs to its source.
        external_id: known.external_id.or(new.external_id.filter(|_| lead.source == enquiry.source.as_str())),
        opt_in: known.opt_in.or(new.opt_in),
    };
    let referral = enquiry.referral.as_ref().filter(|_| lead.referral.is_none());
    let referral = referral.and_then(|ad| serde_json::to_string(ad).ok());
    let change = LeadChange {
        status: lead.status,
        card: &card,
        referral: referral.as_deref(),
        at: enquiry.received_at,
        enquired_at: Some(enquiry.received_at),
        enquiry: enquiry.external_id.as_deref().map(|id| (enquiry.source.as_str(), id)),
        touch: match lead.status {
            // Made by a message on WhatsApp, or before leads were written to; and nobody has worked on it.
            LeadStatus::New if store.touch(by.tenant, lead.id).await?.is_none() => {
                touch(store, by, enquiry).await?
            }
            _ => None,
        },
    };
    let again = happening(by, enquiry, "lead.enquired", lead.id, lead.contact);
    match store.change_lead(by.tenant, &lead, &change, &[again]).await? {
        LeadChanged::Yes | LeadChanged::Before => Ok(Some((lead.id, true))),
        LeadChanged::LookAgain => Ok(None),
    }
}

fn card_of(enquiry: &Enquiry) -> LeadCard {
    LeadCard {
        name: enquiry.name.clone(),
        phone: enquiry.phone.is_some(),
        email: enquiry.email.is_some(),
        budget_fils: enquiry.budget_fils,
        bedrooms: enquiry.bedrooms,
        area: enquiry.area.clone(),
        handover_horizon: enquiry.handover_horizon.clone(),
        assigned_to: None,
        utm: enquiry.utm.clone(),
        attributes: enquiry.attributes.clone(),
        external_id: enquiry.external_id.clone(),
        opt_in: enquiry.opt_in.clone(),
    }
}

/// What the timeline says: the enquiry as it came.
fn happening(
    by: By<'_>,
    enquiry: &Enquiry,
    kind: &str,
    lead: LeadId,
    contact: domain::ids::ContactId,
) -> Happening {
    let at = enquiry.received_at;
    let given = [
        ("name", enquiry.name.as_ref().map(|name| json!(name))),
        ("phone", enquiry.phone.as_ref().map(|phone| json!(phone.e164()))),
        ("email", enquiry.email.as_ref().map(|email| json!(email.as_str()))),
        ("budget_fils", enquiry.budget_fils.map(|fils| json!(fils))),
        ("bedrooms", enquiry.bedrooms.map(|count| json!(count))),
        ("area", enquiry.area.as_ref().map(|area| json!(area))),
        ("handover_horizon", enquiry.handover_horizon.as_ref().map(|horizon| json!(horizon))),
        ("external_id", enquiry.external_id.as_ref().map(|id| json!(id))),
        ("message", enquiry.message.as_ref().map(|text| json!(text))),
        ("enquired_at", enquiry.enquired_at.map(|at| json!(at))),
        ("utm", (!enquiry.utm.is_empty()).then(|| json!(enquiry.utm))),
        ("attributes", (!enquiry.attributes.is_empty()).then(|| json!(enquiry.attributes))),
    ];
    let mut data: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    data.insert("source".to_owned(), json!(enquiry.source));
    Happening {
        // The kind is no part of it: a second run that finds the lead there says the same thing under the same id.
        id: EventId::from_ulid(derived_ulid(at.unix_ms(), &[&by.mark.to_string(), "enquiry"])),
        contact,
        lead: Some(lead),
        kind: kind.to_owned(),
        actor: by.actor.to_owned(),
        recorded_at: at,
        trace_id: by.trace_id,
        data: Value::Object(data),
    }
}
