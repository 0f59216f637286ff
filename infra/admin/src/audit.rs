//! The audit log of a tenant.

use crate::command::AuditCommand;
use crate::{AdminError, Desk};
use crm::audit::{verify, whole};

pub(crate) async fn run(desk: &mut Desk<'_>, command: AuditCommand) -> Result<(), AdminError> {
    let AuditCommand::Verify { tenant, head: known } = command;
    // First the end: entries that are written meanwhile are newer.
    let head = desk.platform.store.audit_head(tenant).await?;
    let entries = whole(&desk.platform.store, tenant).await?;
    for head in [Some(&head), known.as_ref()].into_iter().flatten() {
        verify(&entries, Some(head)).map_err(|broken| AdminError::Broken(tenant, broken))?;
    }
    desk.say(&format!("{} entries, unbroken", entries.len()))?;
    desk.say(&format!("head  {}:{}", head.seq, head.hash))
}
