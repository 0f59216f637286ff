//! The verifier of docs/webhooks.md, word for word: a test holds the two together.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether `header` (X-Hadar-Signature) signs exactly these bytes, not longer than five minutes ago.
pub fn verify(secret: &str, header: &str, body: &[u8], now: u64) -> bool {
    let mut t = "";
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.split_once('=') {
            Some(("t", value)) => t = value,
            Some(("v1", value)) => signatures.push(value),
            _ => {}
        }
    }
    let fresh = t.parse::<u64>().is_ok_and(|t| now.abs_diff(t) <= 300);
    fresh
        && signatures.iter().any(|signature| {
            let Ok(signature) = hex::decode(signature) else { return false };
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
            mac.update(t.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&signature).is_ok() // constant time
        })
}
