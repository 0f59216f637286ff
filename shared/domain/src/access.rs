//! Who is asking: roles, and API keys with a checksum that tells a typing error from a revoked key.

use crate::ids::TenantId;
use crate::redacted::Redacted;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a key may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also works conversations and leads.
    Agent,
    /// Everything.
    Admin,
}

impl Role {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Agent, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// Which data a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// The tenant's own.
    Live,
    /// The tenant's sandbox twin.
    Test,
}

impl Environment {
    /// How a key of it begins.
    #[must_use]
    pub const fn key_prefix(self) -> &'static str {
        match self {
            Self::Live => "hdr_live_",
            Self::Test => "hdr_test_",
        }
    }
}

/// An authenticated caller. Made by the authenticator only.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Whose data.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// Which key, for the audit log.
    pub key_id: crate::ids::KeyId,
    /// Live or test.
    pub environment: Environment,
}

/// A well-formed API key: `hdr_live_` or `hdr_test_`, 32 base-62 characters, 6 of checksum.
#[derive(Clone, Debug)]
pub struct ApiKey(Redacted<String>);

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl ApiKey {
    /// Makes a key from 32 random bytes.
    #[must_use]
    pub fn from_random(environment: Environment, random: &[u8; 64]) -> Self {
        let prefix = environment.key_prefix();
        let mut key = String::with_capacity(47);
        key.push_str(prefix);
        // 248 is the largest multiple of 62 in a byte: larger bytes would make the first letters likelier.
        let letters = random.iter().filter(|byte| **byte < 248);
        key.extend(
            letters.filter_map(|byte| BASE62.get(usize::from(byte % 62))).take(32).map(|b| char::from(*b)),
        );
        // 64 random bytes hold 32 usable ones but for one time in 10^40; the checksum then simply does not match.
        let sum = checksum(&key);
        key.push_str(&sum);
        Self(Redacted::new(key))
    }

    /// Reads a presented key; `None` when the prefix, the length or the checksum is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix("hdr_live_").or_else(|| text.strip_prefix("hdr_test_"))?;
        if secret.len() != 38 || !secret.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let (signed, sum) = text.split_at_checked(text.len() - 6)?;
        (checksum(signed) == sum).then(|| Self(Redacted::new(text.to_owned())))
    }

    /// The digest the key is stored and looked up by, in hex.
    #[must_use]
    pub fn digest(&self) -> String {
        use std::fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(self.0.expose().as_bytes()) {
            let _infallible = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Live or test.
    #[must_use]
    pub fn environment(&self) -> Environment {
        if self.0.expose().starts_with("hdr_test_") { Environment::Test } else { Environment::Live }
    }

    /// The last four characters, which is all that is shown after creation.
    #[must_use]
    pub fn last4(&self) -> &str {
        let text = self.0.expose();
        text.get(text.len().saturating_sub(4)..).unwrap_or("")
    }

    /// The key in full: for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Six base-62 characters of CRC-32 (IEEE) over the prefix and the secret: enough for scanners and typing errors.
fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or(0);
        *digit = BASE62.get(index).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        let mut random = [0u8; 64];
        for (n, byte) in random.iter_mut().enumerate() {
            *byte = u8::try_from(n * 3 % 251).unwrap();
        }
        ApiKey::from_random(Environment::Live, &random)
    }

    #[test]
    fn a_made_key_reads_back_and_has_the_documented_shape() {
        let key = key();
        let text = key.expose();
        assert_eq!(text.len(), "hdr_live_".len() + 38);
        let again = ApiKey::parse(text).unwrap();
        assert_eq!(again.digest(), key.digest());
        assert_eq!(key.last4(), &text[text.len() - 4..]);
        assert!(!format!("{key:?}").contains(&text[9..20]));
    }

    #[test]
    fn a_typing_error_is_told_from_an_unknown_key() {
        let text = key().expose().to_owned();
        let mut wrong = text.clone().into_bytes();
        wrong[15] = if wrong[15] == b'a' { b'b' } else { b'a' };
        for bad in [
            String::from_utf8(wrong).unwrap(),
            text.replace("live", "prod"),
            text[..46].to_string(),
            format!("{text}a"),
            String::new(),
            text.replace("hdr_live_", "hdr_test_"),
        ] {
            assert!(ApiKey::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_admin_may_do_what_an_agent_and_a_viewer_may() {
        assert!(Role::Admin > Role::Agent && Role::Agent > Role::Viewer);
    }
}
