//! The assistant: a language model of the tenant's choice that drafts, translates and, where it is told to, answers by
//! itself.
//!
//! The processor only notes that a customer waits. A worker of its own answers, one for each conversation at a time: what
//! it is about to send is written down before, so that a crash anywhere sends nothing twice.

mod ask;
mod connect;
mod hold;
mod reply;
mod suggest;
mod talk;
mod translate;
mod wait;

pub use connect::{AssistantView, ConnectError, ConnectSettings, connect, disconnect, show};
pub use reply::{AnswerError, answer};
pub use suggest::{Suggestion, suggest};
pub use translate::{Translated, translate};
pub use wait::sweep;

pub(crate) use connect::ASSISTANT_PURPOSE;
pub(crate) use wait::wait_for_answer;

use domain::ids::{KeyId, derived_ulid};
use platform::dynamo::StoreError;
use platform::http::{Code, Problem};
use platform::vault::VaultError;

/// The key in whose name the assistant sends. It opens nothing.
#[must_use]
pub fn assistant_key() -> KeyId {
    KeyId::from_ulid(derived_ulid(0, &["assistant"]))
}

/// Why somebody who asked the assistant for something has nothing.
#[derive(Debug, thiserror::Error)]
pub enum HelpError {
    /// It is not connected, or this is switched off; the switch is named.
    #[error("not connected")]
    NotConnected(Option<&'static str>),
    /// There is no such conversation or message in this tenant.
    #[error("not found")]
    NotFound,
    /// There is nothing that it could be asked about, in words for the caller.
    #[error("{0}")]
    Nothing(&'static str),
    /// Its answer did not come or cannot be used, in words for the caller.
    #[error("{0}")]
    Unavailable(String),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its key could not be opened now.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// When it is worth asking the assistant again, in seconds.
const AGAIN_S: u32 = 10;

impl From<HelpError> for Problem {
    fn from(error: HelpError) -> Self {
        match error {
            HelpError::NotConnected(None) => {
                let message = "No assistant is connected; connect one with `PUT /v1/integrations/assistant`.";
                Self::refused(Code::AssistantNotConnected, message).into()
            }
            HelpError::NotConnected(Some(switch)) => {
                let message = format!("The assistant's `{switch}` is switched off.");
                let mut refused = Self::refused(Code::AssistantNotConnected, message);
                refused.details.insert("switch".to_owned(), switch.into());
                refused.into()
            }
            HelpError::NotFound => Self::NotFound,
            HelpError::Nothing(why) => Self::Conflict { message: why.to_owned(), retry_after_s: None },
            HelpError::Unavailable(why) => {
                let message = format!("The assistant has no answer that can be used: {why}.");
                let mut refused = Self::refused(Code::AssistantUnavailable, message);
                refused.retry_after_s = Some(AGAIN_S);
                refused.into()
            }
            HelpError::Store(error) => error.into(),
            HelpError::Vault(error @ VaultError::Transient(_)) => Self::unavailable(error),
            HelpError::Vault(error) => Self::internal(error),
        }
    }
}
