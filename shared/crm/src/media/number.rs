//! The number a file goes through, and what opens its door.

use super::{Files, MediaError};
use crate::credentials::{secret, sender};
use domain::ids::TenantId;
use domain::provider::Provider;
use platform::dynamo::{Integration, TenantFacts};
use providers::outbound::Sender;
use zeroize::Zeroizing;

/// A connected number with its secret.
pub(super) struct Door {
    integration: Integration,
    secret: Zeroizing<String>,
}

impl Door {
    /// Opens the secret of a number.
    pub(super) async fn open(
        files: &Files,
        tenant: TenantId,
        integration: Integration,
    ) -> Result<Self, MediaError> {
        let provider = integration.number.provider;
        let secret = secret(&files.platform, tenant, &integration).await?;
        Ok(Self { secret: secret.ok_or(MediaError::NotConnected { provider })?, integration })
    }

    pub(super) const fn provider(&self) -> Provider {
        self.integration.number.provider
    }

    pub(super) fn sender(&self) -> Sender<'_> {
        sender(&self.integration.number, &self.secret)
    }
}

/// The number of `provider` that a message came by; when it is not connected any more, another one of the same
/// provider, for an account's numbers share its files.
pub(super) fn of_message(
    facts: TenantFacts,
    provider: Provider,
    phone_number_id: Option<&str>,
    instance_id: Option<&str>,
) -> Option<Integration> {
    let (mut own, mut others): (Vec<_>, Vec<_>) = facts
        .integrations
        .into_iter()
        .filter(|one| one.number.provider == provider)
        .partition(|one| one.number.carries(provider, phone_number_id, None, instance_id));
    own.pop().or_else(|| others.pop())
}

/// The number that files are uploaded for: a live one, the providers that keep uploads first.
pub(super) fn to_send_from(facts: TenantFacts) -> Option<Integration> {
    let rank = |one: &Integration| match one.number.provider {
        Provider::Meta => 0,
        Provider::Dialog360 => 1,
        Provider::Ultramsg => 2,
        Provider::Sandbox => 3,
    };
    facts.integrations.into_iter().filter(|one| one.status == "live").min_by_key(rank)
}
