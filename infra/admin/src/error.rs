//! What keeps a command from being done.

use crm::audit::BrokenAt;
use crm::privacy::EraseError;
use crm::provision::ProvisionError;
use crm::rewrap::RewrapError;
use domain::ids::TenantId;
use domain::ledger::BrokenRow;
use domain::ledger_file::BrokenFile;
use platform::aws::AwsError;
use platform::checkpoints::CheckpointError;
use platform::config::ConfigError;
use platform::dynamo::StoreError;

/// A command was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The environment lacks something.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// AWS did not answer, or refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tenant or a key could not be made.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A tenant's secrets were not all wrapped anew.
    #[error("{0}: {1}; what was done stays done, run it again")]
    Rewrap(TenantId, RewrapError),
    /// An erasure was not begun again.
    #[error("{0}; what was begun stays begun, run it again")]
    Erase(#[from] EraseError),
    /// There is no such tenant.
    #[error("there is no tenant {0}")]
    NoTenant(TenantId),
    /// There is no such dead-letter queue.
    #[error("{0} is no dead-letter queue of this stage")]
    NoDeadLetters(String),
    /// The platform's secret is not what it should be.
    #[error("the secret {0} holds no JSON object")]
    OddSecret(String),
    /// The value that was given is none.
    #[error("expected the new value on the input: one line, not empty")]
    NoValue,
    /// A rotation would end the value before the last one too early.
    #[error(
        "the last rotation is younger than a day, and only one previous value stays good: wait, or add --force"
    )]
    TooSoon,
    /// The chain is broken.
    #[error("the audit log of {0} is broken: {1}")]
    Broken(TenantId, BrokenAt),
    /// The ledger's chain is broken.
    #[error("the consent ledger of {0} is broken: {1}")]
    BrokenLedger(TenantId, BrokenRow),
    /// An exported ledger is not what was exported.
    #[error("{0}: {1}")]
    BrokenFile(String, BrokenFile),
    /// A file could not be read.
    #[error("{0} cannot be read: {1}")]
    File(String, std::io::Error),
    /// A receiver could not be checked, or does not do as it must.
    #[error("{0}")]
    Receiver(String),
    /// The sealed ends of a log are not what they should be, or could not be read.
    #[error(transparent)]
    Checkpoints(#[from] CheckpointError),
    /// The answer could not be written.
    #[error("cannot write the answer: {0}")]
    Output(std::io::Error),
}
