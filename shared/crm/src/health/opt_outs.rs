//! Counting messages that left and people who then withdrew. A count that is lost costs a little of a rate, so a table
//! that does not answer is a warning in the log and no more.

use domain::consent::{ConsentState, Consents, Standing};
use domain::health::OptOuts;
use domain::ids::{ContactId, TenantId};
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::{Store, StoreError};
use platform::telemetry::chain;

/// Whether a contact withdrew before: somebody who writes STOP twice opted out once.
pub(crate) async fn has_opted_out(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
) -> Result<bool, StoreError> {
    let Consents { channel, marketing, .. } = store.consents(tenant, &[contact]).await?;
    let revoked = |standing: Option<Standing>| standing.is_some_and(|one| one.state == ConsentState::Revoked);
    Ok(revoked(channel) || revoked(marketing))
}

/// One more person withdrew, on this number.
pub(crate) async fn count_opt_out(
    store: &Store,
    tenant: TenantId,
    provider: Provider,
    number: &str,
    now: Millis,
) {
    add(store, tenant, provider, number, OptOuts { sends: 0, opt_outs: 1 }, now).await;
}

/// One more message left on this number.
pub(crate) async fn count_sent(
    store: &Store,
    tenant: TenantId,
    provider: Provider,
    number: &str,
    now: Millis,
) {
    if provider != Provider::Sandbox {
        add(store, tenant, provider, number, OptOuts { sends: 1, opt_outs: 0 }, now).await;
    }
}

async fn add(store: &Store, tenant: TenantId, provider: Provider, number: &str, more: OptOuts, now: Millis) {
    if let Err(error) = store.add_opt_outs(tenant, provider, number, more, now).await {
        tracing::warn!("a count of opt-outs is one too low: {}", chain(&error));
    }
}
