//! The tables, by access pattern. A method here is a row of `docs/access-patterns.md`; "condition failed" is a value;
//! nothing above this module sees an attribute or a key.

mod annex;
mod audit;
mod consents;
mod contacts;
mod conversations;
mod event_queries;
mod events;
mod idempotency;
mod identities;
mod keys;
mod leads;
mod lease;
mod outbox;
mod outbox_moves;
mod templates;
mod tenants;
mod timeline;
mod traces;
mod transact;
mod wire;

pub use annex::{Annex, Edited, Reacted, StatusUpdate};
pub use audit::{AuditEntry, NewAuditEntry};
pub use consents::{ConsentRow, NewConsent};
pub use contacts::{Contact, Field, PersonField};
pub use conversations::{Conversation, InboundMove, Setting};
pub use events::{EventEntry, EventPage, LogEntry, Moved};
pub use idempotency::{Begun, StoredAnswer};
pub use identities::{Claimed, Known, Stage};
pub use leads::{Lead, LeadPage};
pub use outbox::{Accepted, Claim, ClaimRefused, NewSend, OutRecipient, SendPart, SendRecord};
pub use outbox_moves::Settlement;
pub use templates::{Heard, TemplateRow, TemplateRows, TemplateSync, Told};
pub use tenants::{ApiKeyRecord, Integration, TenantFacts};
pub use timeline::{Entry, EntryPage, IndexPage, IndexedEntry, NewEntry, Recorded};
pub use traces::TracedMessages;
pub use wire::StoreError;

use crate::aws::{Aws, Service};
use wire::Table;

/// The tables.
#[derive(Debug, Clone)]
pub struct Store {
    crm: Table,
    consents: Table,
    ephemeral: Table,
}

impl Store {
    /// Binds the tables to a client; no I/O.
    #[must_use]
    pub fn new(aws: Aws, crm_table: String, consents_table: String, ephemeral_table: String) -> Self {
        Self {
            crm: Table { aws: aws.clone(), name: crm_table },
            consents: Table { aws: aws.clone(), name: consents_table },
            ephemeral: Table { aws, name: ephemeral_table },
        }
    }

    /// Opens a connection to DynamoDB ahead of the first call.
    pub async fn connect(&self) {
        self.crm.aws.connect(Service::DynamoDb).await;
    }
}
