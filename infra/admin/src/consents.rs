//! The consent ledger of a tenant, in its table or in an exported file.

use crate::audit::checkpoints;
use crate::command::ConsentsCommand;
use crate::{AdminError, Desk};
use crm::consent::{LedgerNotChecked, check};
use domain::ids::TenantId;
use domain::ledger::LedgerHead;
use domain::ledger_file::verify_file;
use std::path::Path;

pub(crate) async fn run(desk: &mut Desk<'_>, command: ConsentsCommand) -> Result<(), AdminError> {
    let ConsentsCommand::Verify { tenant, file, head } = command;
    match (tenant, file) {
        (_, Some(file)) => verify_exported(desk, &file, head.as_ref()),
        (Some(tenant), None) => verify_table(desk, tenant, head.as_ref()).await,
        // The command line demands one of them.
        (None, None) => Ok(()),
    }
}

async fn verify_table(
    desk: &mut Desk<'_>,
    tenant: TenantId,
    known: Option<&LedgerHead>,
) -> Result<(), AdminError> {
    let checkpoints = checkpoints(desk).await?;
    let checked = check(&desk.platform.store, &checkpoints, tenant, known).await;
    let checked = checked.map_err(|error| match error {
        LedgerNotChecked::Broken(broken) => AdminError::BrokenLedger(tenant, broken),
        LedgerNotChecked::Checkpoint(error) => AdminError::Checkpoints(error),
        LedgerNotChecked::Store(error) => AdminError::Store(error),
    })?;
    desk.say(&format!("{} rows, unbroken; {} of them erased", checked.rows, checked.erased))?;
    match checked.newest {
        Some(newest) => desk.say(&format!(
            "{} checkpoints, the newest of row {} at {}",
            checked.checkpoints, newest.seq, newest.at
        ))?,
        None => desk.say("no checkpoint yet: only the chain itself was checked")?,
    }
    desk.say(&format!("head  {}:{}", checked.head.seq, checked.head.hash))
}

fn verify_exported(desk: &mut Desk<'_>, file: &Path, known: Option<&LedgerHead>) -> Result<(), AdminError> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| AdminError::File(name.clone(), error))?;
    let sound = verify_file(&bytes, known).map_err(|broken| AdminError::BrokenFile(name, broken))?;
    desk.say(&format!("tenant  {}", sound.tenant))?;
    desk.say(&format!("{} rows, unbroken; {} of them erased", sound.rows, sound.erased))?;
    desk.say(&format!("head  {}:{}", sound.head.seq, sound.head.hash))
}
