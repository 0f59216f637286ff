//! What admins do here is in the audit log.

use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Problem};

/// The entry that a change is written together with.
pub(crate) fn entry<'a>(
    caller: &Caller<Admin>,
    actor: &'a str,
    action: &'a str,
    target: &'a str,
) -> NewAuditEntry<'a> {
    NewAuditEntry { at: caller.now(), actor, action, target, trace_id: caller.call.trace_id }
}

/// Adds an entry to the tenant's log.
pub(crate) async fn note(
    platform: &Platform,
    caller: &Caller<Admin>,
    action: &str,
    target: &str,
) -> Result<(), Problem> {
    let actor = caller.principal.key_id.to_string();
    platform.store.append_audit(caller.tenant(), entry(caller, &actor, action, target)).await?;
    Ok(())
}
