//! A secret's versions and the labels that move between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api::Content;
use super::error;
use crate::protocol::ApiError;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
/// Versions without a label are kept up to this many, the oldest go first.
const KEPT: usize = 100;
const MAX_CONTENT: usize = 65_536;

/// A secret.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) name: String,
    /// The random end of its ARN.
    pub(super) suffix: String,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) tags: Vec<Value>,
    pub(super) created_ms: i64,
    pub(super) changed_ms: i64,
    pub(super) deleted_ms: Option<i64>,
    pub(super) deletion_ms: Option<i64>,
    pub(super) versions: BTreeMap<String, Version>,
}

/// One version.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) content: Content,
    pub(super) stages: Vec<String>,
    pub(super) created_ms: i64,
}

impl Secret {
    /// Whether its recovery window has passed.
    pub(super) fn is_gone(&self, now: i64) -> bool {
        self.deletion_ms.is_some_and(|deletion| deletion <= now)
    }

    /// The version that carries a label.
    pub(super) fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.iter().any(|label| label == stage))
    }

    /// Adds a version under these labels. The same id with the same content again changes nothing.
    pub(super) fn add(
        &mut self,
        id: &str,
        content: Content,
        stages: &[String],
        now: i64,
    ) -> Result<(), ApiError> {
        if let Some(version) = self.versions.get(id) {
            if version.content == content {
                return Ok(());
            }
            return Err(error::exists(format!(
                "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                self.name
            )));
        }
        self.versions.insert(id.to_owned(), Version { content, stages: Vec::new(), created_ms: now });
        for stage in stages {
            self.attach(stage, id);
        }
        if self.staged(CURRENT).is_none() {
            self.attach(CURRENT, id);
        }
        self.changed_ms = now;
        self.forget_oldest();
        Ok(())
    }

    /// Moves a label to a version; what was current becomes the previous one.
    pub(super) fn attach(&mut self, stage: &str, id: &str) {
        let former = self.staged(stage).map(|(former, _)| former.clone());
        if former.as_deref() == Some(id) {
            return;
        }
        self.detach(stage);
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.push(stage.to_owned());
        }
        if stage == CURRENT {
            if self.staged(PREVIOUS).is_some_and(|(previous, _)| previous == id) {
                self.detach(PREVIOUS);
            }
            if let Some(former) = former {
                self.attach(PREVIOUS, &former);
            }
        }
    }

    /// Takes a label off whatever version carries it.
    pub(super) fn detach(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.retain(|label| label != stage);
        }
    }

    fn forget_oldest(&mut self) {
        let mut unlabelled: Vec<(i64, String)> = self
            .versions
            .iter()
            .filter(|(_, version)| version.stages.is_empty())
            .map(|(id, version)| (version.created_ms, id.clone()))
            .collect();
        unlabelled.sort();
        let surplus = unlabelled.len().saturating_sub(KEPT);
        for (_, id) in unlabelled.into_iter().take(surplus) {
            self.versions.remove(&id);
        }
    }
}

impl Content {
    /// Whether a version is given at all.
    pub(super) fn is_given(&self) -> bool {
        self.secret_string.is_some() || self.secret_binary.is_some()
    }

    /// Text or bytes, not both, and not too long.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let length = match (&self.secret_string, &self.secret_binary) {
            (Some(_), Some(_)) => {
                return Err(error::parameter(
                    "You can't specify both a binary secret value and a string secret value.",
                ));
            }
            (Some(text), None) => text.len(),
            (None, Some(base64)) => base64.len() / 4 * 3,
            (None, None) => 0,
        };
        if length > MAX_CONTENT {
            Err(error::parameter("A secret value has at most 65536 bytes."))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Content {
        Content { secret_string: Some(text.to_owned()), secret_binary: None }
    }

    fn secret() -> Secret {
        Secret {
            name: "s".to_owned(),
            suffix: "abcdef".to_owned(),
            description: None,
            kms_key_id: None,
            tags: Vec::new(),
            created_ms: 0,
            changed_ms: 0,
            deleted_ms: None,
            deletion_ms: None,
            versions: BTreeMap::new(),
        }
    }

    fn id_of<'a>(secret: &'a Secret, stage: &str) -> Option<&'a str> {
        secret.staged(stage).map(|(id, _)| id.as_str())
    }

    #[test]
    fn what_was_current_becomes_previous_and_only_that() {
        let mut secret = secret();
        let current = [CURRENT.to_owned()];
        for (at, id) in ["a", "b", "c"].into_iter().enumerate() {
            secret.add(id, text(id), &current, i64::try_from(at).unwrap()).unwrap();
        }
        assert_eq!((id_of(&secret, CURRENT), id_of(&secret, PREVIOUS)), (Some("c"), Some("b")));
        assert!(secret.versions["a"].stages.is_empty());
        secret.attach(CURRENT, "b");
        assert_eq!((id_of(&secret, CURRENT), id_of(&secret, PREVIOUS)), (Some("b"), Some("c")));
    }

    #[test]
    fn a_token_used_again_must_bring_the_same_content() {
        let mut secret = secret();
        secret.add("token", text("one"), &[], 0).unwrap();
        secret.add("token", text("one"), &[], 1).unwrap();
        assert!(secret.add("token", text("two"), &[], 2).is_err());
        assert_eq!(secret.versions.len(), 1);
    }

    #[test]
    fn unlabelled_versions_are_kept_up_to_a_hundred() {
        let mut secret = secret();
        for at in 0..150 {
            secret.add(&format!("{at:03}"), text("x"), &[CURRENT.to_owned()], at).unwrap();
        }
        assert_eq!(secret.versions.len(), KEPT + 2);
        assert!(!secret.versions.contains_key("000"));
    }
}
