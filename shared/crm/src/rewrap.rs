//! Wrapping the data keys of a tenant's secrets anew, after KMS got new key material. The secrets themselves stay as
//! they are, and nobody sees them.

use crate::assistant::ASSISTANT_PURPOSE;
use crate::chatwoot::CHATWOOT_PURPOSE;
use crate::endpoints::ENDPOINT_PURPOSE;
use crate::forms::FORM_PURPOSE;
use crate::privacy::PRIVACY_PURPOSE;
use crate::provision::INTEGRATION_PURPOSE;
use domain::ids::TenantId;
use platform::Platform;
use platform::dynamo::{SealedKind, StoreError};
use platform::vault::{Sealed, VaultError};
use std::collections::BTreeMap;

/// What came of a tenant's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rewrapped {
    /// Wrapped anew.
    pub done: u32,
    /// Written by somebody else meanwhile, and so sealed anew already.
    pub moved: u32,
    /// They do not open where they lie and stay as they are.
    pub damaged: u32,
}

/// A tenant's secrets were not all wrapped anew; what was done stays done.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// KMS did not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Wraps the data keys of all secrets of a tenant anew. Doing it twice, or while secrets are changed, harms nothing.
///
/// # Errors
/// The table or KMS did not answer.
pub async fn rewrap(platform: &Platform, tenant: TenantId) -> Result<Rewrapped, RewrapError> {
    let mut all = Rewrapped::default();
    for item in platform.store.sealed_items(tenant).await? {
        let purpose = match item.kind {
            SealedKind::Integration => INTEGRATION_PURPOSE,
            SealedKind::Chatwoot => CHATWOOT_PURPOSE,
            SealedKind::Assistant => ASSISTANT_PURPOSE,
            SealedKind::Endpoint => ENDPOINT_PURPOSE,
            SealedKind::Form => FORM_PURPOSE,
            SealedKind::Grave => PRIVACY_PURPOSE,
        };
        let mut new = BTreeMap::new();
        let mut fresh = 0;
        for (name, text) in &item.values {
            let wrapped = match Sealed::parse(text) {
                Ok(sealed) => platform.vault.rewrap(tenant, purpose, sealed).await,
                Err(tampered) => Err(tampered.into()),
            };
            match wrapped {
                Ok(sealed) => {
                    fresh += 1;
                    new.insert(name.clone(), sealed.to_string());
                }
                Err(VaultError::Tampered(_)) => {
                    tracing::error!(%tenant, name, "a sealed secret does not open where it lies");
                    all.damaged += 1;
                    new.insert(name.clone(), text.clone());
                }
                Err(error @ VaultError::Transient(_)) => return Err(error.into()),
            }
        }
        if fresh == 0 {
            continue;
        }
        if platform.store.replace_sealed(tenant, &item, &new).await? {
            all.done += fresh;
        } else {
            all.moved += fresh;
        }
    }
    Ok(all)
}
