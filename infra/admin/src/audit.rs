//! The audit log of a tenant.

use crate::command::AuditCommand;
use crate::{AdminError, Desk};
use crm::audit::{verify, whole};
use crm::audit_checkpoints::{NotChecked, check};
use platform::aws::{Effort, Service};
use platform::checkpoints::Checkpoints;
use platform::config::Config;
use serde_json::{Value, json};

pub(crate) async fn run(desk: &mut Desk<'_>, command: AuditCommand) -> Result<(), AdminError> {
    let AuditCommand::Verify { tenant, head: known } = command;
    let checkpoints = checkpoints(desk).await?;
    let store = &desk.platform.store;
    let checked = check(store, &checkpoints, tenant).await.map_err(|error| match error {
        NotChecked::Broken(broken) => AdminError::Broken(tenant, broken),
        NotChecked::Checkpoint(error) => AdminError::Checkpoints(error),
        NotChecked::Store(error) => AdminError::Store(error),
    })?;
    if let Some(known) = known {
        let entries = whole(store, tenant).await?;
        verify(&entries, Some(&known)).map_err(|broken| AdminError::Broken(tenant, broken))?;
    }
    desk.say(&format!("{} entries, unbroken", checked.entries))?;
    match checked.newest {
        Some(newest) => {
            let line = format!(
                "{} checkpoints, the newest of entry {} at {}",
                checked.checkpoints, newest.seq, newest.at
            );
            desk.say(&line)?;
        }
        None => desk.say("no checkpoint yet: only the chain itself was checked")?,
    }
    desk.say(&format!("head  {}:{}", checked.head.seq, checked.head.hash))
}

/// The bucket's name ends with the account, which the key's own description tells.
pub(crate) async fn checkpoints(desk: &Desk<'_>) -> Result<Checkpoints, AdminError> {
    let input = json!({"KeyId": desk.config.audit_key_id});
    let described: Value = desk.aws.call(Service::Kms, "DescribeKey", &input, Effort::Standard).await?;
    let account = described.pointer("/KeyMetadata/AWSAccountId").and_then(Value::as_str).unwrap_or_default();
    let bucket = format!("hadar-{}-audit-{account}", desk.config.stage);
    let config = Config { audit_bucket: bucket, ..desk.config.clone() };
    Ok(Checkpoints::new(&config, desk.aws.clone())?)
}
