//! Encrypting, decrypting, data keys and randomness.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::{Blob, Context, DataKey, Decrypt, Encrypt, Random, ReEncrypt};
use super::keys::{Key, Spec};
use super::{Kms, cipher, error};
use crate::protocol::ApiError;

const ALGORITHM: &str = "SYMMETRIC_DEFAULT";
const MAX_PLAINTEXT: usize = 4096;
const MAX_BYTES: usize = 1024;

impl Kms {
    pub(super) fn encrypt(&self, request: &Encrypt) -> Result<Value, ApiError> {
        plain(request.dry_run, None)?;
        symmetric(request.encryption_algorithm.as_deref())?;
        let Blob(plaintext) = request.plaintext.as_ref().ok_or_else(|| error::missing("plaintext"))?;
        if plaintext.is_empty() || plaintext.len() > MAX_PLAINTEXT {
            return Err(error::validation(format!("Plaintext must have 1 to {MAX_PLAINTEXT} bytes.")));
        }
        let key = self.usable_key(request.key_id.as_deref(), Spec::Symmetric, "Encrypt")?;
        let blob = seal(&key, &request.encryption_context, plaintext)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "KeyId": self.key_arn(&key),
            "EncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn decrypt(&self, request: &Decrypt) -> Result<Value, ApiError> {
        plain(request.dry_run, request.recipient.as_ref())?;
        symmetric(request.encryption_algorithm.as_deref())?;
        let (key, plaintext) = self.opened(
            request.ciphertext_blob.as_ref(),
            request.key_id.as_deref(),
            &request.encryption_context,
            "Decrypt",
        )?;
        Ok(json!({
            "KeyId": self.key_arn(&key),
            "Plaintext": STANDARD.encode(plaintext),
            "EncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn re_encrypt(&self, request: &ReEncrypt) -> Result<Value, ApiError> {
        plain(request.dry_run, None)?;
        let target = self.usable_key(request.destination_key_id.as_deref(), Spec::Symmetric, "ReEncrypt")?;
        let (source, plaintext) = self.opened(
            request.ciphertext_blob.as_ref(),
            request.source_key_id.as_deref(),
            &request.source_encryption_context,
            "ReEncrypt",
        )?;
        let blob = seal(&target, &request.destination_encryption_context, &plaintext)?;
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(blob),
            "SourceKeyId": self.key_arn(&source),
            "KeyId": self.key_arn(&target),
            "SourceEncryptionAlgorithm": ALGORITHM,
            "DestinationEncryptionAlgorithm": ALGORITHM,
        }))
    }

    pub(super) fn generate_data_key(&self, request: &DataKey, shown: bool) -> Result<Value, ApiError> {
        plain(request.dry_run, request.recipient.as_ref())?;
        let length = match (request.key_spec.as_deref(), request.number_of_bytes) {
            (Some("AES_256"), None) => 32,
            (Some("AES_128"), None) => 16,
            (None, Some(length)) if (1..=MAX_BYTES).contains(&length) => length,
            (None, None) | (Some(_), Some(_)) => {
                return Err(error::validation("Please specify either number of bytes or key spec."));
            }
            _ => {
                return Err(error::validation(
                    "KeySpec must be AES_128 or AES_256, NumberOfBytes 1 to 1024.",
                ));
            }
        };
        let key = self.usable_key(request.key_id.as_deref(), Spec::Symmetric, "GenerateDataKey")?;
        let data_key = cipher::random(length)?;
        let blob = seal(&key, &request.encryption_context, &data_key)?;
        let mut answer = json!({ "CiphertextBlob": STANDARD.encode(blob), "KeyId": self.key_arn(&key) });
        if shown && let Some(fields) = answer.as_object_mut() {
            fields.insert("Plaintext".to_owned(), json!(STANDARD.encode(data_key)));
        }
        Ok(answer)
    }

    pub(super) fn generate_random(&self, request: &Random) -> Result<Value, ApiError> {
        let length = request.number_of_bytes.ok_or_else(|| error::missing("numberOfBytes"))?;
        if !(1..=MAX_BYTES).contains(&length) {
            return Err(error::validation(format!("NumberOfBytes must be 1 to {MAX_BYTES}.")));
        }
        Ok(json!({ "Plaintext": STANDARD.encode(cipher::random(length)?) }))
    }

    /// Opens a blob under the key it names; a key the caller names must be that one.
    fn opened(
        &self,
        blob: Option<&Blob>,
        named: Option<&str>,
        context: &Context,
        operation: &str,
    ) -> Result<(Key, Vec<u8>), ApiError> {
        let Blob(blob) = blob.ok_or_else(|| error::missing("ciphertextBlob"))?;
        let sealed_under = cipher::key_of(blob).ok_or_else(error::invalid_ciphertext)?.to_string();
        let key = match named {
            Some(named) => {
                let key = self.usable_key(Some(named), Spec::Symmetric, operation)?;
                if key.id != sealed_under {
                    return Err(error::incorrect_key());
                }
                key
            }
            None if !self.read().keys.contains_key(&sealed_under) => return Err(error::invalid_ciphertext()),
            None => self.usable_key(Some(&sealed_under), Spec::Symmetric, operation)?,
        };
        let plaintext = cipher::open(&key.material()?, context, blob)?;
        Ok((key, plaintext))
    }
}

fn seal(key: &Key, context: &Context, plaintext: &[u8]) -> Result<Vec<u8>, ApiError> {
    cipher::seal(key.uuid()?, &key.material()?, context, plaintext)
}

/// A trial run and an enclave's answer are not emulated, and must not pass for the real thing.
pub(super) fn plain(dry_run: Option<bool>, recipient: Option<&Value>) -> Result<(), ApiError> {
    if dry_run == Some(true) || recipient.is_some() {
        return Err(error::unsupported("DryRun and Recipient are not emulated by the local stack."));
    }
    Ok(())
}

fn symmetric(algorithm: Option<&str>) -> Result<(), ApiError> {
    match algorithm {
        None | Some(ALGORITHM) => Ok(()),
        Some(other) => {
            Err(error::unsupported(format!("The algorithm {other} is not emulated by the local stack.")))
        }
    }
}
