//! From a person in a webhook to a contact: business-scoped id first, then the complete phone number, joined when both
//! are seen, followed when they change. Never by parts of a number.

use super::IngestError;
use crate::events::{Emitter, lead_created};
use crate::privacy::grave;
use domain::identity::{Identity, IdentityChange, Person};
use domain::ids::{ContactId, TenantId, derived_ulid};
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Claimed, Known, PersonField, Stage, Store};
use sha2::{Digest, Sha256};
use ulid::Ulid;
use uuid::Uuid;

/// What the lead of a new contact starts with.
#[derive(Debug)]
pub(super) struct LeadSeed<'a> {
    pub(super) source: &'static str,
    pub(super) referral: Option<String>,
    pub(super) created_at: Millis,
    pub(super) trace_id: Uuid,
    pub(super) emitter: Emitter<'a>,
}

/// A person as an event shows them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) tenant: TenantId,
    pub(super) person: &'a Person,
    /// Where the event stands among the others.
    pub(super) order: Ulid,
    pub(super) at: Millis,
    pub(super) received_at: Millis,
    /// Makes a lead of a new contact.
    pub(super) lead: Option<&'a LeadSeed<'a>>,
}

/// The contact of a person, made when it is new. For a known person who said nothing new this is one read.
pub(super) async fn resolve(platform: &Platform, seen: Seen<'_>) -> Result<ContactId, IngestError> {
    let store = &platform.store;
    let identities = seen.person.identities();
    let Some(first) = identities.first() else {
        return Err(IngestError::Permanent {
            reason: "the message names nobody it could be from or to".to_owned(),
        });
    };
    let digest = digest(seen.person);
    let stage = if seen.lead.is_some() { Stage::Lead } else { Stage::Contact };
    if let Some(known) = store.known_identity(seen.tenant, first, false).await?
        && known.former_since.is_none()
        && known.stage >= stage
        && known.seen == digest
    {
        return Ok(known.contact);
    }
    let contact = one_contact(platform, seen.tenant, &identities, seen.at).await?;
    settle(store, seen, contact, &identities, stage, &digest).await?;
    Ok(contact)
}

/// The contact of a number we are about to write to, made when it is new. No lead is made: nobody asked for anything.
pub(crate) async fn of_phone(
    platform: &Platform,
    tenant: TenantId,
    phone: &Phone,
    now: Millis,
) -> Result<ContactId, IngestError> {
    let person = Person { phone: Some(phone.clone()), ..Person::default() };
    let order = derived_ulid(now.unix_ms(), &[phone.e164()]);
    let seen = Seen { tenant, person: &person, order, at: now, received_at: now, lead: None };
    resolve(platform, seen).await
}

/// The contact that an identity names, made when it is new; nothing is written down about it yet.
pub(crate) async fn of_identity(
    platform: &Platform,
    tenant: TenantId,
    identity: &Identity,
    at: Millis,
) -> Result<ContactId, IngestError> {
    one_contact(platform, tenant, std::slice::from_ref(identity), at).await
}

/// Both sides of a changed identity name one contact from now on; the number left behind may be given to somebody
/// else by its carrier, so it is marked.
pub(super) async fn follow(
    platform: &Platform,
    tenant: TenantId,
    change: &IdentityChange,
    order: Ulid,
    at: Millis,
    received_at: Millis,
) -> Result<ContactId, IngestError> {
    let current = change.current.identities();
    let previous = change.previous.identities();
    let left: Vec<Identity> =
        previous.iter().filter(|identity| !current.contains(identity)).cloned().collect();
    // The change itself came before anybody else could use the number: look at it as of a moment earlier.
    let all: Vec<Identity> = previous.into_iter().chain(current.iter().cloned()).collect();
    if all.is_empty() {
        return Err(IngestError::Permanent { reason: "the identity change names nobody".to_owned() });
    }
    let store = &platform.store;
    let contact = one_contact(platform, tenant, &all, at).await?;
    let seen = Seen { tenant, person: &change.current, order, at, received_at, lead: None };
    settle(store, seen, contact, &current, Stage::Contact, "").await?;
    for identity in &left {
        let stage =
            store.known_identity(tenant, identity, true).await?.map_or(Stage::Contact, |known| known.stage);
        let former_since = matches!(identity, Identity::Phone(_)).then_some(at.unix_ms());
        let known = Known { contact, stage: stage.max(Stage::Contact), seen: String::new(), former_since };
        store.point_identity(tenant, identity, &known).await?;
    }
    Ok(contact)
}

