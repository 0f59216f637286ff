//! Keys of templates, and of reading them from the providers.

use super::{Key, due_before, key};
use domain::ids::{TemplateId, TenantId};
use domain::template::name_digest;
use domain::time::Millis;
use ulid::Ulid;

/// A tenant's templates: a partition of their own, because everything of the tenant's own is read at once.
pub(in crate::dynamo) fn template_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#TPL")
}

pub(in crate::dynamo) fn template(tenant: TenantId, template: TemplateId) -> Key {
    key(template_partition(tenant), format!("{TEMPLATE_SORT}{}", template.ulid()))
}

/// Where the sort keys of templates begin.
pub(in crate::dynamo) const TEMPLATE_SORT: &str = "TPL#";

/// What the sort keys of all templates of one name begin with: the time part of their ids.
pub(in crate::dynamo) fn templates_named(name: &str) -> String {
    let first = Ulid::from_parts(name_digest(name), 0).to_string();
    format!("{TEMPLATE_SORT}{}", first.get(..10).unwrap_or_default())
}

/// When a tenant's templates were last read from its providers.
pub(in crate::dynamo) fn template_sync(tenant: TenantId) -> Key {
    key(template_partition(tenant), "SYNC")
}

/// The tenants whose providers' lists are to be read again, in the sparse index.
pub(in crate::dynamo) const TEMPLATES_DUE: &str = "TEMPLATES";

pub(in crate::dynamo) fn templates_due_sort(at: Millis, tenant: TenantId) -> String {
    format!("{}#{tenant}", due_before(at))
}

/// The tenant whose templates a key belongs to.
pub(in crate::dynamo) fn templates_of(key: &Key) -> Option<TenantId> {
    TenantId::parse(key.pk.strip_prefix("T#")?.strip_suffix("#TPL")?).ok()
}
