//! What is known about the one a message is for, and the number it would go out on.

use super::SendError;
use super::evaluate::Target;
use crate::events::Receiver;
use crate::numbers::{Carried, carrier, changed_since, needs_reoptin};
use crate::read::{Facts, Family};
use domain::consent::Consents;
use domain::health::{MessagingLimit, Mode, NumberHealth};
use domain::identity::{Bsuid, Identity};
use domain::ids::{ContactId, TenantId};
use domain::language::Language;
use domain::phone::Phone;
use domain::provider::Provider;
use domain::tenant::Tenant;
use domain::time::Millis;
use platform::dynamo::{
    Conversation, HealthRecord, Integration, OutRecipient, PersonField, Store, StoreError, TenantFacts,
};

/// The number a message goes out on.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Who carries it.
    pub(crate) provider: Provider,
    /// The number, as its item is named.
    pub(crate) number: String,
    /// The number's settings; absent for the sandbox.
    pub(crate) integration: Option<Integration>,
}

impl Route {
    /// Why nothing can be sent on it now, if so.
    pub(crate) fn broken(&self) -> Option<&str> {
        let integration = self.integration.as_ref().filter(|integration| integration.status != "live")?;
        Some(integration.broken_reason.as_deref().unwrap_or("The number's connection is broken."))
    }
}

/// Everything the rule needs, read once.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub(crate) tenant: Tenant,
    /// All contacts that are this person, the one that stayed first; empty for somebody we never heard of.
    pub(crate) family: Vec<ContactId>,
    pub(crate) recipient: OutRecipient,
    /// The customer's latest message and the contact whose conversation holds it.
    pub(crate) last_inbound: Option<(ContactId, Millis)>,
    pub(crate) language: Option<Language>,
    pub(crate) consents: Consents,
    pub(crate) route: Option<Route>,
    integrations: Vec<Integration>,
    /// The number that the customer's latest message was written to.
    carried: Option<Carried>,
    health: Vec<HealthRecord>,
    /// How many people may be written to first within a day, as far as it was told.
    pub(crate) limit: Option<MessagingLimit>,
    /// The conversation, if anybody wrote.
    pub(crate) conversation: Option<Facts>,
    /// Who is to be told what becomes of it.
    pub(crate) receivers: Vec<Receiver>,
    /// Whether conversations are carried over to Chatwoot.
    pub(crate) chatwoot: bool,
}

impl Situation {
    /// The route on a number of the tenant's, if it is still connected.
    pub(crate) fn other_route(&self, provider: Provider, number: &str) -> Option<Route> {
        let same = |one: &&Integration| one.number.provider == provider && one.number_id() == number;
        let integration = self.integrations.iter().find(same)?.clone();
        Some(Route { provider, number: number.to_owned(), integration: Some(integration) })
    }

    /// The customer's latest message as far as it opens a window on the route: WhatsApp opens one on the phone number that
    /// was written to and on no other.
    pub(crate) fn window_opened_at(&self) -> Option<Millis> {
        let (_, at) = self.last_inbound?;
        let via = self.route.as_ref().and_then(|route| route.integration.as_ref());
        let changed = via.and_then(|via| changed_since(via, self.carried.as_ref(), Some(at)));
        changed.is_none().then_some(at)
    }

    /// Whether the person agreed to hear from another phone number than the route's.
    pub(crate) fn needs_reoptin(&self) -> bool {
        let via = self.route.as_ref().and_then(|route| route.integration.as_ref());
        let last = self.last_inbound.map(|(_, at)| at);
        via.is_some_and(|via| needs_reoptin(via, self.carried.as_ref(), last, &self.consents))
    }

    /// How a number stands with its customers, as far as it was told.
    pub(crate) fn health(&self, route: &Route) -> Option<&NumberHealth> {
        let same = |one: &&HealthRecord| one.provider == route.provider && one.number == route.number;
        self.health.iter().find(same).map(|record| &record.health)
    }

