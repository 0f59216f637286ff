//! What admins do here is in the audit log.

use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller};

/// The entry that a change is written together with.
pub(crate) fn entry<'a>(
    caller: &Caller<Admin>,
    actor: &'a str,
    action: &'a str,
    target: &'a str,
) -> NewAuditEntry<'a> {
    NewAuditEntry { at: caller.now(), actor, action, target, trace_id: caller.call.trace_id }
}
