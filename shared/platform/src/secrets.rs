//! The platform's own secrets, from Secrets Manager: the current version and the one before it, so that a rotation
//! needs no moment in which every webhook is refused.

use crate::aws::{Aws, AwsError, Effort, Service};
use crate::clock::SharedClock;
use domain::redacted::Redacted;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A secret that was withdrawn works for at most this long.
const LIFETIME_MS: u64 = 5 * 60 * 1000;
/// Shorter text is not a key but a mistake.
const SHORTEST_CURSOR_KEY: usize = 32;

/// What belongs to the platform and not to a tenant. Each list holds the current value first, then the previous one
/// when it differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlatformSecrets {
    /// The app secrets of our Meta app: they sign what Meta sends for tenants without an app of their own.
    pub meta_app_secrets: Vec<Redacted<String>>,
    /// What Meta repeats in the handshake.
    pub meta_verify_tokens: Vec<Redacted<String>>,
    /// What 360dialog signs a partner's webhooks with.
    pub dialog360_platform_secrets: Vec<Redacted<String>>,
    /// The keys that seal list cursors.
    pub cursor_keys: Vec<Redacted<[u8; 32]>>,
}

/// The platform's secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager is down, slow, or refuses us.
    #[error("read the platform's secrets")]
    Aws(#[source] AwsError),
    /// The secret is not the JSON it should be. What is wrong with it is not told, because the parser would quote it.
    #[error("the platform's secret is not of the expected shape")]
    Malformed,
}

/// Reads the platform's secrets and keeps them for five minutes. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    aws: Aws,
    secret_id: String,
    clock: SharedClock,
    /// Held while reading, so that a cold start with many requests reads once.
    known: Mutex<Option<(Millis, Arc<PlatformSecrets>)>>,
}

impl Secrets {
    /// Names the secret. No I/O.
    #[must_use]
    pub fn new(aws: Aws, secret_id: String, clock: SharedClock) -> Self {
        Self(Arc::new(Inner { aws, secret_id, clock, known: Mutex::default() }))
    }

    /// Opens a connection to Secrets Manager ahead of the first call.
    pub async fn connect(&self) {
        self.0.aws.connect(Service::SecretsManager).await;
    }

    /// The secrets, at most five minutes old.
    ///
    /// # Errors
    /// They are older than that, or were never read, and cannot be read now.
    pub async fn get(&self) -> Result<Arc<PlatformSecrets>, SecretsError> {
        let now = self.0.clock.now();
        let mut known = self.0.known.lock().await;
        if let Some((since, secrets)) = known.as_ref()
            && now.since(*since).max(since.since(now)) < LIFETIME_MS
        {
            return Ok(Arc::clone(secrets));
        }
        let current = self.version("AWSCURRENT").await?.ok_or(SecretsError::Malformed)?;
        // A secret that was never rotated has no previous version.
        let previous = self.version("AWSPREVIOUS").await?;
        let secrets = Arc::new(PlatformSecrets::of([Some(current), previous].into_iter().flatten()));
        *known = Some((now, Arc::clone(&secrets)));
        Ok(secrets)
    }

    async fn version(&self, stage: &'static str) -> Result<Option<Version>, SecretsError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            secret_id: &'a str,
            version_stage: &'a str,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            secret_string: Option<Zeroizing<String>>,
        }
        let input = Input { secret_id: &self.0.secret_id, version_stage: stage };
        let read = self
            .0
            .aws
            .call::<_, Output>(Service::SecretsManager, "GetSecretValue", &input, Effort::Standard)
            .await;
        match read {
            Ok(output) => {
                let text = output.secret_string.ok_or(SecretsError::Malformed)?;
                Version::parse(&text).map(Some)
            }
            Err(error) if stage == "AWSPREVIOUS" && error.code() == Some("ResourceNotFoundException") => {
                Ok(None)
            }
            Err(error) => Err(SecretsError::Aws(error)),
        }
    }
}

/// One version of the secret.
#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    meta_app_secret: Redacted<String>,
    #[serde(default)]
    meta_verify_token: Redacted<String>,
    #[serde(default)]
    dialog360_platform_secret: Redacted<String>,
    #[serde(default)]
    cursor_key: Redacted<String>,
}

impl Version {
    fn parse(text: &str) -> Result<Self, SecretsError> {
        serde_json::from_str(text).map_err(|_| SecretsError::Malformed)
    }
}

impl PlatformSecrets {
    fn of(versions: impl Iterator<Item = Version>) -> Self {
        let mut all = Self::default();
        for version in versions {
            add(&mut all.meta_app_secrets, version.meta_app_secret);
            add(&mut all.meta_verify_tokens, version.meta_verify_token);
            add(&mut all.dialog360_platform_secrets, version.dialog360_platform_secret);
            // CloudFormation can make random text, not random bytes: the key is the text's digest.
            if version.cursor_key.expose().len() >= SHORTEST_CURSOR_KEY {
                let key = Redacted::new(Sha256::digest(version.cursor_key.expose().as_bytes()).into());
                if !all.cursor_keys.contains(&key) {
                    all.cursor_keys.push(key);
                }
            }
        }
        all
    }
}

/// An empty secret is none: it would verify what anybody can sign.
fn add(list: &mut Vec<Redacted<String>>, value: Redacted<String>) {
    if !value.expose().is_empty() && !list.contains(&value) {
        list.push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(versions: &[&str]) -> PlatformSecrets {
        PlatformSecrets::of(versions.iter().map(|text| Version::parse(text).unwrap()))
    }

    #[test]
    fn the_current_value_comes_first_and_the_previous_one_after_it() {
        let all = secrets(&[
            r#"{"meta_app_secret":"new","meta_verify_token":"same"}"#,
            r#"{"meta_app_secret":"old","meta_verify_token":"same","dialog360_platform_secret":"d"}"#,
        ]);
        let shown =
            |list: &[Redacted<String>]| list.iter().map(|one| one.expose().clone()).collect::<Vec<_>>();
        assert_eq!(shown(&all.meta_app_secrets), ["new", "old"]);
        assert_eq!(shown(&all.meta_verify_tokens), ["same"]);
        assert_eq!(shown(&all.dialog360_platform_secrets), ["d"]);
    }

    #[test]
    fn an_empty_secret_is_no_secret() {
        assert_eq!(
            secrets(&[r#"{"meta_app_secret":"","cursor_key":"AAAA"}"#, "{}"]),
            PlatformSecrets::default()
        );
    }

    #[test]
    fn a_cursor_key_is_made_of_any_text_that_is_long_enough() {
        let all =
            secrets(&[&format!(r#"{{"cursor_key":"{}"}}"#, "k".repeat(64)), r#"{"cursor_key":"short"}"#]);
        assert_eq!(all.cursor_keys.len(), 1);
    }

    #[test]
    fn a_malformed_secret_is_not_quoted_in_the_error() {
        let error = Version::parse(r#"{"meta_app_secret": s3cret"#).map(drop).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
}
