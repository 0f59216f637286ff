//! Secret values: read, put, and their labels moved.

use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{GetValue, PutValue, UpdateSecret, UpdateStage};
use super::versions::CURRENT;
use super::{Secrets, error};
use crate::protocol::{ApiError, epoch_seconds};

impl Secrets {
    pub(super) fn value(&self, request: &GetValue) -> Result<Value, ApiError> {
        let secrets = self.locked()?;
        let secret = self.find_live(&secrets, request.secret_id.as_deref())?;
        let (id, version) = match (&request.version_id, request.version_stage.as_deref()) {
            (None, stage) => {
                let stage = stage.unwrap_or(CURRENT);
                secret.staged(stage).ok_or_else(|| error::no_value(&format!("staging label: {stage}")))?
            }
            (Some(id), stage) => {
                let found = secret.versions.get_key_value(id);
                let found = found.ok_or_else(|| error::no_value(&format!("VersionId: {id}")))?;
                if stage.is_some_and(|stage| !found.1.stages.iter().any(|label| label == stage)) {
                    return Err(error::request(
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    ));
                }
                found
            }
        };
        let mut answer = json!({
            "ARN": self.arn(secret),
            "Name": secret.name,
            "VersionId": id,
            "VersionStages": version.stages,
            "CreatedDate": epoch_seconds(version.created_ms),
        });
        if let (Some(answer), Value::Object(content)) = (answer.as_object_mut(), json!(version.content)) {
            answer.extend(content);
        }
        Ok(answer)
    }

    pub(super) fn put_value(&self, request: PutValue) -> Result<Value, ApiError> {
        let mut secrets = self.locked()?;
        let mut secret = self.find_live(&secrets, request.secret_id.as_deref())?.clone();
        if !request.content.is_given() {
            return Err(error::parameter("You must provide either SecretString or SecretBinary."));
        }
        request.content.check()?;
        let id = version_id(request.client_request_token)?;
        let stages = request.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        secret.add(&id, request.content, &stages, self.clock.now_ms())?;
        let stages = secret.versions.get(&id).map(|version| version.stages.clone()).unwrap_or_default();
        let answer = json!({ "ARN": self.arn(&secret), "Name": secret.name, "VersionId": id, "VersionStages": stages });
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }

    pub(super) fn update(&self, request: UpdateSecret) -> Result<Value, ApiError> {
        let mut secrets = self.locked()?;
        let mut secret = self.find_live(&secrets, request.secret_id.as_deref())?.clone();
        let now = self.clock.now_ms();
        let mut answer = json!({ "ARN": self.arn(&secret), "Name": secret.name });
        if request.content.is_given() {
            request.content.check()?;
            let id = version_id(request.client_request_token)?;
            secret.add(&id, request.content, &[CURRENT.to_owned()], now)?;
            if let Some(answer) = answer.as_object_mut() {
                answer.insert("VersionId".to_owned(), json!(id));
            }
        }
        secret.description = request.description.or(secret.description);
        secret.kms_key_id = request.kms_key_id.or(secret.kms_key_id);
        secret.changed_ms = now;
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }

    pub(super) fn update_stage(&self, request: &UpdateStage) -> Result<Value, ApiError> {
        let mut secrets = self.locked()?;
        let mut secret = self.find_live(&secrets, request.secret_id.as_deref())?.clone();
        let stage = request
            .version_stage
            .as_deref()
            .ok_or_else(|| error::parameter("You must provide VersionStage."))?;
        let holder = secret.staged(stage).map(|(id, _)| id.clone());
        let from = request.remove_from_version_id.as_ref();
        if let Some(from) = from
            && holder.as_ref() != Some(from)
        {
            return Err(error::parameter(format!(
                "The parameter RemoveFromVersionId can't be used: staging label {stage} is not attached to version {from}."
            )));
        }
        match &request.move_to_version_id {
            Some(to) => {
                if !secret.versions.contains_key(to) {
                    return Err(error::no_value(&format!("VersionId: {to}")));
                }
                if from.is_none() && holder.as_ref().is_some_and(|holder| holder != to) {
                    return Err(error::parameter(format!(
                        "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached \
                         to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
                        holder.unwrap_or_default()
                    )));
                }
                secret.attach(stage, to);
            }
            None if stage == CURRENT => {
                return Err(error::parameter(
                    "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
                ));
            }
            None if from.is_none() => {
                return Err(error::parameter(
                    "You must provide RemoveFromVersionId, MoveToVersionId, or both.",
                ));
            }
            None => secret.detach(stage),
        }
        secret.changed_ms = self.clock.now_ms();
        let answer = json!({ "ARN": self.arn(&secret), "Name": secret.name });
        self.store(&mut secrets, secret)?;
        Ok(answer)
    }
}

/// A version's id is the caller's token, or a fresh one.
pub(super) fn version_id(token: Option<String>) -> Result<String, ApiError> {
    match token {
        None => Ok(Uuid::new_v4().to_string()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token),
        Some(_) => Err(error::parameter("ClientRequestToken must have 32 to 64 characters.")),
    }
}
