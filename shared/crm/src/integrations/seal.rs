//! The secrets of a number: sealed each for its place, shown once, known later by their last four characters.

use super::{IntegrationError, OVERLAP_MS};
use crate::credentials::open;
use crate::provision::INTEGRATION_PURPOSE;
use domain::ids::TenantId;
use domain::time::Millis;
use platform::dynamo::Integration;
use platform::vault::{Vault, VaultError};

/// The suffix of the secret before a rotated one.
const PREVIOUS: &str = "_previous";
/// A secret with fewer characters shows none of them.
const SHORTEST_HINTED: usize = 12;

/// Seals a value under its name.
pub(crate) async fn put(
    vault: &Vault,
    tenant: TenantId,
    integration: &mut Integration,
    name: &str,
    secret: &str,
) -> Result<(), VaultError> {
    let version = integration.versions.get(name).copied().unwrap_or_default() + 1;
    integration.versions.insert(name.to_owned(), version);
    let sealed = vault.seal(tenant, INTEGRATION_PURPOSE, &integration.place(name), secret.as_bytes()).await?;
    integration.sealed.insert(name.to_owned(), sealed.to_string());
    if !name.ends_with(PREVIOUS) {
        integration.about.last4.insert(name.to_owned(), hint(secret));
    }
    Ok(())
}

/// Replaces a secret that webhooks are proven with; the old one stays good for a while. Nothing moves when it is the
/// same.
pub(super) async fn replace(
    vault: &Vault,
    tenant: TenantId,
    integration: &mut Integration,
    name: &str,
    secret: &str,
    now: Millis,
) -> Result<(), IntegrationError> {
    let old = match open(vault, tenant, integration, name).await {
        Ok(old) => old,
        // What cannot be opened is no secret to keep.
        Err(VaultError::Tampered(_)) => None,
        Err(error @ VaultError::Transient(_)) => return Err(error.into()),
    };
    if old.as_ref().is_some_and(|old| old.as_str() == secret) {
        return Ok(());
    }
    if let Some(old) = old {
        put(vault, tenant, integration, &format!("{name}{PREVIOUS}"), &old).await?;
        integration.about.previous_until = Some(now.plus_ms(OVERLAP_MS));
    }
    put(vault, tenant, integration, name, secret).await?;
    Ok(())
}

/// Seals every value again, under a data key of today: whatever is written anyway leaves old key material behind.
pub(super) async fn freshen(
    vault: &Vault,
    tenant: TenantId,
    integration: &mut Integration,
) -> Result<(), VaultError> {
    let names: Vec<String> = integration.sealed.keys().cloned().collect();
    for name in names {
        match open(vault, tenant, integration, &name).await {
            Ok(Some(secret)) => put(vault, tenant, integration, &name, &secret).await?,
            // What does not open stays as it is, for whoever looks into it.
            Ok(None) | Err(VaultError::Tampered(_)) => {}
            Err(error @ VaultError::Transient(_)) => return Err(error),
        }
    }
    Ok(())
}

/// Forgets the previous secrets whose time is over, or with `all` every one.
pub(super) fn forget_previous(integration: &mut Integration, all: bool, now: Millis) {
    if all || integration.about.previous_until.is_none_or(|until| until <= now) {
        integration.sealed.retain(|name, _| !name.ends_with(PREVIOUS));
        integration.about.previous_until = None;
    }
}

/// The last four characters of a secret that is long enough to lose them.
fn hint(secret: &str) -> String {
    let length = secret.chars().count();
    if length < SHORTEST_HINTED {
        return String::new();
    }
    secret.chars().skip(length - 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_shows_nothing_of_itself() {
        assert_eq!(hint("EAAG1234567890"), "7890");
        assert_eq!(hint("12345678901"), "");
        assert_eq!(hint(""), "");
    }
}
