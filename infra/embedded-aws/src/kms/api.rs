//! What requests carry, as the KMS JSON protocol spells it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The encryption context: authenticated, never secret.
pub(super) type Context = BTreeMap<String, String>;

/// Bytes that travel as base64.
#[derive(Debug, Default)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateKey {
    pub(super) description: Option<String>,
    pub(super) key_spec: Option<String>,
    pub(super) customer_master_key_spec: Option<String>,
    pub(super) key_usage: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) multi_region: Option<bool>,
    #[serde(default)]
    pub(super) tags: Vec<Value>,
}

/// A request about one key; the operations share its optional members.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneKey {
    pub(super) key_id: Option<String>,
    pub(super) pending_window_in_days: Option<i64>,
    pub(super) rotation_period_in_days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    pub(super) key_id: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AliasRequest {
    pub(super) alias_name: Option<String>,
    pub(super) target_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Encrypt {
    pub(super) key_id: Option<String>,
    pub(super) plaintext: Option<Blob>,
    #[serde(default)]
    pub(super) encryption_context: Context,
    pub(super) encryption_algorithm: Option<String>,
    pub(super) dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Decrypt {
    pub(super) key_id: Option<String>,
    pub(super) ciphertext_blob: Option<Blob>,
    #[serde(default)]
    pub(super) encryption_context: Context,
    pub(super) encryption_algorithm: Option<String>,
    pub(super) dry_run: Option<bool>,
    pub(super) recipient: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReEncrypt {
    pub(super) ciphertext_blob: Option<Blob>,
    pub(super) source_key_id: Option<String>,
    #[serde(default)]
    pub(super) source_encryption_context: Context,
    pub(super) destination_key_id: Option<String>,
    #[serde(default)]
    pub(super) destination_encryption_context: Context,
    pub(super) dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataKey {
    pub(super) key_id: Option<String>,
    pub(super) key_spec: Option<String>,
    pub(super) number_of_bytes: Option<usize>,
    #[serde(default)]
    pub(super) encryption_context: Context,
    pub(super) dry_run: Option<bool>,
    pub(super) recipient: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Random {
    pub(super) number_of_bytes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MacRequest {
    pub(super) key_id: Option<String>,
    pub(super) message: Option<Blob>,
    pub(super) mac_algorithm: Option<String>,
    pub(super) mac: Option<Blob>,
    pub(super) dry_run: Option<bool>,
}
