//! Writing down what a contact agreed to or withdrew.

use crate::read::{Family, Slice};
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, MessageId, TenantId, derived_ulid};
use domain::time::Millis;
use futures_util::future::try_join_all;
use platform::dynamo::{ConsentRow, NewConsent, Store, StoreError};
use std::fmt;
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
        wording: said.wording,
        language: said.language,
        version: None,
        ip_hash: None,
        source: said.source,
        actor: "contact",
        trace_id: said.trace_id,
    };
    store.record_consent(tenant, contact, &consent).await?;
    Ok(ConsentRow::from(&consent))
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

/// Where a page of the ledger ends: the row's time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(Millis, ConsentId);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.unix_ms(), self.1)
    }
}

impl Position {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self(Millis::from_unix_ms(at.parse().ok()?), ConsentId::parse(id).ok()?))
    }
}

/// What a contact agreed to and withdrew, the latest to happen first, over all the contacts that are this person;
/// `None` when there is no such contact.
///
/// # Errors
/// The table did not answer.
pub async fn rows(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    after: Option<Position>,
    limit: u32,
) -> Result<Option<Slice<ConsentRow, Position>>, StoreError> {
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let before = after.map(|Position(at, id)| (at, id));
    let ids = family.ids();
    let pages = ids.iter().map(|id| store.consent_rows(tenant, *id, before, limit + 1));
    let mut rows: Vec<ConsentRow> = try_join_all(pages).await?.into_iter().flatten().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.occurred_at, row.id)));
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| Position(row.occurred_at, row.id));
    Ok(Some(Slice { items: rows, next }))
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
    store.record_consent(tenant, kept, consent).await?;
    Ok(Some(ConsentRow::from(consent)))
}
