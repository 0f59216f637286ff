//! Which contact an enquiry is about: by its phone number, else by its e-mail address.
//!
//! A number names one person; an address may be a family's or an office's. So an address finds a contact only where no
//! number says otherwise, and two contacts are never joined because of one.

use crate::ingest::{IngestError, contact_of_identity};
use crate::read::Family;
use domain::email::Email;
use domain::identity::Identity;
use domain::ids::{ContactId, TenantId};
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Claimed, Known, PersonField, Stage, Store, StoreError};
use ulid::Ulid;

/// What an enquiry says about a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enquirer<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) phone: Option<&'a Phone>,
    pub(super) email: Option<&'a Email>,
}

/// The contact of an enquiry, made when it is new; its fields are filled.
pub(super) async fn contact(
    platform: &Platform,
    tenant: TenantId,
    who: Enquirer<'_>,
    order: Ulid,
    at: Millis,
) -> Result<ContactId, IngestError> {
    let store = &platform.store;
    let phone = who.phone.cloned().map(Identity::Phone);
    let email = who.email.cloned().map(Identity::Email);
    let contact = match (&phone, &email) {
        (Some(phone), Some(email)) => {
            let unknown = !is_known(store, tenant, phone, at).await?;
            match by_address(store, tenant, email).await? {
                Some(contact) if unknown => claim(platform, tenant, phone, contact, at).await?,
                Some(_) | None => contact_of_identity(platform, tenant, phone, at).await?,
            }
        }
        (Some(identity), None) | (None, Some(identity)) => {
            contact_of_identity(platform, tenant, identity, at).await?
        }
        (None, None) => {
            return Err(IngestError::Permanent {
                reason: "neither a phone number nor an e-mail address".into(),
            });
        }
    };
    if let Some(email) = &email {
        // An address that names somebody else already goes on doing so.
        store.claim_identity(tenant, email, contact).await?;
    }
    let known_by: Vec<Identity> = phone.iter().chain(&email).cloned().collect();
    store.ensure_contact(tenant, contact, at, &known_by).await?;
    // A name from a form is the weakest word there is: what the person shows on WhatsApp replaces it.
    let weakest = Ulid::from_parts(1, order.random());
    for (field, value, order) in [
        (PersonField::Name, who.name, weakest),
        (PersonField::Phone, who.phone.map(Phone::e164), order),
        (PersonField::Email, who.email.map(Email::as_str), order),
    ] {
        if let Some(value) = value {
            store.learn_about_contact(tenant, contact, field, value, order).await?;
        }
    }
    Ok(contact)
}

/// Notes that the person's lead exists, so that their first message on WhatsApp does not make another one.
pub(super) async fn has_lead(store: &Store, tenant: TenantId, phone: &Phone) -> Result<(), StoreError> {
    let identity = Identity::Phone(phone.clone());
    if let Some(known) = store.known_identity(tenant, &identity, true).await?
        && known.stage < Stage::Lead
    {
        store.point_identity(tenant, &identity, &Known { stage: Stage::Lead, ..known }).await?;
    }
    Ok(())
}

async fn is_known(
    store: &Store,
    tenant: TenantId,
    identity: &Identity,
    at: Millis,
) -> Result<bool, StoreError> {
    let known = store.known_identity(tenant, identity, true).await?;
    Ok(known.is_some_and(|known| known.former_since.is_none_or(|since| at.unix_ms() <= since)))
}

/// The contact that an address names, if no number is known of them.
async fn by_address(
    store: &Store,
    tenant: TenantId,
    email: &Identity,
) -> Result<Option<ContactId>, StoreError> {
    let Some(known) = store.known_identity(tenant, email, true).await? else { return Ok(None) };
    let Some(family) = Family::fresh(store, tenant, known.contact).await? else { return Ok(None) };
    Ok(family.get(PersonField::Phone).is_none().then(|| family.id()))
}

/// Makes a number that names nobody name a contact; whoever is faster keeps it.
async fn claim(
    platform: &Platform,
    tenant: TenantId,
    phone: &Identity,
    contact: ContactId,
    at: Millis,
) -> Result<ContactId, IngestError> {
    match platform.store.claim_identity(tenant, phone, contact).await? {
        Claimed::Now => Ok(contact),
        // Somebody was faster, or the number was given back by its owner.
        Claimed::Already(_) => contact_of_identity(platform, tenant, phone, at).await,
    }
}
