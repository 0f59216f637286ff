//! Secrets made, marked for deletion, brought back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{CreateSecret, DeleteSecret, OneSecret};
use super::values::version_id;
use super::versions::{CURRENT, Secret};
use super::{SECRETS, Secrets, error, password};
use crate::protocol::{ApiError, epoch_seconds};

const DAY_MS: i64 = 86_400_000;

impl Secrets {
    pub(super) fn create(&self, request: CreateSecret) -> Result<Value, ApiError> {
        let name = request.name.ok_or_else(|| error::parameter("You must provide Name."))?;
        check_name(&name)?;
        request.content.check()?;
        let mut secrets = self.locked()?;
        if let Some(there) = secrets.get(&name) {
            return self.created_before(there, request.client_request_token.as_ref(), &request.content);
        }
        let now = self.clock.now_ms();
        let mut secret = Secret {
            suffix: password::alphanumeric(6)?,
            description: request.description,
            kms_key_id: request.kms_key_id,
            tags: request.tags,
            created_ms: now,
            changed_ms: now,
            deleted_ms: None,
            deletion_ms: None,
            versions: BTreeMap::new(),
            name,
        };
        let mut answer = json!({ "ARN": self.arn(&secret), "Name": secret.name });
        if request.content.is_given() {
            let id = version_id(request.client_request_token)?;
            secret.add(&id, request.content, &[CURRENT.to_owned()], now)?;
            if let Some(answer) = answer.as_object_mut() {
                answer.insert("VersionId".to_owned(), json!(id));
            }
        }
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }

    /// Creating again with the same token and content is the same creation.
    fn created_before(
        &self,
        there: &Secret,
        token: Option<&String>,
        content: &super::api::Content,
    ) -> Result<Value, ApiError> {
        if there.deletion_ms.is_some() {
            return Err(error::request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        match token.and_then(|token| there.versions.get_key_value(token)) {
            Some((id, version)) if version.content == *content => {
                Ok(json!({ "ARN": self.arn(there), "Name": there.name, "VersionId": id }))
            }
            _ => Err(error::exists(format!(
                "The operation failed because the secret {} already exists.",
                there.name
            ))),
        }
    }

    pub(super) fn delete(&self, request: &DeleteSecret) -> Result<Value, ApiError> {
        let force = request.force_delete_without_recovery == Some(true);
        let days = request.recovery_window_in_days;
        if force && days.is_some() {
            return Err(error::parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        let days = days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            return Err(error::parameter(
                "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        let mut secrets = self.locked()?;
        let mut secret = self.find(&secrets, request.secret_id.as_deref())?.clone();
        let now = self.clock.now_ms();
        if force {
            self.documents.remove(SECRETS, &secret.name)?;
            secrets.remove(&secret.name);
            return Ok(
                json!({ "ARN": self.arn(&secret), "Name": secret.name, "DeletionDate": epoch_seconds(now) }),
            );
        }
        if secret.deletion_ms.is_some() {
            return Err(error::request(
                "You can't perform this operation on the secret because it was already scheduled for deletion.",
            ));
        }
        let deletion = now + days * DAY_MS;
        secret.deleted_ms = Some(now);
        secret.deletion_ms = Some(deletion);
        let answer =
            json!({ "ARN": self.arn(&secret), "Name": secret.name, "DeletionDate": epoch_seconds(deletion) });
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }

    pub(super) fn restore(&self, request: &OneSecret) -> Result<Value, ApiError> {
        let mut secrets = self.locked()?;
        let mut secret = self.find(&secrets, request.secret_id.as_deref())?.clone();
        secret.deleted_ms = None;
        secret.deletion_ms = None;
        let answer = json!({ "ARN": self.arn(&secret), "Name": secret.name });
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(allowed) {
        return Err(ApiError::new(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@",
        ));
    }
    Ok(())
}
