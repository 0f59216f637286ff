//! An erasure is asked for: from this moment on nothing is sent, nothing old comes back, and the rest is the sweeper's.

use super::grave::{self, GraveError, hash};
use crate::read::Family;
use domain::consent::ConsentState;
use domain::email::Email;
use domain::identity::{Bsuid, Identity};
use domain::ids::{ContactId, TenantId};
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Contact, Erasure, ErasureStage, Grave, NewAuditEntry, PersonField, StoreError};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An erasure could not be begun; asked for again it begins.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of the graves could not be had.
    #[error(transparent)]
    Grave(#[from] GraveError),
}

/// Begins the erasure of a contact, or answers the one that was begun; `None` when there is no such contact and never was
/// an erasure of it.
///
/// # Errors
/// [`EraseError`].
pub async fn erase(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    actor: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<Option<Erasure>, EraseError> {
    let store = &platform.store;
    let Some(family) = Family::fresh(store, tenant, contact).await? else {
        return Ok(store.erasure(tenant, contact.erasure()).await?);
    };
    if let Some(begun) = store.erasure(tenant, family.id().erasure()).await? {
        forget_names(platform, tenant, &begun).await?;
        return Ok(Some(begun));
    }
    let ids = family.ids();
    let names = names(family.members());
    let key = grave::key(platform, tenant).await?;
    let graves: Vec<String> = names.iter().map(|name| hash(&key, name)).collect();
    let standing = store.consents(tenant, &ids).await?.channel;
    let barred_at =
        standing.filter(|standing| standing.state == ConsentState::Revoked).map(|standing| standing.at);
    // Before anything is taken away: whoever dies after this leaves graves beside a person who is known still, and
    // graves count where nobody is known only.
    for grave in &graves {
        store.dig_grave(tenant, grave, Grave { erased_at: now, barred_at }).await?;
    }
    let erasure = Erasure {
        id: family.id().erasure(),
        contact: family.id(),
        leads: family.possible_leads(),
        family: ids,
        names: names.iter().map(Identity::spelled).collect(),
        graves,
        known_since: family.created_at().unwrap_or(now),
        requested_at: now,
        requested_by: actor.to_owned(),
        trace_id,
        round: 1,
        stage: ErasureStage::Names,
        cursor: None,
        look_again: false,
        counts: BTreeMap::new(),
        proof: None,
        revision: 0,
    };
    let target = erasure.contact.to_string();
    let entry = NewAuditEntry { at: now, actor, action: "contact.erase", target: &target, trace_id };
    if !store.begin_erasure(tenant, &erasure, entry).await? {
        // Somebody else began it in between.
        return Ok(store.erasure(tenant, erasure.id).await?);
    }
    forget_names(platform, tenant, &erasure).await?;
    Ok(Some(erasure))
}

/// Has an erasure done again on tables that were restored from before it: what was erased is there once more. Answers
/// whether there was anybody to erase; the graves are dug either way.
///
/// # Errors
/// [`EraseError`].
pub async fn erase_again(
    platform: &Platform,
    tenant: TenantId,
    done: &Erasure,
    sealed_key: &str,
) -> Result<bool, EraseError> {
    let store = &platform.store;
    store.keep_grave_key(tenant, sealed_key.to_owned()).await?;
    for grave in &done.graves {
        store.dig_grave(tenant, grave, Grave { erased_at: done.requested_at, barred_at: None }).await?;
    }
    if store.erasure(tenant, done.id).await?.is_some_and(|known| known.proof.is_some()) {
        // It was complete by the time that was restored.
        return Ok(false);
    }
    let again = erase(platform, tenant, done.contact, "platform", done.trace_id, done.requested_at).await?;
    Ok(again.is_some())
}

/// What the person writes from now on finds nobody, and makes somebody new.
async fn forget_names(platform: &Platform, tenant: TenantId, erasure: &Erasure) -> Result<(), StoreError> {
    for name in erasure.names.iter().filter_map(|name| Identity::parse_spelled(name)) {
        platform.store.forget_identity(tenant, &name, &erasure.family).await?;
    }
    Ok(())
}

/// Every identity that any of the contacts was ever known by.
fn names(members: &[Contact]) -> Vec<Identity> {
    let mut all: Vec<Identity> = Vec::new();
    for contact in members {
        let text = |field| contact.get(field);
        let told = [
            text(PersonField::Phone).and_then(|text| Phone::from_wa_id(text).ok()).map(Identity::Phone),
            text(PersonField::Bsuid).and_then(Bsuid::parse).map(Identity::Bsuid),
            text(PersonField::ParentBsuid).and_then(Bsuid::parse).map(Identity::Bsuid),
            text(PersonField::Opaque).map(|text| Identity::Opaque(text.to_owned())),
            text(PersonField::Email).and_then(|text| Email::parse(text).ok()).map(Identity::Email),
        ];
        for name in told.into_iter().flatten().chain(contact.known_by.iter().cloned()) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}
