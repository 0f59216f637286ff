//! What requests carry, as the Secrets Manager JSON protocol spells it.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSecret {
    pub(super) name: Option<String>,
    pub(super) client_request_token: Option<String>,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    #[serde(flatten)]
    pub(super) content: Content,
    #[serde(default)]
    pub(super) tags: Vec<Value>,
}

/// What a version holds; binary stays the base64 it travels as.
#[derive(Clone, Deserialize, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Content {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secret_string: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secret_binary: Option<String>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(..)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetValue {
    pub(super) secret_id: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutValue {
    pub(super) secret_id: Option<String>,
    pub(super) client_request_token: Option<String>,
    #[serde(flatten)]
    pub(super) content: Content,
    pub(super) version_stages: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecret {
    pub(super) secret_id: Option<String>,
    pub(super) client_request_token: Option<String>,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    #[serde(flatten)]
    pub(super) content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateStage {
    pub(super) secret_id: Option<String>,
    pub(super) version_stage: Option<String>,
    pub(super) remove_from_version_id: Option<String>,
    pub(super) move_to_version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OneSecret {
    pub(super) secret_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecrets {
    pub(super) max_results: Option<usize>,
    pub(super) next_token: Option<String>,
    #[serde(default)]
    pub(super) filters: Vec<Filter>,
    pub(super) include_planned_deletion: Option<bool>,
    pub(super) sort_order: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) key: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListVersions {
    pub(super) secret_id: Option<String>,
    pub(super) include_deprecated: Option<bool>,
    pub(super) max_results: Option<usize>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteSecret {
    pub(super) secret_id: Option<String>,
    pub(super) recovery_window_in_days: Option<i64>,
    pub(super) force_delete_without_recovery: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RandomPassword {
    pub(super) password_length: Option<usize>,
    #[serde(default)]
    pub(super) exclude_characters: String,
    #[serde(default)]
    pub(super) exclude_numbers: bool,
    #[serde(default)]
    pub(super) exclude_punctuation: bool,
    #[serde(default)]
    pub(super) exclude_uppercase: bool,
    #[serde(default)]
    pub(super) exclude_lowercase: bool,
    #[serde(default)]
    pub(super) include_space: bool,
    pub(super) require_each_included_type: Option<bool>,
}
