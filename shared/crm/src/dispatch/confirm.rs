//! A status or an echo that carries our id: the provider took the message, whatever became of its answer.

use domain::ids::TenantId;
use domain::time::Millis;
use platform::dynamo::{SendRecord, Store, StoreError};
use providers::outbound::our_id;

/// What an id in a webhook turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Confirmed {
    /// A message of ours.
    Ours(Box<SendRecord>),
    /// Nothing of this tenant's.
    NotOurs,
}

/// Settles the message that an echoed id names, if it was open, under the provider's id of it.
///
/// # Errors
/// The table did not answer.
pub async fn confirm(
    store: &Store,
    tenant: TenantId,
    echoed: &str,
    provider_message_id: &str,
    at: Millis,
    now: Millis,
) -> Result<Confirmed, StoreError> {
    let Some((id, _fence)) = our_id(echoed) else { return Ok(Confirmed::NotOurs) };
    let Some(record) = store.send(tenant, id).await? else { return Ok(Confirmed::NotOurs) };
    if record.provider_message_id.is_none() {
        let settled = store.confirm_send(tenant, &record, provider_message_id, at, now).await?;
        if settled {
            tracing::info!(message.id = %id, "{id} is settled by what the provider reports");
        }
    }
    Ok(Confirmed::Ours(Box::new(record)))
}
