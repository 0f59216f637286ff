//! Keys of first touches, and of whose turn it is to get a lead.

use super::{Key, digest, due_before, key, lead, lead_of};
use domain::ids::{LeadId, TenantId};
use domain::time::Millis;

/// The first touch of a lead, beside the lead.
pub(in crate::dynamo) fn touch(tenant: TenantId, id: LeadId) -> Key {
    key(lead(tenant, id).pk, "TOUCH")
}

/// How many partitions the first touches that the sweeper must look at are spread over.
pub(in crate::dynamo) const TOUCH_SHARDS: u8 = 4;

/// The shard of the sparse index that a lead's first touch lies in.
pub(in crate::dynamo) fn touches_due(shard: u8) -> String {
    format!("TOUCHES#{shard}")
}

/// The shard of a lead.
pub(in crate::dynamo) fn touch_shard(id: LeadId) -> u8 {
    let [.., low] = id.ulid().to_bytes();
    low % TOUCH_SHARDS
}

pub(in crate::dynamo) fn touch_due_sort(at: Millis, tenant: TenantId, id: LeadId) -> String {
    format!("{}#{tenant}#{}", due_before(at), id.ulid())
}

/// The tenant and the lead that the key of a first touch names.
pub(in crate::dynamo) fn touch_of(key: &Key) -> Option<(TenantId, LeadId)> {
    let (tenant, _) = key.pk.strip_prefix("T#")?.split_once("#L#")?;
    Some((TenantId::parse(tenant).ok()?, lead_of(key)?))
}

/// How many leads those of a pool got; a pool is who is in it.
pub(in crate::dynamo) fn pool(tenant: TenantId, agents: &[String]) -> Key {
    key(format!("T#{tenant}#POOL"), digest(&agents.join("\n")))
}
