//! Secrets described and listed, without their values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::api::{Filter, ListSecrets, ListVersions, OneSecret};
use super::versions::Secret;
use super::{Secrets, error};
use crate::protocol::{ApiError, epoch_seconds};

impl Secrets {
    pub(super) fn describe(&self, request: &OneSecret) -> Result<Value, ApiError> {
        let secrets = self.locked()?;
        let secret = self.find(&secrets, request.secret_id.as_deref())?;
        Ok(Value::Object(self.description(secret, "VersionIdsToStages")))
    }

    pub(super) fn list(&self, request: &ListSecrets) -> Result<Value, ApiError> {
        let secrets = self.locked()?;
        let deleted = request.include_planned_deletion == Some(true);
        let mut found = Vec::new();
        for secret in secrets.values().filter(|secret| deleted || secret.deletion_ms.is_none()) {
            let mut passed = true;
            for filter in &request.filters {
                passed &= passes(secret, filter)?;
            }
            if passed {
                found.push(secret);
            }
        }
        if request.sort_order.as_deref() != Some("asc") {
            found.sort_by_key(|secret| std::cmp::Reverse(secret.created_ms));
        } else {
            found.sort_by_key(|secret| secret.created_ms);
        }
        let listed =
            found.iter().map(|secret| Value::Object(self.description(secret, "SecretVersionsToStages")));
        page("SecretList", listed.collect(), request.max_results, request.next_token.as_deref())
    }

    pub(super) fn list_versions(&self, request: &ListVersions) -> Result<Value, ApiError> {
        let secrets = self.locked()?;
        let secret = self.find(&secrets, request.secret_id.as_deref())?;
        let deprecated = request.include_deprecated == Some(true);
        let versions = secret.versions.iter().filter(|(_, version)| deprecated || !version.stages.is_empty());
        let listed = versions.map(|(id, version)| {
            json!({ "VersionId": id, "VersionStages": version.stages, "CreatedDate": epoch_seconds(version.created_ms) })
        });
        let mut answer =
            page("Versions", listed.collect(), request.max_results, request.next_token.as_deref())?;
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("ARN".to_owned(), json!(self.arn(secret)));
            answer.insert("Name".to_owned(), json!(secret.name));
        }
        Ok(answer)
    }

    fn description(&self, secret: &Secret, stages: &str) -> Map<String, Value> {
        let labelled: BTreeMap<_, _> = secret
            .versions
            .iter()
            .filter(|(_, version)| !version.stages.is_empty())
            .map(|(id, version)| (id, &version.stages))
            .collect();
        let mut described = Map::new();
        for (field, value) in [
            ("ARN", json!(self.arn(secret))),
            ("Name", json!(secret.name)),
            ("Description", json!(secret.description)),
            ("KmsKeyId", json!(secret.kms_key_id)),
            ("CreatedDate", epoch_seconds(secret.created_ms)),
            ("LastChangedDate", epoch_seconds(secret.changed_ms)),
            ("DeletedDate", json!(secret.deleted_ms.map(epoch_seconds))),
            ("Tags", if secret.tags.is_empty() { Value::Null } else { json!(secret.tags) }),
            (stages, if labelled.is_empty() { Value::Null } else { json!(labelled) }),
        ] {
            if !value.is_null() {
                described.insert(field.to_owned(), value);
            }
        }
        described
    }
}

/// Whether a secret passes a filter: a prefix of what the key names; `!` before a value turns it round.
fn passes(secret: &Secret, filter: &Filter) -> Result<bool, ApiError> {
    let tags = |part: &str| -> Vec<String> {
        secret.tags.iter().filter_map(|tag| tag.get(part)?.as_str().map(str::to_owned)).collect()
    };
    let texts = match filter.key.as_str() {
        "name" => vec![secret.name.clone()],
        "description" => secret.description.iter().cloned().collect(),
        "tag-key" => tags("Key"),
        "tag-value" => tags("Value"),
        "all" => {
            let mut all = vec![secret.name.clone()];
            all.extend(secret.description.clone());
            all.extend(tags("Key"));
            all.extend(tags("Value"));
            all
        }
        other => {
            return Err(error::parameter(format!("The filter {other} is not emulated by the local stack.")));
        }
    };
    Ok(filter.values.iter().any(|value| match value.strip_prefix('!') {
        Some(not) => !texts.iter().any(|text| text.starts_with(not)),
        None => texts.iter().any(|text| text.starts_with(value.as_str())),
    }))
}

/// One page; the token is the number of entries before it.
fn page(field: &str, all: Vec<Value>, max: Option<usize>, token: Option<&str>) -> Result<Value, ApiError> {
    let from: usize = token
        .unwrap_or("0")
        .parse()
        .map_err(|_| ApiError::new("InvalidNextTokenException", "The NextToken value is invalid."))?;
    let size = max.unwrap_or(100).clamp(1, 100);
    let total = all.len();
    let page: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let next = from + page.len();
    Ok(if next < total {
        json!({ field: page, "NextToken": next.to_string() })
    } else {
        json!({ field: page })
    })
}
