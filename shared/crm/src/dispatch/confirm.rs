//! A status or an echo that carries our id: the provider took the message, whatever became of its answer.

use super::reacted;
use domain::ids::TenantId;
use domain::time::Millis;
use platform::dynamo::{Report, SendRecord, Store, StoreError};
use providers::outbound::our_id;

/// What an id in a webhook turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirmed {
    /// A message of ours.
    Ours(Box<SendRecord>),
    /// Nothing of this tenant's.
    NotOurs,
}

/// Settles the message that an echoed id names, if it was open, under the provider's id of it. `failed` says that the
/// provider took it and then could not deliver it.
///
/// # Errors
/// The table did not answer.
pub async fn confirm(
    store: &Store,
    tenant: TenantId,
    echoed: &str,
    provider_message_id: &str,
    failed: bool,
    at: Millis,
    now: Millis,
) -> Result<Confirmed, StoreError> {
    let Some((id, fence)) = our_id(echoed) else { return Ok(Confirmed::NotOurs) };
    let Some(record) = store.send(tenant, id).await? else { return Ok(Confirmed::NotOurs) };
    if record.provider_message_id.is_none() {
        let report = Report { provider_message_id, fence: fence.as_deref(), failed, at };
        let settled = store.confirm_send(tenant, &record, report, now).await?;
        if settled {
            tracing::info!(message.id = %id, "{id} is settled by what the provider reports");
        }
    }
    if !failed {
        // Its sender may have died before it noted the reaction.
        reacted(store, tenant, &record).await?;
    }
    Ok(Confirmed::Ours(Box::new(record)))
}
