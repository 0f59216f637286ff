//! The ends of audit logs and consent ledgers, sealed by a key that only KMS has and kept where objects cannot be changed: whoever may write
//! the table can neither make one nor take one away (I-21).

use crate::aws::{Aws, AwsError, Effort, S3, Service};
use crate::config::Config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ids::TenantId;
use domain::time::Millis;
use http::Method;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const ALGORITHM: &str = "HMAC_SHA_256";

/// The bucket and the key of checkpoints. Clones share connections.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    s3: Arc<S3>,
    aws: Aws,
    key_id: String,
}

/// What is sealed: each has names and words of its own, so that the end of one is never that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// The audit log.
    Audit,
    /// The consent ledger.
    Consents,
}

impl Sealed {
    const fn folder(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Consents => "consents",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Audit => "hadar audit checkpoint",
            Self::Consents => "hadar consents checkpoint",
        }
    }
}

/// The end of a tenant's chain as it was at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose log.
    pub tenant: TenantId,
    /// The place of the newest entry then.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
    /// When it was sealed.
    pub at: Millis,
    /// KMS's HMAC-SHA-256 over all of these, in base64.
    pub mac: String,
}

impl Checkpoint {
    /// What is sealed: a name of its own, so that nothing else that the key may ever seal is a checkpoint.
    fn sealed(&self, what: Sealed) -> String {
        let Self { tenant, seq, hash, at, mac: _ } = self;
        let text = format!("{}|v1|{tenant}|{seq}|{hash}|{at}", what.words());
        STANDARD.encode(text)
    }
}

/// A checkpoint was not made, or is none.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// S3 or KMS did not do what was asked.
    #[error("the checkpoints of audit logs: {0}")]
    Aws(#[from] AwsError),
    /// An object that is no checkpoint of this tenant, place and key.
    #[error("{0} is no checkpoint that we sealed")]
    Forged(String),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MacInput<'a> {
    key_id: &'a str,
    message: &'a str,
    mac_algorithm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<&'a str>,
}

impl Checkpoints {
    /// Makes the client; no I/O.
    ///
    /// # Errors
    /// An endpoint, a credential or a CA bundle that cannot be used.
    pub fn new(config: &Config, aws: Aws) -> Result<Self, AwsError> {
        let s3 = Arc::new(S3::new(&config.aws, &config.function, &config.audit_bucket)?);
        Ok(Self { s3, aws, key_id: config.audit_key_id.clone() })
    }

    /// Seals the end of a log; says whether there was none of this place yet.
    ///
    /// # Errors
    /// S3 or KMS did not do it; the same may be tried again.
    pub async fn seal(
        &self,
        what: Sealed,
        tenant: TenantId,
        (seq, hash): (u64, &str),
        at: Millis,
    ) -> Result<bool, CheckpointError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            mac: String,
        }
        let name = name(what, tenant, seq);
        match self.s3.call(Method::HEAD, &name, &[], Bytes::new()).await {
            Ok(_there) => return Ok(false),
            // The answer to `HEAD` has no body, and so no code.
            Err(AwsError::Service { status: 404, .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let mut checkpoint = Checkpoint { tenant, seq, hash: hash.to_owned(), at, mac: String::new() };
        let message = checkpoint.sealed(what);
        let input = MacInput { key_id: &self.key_id, message: &message, mac_algorithm: ALGORITHM, mac: None };
        let made: Output = self.aws.call(Service::Kms, "GenerateMac", &input, Effort::Standard).await?;
        checkpoint.mac = made.mac;
        let body = serde_json::to_vec(&checkpoint).map_err(AwsError::malformed)?;
        self.s3.put(&name, "application/json", Bytes::from(body)).await?;
        Ok(true)
    }

    /// Seals what somebody was told is gone, for good: the text says by itself what it is, so that it is no checkpoint.
    ///
    /// # Errors
    /// KMS did not do it; the same may be tried again.
    pub async fn seal_proof(&self, text: &str) -> Result<String, CheckpointError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            mac: String,
        }
        let message = STANDARD.encode(text);
        let input = MacInput { key_id: &self.key_id, message: &message, mac_algorithm: ALGORITHM, mac: None };
        let made: Output = self.aws.call(Service::Kms, "GenerateMac", &input, Effort::Standard).await?;
        Ok(made.mac)
    }

    /// Whether a proof was sealed by us.
    ///
    /// # Errors
    /// KMS did not answer.
    pub async fn proves(&self, text: &str, mac: &str) -> Result<bool, CheckpointError> {
        let message = STANDARD.encode(text);
        let input =
            MacInput { key_id: &self.key_id, message: &message, mac_algorithm: ALGORITHM, mac: Some(mac) };
        let verified: Result<serde_json::Value, AwsError> =
            self.aws.call(Service::Kms, "VerifyMac", &input, Effort::Standard).await;
        match verified {
            Ok(answer) => Ok(answer.get("MacValid") == Some(&serde_json::Value::Bool(true))),
            Err(error)
                if matches!(error.code(), Some("KMSInvalidMacException" | "SerializationException")) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Every checkpoint of a tenant's log, oldest first, each with its seal proven.
    ///
    /// # Errors
    /// S3 or KMS did not answer; [`CheckpointError::Forged`] for the first that is none.
    pub async fn proven(&self, what: Sealed, tenant: TenantId) -> Result<Vec<Checkpoint>, CheckpointError> {
        let (prefix, mut after) = (folder(what, tenant), String::new());
        let mut all = Vec::new();
        loop {
            let names = self.s3.names(&prefix, &after).await?;
            let Some(last) = names.last() else { return Ok(all) };
            after.clone_from(last);
            for found in names {
                all.push(self.read(what, tenant, &found).await?);
            }
        }
    }

    async fn read(&self, what: Sealed, tenant: TenantId, found: &str) -> Result<Checkpoint, CheckpointError> {
        let forged = || CheckpointError::Forged(found.to_owned());
        let (_, body) = self.s3.call(Method::GET, found, &[], Bytes::new()).await?;
        let checkpoint: Checkpoint = serde_json::from_slice(&body).map_err(|_| forged())?;
        if checkpoint.tenant != tenant || name(what, tenant, checkpoint.seq) != found {
            return Err(forged());
        }
        let message = checkpoint.sealed(what);
        let mac = Some(checkpoint.mac.as_str());
        let input = MacInput { key_id: &self.key_id, message: &message, mac_algorithm: ALGORITHM, mac };
        let verified: Result<serde_json::Value, AwsError> =
            self.aws.call(Service::Kms, "VerifyMac", &input, Effort::Standard).await;
        match verified {
            Ok(answer) if answer.get("MacValid") == Some(&serde_json::Value::Bool(true)) => Ok(checkpoint),
            Ok(_) => Err(forged()),
            // KMS's words for another seal, and for what is no base64.
            Err(error)
                if matches!(error.code(), Some("KMSInvalidMacException" | "SerializationException")) =>
            {
                Err(forged())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn folder(what: Sealed, tenant: TenantId) -> String {
    format!("{}/{tenant}/", what.folder())
}

/// Zeros before the place, so that names are in the order of the log.
fn name(what: Sealed, tenant: TenantId, seq: u64) -> String {
    format!("{}/{tenant}/{seq:020}.json", what.folder())
}
