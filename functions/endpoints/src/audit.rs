//! What admins do here is in the audit log.

use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Problem};

/// Adds an entry to the tenant's log.
pub(crate) async fn note(
    platform: &Platform,
    caller: &Caller<Admin>,
    action: &str,
    target: &str,
) -> Result<(), Problem> {
    let actor = caller.principal.key_id.to_string();
    let entry =
        NewAuditEntry { at: caller.now(), actor: &actor, action, target, trace_id: caller.call.trace_id };
    platform.store.append_audit(caller.tenant(), entry).await?;
    Ok(())
}
