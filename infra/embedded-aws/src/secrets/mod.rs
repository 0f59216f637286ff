//! Secrets Manager: secrets with versions and staging labels.

mod api;
mod describe;
mod error;
mod lifecycle;
mod password;
mod values;
mod versions;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::Identity;
use crate::clock::StackClock;
use crate::data_dir::OpenError;
use crate::documents::Documents;
use crate::protocol::{ApiError, parse};
use versions::Secret;

const SECRETS: &str = "secret";

/// The secrets.
pub(crate) struct Secrets {
    secrets: Mutex<BTreeMap<String, Secret>>,
    documents: Documents,
    identity: Identity,
    clock: StackClock,
}

impl Secrets {
    pub(crate) fn open(
        documents: Documents,
        identity: Identity,
        clock: StackClock,
    ) -> Result<Self, OpenError> {
        let secrets = Mutex::new(documents.load(SECRETS)?);
        Ok(Self { secrets, documents, identity, clock })
    }

    /// Runs one operation.
    pub(crate) fn call(&self, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
        match operation {
            "CreateSecret" => self.create(parse(body)?),
            "GetSecretValue" => self.value(&parse(body)?),
            "PutSecretValue" => self.put_value(parse(body)?),
            "UpdateSecret" => self.update(parse(body)?),
            "UpdateSecretVersionStage" => self.update_stage(&parse(body)?),
            "DescribeSecret" => self.describe(&parse(body)?),
            "ListSecrets" => self.list(&parse(body)?),
            "ListSecretVersionIds" => self.list_versions(&parse(body)?),
            "DeleteSecret" => self.delete(&parse(body)?),
            "RestoreSecret" => self.restore(&parse(body)?),
            "GetRandomPassword" => password::random(&parse(body)?),
            other => Err(ApiError::unknown_operation(&format!("Secrets Manager {other}"))),
        }
    }

    /// The secrets that are there now; those whose recovery window has passed are removed for good.
    fn locked(&self) -> Result<MutexGuard<'_, BTreeMap<String, Secret>>, ApiError> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now_ms();
        let gone: Vec<String> =
            secrets.iter().filter(|(_, secret)| secret.is_gone(now)).map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.documents.remove(SECRETS, &name)?;
            secrets.remove(&name);
        }
        Ok(secrets)
    }

    /// Stores a secret, on disk before in memory.
    fn store(&self, secrets: &mut BTreeMap<String, Secret>, secret: Secret) -> Result<(), ApiError> {
        self.documents.put(SECRETS, &secret.name, &secret)?;
        secrets.insert(secret.name.clone(), secret);
        Ok(())
    }

    fn arn(&self, secret: &Secret) -> String {
        let Identity { region, account_id } = &self.identity;
        format!("arn:aws:secretsmanager:{region}:{account_id}:secret:{}-{}", secret.name, secret.suffix)
    }

    /// The secret that a name, an ARN or an ARN without its random end names.
    fn find<'a>(
        &self,
        secrets: &'a BTreeMap<String, Secret>,
        named: Option<&str>,
    ) -> Result<&'a Secret, ApiError> {
        let named = named.ok_or_else(|| error::parameter("You must provide SecretId."))?;
        if !named.starts_with("arn:") {
            return secrets.get(named).ok_or_else(error::no_secret);
        }
        let matches = |secret: &&Secret| {
            let arn = self.arn(secret);
            arn == named || arn.strip_suffix(&format!("-{}", secret.suffix)) == Some(named)
        };
        secrets.values().find(matches).ok_or_else(error::no_secret)
    }

    /// `find` for everything that a secret marked for deletion refuses.
    fn find_live<'a>(
        &self,
        secrets: &'a BTreeMap<String, Secret>,
        named: Option<&str>,
    ) -> Result<&'a Secret, ApiError> {
        let secret = self.find(secrets, named)?;
        if secret.deletion_ms.is_some() {
            return Err(error::request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        Ok(secret)
    }
}
