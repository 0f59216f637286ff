//! What people and programs change about a lead: the last word per field holds, and the timeline says who had it.

use super::{By, LeadError, TRIES};
use crate::read::{self, Family};
use domain::email::Email;
use domain::identity::Identity;
use domain::ids::{ContactId, EventId, LeadId, derived_ulid};
use domain::lead::{Attributes, LeadStatus, merged};
use domain::time::Millis;
use platform::dynamo::{Happening, Lead, LeadCard, LeadChange, LeadChanged, PersonField, Store};
use serde_json::{Value, json};
use ulid::Ulid;

/// What changes; absent stays, `Some(None)` empties.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeadPatch {
    /// What people made of it.
    pub status: Option<LeadStatus>,
    /// Who works on it.
    pub assigned_to: Option<Option<String>>,
    /// The person's name.
    pub name: Option<String>,
    /// The person's address.
    pub email: Option<Email>,
    /// What they would spend, in fils.
    pub budget_fils: Option<Option<u64>>,
    /// How many bedrooms.
    pub bedrooms: Option<Option<u8>>,
    /// Where they look.
    pub area: Option<Option<String>>,
    /// When they want the keys.
    pub handover_horizon: Option<Option<String>>,
    /// Attributes to set; `null` takes one away.
    pub attributes: Attributes,
}

/// A lead after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The lead.
    pub lead: read::Lead,
    /// Whether this request, or an earlier run of it, made a difference.
    pub differs: bool,
}

/// Changes a lead; `None` when there is no such lead. Two changes at once both hold, field by field.
///
/// # Errors
/// [`LeadError`]; then nothing of the lead was changed.
pub async fn change(
    store: &Store,
    by: By<'_>,
    id: LeadId,
    patch: &LeadPatch,
    now: Millis,
) -> Result<Option<Changed>, LeadError> {
    for _ in 0..TRIES {
        let Some(lead) = store.lead(by.tenant, id).await? else { return Ok(None) };
        // A double is the lead it turned out to be.
        let lead = match lead.merged_into {
            Some(kept) => store.lead(by.tenant, kept).await?.unwrap_or(lead),
            None => lead,
        };
        let family = Family::fresh(store, by.tenant, lead.contact).await?;
        let contact = family.as_ref().map_or(lead.contact, Family::id);
        if let Some(email) = &patch.email {
            let order = Ulid::from_parts(now.unix_ms(), by.mark.random());
            store.claim_identity(by.tenant, &Identity::Email(email.clone()), contact).await?;
            let (tenant, field) = (by.tenant, PersonField::Email);
            store.learn_about_contact(tenant, contact, field, email.as_str(), order).await?;
        }
        let (status, card) = patched(&lead, patch)?;
        let happenings = differences(by, &lead, contact, patch, status, &card, now);
        if happenings.is_empty() {
            // An earlier run of this request may have made the change and died before it could tell.
            let differs = lead.updated_at == Some(now);
            let shown = read::fresh_lead(store, by.tenant, id, now).await?;
            return Ok(shown.map(|lead| Changed { lead, differs }));
        }
        let change = LeadChange {
            status,
            card: &card,
            referral: None,
            at: now,
            enquired_at: None,
            enquiry: None,
            touch: None,
        };
        match store.change_lead(by.tenant, &lead, &change, &happenings).await? {
            LeadChanged::Yes | LeadChanged::Before => {
                let shown = read::fresh_lead(store, by.tenant, id, now).await?;
                return Ok(shown.map(|lead| Changed { lead, differs: true }));
            }
            LeadChanged::LookAgain => {}
        }
    }
    Err(LeadError::Busy)
}

fn patched(lead: &Lead, patch: &LeadPatch) -> Result<(LeadStatus, LeadCard), LeadError> {
    let mut card = lead.card.clone();
    if let Some(name) = &patch.name {
        card.name = Some(name.clone());
    }
    card.email |= patch.email.is_some();
    set(&mut card.assigned_to, patch.assigned_to.as_ref());
    set(&mut card.budget_fils, patch.budget_fils.as_ref());
    set(&mut card.bedrooms, patch.bedrooms.as_ref());
    set(&mut card.area, patch.area.as_ref());
    set(&mut card.handover_horizon, patch.handover_horizon.as_ref());
    card.attributes = merged(&card.attributes, &patch.attributes)?;
    Ok((patch.status.unwrap_or(lead.status), card))
}

fn set<T: Clone>(slot: &mut Option<T>, given: Option<&Option<T>>) {
    if let Some(given) = given {
        slot.clone_from(given);
    }
}

/// What the timeline says about a change; nothing when nothing is different.
fn differences(
    by: By<'_>,
    lead: &Lead,
    contact: ContactId,
    patch: &LeadPatch,
    status: LeadStatus,
    card: &LeadCard,
    now: Millis,
) -> Vec<Happening> {
    let old = &lead.card;
    let mut said: Vec<(&str, Value)> = Vec::new();
    if status != lead.status {
        said.push(("lead.status_changed", json!({"from": lead.status, "to": status})));
    }
    if card.assigned_to != old.assigned_to {
        said.push(("lead.assigned", json!({"from": old.assigned_to, "to": card.assigned_to})));
    }
    let fields: Vec<&str> = [
        ("name", card.name != old.name),
        ("email", patch.email.is_some()),
        ("budget_aed", card.budget_fils != old.budget_fils),
        ("bedrooms", card.bedrooms != old.bedrooms),
        ("area", card.area != old.area),
        ("handover_horizon", card.handover_horizon != old.handover_horizon),
        ("attributes", card.attributes != old.attributes),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect();
    if !fields.is_empty() {
        said.push(("lead.updated", json!({"fields": fields})));
    }
    let happening = |(kind, data): (&str, Value)| Happening {
        id: EventId::from_ulid(derived_ulid(now.unix_ms(), &[&by.mark.to_string(), kind])),
        contact,
        lead: Some(lead.id),
        kind: kind.to_owned(),
        actor: by.actor.to_owned(),
        recorded_at: now,
        trace_id: by.trace_id,
        data,
    };
    said.into_iter().map(happening).collect()
}
