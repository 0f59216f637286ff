//! Who works on a new lead, by the tenant's rules.

use super::ACTOR;
use crate::events::{Emitter, Receiver};
use crate::leads::{By, tell_changed};
use crate::read::{self, Facts, Family};
use domain::ids::{EventId, LeadId, TenantId, derived_ulid};
use domain::language::Language;
use domain::routing::{Assignment, Owner, OwnerFacts, in_turn, owner};
use domain::time::Millis;
use domain::webhook::EventType;
use platform::Platform;
use platform::dynamo::{Happening, Lead, LeadCard, LeadChange, LeadChanged, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

/// How often an assignment that met another change of the lead is tried again.
const TRIES: u32 = 8;

/// A lead that may need somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unowned<'a> {
    pub(super) tenant: TenantId,
    pub(super) lead: &'a Lead,
    pub(super) family: &'a Family,
    pub(super) conversation: Option<&'a Facts>,
    pub(super) language: Language,
    pub(super) trace_id: Uuid,
}

/// Gives a lead to whom the rules name, unless somebody works on it; who works on it then.
pub(super) async fn assign(
    platform: &Platform,
    rules: &Assignment,
    unowned: Unowned<'_>,
    now: Millis,
) -> Result<Option<String>, StoreError> {
    let Unowned { tenant, lead, language, .. } = unowned;
    let store = &platform.store;
    let previous = previous(store, unowned).await?;
    let facts = OwnerFacts {
        current: lead.card.assigned_to.as_deref(),
        previous: previous.as_deref(),
        area: lead.card.area.as_deref(),
        language,
        source: &lead.source,
    };
    let chosen = match owner(rules, facts) {
        Owner::Stays => return Ok(lead.card.assigned_to.clone()),
        Owner::Known(name) => name.to_owned(),
        Owner::Next(pool) => {
            let turn = store.next_in_pool(tenant, pool).await?;
            let Some(name) = in_turn(pool, turn) else { return Ok(None) };
            name.to_owned()
        }
    };
    written(platform, unowned, &chosen, now).await
}

/// Who worked on the person's last lead, else who works on their conversation.
async fn previous(store: &Store, unowned: Unowned<'_>) -> Result<Option<String>, StoreError> {
    let mut ids: Vec<LeadId> = unowned.family.possible_leads();
    ids.retain(|id| *id != unowned.lead.id);
    ids.sort_unstable();
    ids.dedup();
    let mut others = if ids.is_empty() { Vec::new() } else { store.leads(unowned.tenant, &ids).await? };
    others.sort_by_key(|other| other.position);
    let last = others.into_iter().rev().find_map(|other| other.card.assigned_to);
    let of_conversation = || unowned.conversation.and_then(Facts::assignee).map(str::to_owned);
    Ok(last.or_else(of_conversation))
}

async fn written(
    platform: &Platform,
    unowned: Unowned<'_>,
    name: &str,
    now: Millis,
) -> Result<Option<String>, StoreError> {
    let Unowned { tenant, family, trace_id, .. } = unowned;
    let store = &platform.store;
    let id = unowned.lead.id;
    let mark = derived_ulid(now.unix_ms(), &[&id.to_string(), "assignment"]);
    let mut lead = unowned.lead.clone();
    for _ in 0..TRIES {
        // A person may have been faster, and keeps it.
        if lead.card.assigned_to.is_some() {
            return Ok(lead.card.assigned_to);
        }
        let card = LeadCard { assigned_to: Some(name.to_owned()), ..lead.card.clone() };
        let change = LeadChange {
            status: lead.status,
            card: &card,
            referral: None,
            at: now,
            enquired_at: None,
            enquiry: None,
            touch: None,
        };
        let happening = Happening {
            id: EventId::from_ulid(mark),
            contact: family.id(),
            lead: Some(id),
            kind: "lead.assigned".to_owned(),
            actor: ACTOR.to_owned(),
            recorded_at: now,
            trace_id,
            data: json!({"from": null, "to": name}),
        };
        if store.change_lead(tenant, &lead, &change, &[happening]).await? == LeadChanged::Yes {
            let receivers = Receiver::read(platform, tenant).await?;
            let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id, now };
            if emitter.wants(EventType::LeadUpdated)
                && let Some(shown) = read::fresh_lead(store, tenant, id, now).await?
            {
                let by = By { tenant, actor: ACTOR, trace_id, mark };
                tell_changed(platform, by, &shown, now).await?;
            }
            return Ok(Some(name.to_owned()));
        }
        let Some(now_it_is) = store.lead(tenant, id).await? else { return Ok(None) };
        lead = now_it_is;
    }
    Ok(None)
}
