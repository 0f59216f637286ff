//! What is done with the whole ledger is in the audit log.

use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Problem};

/// Adds an entry about the tenant itself.
pub(crate) async fn note(platform: &Platform, caller: &Caller<Admin>, action: &str) -> Result<(), Problem> {
    let (actor, target) = (caller.principal.key_id.to_string(), caller.tenant().to_string());
    let trace_id = caller.call.trace_id;
    let entry = NewAuditEntry { at: caller.now(), actor: &actor, action, target: &target, trace_id };
    platform.store.append_audit(caller.tenant(), entry).await?;
    Ok(())
}
