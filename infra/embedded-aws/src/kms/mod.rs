//! KMS: symmetric and HMAC keys with their aliases, states and encryption context.

mod aliases;
mod api;
mod cipher;
mod crypto;
mod error;
mod keys;
mod mac;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;

use crate::Identity;
use crate::clock::StackClock;
use crate::data_dir::OpenError;
use crate::documents::Documents;
use crate::protocol::{ApiError, parse};
use aliases::Alias;
use keys::Key;

const KEYS: &str = "kms key";
const ALIASES: &str = "kms alias";

/// The keys.
pub(crate) struct Kms {
    ring: RwLock<KeyRing>,
    documents: Documents,
    identity: Identity,
    clock: StackClock,
}

/// What is kept: keys by id, aliases by name.
#[derive(Default)]
struct KeyRing {
    keys: BTreeMap<String, Key>,
    aliases: BTreeMap<String, Alias>,
}

impl Kms {
    pub(crate) fn open(
        documents: Documents,
        identity: Identity,
        clock: StackClock,
    ) -> Result<Self, OpenError> {
        let ring = KeyRing { keys: documents.load(KEYS)?, aliases: documents.load(ALIASES)? };
        Ok(Self { ring: RwLock::new(ring), documents, identity, clock })
    }

    /// Runs one operation.
    pub(crate) fn call(&self, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
        match operation {
            "CreateKey" => self.create_key(parse(body)?),
            "DescribeKey" => self.describe_key(&parse(body)?),
            "ListKeys" => self.list_keys(&parse(body)?),
            "EnableKey" => self.enable_key(&parse(body)?, true),
            "DisableKey" => self.enable_key(&parse(body)?, false),
            "ScheduleKeyDeletion" => self.schedule_deletion(&parse(body)?),
            "CancelKeyDeletion" => self.cancel_deletion(&parse(body)?),
            "EnableKeyRotation" => self.rotate(&parse(body)?, true),
            "DisableKeyRotation" => self.rotate(&parse(body)?, false),
            "GetKeyRotationStatus" => self.rotation_status(&parse(body)?),
            "CreateAlias" => self.create_alias(&parse(body)?),
            "UpdateAlias" => self.update_alias(&parse(body)?),
            "DeleteAlias" => self.delete_alias(&parse(body)?),
            "ListAliases" => self.list_aliases(&parse(body)?),
            "Encrypt" => self.encrypt(&parse(body)?),
            "Decrypt" => self.decrypt(&parse(body)?),
            "ReEncrypt" => self.re_encrypt(&parse(body)?),
            "GenerateDataKey" => self.generate_data_key(&parse(body)?, true),
            "GenerateDataKeyWithoutPlaintext" => self.generate_data_key(&parse(body)?, false),
            "GenerateRandom" => self.generate_random(&parse(body)?),
            "GenerateMac" => self.generate_mac(&parse(body)?),
            "VerifyMac" => self.verify_mac(&parse(body)?),
            other => Err(ApiError::unknown_operation(&format!("KMS {other}"))),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, KeyRing> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:kms:{}:{}:{resource}", self.identity.region, self.identity.account_id)
    }

    /// The key that an id, an ARN, an alias or an alias's ARN names.
    fn find<'a>(&self, ring: &'a KeyRing, named: Option<&str>) -> Result<&'a Key, ApiError> {
        let named = named.ok_or_else(|| error::missing("keyId"))?;
        let local = match named.strip_prefix("arn:") {
            None => named,
            Some(_) => {
                let resource = named.splitn(6, ':').nth(5).unwrap_or_default();
                if self.arn(resource) != named {
                    return Err(error::not_found(format!("Invalid arn {named}")));
                }
                resource.strip_prefix("key/").unwrap_or(resource)
            }
        };
        let id = if local.starts_with("alias/") {
            let alias = ring.aliases.get(local);
            &alias.ok_or_else(|| error::not_found(format!("Alias {} is not found.", self.arn(local))))?.key_id
        } else {
            local
        };
        ring.keys.get(id).filter(|key| !key.is_gone(self.clock.now_ms())).ok_or_else(|| {
            error::not_found(format!("Key '{}' does not exist", self.arn(&format!("key/{id}"))))
        })
    }

    fn key_arn(&self, key: &Key) -> String {
        self.arn(&format!("key/{}", key.id))
    }
}
