//! HMAC made and checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use super::api::{Blob, MacRequest};
use super::crypto::plain;
use super::keys::{Key, Spec};
use super::{Kms, error};
use crate::protocol::ApiError;

const ALGORITHM: &str = "HMAC_SHA_256";
const MAX_MESSAGE: usize = 4096;

impl Kms {
    pub(super) fn generate_mac(&self, request: &MacRequest) -> Result<Value, ApiError> {
        let (key, secret) = self.hmac_key(request, "GenerateMac")?;
        let mac = hmac::sign(&secret, message(request)?);
        Ok(json!({ "Mac": STANDARD.encode(mac), "MacAlgorithm": ALGORITHM, "KeyId": self.key_arn(&key) }))
    }

    pub(super) fn verify_mac(&self, request: &MacRequest) -> Result<Value, ApiError> {
        let (key, secret) = self.hmac_key(request, "VerifyMac")?;
        let Blob(given) = request.mac.as_ref().ok_or_else(|| error::missing("mac"))?;
        hmac::verify(&secret, message(request)?, given).map_err(|_| error::invalid_mac())?;
        Ok(json!({ "MacValid": true, "MacAlgorithm": ALGORITHM, "KeyId": self.key_arn(&key) }))
    }

    fn hmac_key(&self, request: &MacRequest, operation: &str) -> Result<(Key, hmac::Key), ApiError> {
        plain(request.dry_run, None)?;
        match request.mac_algorithm.as_deref() {
            Some(ALGORITHM) => {}
            None => return Err(error::missing("macAlgorithm")),
            Some(other) => {
                let message = format!("The algorithm {other} is not valid for a key of spec HMAC_256.");
                return Err(ApiError::new("InvalidKeyUsageException", message));
            }
        }
        let key = self.usable_key(request.key_id.as_deref(), Spec::Hmac256, operation)?;
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &key.material()?);
        Ok((key, secret))
    }
}

fn message(request: &MacRequest) -> Result<&[u8], ApiError> {
    let Blob(message) = request.message.as_ref().ok_or_else(|| error::missing("message"))?;
    if message.is_empty() || message.len() > MAX_MESSAGE {
        return Err(error::validation(format!("Message must have 1 to {MAX_MESSAGE} bytes.")));
    }
    Ok(message)
}
