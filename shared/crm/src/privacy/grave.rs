//! What is left of somebody who was erased: a keyed hash of each identity, and when. What happened before does not bring
//! them back; what they do afterwards makes somebody new.

use super::PRIVACY_PURPOSE;
use crate::ingest::IngestError;
use domain::identity::Identity;
use domain::ids::TenantId;
use domain::time::Millis;
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::Platform;
use platform::dynamo::{Grave, StoreError};
use platform::telemetry::chain;
use platform::vault::{Sealed, VaultError};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where the key is sealed.
const PLACE: &str = "graves";

/// The key of a tenant's graves could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GraveError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key service did not answer, or the key is damaged.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

impl From<GraveError> for IngestError {
    fn from(error: GraveError) -> Self {
        match error {
            GraveError::Store(error) => error.into(),
            GraveError::Vault(VaultError::Transient(_)) | GraveError::Random => {
                Self::Transient { reason: chain(&error) }
            }
            GraveError::Vault(VaultError::Tampered(_)) => Self::Permanent { reason: chain(&error) },
        }
    }
}

/// Whether somebody may be made under these identities by something that happened at `at`: an error when they were erased
/// since. Answers when the one who was erased had withdrawn the channel, if so: whoever is new is barred as well.
///
/// Asked only where somebody new would be made; a tenant that never erased anybody pays one read for it.
///
/// # Errors
/// [`IngestError::Erased`]; the table or the key service did not answer.
pub(crate) async fn barred_since(
    platform: &Platform,
    tenant: TenantId,
    identities: &[Identity],
    at: Millis,
) -> Result<Option<Millis>, IngestError> {
    let Some(sealed) = platform.store.grave_key(tenant).await.map_err(IngestError::from)? else {
        return Ok(None);
    };
    let key = opened(platform, tenant, &sealed).await?;
    let hashes: Vec<String> = identities.iter().map(|identity| hash(&key, identity)).collect();
    let graves = platform.store.graves(tenant, &hashes).await?;
    if graves.iter().any(|grave| is_older(at, *grave)) {
        return Err(IngestError::Erased);
    }
    Ok(graves.iter().filter_map(|grave| grave.barred_at).max())
}

/// Providers tell whole seconds: what happened in the second of the erasure counts as before it.
fn is_older(at: Millis, grave: Grave) -> bool {
    at.unix_ms() / 1000 <= grave.erased_at.unix_ms() / 1000
}

/// The key of a tenant's graves, made when there is none.
pub(super) async fn key(platform: &Platform, tenant: TenantId) -> Result<Zeroizing<Vec<u8>>, GraveError> {
    let sealed = if let Some(sealed) = platform.store.grave_key(tenant).await? {
        sealed
    } else {
        let mut random = Zeroizing::new([0u8; 32]);
        getrandom::fill(random.as_mut()).map_err(|_| GraveError::Random)?;
        let new = platform.vault.seal(tenant, PRIVACY_PURPOSE, PLACE, random.as_ref()).await?;
        // Somebody may have been faster: then theirs is the key.
        platform.store.keep_grave_key(tenant, new.to_string()).await?
    };
    opened(platform, tenant, &sealed).await
}

async fn opened(
    platform: &Platform,
    tenant: TenantId,
    sealed: &str,
) -> Result<Zeroizing<Vec<u8>>, GraveError> {
    let sealed = Sealed::parse(sealed).map_err(VaultError::from)?;
    Ok(platform.vault.open(tenant, PRIVACY_PURPOSE, PLACE, &sealed).await?)
}

/// An identity, hashed: whoever has the key can prove that it is this one, and nobody can read it back.
pub(super) fn hash(key: &[u8], identity: &Identity) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(identity.spelled().as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::phone::Phone;

    #[test]
    fn what_happened_up_to_the_second_of_the_erasure_is_old() {
        let grave = Grave { erased_at: Millis::from_unix_ms(10_400), barred_at: None };
        assert!(is_older(Millis::from_unix_ms(9_999), grave));
        assert!(is_older(Millis::from_unix_ms(10_000), grave));
        assert!(is_older(Millis::from_unix_ms(10_999), grave));
        assert!(!is_older(Millis::from_unix_ms(11_000), grave));
    }

    #[test]
    fn another_key_or_identity_gives_another_hash() {
        let one = Identity::Phone(Phone::from_wa_id("971501234567").unwrap());
        let other = Identity::Phone(Phone::from_wa_id("971501234568").unwrap());
        assert_ne!(hash(&[1; 32], &one), hash(&[2; 32], &one));
        assert_ne!(hash(&[1; 32], &one), hash(&[1; 32], &other));
        assert_eq!(hash(&[1; 32], &one).len(), 64);
    }
}
