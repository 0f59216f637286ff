//! Aliases: names for keys.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::{AliasRequest, List};
use super::{ALIASES, Kms, error};
use crate::protocol::{ApiError, epoch_seconds};

/// A name for a key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) key_id: String,
    created_ms: i64,
    updated_ms: i64,
}

impl Kms {
    pub(super) fn create_alias(&self, request: &AliasRequest) -> Result<Value, ApiError> {
        let name = alias_name(request)?;
        let mut ring = self.write();
        let key_id = self.find(&ring, target(request)?)?.id.clone();
        if ring.aliases.contains_key(name) {
            let message = format!("An alias with the name {} already exists", self.arn(name));
            return Err(ApiError::new("AlreadyExistsException", message));
        }
        let now = self.clock.now_ms();
        let alias = Alias { key_id, created_ms: now, updated_ms: now };
        self.documents.put(ALIASES, name, &alias)?;
        ring.aliases.insert(name.to_owned(), alias);
        Ok(json!({}))
    }

    pub(super) fn update_alias(&self, request: &AliasRequest) -> Result<Value, ApiError> {
        let name = alias_name(request)?;
        let mut ring = self.write();
        let key_id = self.find(&ring, target(request)?)?.id.clone();
        let mut alias = ring.aliases.get(name).cloned().ok_or_else(|| self.no_alias(name))?;
        alias.key_id = key_id;
        alias.updated_ms = self.clock.now_ms();
        self.documents.put(ALIASES, name, &alias)?;
        ring.aliases.insert(name.to_owned(), alias);
        Ok(json!({}))
    }

    pub(super) fn delete_alias(&self, request: &AliasRequest) -> Result<Value, ApiError> {
        let name = alias_name(request)?;
        let mut ring = self.write();
        if !ring.aliases.contains_key(name) {
            return Err(self.no_alias(name));
        }
        self.documents.remove(ALIASES, name)?;
        ring.aliases.remove(name);
        Ok(json!({}))
    }

    pub(super) fn list_aliases(&self, request: &List) -> Result<Value, ApiError> {
        let ring = self.read();
        let key = match &request.key_id {
            Some(named) => Some(self.find(&ring, Some(named))?.id.as_str()),
            None => None,
        };
        let after = request.marker.as_ref();
        let mut aliases = ring.aliases.iter().filter(|(name, alias)| {
            key.is_none_or(|key| alias.key_id == key) && after.is_none_or(|after| *name > after)
        });
        let page: Vec<_> = aliases.by_ref().take(request.limit.unwrap_or(50).clamp(1, 100)).collect();
        let more = aliases.next().is_some();
        let listed: Vec<_> = page
            .iter()
            .map(|(name, alias)| {
                json!({
                    "AliasName": name,
                    "AliasArn": self.arn(name),
                    "TargetKeyId": alias.key_id,
                    "CreationDate": epoch_seconds(alias.created_ms),
                    "LastUpdatedDate": epoch_seconds(alias.updated_ms),
                })
            })
            .collect();
        let marker = if more { page.last().map(|(name, _)| *name) } else { None };
        Ok(match marker {
            Some(marker) => json!({ "Aliases": listed, "Truncated": true, "NextMarker": marker }),
            None => json!({ "Aliases": listed, "Truncated": false }),
        })
    }

    fn no_alias(&self, name: &str) -> ApiError {
        error::not_found(format!("Alias {} is not found.", self.arn(name)))
    }
}

fn alias_name(request: &AliasRequest) -> Result<&str, ApiError> {
    let name = request.alias_name.as_deref().ok_or_else(|| error::missing("aliasName"))?;
    let own = name.strip_prefix("alias/").filter(|rest| !rest.is_empty() && !rest.starts_with("aws/"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    match own {
        Some(rest) if name.len() <= 256 && rest.chars().all(allowed) => Ok(name),
        _ => Err(ApiError::new("InvalidAliasNameException", format!("Alias {name} is not a valid name."))),
    }
}

/// The key to name, which may not itself be given by an alias.
fn target(request: &AliasRequest) -> Result<Option<&str>, ApiError> {
    match request.target_key_id.as_deref() {
        Some(target) if target.contains("alias/") => {
            Err(error::validation("Aliases must refer to keys. Not aliases"))
        }
        target => Ok(target),
    }
}