/// The one contact that all these identities name: found, joined or made. The oldest id stays, so that every order of
/// events joins the same way.
async fn one_contact(
    platform: &Platform,
    tenant: TenantId,
    identities: &[Identity],
    at: Millis,
) -> Result<ContactId, IngestError> {
    let store = &platform.store;
    let mut named: Vec<ContactId> = Vec::new();
    let mut unknown: Vec<&Identity> = Vec::new();
    let mut given_back: Vec<&Identity> = Vec::new();
    for identity in identities {
        match store.known_identity(tenant, identity, true).await? {
            Some(known) if known.former_since.is_none_or(|since| at.unix_ms() <= since) => {
                named.push(store.canonical_contact(tenant, known.contact).await?);
            }
            Some(_) => given_back.push(identity),
            None => unknown.push(identity),
        }
    }
    named.sort_unstable();
    named.dedup();
    let mut contact = match named.first() {
        Some(oldest) => *oldest,
        None => {
            // Only here, where somebody new is made: whom we know was not erased.
            let barred = grave::barred_since(platform, tenant, identities, at).await?;
            let name = identities.first().map(spelled).unwrap_or_default();
            let new = ContactId::from_ulid(derived_ulid(at.unix_ms(), &[&tenant.to_string(), &name]));
            if let Some(barred) = barred {
                store.bar_channel(tenant, new, barred).await?;
            }
            new
        }
    };
    for identity in unknown {
        if let Claimed::Already(known) = store.claim_identity(tenant, identity, contact).await? {
            // Somebody was faster: the older of the two stays.
            let theirs = store.canonical_contact(tenant, known.contact).await?;
            if named.is_empty() {
                contact = theirs;
            }
            named.push(theirs);
            contact = contact.min(theirs);
        }
    }
    for identity in given_back {
        let known = Known { contact, stage: Stage::Claimed, seen: String::new(), former_since: None };
        store.point_identity(tenant, identity, &known).await?;
    }
    named.retain(|other| *other != contact);
    named.dedup();
    for gone in named {
        store.join_contacts(tenant, contact, gone).await?;
    }
    Ok(contact)
}

/// Writes what the event says about the person, makes the lead, and only then notes that nothing is left to do.
async fn settle(
    store: &Store,
    seen: Seen<'_>,
    contact: ContactId,
    identities: &[Identity],
    stage: Stage,
    digest: &str,
) -> Result<(), IngestError> {
    store.ensure_contact(seen.tenant, contact, seen.received_at, identities).await?;
    for (field, value) in fields(seen.person) {
        store.learn_about_contact(seen.tenant, contact, field, value, seen.order).await?;
    }
    if let Some(lead) = seen.lead {
        let made = store
            .ensure_first_lead(
                seen.tenant,
                contact,
                lead.source,
                lead.referral.as_deref(),
                lead.created_at,
                lead.trace_id,
            )
            .await?;
        // Before it is noted that nothing is left to do: afterwards nobody would come back for it.
        lead_created(lead.emitter, contact.first_lead(), !made).await?;
    }
    for identity in identities {
        let known = store.known_identity(seen.tenant, identity, true).await?;
        let known = Known {
            contact,
            // What was made for another contact, before a join, says nothing about this one.
            stage: known
                .as_ref()
                .filter(|known| known.contact == contact)
                .map_or(stage, |known| known.stage.max(stage)),
            seen: digest.to_owned(),
            // A late event from before the person moved away does not bring them back.
            former_since: known
                .and_then(|known| known.former_since)
                .filter(|since| seen.at.unix_ms() <= *since),
        };
        store.point_identity(seen.tenant, identity, &known).await?;
    }
    Ok(())
}

fn fields(person: &Person) -> Vec<(PersonField, &str)> {
    [
        (PersonField::Name, person.name.as_deref()),
        (PersonField::Username, person.username.as_deref()),
        (PersonField::Phone, person.phone.as_ref().map(Phone::e164)),
        (PersonField::Bsuid, person.bsuid.as_ref().map(domain::identity::Bsuid::as_str)),
        (PersonField::ParentBsuid, person.parent_bsuid.as_ref().map(domain::identity::Bsuid::as_str)),
        (PersonField::Opaque, person.opaque.as_deref()),
    ]
    .into_iter()
    .filter_map(|(field, value)| value.map(|value| (field, value)))
    .collect()
}

fn spelled(identity: &Identity) -> String {
    match identity {
        Identity::Bsuid(bsuid) => bsuid.as_str().to_owned(),
        Identity::Phone(phone) => phone.e164().to_owned(),
        Identity::Opaque(text) => text.clone(),
        Identity::Email(email) => email.as_str().to_owned(),
    }
}

/// A short digest of everything an event says about a person; equal digests mean that there is nothing to write.
fn digest(person: &Person) -> String {
    let mut hash = Sha256::new();
    for (field, value) in fields(person) {
        hash.update(format!("{field:?}={}:{value};", value.len()).as_bytes());
    }
    hex::encode(hash.finalize().get(..8).unwrap_or_default())
}
