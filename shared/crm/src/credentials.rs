//! The secret that opens a number at its provider, taken out of the vault for one call.

use crate::provision::INTEGRATION_PURPOSE;
use domain::ids::TenantId;
use domain::provider::Provider;
use platform::Platform;
use platform::dynamo::Integration;
use platform::vault::{Sealed, Tampered, VaultError};
use zeroize::Zeroizing;

/// The name under which a provider's secret is sealed.
#[must_use]
pub const fn secret_name(provider: Provider) -> Option<&'static str> {
    match provider {
        Provider::Meta => Some("access_token"),
        Provider::Dialog360 => Some("api_key"),
        Provider::Ultramsg => Some("token"),
        Provider::Sandbox => None,
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
    let sealed =
        secret_name(integration.number.provider).and_then(|name| Some((name, integration.sealed.get(name)?)));
    let Some((name, sealed)) = sealed else { return Ok(None) };
    let field = format!("{}|{name}", integration.sort_key());
    let sealed = Sealed::parse(sealed)?;
    let opened = platform.vault.open(tenant, INTEGRATION_PURPOSE, &field, &sealed).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}
