//! Keys of consents: where contacts stand, the ledger's rows and its chain.

use super::{Key, contact_partition, due_before, key};
use domain::consent::Purpose;
use domain::ids::{ConsentId, ContactId, TenantId};
use domain::time::Millis;

/// Where a contact stands on one purpose.
pub(in crate::dynamo) fn consent(tenant: TenantId, contact: ContactId, purpose: Purpose) -> Key {
    key(contact_partition(tenant, contact), format!("CONSENT#{}", purpose.as_str()))
}

/// A row of the consent ledger: by the time it happened.
pub(in crate::dynamo) fn consent_row(tenant: TenantId, contact: ContactId, at: Millis, id: ConsentId) -> Key {
    consent_row_at(tenant, contact, &format!("CL#{}#{}", due_before(at), id.ulid()))
}

/// A row of the consent ledger, by the sort key that its place in the chain names.
pub(in crate::dynamo) fn consent_row_at(tenant: TenantId, contact: ContactId, sort: &str) -> Key {
    key(contact_partition(tenant, contact), sort)
}

/// The key that what is personal in the rows of a contact is sealed with: beside the contact.
pub(in crate::dynamo) fn data_key(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), "KEY")
}

/// The chain of a tenant's ledger, and its end.
pub(in crate::dynamo) fn ledger_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#LEDGER")
}

/// A place in the chain.
pub(in crate::dynamo) fn ledger_place(tenant: TenantId, seq: u64) -> Key {
    key(ledger_partition(tenant), format!("L#{seq:020}"))
}

/// The newest place.
pub(in crate::dynamo) fn ledger_head(tenant: TenantId) -> Key {
    key(ledger_partition(tenant), "HEAD")
}
