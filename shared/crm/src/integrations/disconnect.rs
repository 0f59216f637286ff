//! Taking a number away: its secrets first, then its webhooks at the provider. Conversations stay.

use super::hook::{account_is_ours, end};
use super::{IntegrationError, Outside, audit};
use crate::credentials::{self, secret_name};
use crate::send::By;
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::Integration;
use platform::vault::VaultError;
use serde::Serialize;

/// A number that was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disconnected {
    /// Who carried it.
    pub provider: Provider,
    /// The number; absent for a channel without a name.
    pub number: Option<String>,
    /// Whether the provider stopped sending webhooks.
    pub unsubscribed: bool,
    /// What became of the webhooks, in a sentence.
    pub message: String,
}

/// Takes a number away.
///
/// # Errors
/// The table or KMS did not answer, or somebody else changed the number; then it is still connected.
pub async fn disconnect(
    outside: Outside<'_>,
    by: By,
    integration: &Integration,
    others: &[Integration],
    now: Millis,
) -> Result<Disconnected, IntegrationError> {
    let provider = integration.number.provider;
    let vault = &outside.platform.vault;
    let access = match credentials::open(vault, by.tenant, integration, secret_name(provider)).await {
        Ok(access) => access,
        // What does not open cannot end anything, and must go all the same.
        Err(VaultError::Tampered(_)) => None,
        Err(error @ VaultError::Transient(_)) => return Err(error.into()),
    };
    if !outside.platform.store.disconnect_number(by.tenant, integration).await? {
        return Err(IntegrationError::Changed);
    }
    audit(outside.platform, by, "integration.delete", integration, now).await?;
    let shared = account_is_ours(others, &integration.number);
    let unsubscribed = match access {
        Some(access) if !shared => end(outside, &integration.number, &access).await,
        Some(_) | None => false,
    };
    let message = if unsubscribed {
        "The provider sends no more webhooks. Conversations stay."
    } else if shared {
        "Webhooks of the account go on for its other number here. Conversations stay."
    } else {
        match provider {
            Provider::Dialog360 => {
                "360dialog goes on posting to our address until another is set there; what it posts is refused. \
                 Conversations stay."
            }
            Provider::Meta | Provider::Ultramsg | Provider::Sandbox => {
                "The provider could not be told to stop; what it posts is refused. Conversations stay."
            }
        }
    };
    let number = Some(integration.number_id().to_owned()).filter(|number| number != "-");
    Ok(Disconnected { provider, number, unsubscribed, message: message.to_owned() })
}
