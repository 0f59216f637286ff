//! Keys: made, described, switched off and on, given up.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{CreateKey, List, OneKey};
use super::{KEYS, Kms, cipher, error};
use crate::protocol::{ApiError, epoch_seconds};

const DAY_MS: i64 = 86_400_000;

/// What a key is for, which its spec decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Spec {
    /// AES-256-GCM.
    Symmetric,
    /// HMAC with SHA-256.
    Hmac256,
}

impl Spec {
    fn wire(self) -> &'static str {
        match self {
            Self::Symmetric => "SYMMETRIC_DEFAULT",
            Self::Hmac256 => "HMAC_256",
        }
    }

    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::Symmetric => "ENCRYPT_DECRYPT",
            Self::Hmac256 => "GENERATE_VERIFY_MAC",
        }
    }
}

/// A key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) spec: Spec,
    description: String,
    created_ms: i64,
    enabled: bool,
    deletion_ms: Option<i64>,
    rotation_days: Option<i64>,
    material: String,
    tags: Vec<Value>,
}

impl Key {
    /// Whether its deletion date has passed.
    pub(super) fn is_gone(&self, now: i64) -> bool {
        self.deletion_ms.is_some_and(|deletion| deletion <= now)
    }

    /// The secret bytes.
    pub(super) fn material(&self) -> Result<Vec<u8>, ApiError> {
        hex::decode(&self.material).map_err(|_| error::internal("the key's material cannot be read"))
    }

    /// The id as bytes.
    pub(super) fn uuid(&self) -> Result<Uuid, ApiError> {
        Uuid::parse_str(&self.id).map_err(|_| error::internal("the key's id cannot be read"))
    }

    fn state(&self) -> &'static str {
        match (self.deletion_ms, self.enabled) {
            (Some(_), _) => "PendingDeletion",
            (None, true) => "Enabled",
            (None, false) => "Disabled",
        }
    }
}

impl Kms {
    pub(super) fn create_key(&self, request: CreateKey) -> Result<Value, ApiError> {
        let spec = request.key_spec.or(request.customer_master_key_spec);
        let usage = request.key_usage.as_deref();
        let spec = match (spec.as_deref().unwrap_or("SYMMETRIC_DEFAULT"), usage) {
            ("SYMMETRIC_DEFAULT", None | Some("ENCRYPT_DECRYPT")) => Spec::Symmetric,
            ("HMAC_256", Some("GENERATE_VERIFY_MAC")) => Spec::Hmac256,
            ("SYMMETRIC_DEFAULT" | "HMAC_256", _) => {
                return Err(error::validation("The KeySpec and the KeyUsage do not go together."));
            }
            (other, _) => {
                return Err(error::unsupported(format!(
                    "Keys of spec {other} are not emulated by the local stack."
                )));
            }
        };
        if request.origin.is_some_and(|origin| origin != "AWS_KMS") || request.multi_region == Some(true) {
            return Err(error::unsupported("Imported, external and multi-Region keys are not emulated."));
        }
        let key = Key {
            id: Uuid::new_v4().to_string(),
            spec,
            description: request.description.unwrap_or_default(),
            created_ms: self.clock.now_ms(),
            enabled: true,
            deletion_ms: None,
            rotation_days: None,
            material: hex::encode(cipher::random(32)?),
            tags: request.tags,
        };
        self.documents.put(KEYS, &key.id, &key)?;
        let metadata = self.metadata(&key);
        self.write().keys.insert(key.id.clone(), key);
        Ok(json!({ "KeyMetadata": metadata }))
    }

    pub(super) fn describe_key(&self, request: &OneKey) -> Result<Value, ApiError> {
        let ring = self.read();
        let key = self.find(&ring, request.key_id.as_deref())?;
        Ok(json!({ "KeyMetadata": self.metadata(key) }))
    }

    pub(super) fn list_keys(&self, request: &List) -> Result<Value, ApiError> {
        let now = self.clock.now_ms();
        let ring = self.read();
        let after = request.marker.as_deref();
        let mut keys = ring
            .keys
            .values()
            .filter(|key| !key.is_gone(now) && after.is_none_or(|after| key.id.as_str() > after));
        let page: Vec<_> = keys.by_ref().take(request.limit.unwrap_or(100).clamp(1, 1000)).collect();
        let more = keys.next().is_some();
        let listed: Vec<_> =
            page.iter().map(|key| json!({ "KeyId": key.id, "KeyArn": self.key_arn(key) })).collect();
        let marker = if more { page.last().map(|key| key.id.as_str()) } else { None };
        Ok(match marker {
            Some(marker) => json!({ "Keys": listed, "Truncated": true, "NextMarker": marker }),
            None => json!({ "Keys": listed, "Truncated": false }),
        })
    }

    pub(super) fn enable_key(&self, request: &OneKey, enabled: bool) -> Result<Value, ApiError> {
        self.change(request, |key, arn| {
            not_pending(key, arn)?;
            key.enabled = enabled;
            Ok(json!({}))
        })
    }

