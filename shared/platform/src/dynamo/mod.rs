//! The tables, by access pattern. A method here is a row of `docs/access-patterns.md`; "condition failed" is a value;
//! nothing above this module sees an attribute or a key.

mod annex;
mod api_keys;
mod assistant;
mod assistant_turns;
mod audit;
mod chatwoot;
mod consents;
mod contacts;
mod conversation_work;
mod conversations;
mod data_keys;
mod deliveries;
mod due;
mod endpoints;
mod erased;
mod erasures;
mod event_queries;
mod events;
mod feeds;
mod forms;
mod happenings;
mod health;
mod idempotency;
mod identities;
mod integrations;
mod key_outcomes;
mod keys;
mod lead_changes;
mod leads;
mod lease;
mod ledger;
mod notices;
mod opt_outs;
mod outbox;
mod outbox_claim;
mod outbox_drafts;
mod outbox_items;
mod outbox_moves;
mod outbox_waits;
mod outdated;
mod privacy_settings;
mod provider_calls;
mod rate;
mod reach;
mod records;
mod sealed;
mod template_polls;
mod templates;
mod tenant_settings;
mod tenants;
mod timeline;
mod touches;
mod traces;
mod transact;
mod transfer;
mod translations;
mod turns;
mod wire;

pub use annex::{Annex, Edited, Reacted, StatusUpdate};
pub use api_keys::{ApiKeyRecord, KeyEdit, ListedKey};
pub use assistant::Assistant;
pub use assistant_turns::{AssistantDraft, AssistantTurn, TurnEnd, Wanted};
pub use audit::{AuditEntry, AuditHead, NewAuditEntry};
pub use chatwoot::{Chatwoot, ChatwootItem, ChatwootPlace, ChatwootThread};
pub use consents::{ConsentRow, NewConsent, Wording};
pub use contacts::{Contact, Field, PersonField};
pub use conversation_work::{ConversationLock, HandedOff, LockTaken};
pub use conversations::{Conversation, InboundMove, Setting};
pub use deliveries::{Delivery, DeliveryAttempt, DeliveryMove, DeliveryPage, NewDelivery};
pub use endpoints::{Endpoint, EndpointHealth};
pub use erased::{GroupMessage, PersonalItem, PersonalKind};
pub use erasures::{Erasure, ErasureProof, ErasureStage, Grave};
pub use events::{EventEntry, EventPage, LogEntry, Moved};
pub use feeds::Feed;
pub use forms::{FirstSeen, Form};
pub use happenings::{Happening, HappeningPage};
pub use health::HealthRecord;
pub use idempotency::{Begun, StoredAnswer};
pub use identities::{Claimed, Known, Stage};
pub use integrations::Connected;
pub use key_outcomes::{KeyEdited, KeyMade, KeyRevoked};
pub use lead_changes::{LeadChange, LeadChanged, LeadMade, NewLead};
pub use leads::{Lead, LeadCard, LeadPage, OptInRequest};
pub use ledger::Appended;
pub use notices::WindowNotice;
pub use outbox::{Accepted, NewSend, Once, OutRecipient, Relied, SendPart, SendRecord};
pub use outbox_claim::{Claim, ClaimRefused};
pub use outbox_moves::{Report, Settlement};
pub use outdated::{Dated, Outdated};
pub use rate::Counted;
pub use reach::Reached;
pub use records::{Record, RecordKind};
pub use sealed::{SealedItem, SealedKind};
pub use templates::{
    Heard, Submission, SyncStep, TemplateRow, TemplateRows, TemplateSync, Told, WrittenHere,
};
pub use tenant_settings::SettingsChange;
pub use tenants::{About, Integration, Replaced, TenantFacts};
pub use timeline::{Entry, EntryPage, IndexPage, IndexedEntry, NewEntry, Recorded};
pub use touches::{NewTouch, Touch, TouchState};
pub use traces::TracedMessages;
pub use transfer::{ExportPosition, tenant_of};
pub use translations::StoredTranslation;
pub use wire::StoreError;

use crate::aws::{Aws, Service};
use domain::ids::TenantId;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};
use wire::Table;

/// The tables.
#[derive(Debug, Clone)]
pub struct Store {
    crm: Table,
    consents: Table,
    ephemeral: Table,
    ledger_turns: Arc<[Mutex<()>; TURNS]>,
}

/// How many tenants of one process may append to their ledgers at once.
const TURNS: usize = 16;

impl Store {
    /// Binds the tables to a client; no I/O.
    #[must_use]
    pub fn new(aws: Aws, crm_table: String, consents_table: String, ephemeral_table: String) -> Self {
        Self {
            crm: Table { aws: aws.clone(), name: crm_table },
            consents: Table { aws: aws.clone(), name: consents_table },
            ephemeral: Table { aws, name: ephemeral_table },
            ledger_turns: Arc::default(),
        }
    }

    /// Waits until nobody else in this process appends to the tenant's ledger: what would only meet at its end.
    async fn ledger_turn(&self, tenant: TenantId) -> Option<MutexGuard<'_, ()>> {
        let [.., low] = tenant.ulid().to_bytes();
        let turn = self.ledger_turns.get(usize::from(low) % TURNS)?;
        Some(turn.lock().await)
    }

    /// Opens a connection to DynamoDB ahead of the first call.
    pub async fn connect(&self) {
        self.crm.aws.connect(Service::DynamoDb).await;
    }
}
