//! Keys of how numbers stand with their customers: ratings, the messaging limit and who counts, turns, opt-outs.

use super::{Key, due_before, key, tenant_partition};
use domain::ids::{ContactId, MessageId, TenantId};
use domain::provider::Provider;
use domain::time::Millis;

/// Where the sort keys of numbers' health begin.
pub(in crate::dynamo) const HEALTH_SORT: &str = "HEALTH#";

/// How a number stands, beside the number itself: a send knows it without a read of its own.
pub(in crate::dynamo) fn number_health(tenant: TenantId, provider: Provider, number: &str) -> Key {
    key(tenant_partition(tenant), format!("{HEALTH_SORT}{provider}#{number}"))
}

/// The number that the key of its health names.
pub(in crate::dynamo) fn number_of(key: &Key) -> Option<(TenantId, Provider, String)> {
    let tenant = TenantId::parse(key.pk.strip_prefix("T#")?).ok()?;
    let (provider, number) = key.sk.strip_prefix(HEALTH_SORT)?.split_once('#')?;
    Some((tenant, Provider::parse(provider)?, number.to_owned()))
}

/// Numbers that the sweeper must look at, in the sparse index.
pub(in crate::dynamo) const HEALTH_DUE: &str = "HEALTH";

pub(in crate::dynamo) fn health_due_sort(
    at: Millis,
    tenant: TenantId,
    provider: Provider,
    number: &str,
) -> String {
    format!("{}#{tenant}#{provider}#{number}", due_before(at))
}

/// The sort key of a tenant's messaging limit.
pub(in crate::dynamo) const LIMIT_SORT: &str = "LIMIT";

/// How many people all numbers of a tenant together may write to first.
pub(in crate::dynamo) fn limit(tenant: TenantId) -> Key {
    key(tenant_partition(tenant), LIMIT_SORT)
}

/// That a person was written to first.
pub(in crate::dynamo) fn reached(tenant: TenantId, contact: ContactId) -> Key {
    key(format!("T#{tenant}#REACH"), format!("C#{}", contact.ulid()))
}

/// How many people were written to first.
pub(in crate::dynamo) fn reach(tenant: TenantId) -> Key {
    key(format!("T#{tenant}#REACH"), "ALL")
}

/// When a slow number's next message may leave.
pub(in crate::dynamo) fn turn(tenant: TenantId, provider: Provider, number: &str) -> Key {
    key(format!("T#{tenant}#TURN"), format!("{provider}#{number}"))
}

pub(in crate::dynamo) fn opt_outs_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#OPT")
}

/// One day's messages and opt-outs of a number.
pub(in crate::dynamo) fn opt_outs(tenant: TenantId, provider: Provider, number: &str, day: u64) -> Key {
    key(opt_outs_partition(tenant), format!("{provider}#{number}#{day:08}"))
}

/// A tenant's messages that conservative mode holds, in the sparse index.
pub(in crate::dynamo) fn held_sends(tenant: TenantId) -> String {
    format!("T#{tenant}#HELD")
}

/// What the sort keys of one number's held messages begin with.
pub(in crate::dynamo) fn held_on(provider: Provider, number: &str) -> String {
    format!("{provider}#{number}#")
}

pub(in crate::dynamo) fn held_sort(provider: Provider, number: &str, message: MessageId) -> String {
    format!("{}{}", held_on(provider, number), message.ulid())
}

/// One minute's calls of a provider, over all tenants.
pub(in crate::dynamo) fn provider_calls(provider: Provider, at: Millis) -> Key {
    key(format!("PROVIDER#{provider}"), format!("MIN#{:012}", at.unix_ms() / 60_000))
}
