//! Why a file cannot be had, or cannot be taken.

use domain::failure::Failure;
use domain::file::NotTaken;
use domain::provider::Provider;
use platform::bucket::BucketError;
use platform::dynamo::StoreError;
use platform::transport::NotPublic;
use platform::vault::VaultError;

/// A file that customers sent cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// No such message in this tenant, one that was taken back, or one without a file.
    #[error("no file")]
    NotFound,
    /// The provider has it no longer.
    #[error("the provider has the file no longer")]
    Gone,
    /// The file is not the one that the customer's message announced.
    #[error("the file from {provider} is not the one that was announced")]
    Altered {
        /// Who gave it.
        provider: Provider,
    },
    /// The file is larger than WhatsApp carries.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most that is fetched, in bytes.
        limit: usize,
    },
    /// No number that the message could have come by is connected, or its secret is missing.
    #[error("the {provider} number of the message is not connected")]
    NotConnected {
        /// Whose number.
        provider: Provider,
    },
    /// The provider gave an address that is not fetched: another host than its own, or no public one.
    #[error("the address from {provider} is not fetched")]
    ForeignAddress {
        /// Who gave it.
        provider: Provider,
    },
    /// The provider refused.
    #[error("{provider} refused: {}", .failure.code)]
    Refused {
        /// Who.
        provider: Provider,
        /// Why.
        failure: Box<Failure>,
    },
    /// The provider did not answer; the same may work in a moment.
    #[error("{provider} did not answer: {reason}")]
    Unreachable {
        /// Who.
        provider: Provider,
        /// Why, for the log.
        reason: String,
    },
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket did not answer.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The number's secret could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// A file to send cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// WhatsApp would not take it.
    #[error("WhatsApp would not take the file: {0:?}")]
    NotTaken(NotTaken),
    /// The address it should be fetched from is not fetched.
    #[error("the address is not fetched: {0}")]
    Address(NotPublic),
    /// The address it should be fetched from did not give it; says why, for the caller.
    #[error("the file could not be fetched: {0}")]
    NotFetched(String),
    /// No number is connected.
    #[error("no number is connected")]
    NoNumber,
    /// What else can go wrong.
    #[error(transparent)]
    Media(#[from] MediaError),
}
