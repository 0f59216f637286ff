//! Keys of what the rights of persons need: erasures, the graves they leave, what a tenant decided.

use super::{Key, due_before, key, tenant_partition};
use domain::ids::{ErasureId, TenantId};
use domain::time::Millis;
use ulid::Ulid;

/// A tenant's erasures, and the key of its graves.
pub(in crate::dynamo) fn erasure_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#ERA")
}

pub(in crate::dynamo) fn erasure(tenant: TenantId, erasure: ErasureId) -> Key {
    key(erasure_partition(tenant), format!("{ERASURE_SORT}{}", erasure.ulid()))
}

/// Where the sort keys of erasures begin.
pub(in crate::dynamo) const ERASURE_SORT: &str = "ERA#";

/// The sealed key that identities of erased persons are hashed with.
pub(in crate::dynamo) fn grave_key(tenant: TenantId) -> Key {
    key(erasure_partition(tenant), "KEY")
}

/// What is left of an identity of somebody who was erased: a keyed hash and a time.
pub(in crate::dynamo) fn grave(tenant: TenantId, hash: &str) -> Key {
    key(format!("T#{tenant}#GRAVE#{hash}"), "GRAVE")
}

/// Erasures that are not complete, in the sparse index.
pub(in crate::dynamo) const ERASURES_DUE: &str = "ERASURES";

pub(in crate::dynamo) fn erasure_due_sort(at: Millis, tenant: TenantId, erasure: ErasureId) -> String {
    format!("{}#{tenant}#{erasure}", due_before(at))
}

/// The tenant and the erasure that a key names.
pub(in crate::dynamo) fn erasure_of(key: &Key) -> Option<(TenantId, ErasureId)> {
    let tenant = TenantId::parse(key.pk.strip_prefix("T#")?.strip_suffix("#ERA")?).ok()?;
    let ulid = Ulid::from_string(key.sk.strip_prefix(ERASURE_SORT)?).ok()?;
    Some((tenant, ErasureId::from_ulid(ulid)))
}

/// The answers to requests with an idempotency key that name a contact or its lead.
pub(in crate::dynamo) fn answers_about(tenant: TenantId, about: Ulid) -> String {
    format!("T#{tenant}#ABOUT#{about}")
}

pub(in crate::dynamo) fn answer_about(tenant: TenantId, about: Ulid, digest: &str) -> Key {
    key(answers_about(tenant, about), digest)
}

/// Messages of groups by time: they are under no contact.
pub(in crate::dynamo) fn groups_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#GE")
}

/// What a tenant's admins decided about persons.
pub(in crate::dynamo) fn privacy_settings(tenant: TenantId) -> Key {
    key(tenant_partition(tenant), "PRIVACY")
}
