//! Envelope encryption for the tenants' secrets: what is sealed for one tenant, purpose and field opens nowhere else.
//!
//! KMS makes a data key per tenant and purpose and binds it to both by its encryption context; [`seal`] derives a
//! fresh key from it for every value. Nothing derived depends on how KMS wrapped the data key, so a new master key
//! needs only the wrapping replaced, not the values.

mod cache;
mod seal;

pub(crate) use seal::{DataKey, Place, open, seal};
pub use seal::{Sealed, Tampered};

use crate::aws::{Aws, AwsError, Effort, Service};
use crate::clock::SharedClock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cache::Cache;
use domain::ids::TenantId;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Seals and opens. Clones share the cache of data keys.
#[derive(Debug, Clone)]
pub struct Vault {
    aws: Aws,
    key_id: String,
    clock: SharedClock,
    cache: Arc<Mutex<Cache>>,
}

/// A value could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// KMS is down, slow, refuses us, or its key is switched off. The value is not in doubt.
    #[error("the key service did not answer as needed")]
    Transient(#[source] AwsError),
    /// The value is damaged, or was sealed for another tenant, purpose or field.
    #[error(transparent)]
    Tampered(#[from] Tampered),
}

#[derive(Serialize)]
struct Context<'a> {
    tenant: String,
    purpose: &'a str,
}

/// What KMS's refusal to open a wrapped data key means.
fn not_opened(error: AwsError) -> VaultError {
    match error.code() {
        // KMS's answer to another context, another key, and damage.
        Some("InvalidCiphertextException" | "IncorrectKeyException") => VaultError::Tampered(Tampered),
        _ => VaultError::Transient(error),
    }
}

impl Vault {
    /// Names the master key. No I/O.
    #[must_use]
    pub fn new(aws: Aws, key_id: String, clock: SharedClock) -> Self {
        Self { aws, key_id, clock, cache: Arc::default() }
    }

    /// Seals a value for one field of one tenant.
    ///
    /// # Errors
    /// [`VaultError::Transient`].
    pub async fn seal(
        &self,
        tenant: TenantId,
        purpose: &str,
        field: &str,
        plaintext: &[u8],
    ) -> Result<Sealed, VaultError> {
        let (key, wrapped) = match self.with_cache(|cache, now| cache.for_sealing(tenant, purpose, now)) {
            Some(known) => known,
            None => self.generate(tenant, purpose).await?,
        };
        Ok(seal(&key, &wrapped, &Place { tenant, purpose, field }, plaintext)?)
    }

    /// Opens a value that was sealed for exactly this tenant, purpose and field.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] when it was not, or is damaged; [`VaultError::Transient`] when KMS does not tell.
    pub async fn open(
        &self,
        tenant: TenantId,
        purpose: &str,
        field: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = self.open_quietly(tenant, purpose, field, sealed).await;
        if let Err(VaultError::Tampered(_)) = opened {
            // Somebody wrote the table past us, or a backup was mixed into it.
            tracing::error!(alarm = "seal_tampered", %tenant, purpose, field, "a sealed value does not open");
        }
        opened
    }

    async fn open_quietly(
        &self,
        tenant: TenantId,
        purpose: &str,
        field: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrapped = sealed.wrapped_key();
        let key = match self.with_cache(|cache, now| cache.for_opening(tenant, purpose, wrapped, now)) {
            Some(known) => known,
            None => self.unwrap(tenant, purpose, wrapped).await?,
        };
        Ok(open(&key, &Place { tenant, purpose, field }, sealed)?)
    }

    /// A new data key, kept for the next values of the same tenant and purpose.
    async fn generate(
        &self,
        tenant: TenantId,
        purpose: &str,
    ) -> Result<(Arc<DataKey>, Arc<[u8]>), VaultError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            key_id: &'a str,
            key_spec: &'a str,
            encryption_context: Context<'a>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            plaintext: Zeroizing<String>,
            ciphertext_blob: String,
        }
        let context = Context { tenant: tenant.to_string(), purpose };
        let input = Input { key_id: &self.key_id, key_spec: "AES_256", encryption_context: context };
        let made =
            self.aws.call::<_, Output>(Service::Kms, "GenerateDataKey", &input, Effort::Standard).await;
        let made = made.map_err(VaultError::Transient)?;
        let key = Arc::new(DataKey::from_base64(&made.plaintext)?);
        let wrapped: Arc<[u8]> = STANDARD.decode(&made.ciphertext_blob).map_err(|_| Tampered)?.into();
        self.with_cache(|cache, now| cache.put(tenant, purpose, &wrapped, &key, now));
        Ok((key, wrapped))
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        purpose: &str,
        wrapped: &[u8],
    ) -> Result<Arc<DataKey>, VaultError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            // Ours, never one that the value names: else whoever may write the table chooses the key.
            key_id: &'a str,
            ciphertext_blob: String,
            encryption_context: Context<'a>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            plaintext: Zeroizing<String>,
        }
        let context = Context { tenant: tenant.to_string(), purpose };
        let input = Input {
            key_id: &self.key_id,
            ciphertext_blob: STANDARD.encode(wrapped),
            encryption_context: context,
        };
        let opened = self.aws.call::<_, Output>(Service::Kms, "Decrypt", &input, Effort::Standard).await;
        let opened = opened.map_err(not_opened)?;
        let key = Arc::new(DataKey::from_base64(&opened.plaintext)?);
        self.with_cache(|cache, now| cache.put(tenant, purpose, wrapped, &key, now));
        Ok(key)
    }

    /// The same value with its data key wrapped anew, under the newest material of our master key. The plaintext of
    /// neither leaves KMS.
    ///
    /// # Errors
    /// As [`Vault::open`], as far as KMS can tell: the value itself is not opened.
    pub async fn rewrap(
        &self,
        tenant: TenantId,
        purpose: &str,
        sealed: Sealed,
    ) -> Result<Sealed, VaultError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            source_key_id: &'a str,
            destination_key_id: &'a str,
            ciphertext_blob: String,
            source_encryption_context: Context<'a>,
            destination_encryption_context: Context<'a>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            ciphertext_blob: String,
        }
        let context = || Context { tenant: tenant.to_string(), purpose };
        let input = Input {
            source_key_id: &self.key_id,
            destination_key_id: &self.key_id,
            ciphertext_blob: STANDARD.encode(sealed.wrapped_key()),
            source_encryption_context: context(),
            destination_encryption_context: context(),
        };
        let wrapped = self.aws.call::<_, Output>(Service::Kms, "ReEncrypt", &input, Effort::Standard).await;
        let wrapped = wrapped.map_err(not_opened)?;
        Ok(sealed.rewrapped(STANDARD.decode(&wrapped.ciphertext_blob).map_err(|_| Tampered)?))
    }

    fn with_cache<T>(&self, act: impl FnOnce(&mut Cache, domain::time::Millis) -> T) -> T {
        act(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now())
    }
}
