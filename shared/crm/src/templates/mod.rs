//! Templates: read from the providers, moved by their webhooks, found for a send; written, submitted and deleted.

mod change;
mod delete;
mod draft;
mod edit;
mod merge;
mod place;
mod poll;
mod send;
mod submit;
mod sync;

pub use change::{Applied, apply_change};
pub use delete::delete;
pub use draft::{Installed, NewLanguage, NewTemplate, clone_of, create, install};
pub use edit::{Change, edit};
pub use place::{Author, WriteError};
pub use poll::poll;
pub use send::{for_send, owner, sync_if_never};
pub use submit::submit;
pub use sync::{Synced, sync};

use domain::provider::Provider;
use platform::dynamo::StoreError;
use platform::vault::VaultError;

/// How often a row is written again when others write it at the same time.
const AT_MOST_TRIES: usize = 8;

/// Templates could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The tenant has no number whose provider has templates.
    #[error("no number of Meta or 360dialog is connected")]
    NotConfigured,
    /// The number's settings lack what the call needs.
    #[error("the account id or the secret of the {provider} number is missing or cannot be sent")]
    Unusable {
        /// Whose.
        provider: Provider,
    },
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The provider did not answer.
    #[error("{provider} did not answer: {reason}")]
    Unreachable {
        /// Who.
        provider: Provider,
        /// Why, for the log.
        reason: String,
    },
    /// The provider refuses.
    #[error("{provider} refuses: {message} (status {status})")]
    Refused {
        /// Who.
        provider: Provider,
        /// The HTTP status.
        status: u16,
        /// Its code.
        code: Option<i64>,
        /// What it says, for the admin.
        message: String,
    },
    /// The provider's answer makes no sense.
    #[error("{provider}: {reason}")]
    Unreadable {
        /// Who.
        provider: Provider,
        /// Why.
        reason: String,
    },
    /// The last attempt, a moment ago, came to nothing, and nothing was read before it.
    #[error("the providers' templates could not be read a moment ago")]
    JustFailed,
    /// Somebody else wrote the same template all the while.
    #[error("the template is being written by others")]
    Contended,
}

/// How long a provider that takes no more requests is left alone, in seconds.
const LIMITED_S: u32 = 60;

impl SyncError {
    /// The provider that is to blame, if one is.
    #[must_use]
    pub const fn provider(&self) -> Option<Provider> {
        match self {
            Self::Unusable { provider }
            | Self::Unreachable { provider, .. }
            | Self::Refused { provider, .. }
            | Self::Unreadable { provider, .. } => Some(*provider),
            Self::NotConfigured | Self::Store(_) | Self::Vault(_) | Self::JustFailed | Self::Contended => {
                None
            }
        }
    }

    /// When to ask again, in seconds, where the answer says so.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Refused { status: 429, .. } => Some(LIMITED_S),
            _ => None,
        }
    }
}
