//! What a caller does, in the audit log of their tenant.

use super::{Caller, Problem};
use crate::dynamo::{NewAuditEntry, Store};

impl<R> Caller<R> {
    /// Adds an entry about `target` to the tenant's log: by this key, in this request.
    ///
    /// # Errors
    /// The table did not answer.
    pub async fn note(&self, store: &Store, action: &str, target: &str) -> Result<(), Problem> {
        let actor = self.principal.key_id.to_string();
        let (at, trace_id) = (self.now(), self.call.trace_id);
        let entry = NewAuditEntry { at, actor: &actor, action, target, trace_id };
        store.append_audit(self.tenant(), entry).await?;
        Ok(())
    }
}
