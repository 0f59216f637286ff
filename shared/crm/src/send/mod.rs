//! Sending: what the caller asks for, held against the rules, and accepted with its place in the conversation's lane.
//!
//! The same [`evaluate`] answers a send, a preflight and, through [`crate::dispatch`], the sender.

mod accept;
mod edit;
mod evaluate;
mod moves;
mod preflight;
mod reason;
mod say;
mod situation;

pub use accept::{By, Schedule, Taken, accept, settled};
pub use edit::{Edit, Edited, edit};
pub use evaluate::{Draft, Target};
pub use moves::{Moved, cancel, hold, release, resend};
pub use preflight::{Preflight, preflight};
pub use reason::Reason;

pub(crate) use accept::{enqueue, queue_errand};
pub(crate) use evaluate::{Asked, Found, decide, evaluate_in};
pub(crate) use say::{Said, say_as};
pub(crate) use situation::{Route, Situation};

use crate::ingest::IngestError;
use crate::templates::SyncError;
use domain::outgoing::FieldError;
use domain::template::Template;
use platform::dynamo::StoreError;

/// A message could not be accepted. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A field of the request cannot be what it is.
    #[error(transparent)]
    Invalid(#[from] FieldError),
    /// There is no such lead, conversation or message in this tenant.
    #[error("not found")]
    NotFound,
    /// A message that is answered or reacted to has no id at the provider yet.
    #[error("{field} names a message that the provider has not taken yet")]
    NotYet {
        /// The field that names it.
        field: &'static str,
    },
    /// Rules say no.
    #[error("refused")]
    Refused {
        /// Why; the gravest reason first, at least one.
        reasons: Vec<Reason>,
        /// Templates that may be sent instead, where one would help.
        instead: Vec<Template>,
    },
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The contact could not be made.
    #[error(transparent)]
    Contact(#[from] IngestError),
    /// The templates could not be read.
    #[error(transparent)]
    Templates(#[from] SyncError),
}
