//! A receiver's secrets: made, sealed for the place where they lie, opened to sign.

use super::EndpointError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{EndpointId, TenantId};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::Endpoint;
use platform::vault::{Sealed, Tampered, VaultError};
use zeroize::Zeroizing;

/// What the secrets of receivers are sealed for.
pub(crate) const PURPOSE: &str = "endpoint";

/// The secrets that sign now, the newest first.
///
/// # Errors
/// The key service did not answer, or a value is damaged.
pub(crate) async fn secrets(
    platform: &Platform,
    tenant: TenantId,
    endpoint: &Endpoint,
    now: Millis,
) -> Result<Vec<Zeroizing<String>>, VaultError> {
    let mut secrets = vec![open(platform, tenant, endpoint, &endpoint.sealed).await?];
    if let (Some(before), Some(until)) = (&endpoint.sealed_before, endpoint.before_until)
        && until > now
    {
        secrets.push(open(platform, tenant, endpoint, before).await?);
    }
    Ok(secrets)
}

pub(super) fn new_secret() -> Result<Zeroizing<String>, EndpointError> {
    let mut random = Zeroizing::new([0u8; 32]);
    getrandom::fill(random.as_mut()).map_err(|_| EndpointError::Random)?;
    let encoded = Zeroizing::new(STANDARD.encode(random.as_ref()));
    Ok(Zeroizing::new(format!("whsec_{}", *encoded)))
}

fn place(id: EndpointId) -> String {
    format!("{id}|secret")
}

pub(super) async fn seal(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    secret: &str,
) -> Result<String, VaultError> {
    Ok(platform.vault.seal(tenant, PURPOSE, &place(id), secret.as_bytes()).await?.to_string())
}

pub(super) async fn open(
    platform: &Platform,
    tenant: TenantId,
    endpoint: &Endpoint,
    sealed: &str,
) -> Result<Zeroizing<String>, VaultError> {
    let sealed = Sealed::parse(sealed)?;
    let opened = platform.vault.open(tenant, PURPOSE, &place(endpoint.id), &sealed).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_32_random_bytes_in_base_64_behind_its_prefix() {
        let secret = new_secret().unwrap();
        assert_eq!((secret.len(), secret.get(..6)), (50, Some("whsec_")));
        assert_ne!(*secret, *new_secret().unwrap());
    }
}
