//! A person as the API shows them.

use super::family::Family;
use crate::numbers::{carrier, needs_reoptin};
use domain::consent::Consents;
use domain::ids::{ContactId, ConversationId, LeadId, TenantId};
use domain::time::Millis;
use domain::window::WINDOW_MS;
use platform::dynamo::{PersonField, Store, StoreError};
use serde::Serialize;

/// Who a conversation is with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactBrief {
    /// Their id.
    pub id: ContactId,
    /// The name they chose to show.
    pub name: Option<String>,
    /// Their number in full.
    pub phone: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their WhatsApp user name, without `@`.
    pub username: Option<String>,
    /// Their business-scoped user id.
    pub bsuid: Option<String>,
}

/// A contact in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// The name they chose to show.
    pub name: Option<String>,
    /// Their number in full.
    pub phone: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their WhatsApp user name, without `@`.
    pub username: Option<String>,
    /// Their business-scoped user id.
    pub bsuid: Option<String>,
    /// Their id in the linked portfolio.
    pub parent_bsuid: Option<String>,
    /// A provider's opaque id of them.
    pub opaque_id: Option<String>,
    /// The conversation with them.
    pub conversation_id: ConversationId,
    /// Their lead.
    pub lead_id: Option<LeadId>,
    /// Whether offers may be sent to them: they agreed, did not withdraw, and agreed to hear from this number.
    pub marketable: bool,
    /// Where they stand on being written to.
    pub consent: Consents,
    /// Until when answers may be sent freely, because they wrote; no consent to anything else. Absent while closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_window_until: Option<Millis>,
    /// Whether they must agree again before offers are sent, because the business's number changed.
    pub needs_reoptin: bool,
    /// Contacts that turned out to be this person; their ids keep working.
    pub merged_ids: Vec<ContactId>,
    /// When the first event about them was received.
    pub created_at: Option<Millis>,
}

/// One contact; `None` when there is no such contact.
///
/// # Errors
/// The table did not answer.
pub async fn contact(
    store: &Store,
    tenant: TenantId,
    id: ContactId,
    now: Millis,
) -> Result<Option<Contact>, StoreError> {
    let Some(family) = Family::read(store, tenant, id).await? else { return Ok(None) };
    let (leads, ids) = (family.possible_leads(), family.ids());
    let (leads, consent, facts, conversations) = futures_util::future::try_join4(
        store.leads(tenant, &leads),
        store.consents(tenant, &ids),
        store.tenant_facts(tenant),
        store.conversations(tenant, &ids),
    )
    .await?;
    let newest = conversations.iter().max_by_key(|one| one.last_inbound);
    let carried = newest.and_then(|one| one.carried_by.as_ref());
    let last = newest.and_then(|one| one.last_inbound).map(|(_, at)| at);
    let via = carrier(&facts.integrations, carried);
    let needs_reoptin = via.is_some_and(|via| needs_reoptin(via, carried, last, &consent));
    let ContactBrief { id, name, phone, email, username, bsuid } = brief(&family);
    Ok(Some(Contact {
        id,
        name,
        phone,
        email,
        username,
        bsuid,
        parent_bsuid: family.get(PersonField::ParentBsuid).map(str::to_owned),
        opaque_id: family.get(PersonField::Opaque).map(str::to_owned),
        conversation_id: id.conversation(),
        lead_id: family.lead(&leads).map(|lead| lead.id),
        marketable: consent.allows_marketing() && !needs_reoptin,
        consent,
        service_window_until: last.map(|at| at.plus_ms(WINDOW_MS)).filter(|until| *until > now),
        needs_reoptin,
        merged_ids: family.ids().into_iter().filter(|other| *other != id).collect(),
        created_at: family.created_at(),
    }))
}

pub(super) fn brief(family: &Family) -> ContactBrief {
    let get = |field| family.get(field).map(str::to_owned);
    ContactBrief {
        id: family.id(),
        name: get(PersonField::Name),
        phone: get(PersonField::Phone),
        email: get(PersonField::Email),
        username: get(PersonField::Username),
        bsuid: get(PersonField::Bsuid),
    }
}
