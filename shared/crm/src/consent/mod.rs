//! What contacts agreed to and withdrew: written down, asked for, confirmed, proven.

mod answer;
mod confirmation;
mod evidence;
mod export;
mod import;
mod request;
mod rows;
mod verify;

pub(crate) use answer::{Answer, answered};
pub(crate) use confirmation::{Stop, confirm_stop};
pub use evidence::{Evidence, evidence};
pub use export::{EXPORTED_AT_ONCE, ExportedPage, export};
pub use import::{AT_MOST as IMPORTED_AT_MOST, ConsentsImported, ImportRow, RowError, import};
pub use request::{Requester, request_opt_in};
pub use rows::{Position, rows};
pub use verify::{CheckedLedger, LedgerNotChecked, check};

use crate::read::Family;
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, MessageId, TenantId, derived_ulid};
use domain::time::Millis;
use platform::dynamo::{ConsentRow, NewConsent, Store, StoreError, Wording};
use uuid::Uuid;

/// A withdrawal that came with a message or an event.
#[derive(Debug, Clone, Copy)]
pub struct Withdrawal<'a> {
    /// What was withdrawn.
    pub purpose: Purpose,
    /// When, by the provider's clock, but not after we received it.
    pub at: Millis,
    /// When we wrote it down.
    pub now: Millis,
    /// What the contact said.
    pub wording: Option<&'a str>,
    /// The language of the words.
    pub language: Option<&'a str>,
    /// Where it came about.
    pub source: &'static str,
    /// What makes it one event, however often it is delivered: the provider's id of the message, its raw text, ….
    pub event: &'a str,
    /// The trace it came with.
    pub trace_id: Uuid,
}

/// Writes a withdrawal down, once; the row it is.
///
/// # Errors
/// The table did not answer.
pub async fn withdraw(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    said: Withdrawal<'_>,
) -> Result<ConsentRow, StoreError> {
    event(store, tenant, contact, ConsentState::Revoked, said).await
}

/// Writes a person's choice at the provider down: `stop` withdraws marketing, `resume` and `signup` agree to it.
///
/// # Errors
/// The table did not answer.
pub async fn event(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    state: ConsentState,
    said: Withdrawal<'_>,
) -> Result<ConsentRow, StoreError> {
    let parts = [said.source, said.purpose.as_str(), state.as_str(), said.event];
    let consent = NewConsent {
        id: ConsentId::from_ulid(derived_ulid(said.at.unix_ms(), &parts)),
        purpose: said.purpose,
        state,
        occurred_at: said.at,
        recorded_at: said.now,
        wording: said.wording.map(Wording::Said),
        language: said.language,
        version: None,
        ip_hash: None,
        collected_by: None,
        confirms: None,
        source: said.source,
        actor: "contact",
        trace_id: said.trace_id,
    };
    Ok(store.record_consent(tenant, contact, &consent).await?.row.into())
}

/// The provider refused a message because its recipient stopped marketing (131050).
///
/// # Errors
/// The table did not answer.
pub async fn revoked_at_provider(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    message: MessageId,
    trace_id: Uuid,
    at: Millis,
) -> Result<ConsentRow, StoreError> {
    let said = Withdrawal {
        purpose: Purpose::Marketing,
        at,
        now: at,
        wording: None,
        language: None,
        source: "provider_error",
        event: &message.to_string(),
        trace_id,
    };
    withdraw(store, tenant, contact, said).await
}

/// Writes down what a contact agreed to or withdrew, because a person or a program says so; `None` when there is no
/// such contact.
///
/// # Errors
/// The table did not answer.
pub async fn write_down(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    consent: &NewConsent<'_>,
) -> Result<Option<ConsentRow>, StoreError> {
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let kept = family.id();
    Ok(Some(store.record_consent(tenant, kept, consent).await?.row.into()))
}
