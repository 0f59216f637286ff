//! Data that is kept and not used: nothing is sent, by whatever way; what the person writes is still recorded.

use crate::read::{self, Contact, Family};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;
use platform::dynamo::{NewAuditEntry, Store, StoreError};
use uuid::Uuid;

/// Restricts the use of a contact's data; `None` when there is no such contact. Restricted again, the first time stays.
///
/// # Errors
/// The table did not answer.
pub async fn restrict(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    actor: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<Option<Contact>, StoreError> {
    let Some(family) = Family::fresh(store, tenant, contact).await? else { return Ok(None) };
    if store.consents(tenant, &family.ids()).await?.restricted_at.is_none() {
        let target = family.id().to_string();
        let entry = NewAuditEntry { at: now, actor, action: "contact.restrict", target: &target, trace_id };
        store.restrict_contact(tenant, family.id(), now, entry).await?;
    }
    read::contact(store, tenant, contact, now).await
}

/// Lifts the restriction of a contact; `None` when there is no such contact. One that is being erased keeps it.
///
/// # Errors
/// The table did not answer.
pub async fn lift(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    actor: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<Option<Contact>, StoreError> {
    let Some(family) = Family::fresh(store, tenant, contact).await? else { return Ok(None) };
    if store.erasure(tenant, family.id().erasure()).await?.is_some() {
        return Ok(None);
    }
    if store.consents(tenant, &family.ids()).await?.restricted_at.is_some() {
        let target = family.id().to_string();
        let entry = NewAuditEntry { at: now, actor, action: "contact.unrestrict", target: &target, trace_id };
        store.lift_restriction(tenant, &family.ids(), entry).await?;
    }
    read::contact(store, tenant, contact, now).await
}
