//! Writing down what a contact agreed to or withdrew.

use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, MessageId, TenantId, derived_ulid};
use domain::time::Millis;
use platform::dynamo::{NewConsent, Store, StoreError};
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

/// Writes a withdrawal down, once.
///
/// # Errors
/// The table did not answer.
pub async fn withdraw(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    said: Withdrawal<'_>,
) -> Result<(), StoreError> {
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
) -> Result<(), StoreError> {
    let parts = [said.source, said.purpose.as_str(), state.as_str(), said.event];
    let consent = NewConsent {
        id: ConsentId::from_ulid(derived_ulid(said.at.unix_ms(), &parts)),
        purpose: said.purpose,
        state,
        occurred_at: said.at,
        recorded_at: said.now,
        wording: said.wording,
        language: said.language,
        source: said.source,
        actor: "contact",
        trace_id: said.trace_id,
    };
    store.record_consent(tenant, contact, &consent).await
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
) -> Result<(), StoreError> {
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
