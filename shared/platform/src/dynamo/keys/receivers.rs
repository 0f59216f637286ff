//! Keys of customer webhooks: receivers, deliveries, and notices of windows about to close.

use super::{Key, contact_partition, due_before, key, tenant_partition};
use domain::ids::{ContactId, DeliveryId, EndpointId, TenantId};
use domain::time::Millis;
use ulid::Ulid;

/// A receiver of customer webhooks, beside the tenant's numbers: what happens is known to be told or not in one read.
pub(in crate::dynamo) fn endpoint(tenant: TenantId, endpoint: EndpointId) -> Key {
    key(tenant_partition(tenant), format!("{ENDPOINT_SORT}{}", endpoint.ulid()))
}

/// Where the sort keys of receivers begin.
pub(in crate::dynamo) const ENDPOINT_SORT: &str = "WE#";

/// How a receiver has been doing: written with every failure, so apart from what is read with every message.
pub(in crate::dynamo) fn endpoint_health(tenant: TenantId, endpoint: EndpointId) -> Key {
    key(format!("T#{tenant}#WE#{}", endpoint.ulid()), "HEALTH")
}

/// The tenant and the receiver that a receiver's key names.
pub(in crate::dynamo) fn endpoint_of(key: &Key) -> Option<(TenantId, EndpointId)> {
    let tenant = TenantId::parse(key.pk.strip_prefix("T#")?).ok()?;
    let endpoint = Ulid::from_string(key.sk.strip_prefix(ENDPOINT_SORT)?).ok()?;
    Some((tenant, EndpointId::from_ulid(endpoint)))
}

/// Receivers whose settings are too new for everybody to know, in the sparse index.
pub(in crate::dynamo) const NEW_ENDPOINTS: &str = "ENDPOINTS";

pub(in crate::dynamo) fn new_endpoint_sort(until: Millis, tenant: TenantId, endpoint: EndpointId) -> String {
    format!("{}#{tenant}#{endpoint}", due_before(until))
}

/// The delivery of an event to a receiver.
pub(in crate::dynamo) fn delivery(tenant: TenantId, delivery: DeliveryId) -> Key {
    key(format!("T#{tenant}#DV#{}", delivery.ulid()), "DLV")
}

/// The tenant and the delivery that a delivery's key names.
pub(in crate::dynamo) fn delivery_of(key: &Key) -> Option<(TenantId, DeliveryId)> {
    let (tenant, ulid) = key.pk.strip_prefix("T#")?.split_once("#DV#")?;
    Some((TenantId::parse(tenant).ok()?, DeliveryId::from_ulid(Ulid::from_string(ulid).ok()?)))
}

pub(in crate::dynamo) fn deliveries_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#DV")
}

/// How many partitions the deliveries that the sweeper must look at are spread over.
pub(in crate::dynamo) const DELIVERY_SHARDS: u8 = 16;

/// The shard of the sparse index that a delivery lies in.
pub(in crate::dynamo) fn deliveries_due(shard: u8) -> String {
    format!("DELIVERIES#{shard}")
}

/// The shard of a delivery.
pub(in crate::dynamo) fn delivery_shard(delivery: DeliveryId) -> u8 {
    let [.., low] = delivery.ulid().to_bytes();
    low % DELIVERY_SHARDS
}

pub(in crate::dynamo) fn delivery_due_sort(at: Millis, tenant: TenantId, delivery: DeliveryId) -> String {
    format!("{}#{tenant}#{delivery}", due_before(at))
}

/// When a contact's service window is about to close, for those who want to be told.
pub(in crate::dynamo) fn window_notice(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), "NOTICE")
}

/// Service windows about to close, in the sparse index.
pub(in crate::dynamo) const WINDOWS_DUE: &str = "WINDOWS";

pub(in crate::dynamo) fn window_due_sort(at: Millis, tenant: TenantId, contact: ContactId) -> String {
    format!("{}#{tenant}#{contact}", due_before(at))
}

/// The tenant and the contact in whose partition a key lies.
pub(in crate::dynamo) fn tenant_contact_of(key: &Key) -> Option<(TenantId, ContactId)> {
    let (tenant, ulid) = key.pk.strip_prefix("T#")?.split_once("#C#")?;
    Some((TenantId::parse(tenant).ok()?, ContactId::from_ulid(Ulid::from_string(ulid).ok()?)))
}
