//! Keys of Chatwoot: the connection, its conversations, what is carried over.

use super::{Key, contact_partition, due_before, key, tenant_partition};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;
use ulid::Ulid;

/// The sort key of the connection, beside the tenant's numbers.
pub(in crate::dynamo) const CHATWOOT_SORT: &str = "CHATWOOT";

/// The connection.
pub(in crate::dynamo) fn chatwoot(tenant: TenantId) -> Key {
    key(tenant_partition(tenant), CHATWOOT_SORT)
}

/// The sort key of a contact's conversation there.
pub(in crate::dynamo) const CHATWOOT_THREAD: &str = "CW";

/// A contact's conversation there.
pub(in crate::dynamo) fn chatwoot_thread(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), CHATWOOT_THREAD)
}

/// Whose a conversation there is.
pub(in crate::dynamo) fn chatwoot_conversation(tenant: TenantId, conversation: u64) -> Key {
    key(format!("T#{tenant}#CW#{conversation}"), "CW")
}

/// Where the sort keys of what is to be carried over begin.
pub(in crate::dynamo) const CHATWOOT_PLACE: &str = "CWL#";

/// Something to carry over: what is next lies first.
pub(in crate::dynamo) fn chatwoot_place(tenant: TenantId, contact: ContactId, order: Ulid) -> Key {
    key(contact_partition(tenant, contact), format!("{CHATWOOT_PLACE}{order}"))
}

/// That something was ever to be carried over.
pub(in crate::dynamo) fn chatwoot_known(tenant: TenantId, contact: ContactId, order: Ulid) -> Key {
    key(contact_partition(tenant, contact), format!("CWK#{order}"))
}

/// Conversations that are to be looked at, in the sparse index.
pub(in crate::dynamo) const CHATWOOT_DUE: &str = "CHATWOOT";

pub(in crate::dynamo) fn chatwoot_due_sort(at: Millis, tenant: TenantId, contact: ContactId) -> String {
    format!("{}#{tenant}#{contact}", due_before(at))
}
