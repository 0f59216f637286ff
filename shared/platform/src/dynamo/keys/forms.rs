//! Keys of lead forms: the forms, whose they are, and who filled them in lately.

use super::{Key, key};
use domain::ids::{FormId, TenantId};
use domain::rate::Window;

/// A tenant's forms: a partition of their own, because everything of the tenant's own is read with every message.
pub(in crate::dynamo) fn forms_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#FORMS")
}

pub(in crate::dynamo) fn form(tenant: TenantId, form: FormId) -> Key {
    key(forms_partition(tenant), format!("{FORM_SORT}{}", form.ulid()))
}

/// Where the sort keys of forms begin.
pub(in crate::dynamo) const FORM_SORT: &str = "FORM#";

/// Whose a form is; found before the tenant is known, as a visitor names the form alone.
pub(in crate::dynamo) fn form_owner(form: FormId) -> Key {
    key(format!("FM#{}", form.ulid()), "FM")
}

/// The sealed key that addresses of visitors are hashed with.
pub(in crate::dynamo) fn form_address_key(tenant: TenantId) -> Key {
    key(forms_partition(tenant), "ADDRESSKEY")
}

/// What one address sent to a form in one minute; `address` is a keyed hash.
pub(in crate::dynamo) fn form_rate(tenant: TenantId, form: FormId, address: &str, window: Window) -> Key {
    key(format!("T#{tenant}#FM#{}", form.ulid()), format!("A#{address}#W#{}", window.number()))
}

/// When a submission first came; `digest` names what makes it one submission.
pub(in crate::dynamo) fn form_submission(tenant: TenantId, form: FormId, digest: &str) -> Key {
    key(format!("T#{tenant}#FM#{}", form.ulid()), format!("S#{digest}"))
}