    /// How a number sends.
    pub(crate) fn mode(&self, route: &Route) -> Mode {
        self.health(route).map_or(Mode::Normal, |health| health.mode)
    }

    /// Reads the situation of a send.
    pub(crate) async fn of(store: &Store, tenant: TenantId, target: &Target) -> Result<Self, SendError> {
        let (contact, phone) = match target {
            Target::Lead(id) => {
                let lead = store.leads(tenant, &[*id]).await?.pop().ok_or(SendError::NotFound)?;
                (Some(lead.contact), None)
            }
            Target::Conversation(id) => {
                let contact = id.contact();
                if store.conversations(tenant, &[contact]).await?.is_empty() {
                    return Err(SendError::NotFound);
                }
                (Some(contact), None)
            }
            Target::Contact(contact) => (Some(*contact), None),
            Target::Phone(phone) => {
                let identity = Identity::Phone(phone.clone());
                let known = store.known_identity(tenant, &identity, true).await?;
                let current = known.filter(|known| known.former_since.is_none());
                (current.map(|known| known.contact), Some(phone.clone()))
            }
        };
        Ok(Self::of_contact(store, tenant, contact, phone).await?)
    }

    /// Reads the situation of a contact; `phone` is the number to use whatever the contact's own is.
    pub(crate) async fn of_contact(
        store: &Store,
        tenant: TenantId,
        contact: Option<ContactId>,
        phone: Option<Phone>,
    ) -> Result<Self, StoreError> {
        let (facts, family) = futures_util::future::try_join(store.tenant_facts(tenant), async {
            match contact {
                Some(contact) => Family::read(store, tenant, contact).await,
                None => Ok(None),
            }
        })
        .await?;
        let ids = family.as_ref().map(Family::ids).or_else(|| contact.map(|contact| vec![contact]));
        let ids = ids.unwrap_or_default();
        let (conversations, consents) = futures_util::future::try_join(
            async { if ids.is_empty() { Ok(Vec::new()) } else { store.conversations(tenant, &ids).await } },
            async {
                if ids.is_empty() { Ok(Consents::default()) } else { store.consents(tenant, &ids).await }
            },
        )
        .await?;
        let newest =
            conversations.iter().filter(|one| one.last_inbound.is_some()).max_by_key(|one| one.last_inbound);
        let language = conversations.iter().filter_map(|one| one.language).max_by_key(|(order, _)| *order);
        let said = |field| family.as_ref().and_then(|family| family.get(field));
        let recipient = OutRecipient {
            phone: phone.or_else(|| said(PersonField::Phone).and_then(|text| Phone::from_wa_id(text).ok())),
            bsuid: said(PersonField::Bsuid).and_then(Bsuid::parse),
        };
        let route = route(&facts, newest);
        let tenant = facts.tenant.ok_or_else(|| StoreError::missing("read tenant", tenant))?;
        Ok(Self {
            tenant,
            family: ids,
            recipient,
            last_inbound: newest.and_then(|one| Some((one.contact, one.last_inbound?.1))),
            language: language.map(|(_, language)| language),
            consents,
            route,
            conversation: Facts::of(conversations.iter()),
            receivers: Receiver::of(&facts.endpoints),
            chatwoot: facts.chatwoot,
            limit: facts.limit.map(|told| told.value),
            health: facts.health,
            integrations: facts.integrations,
            carried: newest.and_then(|one| one.carried_by.clone()),
        })
    }
}

/// The number of the customer's latest message or what took its place; else the primary one.
fn route(facts: &TenantFacts, newest: Option<&Conversation>) -> Option<Route> {
    if facts.tenant.as_ref().is_some_and(|tenant| tenant.sandbox_of.is_some()) {
        return Some(Route { provider: Provider::Sandbox, number: "-".to_owned(), integration: None });
    }
    let chosen = carrier(&facts.integrations, newest.and_then(|one| one.carried_by.as_ref()))?;
    Some(Route {
        provider: chosen.number.provider,
        number: chosen.number_id().to_owned(),
        integration: Some(chosen.clone()),
    })
}
