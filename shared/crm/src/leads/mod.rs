//! Leads, written: somebody enquires, people work on it, and what they do is on the timeline.

mod capture;
mod change;
mod happen;
mod person;
mod tell;

pub use capture::{Captured, Enquiry, capture};
pub use change::{Changed, LeadPatch, change};
pub use happen::{NewHappening, happen};
pub use tell::{tell_captured, tell_changed};

use crate::ingest::IngestError;
use domain::ids::TenantId;
use domain::lead::FieldError;
use platform::dynamo::StoreError;
use ulid::Ulid;
use uuid::Uuid;

/// How often a change that met another one is tried again.
const TRIES: u32 = 8;

/// Who does something to a lead.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Whose leads.
    pub tenant: TenantId,
    /// A key's id, or a source.
    pub actor: &'a str,
    /// In which request.
    pub trace_id: Uuid,
    /// The same for every run of one request or delivery: what it makes is derived from it.
    pub mark: Ulid,
}

/// A lead could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// A field cannot be what it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The person cannot be told apart.
    #[error(transparent)]
    Person(#[from] IngestError),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others changed it faster than we could.
    #[error("the lead is being changed by many at once")]
    Busy,
}
