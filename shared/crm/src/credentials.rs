//! The secret that opens a number at its provider, taken out of the vault for one call.

use crate::provision::INTEGRATION_PURPOSE;
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::tenant::Number;
use platform::Platform;
use platform::dynamo::Integration;
use platform::vault::{Sealed, Tampered, Vault, VaultError};
use providers::outbound::Sender;
use zeroize::Zeroizing;

/// The name of what opens a number at its provider: in the body that connects it and under which it is sealed.
#[must_use]
pub const fn secret_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Meta => "access_token",
        Provider::Dialog360 => "api_key",
        Provider::Ultramsg | Provider::Sandbox => "token",
    }
}

/// A number's access token, key or token; `None` when none was saved.
///
/// # Errors
/// KMS does not answer, or the value is damaged or was moved here from elsewhere.
pub async fn secret(
    platform: &Platform,
    tenant: TenantId,
    integration: &Integration,
) -> Result<Option<Zeroizing<String>>, VaultError> {
    open(&platform.vault, tenant, integration, secret_name(integration.number.provider)).await
}

/// One of a number's sealed values, by its name; `None` when there is none.
pub(crate) async fn open(
    vault: &Vault,
    tenant: TenantId,
    integration: &Integration,
    name: &str,
) -> Result<Option<Zeroizing<String>>, VaultError> {
    let Some(sealed) = integration.sealed.get(name) else { return Ok(None) };
    let place = integration.place(name);
    let opened = vault.open(tenant, INTEGRATION_PURPOSE, &place, &Sealed::parse(sealed)?).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// A number with its secret, as a provider's requests are made from it.
pub(crate) fn sender<'a>(number: &'a Number, secret: &'a str) -> Sender<'a> {
    Sender {
        provider: number.provider,
        phone_number_id: number.phone_number_id.as_deref(),
        instance_id: number.instance_id.as_deref(),
        secret,
    }
}
