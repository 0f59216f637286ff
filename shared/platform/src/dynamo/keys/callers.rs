//! The keys of those who call the API: their API keys, and how often they asked.

use super::{Key, key};
use domain::ids::{KeyId, TenantId};
use ulid::Ulid;

pub(in crate::dynamo) fn api_key(digest: &str) -> Key {
    key(format!("AK#{digest}"), "AK")
}

/// A tenant's API keys: where the list of them begins.
pub(in crate::dynamo) fn api_keys_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#KEYS")
}

/// Leads from a key's id to the digest it lies under.
pub(in crate::dynamo) fn api_key_pointer(tenant: TenantId, id: KeyId) -> Key {
    key(api_keys_partition(tenant), format!("{KEY_SORT}{}", id.ulid()))
}

/// Everything up to this sort key was made before the key with this ULID.
pub(in crate::dynamo) fn api_keys_before(ulid: Ulid) -> String {
    format!("{KEY_SORT}{}", Ulid::from(u128::from(ulid).saturating_sub(1)))
}

/// Where the sort keys of API keys begin.
pub(in crate::dynamo) const KEY_SORT: &str = "KEY#";

/// A tenant's requests of this minute, and the version of its keys.
pub(in crate::dynamo) fn rate(tenant: TenantId) -> Key {
    key(format!("T#{tenant}#RATE"), "RATE")
}

/// The name under which one key's requests are counted.
pub(in crate::dynamo) fn rate_count(key: KeyId) -> String {
    format!("K{}", key.ulid())
}

/// The attribute that counts all of a tenant's.
pub(in crate::dynamo) const RATE_ALL: &str = "all";

/// The attribute that counts them by key.
pub(in crate::dynamo) const RATE_BY_KEY: &str = "by_key";

/// The attribute that numbers the window.
pub(in crate::dynamo) const RATE_WINDOW: &str = "minute";

/// The attribute that tells whether a key of the tenant changed.
pub(in crate::dynamo) const RATE_VERSION: &str = "keys";
