//! Keys of the assistant: the tenant's connection, and who waits for an answer.

use super::{Key, contact_partition, due_before, key, tenant_partition};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;

/// The sort key of the connection, beside the tenant's numbers.
pub(in crate::dynamo) const ASSISTANT_SORT: &str = "ASSISTANT";

/// The connection.
pub(in crate::dynamo) fn assistant(tenant: TenantId) -> Key {
    key(tenant_partition(tenant), ASSISTANT_SORT)
}

/// Where a contact's conversation stands with the assistant; it goes with the contact.
pub(in crate::dynamo) fn assistant_turn(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), "AST")
}

/// Customers who wait for the assistant, in the sparse index.
pub(in crate::dynamo) const ASSISTANT_DUE: &str = "ASSISTANT";

pub(in crate::dynamo) fn assistant_due_sort(at: Millis, tenant: TenantId, contact: ContactId) -> String {
    format!("{}#{tenant}#{contact}", due_before(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::keys::{chatwoot_thread, tenant_contact_of};
    use domain::ids::derived_ulid;

    #[test]
    fn the_assistants_keys_start_with_their_tenant_and_are_nobody_elses() {
        let tenant = TenantId::from_ulid(derived_ulid(1, &["t"]));
        let contact = ContactId::from_ulid(derived_ulid(2, &["c"]));
        let (own, turn) = (assistant(tenant), assistant_turn(tenant, contact));
        assert_eq!(own.pk, format!("T#{tenant}"));
        assert_eq!(tenant_contact_of(&turn), Some((tenant, contact)));
        assert_ne!(turn.sk, chatwoot_thread(tenant, contact).sk);
    }
}