    pub(super) fn schedule_deletion(&self, request: &OneKey) -> Result<Value, ApiError> {
        let days = request.pending_window_in_days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            return Err(error::validation("PendingWindowInDays must be between 7 and 30."));
        }
        let deletion = self.clock.now_ms() + days * DAY_MS;
        self.change(request, |key, arn| {
            not_pending(key, arn)?;
            key.deletion_ms = Some(deletion);
            Ok(json!({
                "KeyId": arn,
                "DeletionDate": epoch_seconds(deletion),
                "KeyState": key.state(),
                "PendingWindowInDays": days,
            }))
        })
    }

    pub(super) fn cancel_deletion(&self, request: &OneKey) -> Result<Value, ApiError> {
        self.change(request, |key, arn| {
            if key.deletion_ms.take().is_none() {
                return Err(error::invalid_state(arn, "not pending deletion"));
            }
            key.enabled = false;
            Ok(json!({ "KeyId": arn }))
        })
    }

    pub(super) fn rotate(&self, request: &OneKey, on: bool) -> Result<Value, ApiError> {
        let days = request.rotation_period_in_days.unwrap_or(365);
        if !(90..=2560).contains(&days) {
            return Err(error::validation("RotationPeriodInDays must be between 90 and 2560."));
        }
        self.change(request, |key, arn| {
            rotatable(key, arn)?;
            usable(key, arn)?;
            key.rotation_days = on.then_some(days);
            Ok(json!({}))
        })
    }

    pub(super) fn rotation_status(&self, request: &OneKey) -> Result<Value, ApiError> {
        let ring = self.read();
        let key = self.find(&ring, request.key_id.as_deref())?;
        let arn = self.key_arn(key);
        rotatable(key, &arn)?;
        let mut status = json!({ "KeyId": arn, "KeyRotationEnabled": key.rotation_days.is_some() });
        if let (Some(days), Some(status)) = (key.rotation_days, status.as_object_mut()) {
            status.insert("RotationPeriodInDays".to_owned(), json!(days));
        }
        Ok(status)
    }

    /// The key for a cryptographic operation: of the right kind, enabled, not given up.
    pub(super) fn usable_key(
        &self,
        named: Option<&str>,
        spec: Spec,
        operation: &str,
    ) -> Result<Key, ApiError> {
        let ring = self.read();
        let key = self.find(&ring, named)?;
        let arn = self.key_arn(key);
        usable(key, &arn)?;
        if key.spec != spec {
            return Err(error::invalid_usage(&arn, key.spec.usage(), operation));
        }
        Ok(key.clone())
    }

    /// Changes one key, on disk before in memory.
    fn change(
        &self,
        request: &OneKey,
        change: impl FnOnce(&mut Key, &str) -> Result<Value, ApiError>,
    ) -> Result<Value, ApiError> {
        let mut ring = self.write();
        let mut key = self.find(&ring, request.key_id.as_deref())?.clone();
        let arn = self.key_arn(&key);
        let answer = change(&mut key, &arn)?;
        self.documents.put(KEYS, &key.id, &key)?;
        ring.keys.insert(key.id.clone(), key);
        Ok(answer)
    }

    fn metadata(&self, key: &Key) -> Value {
        let mut metadata = json!({
            "AWSAccountId": self.identity.account_id,
            "KeyId": key.id,
            "Arn": self.key_arn(key),
            "CreationDate": epoch_seconds(key.created_ms),
            "Enabled": key.state() == "Enabled",
            "Description": key.description,
            "KeyUsage": key.spec.usage(),
            "KeyState": key.state(),
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "KeySpec": key.spec.wire(),
            "CustomerMasterKeySpec": key.spec.wire(),
            "MultiRegion": false,
        });
        if let Some(fields) = metadata.as_object_mut() {
            let (field, algorithms) = match key.spec {
                Spec::Symmetric => ("EncryptionAlgorithms", json!(["SYMMETRIC_DEFAULT"])),
                Spec::Hmac256 => ("MacAlgorithms", json!(["HMAC_SHA_256"])),
            };
            fields.insert(field.to_owned(), algorithms);
            if let Some(deletion) = key.deletion_ms {
                fields.insert("DeletionDate".to_owned(), epoch_seconds(deletion));
            }
        }
        metadata
    }
}

fn not_pending(key: &Key, arn: &str) -> Result<(), ApiError> {
    if key.deletion_ms.is_some() { Err(error::invalid_state(arn, "pending deletion")) } else { Ok(()) }
}

fn usable(key: &Key, arn: &str) -> Result<(), ApiError> {
    not_pending(key, arn)?;
    if key.enabled { Ok(()) } else { Err(error::disabled(arn)) }
}

fn rotatable(key: &Key, arn: &str) -> Result<(), ApiError> {
    match key.spec {
        Spec::Symmetric => Ok(()),
        Spec::Hmac256 => {
            Err(error::unsupported(format!("{arn} is an HMAC key: it cannot be rotated automatically.")))
        }
    }
}
