//! The person's own word: a yes that answers a ticked box (A33, R14).

use super::rows::all_rows;
use crate::read::Family;
use domain::consent::{ConsentState, Event, Purpose, confirmed_by};
use domain::ids::{ConsentId, ContactId, TenantId, derived_ulid};
use domain::time::Millis;
use platform::dynamo::{ConsentRow, NewConsent, Store, StoreError, Wording};
use uuid::Uuid;

/// What a yes is written down as.
const SOURCE: &str = "double_opt_in";

/// A message that says yes and nothing else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// Who says it.
    pub(crate) contact: ContactId,
    /// When, by the provider's clock, but not after we received it.
    pub(crate) at: Millis,
    /// When we write it down.
    pub(crate) now: Millis,
    /// The words.
    pub(crate) words: &'a str,
    /// Their language.
    pub(crate) language: Option<&'a str>,
    /// What makes it one event: our id of the message.
    pub(crate) event: &'a str,
    /// The trace it came with.
    pub(crate) trace_id: Uuid,
}

/// Writes the agreement down that a yes is, where a ticked box waits for one; the row it is. Everybody says yes to many
/// things: it answers the box when the person was asked to confirm it, or when nobody wrote to them since.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn answered(
    store: &Store,
    tenant: TenantId,
    said: Answer<'_>,
) -> Result<Option<ConsentRow>, StoreError> {
    let known = store.consents(tenant, &[said.contact]).await?;
    let family = match known.marketing_asked_at {
        Some(_) => None,
        // The box may lie with another contact of the same person.
        None => Family::read(store, tenant, said.contact).await?.filter(|family| family.ids().len() > 1),
    };
    let contacts = family.as_ref().map_or_else(|| vec![said.contact], Family::ids);
    let standing = if contacts.len() > 1 { store.consents(tenant, &contacts).await? } else { known };
    if standing.marketing_asked_at.is_none() {
        return Ok(None);
    }
    let parts = [SOURCE, Purpose::Marketing.as_str(), ConsentState::Granted.as_str(), said.event];
    let digest = derived_ulid(said.at.unix_ms(), &parts);
    let mut rows = all_rows(store, tenant, &contacts).await?;
    rows.retain(|row| row.purpose == Purpose::Marketing && row.id.ulid() != digest);
    let events: Vec<Event> = rows.iter().map(|row| Event { state: row.state, at: row.occurred_at }).collect();
    let Some(asked) = confirmed_by(&events, said.at).and_then(|place| rows.get(place)) else {
        return Ok(None);
    };
    // Providers tell whole seconds.
    let told = said.at.plus_ms(999);
    let was_asked = standing.marketing_requested_at.is_some_and(|requested| requested <= told);
    if !was_asked && wrote_between(store, tenant, &contacts, asked.occurred_at, told).await? {
        return Ok(None);
    }
    let consent = NewConsent {
        id: ConsentId::from_ulid(digest),
        purpose: Purpose::Marketing,
        state: ConsentState::Granted,
        // Within the second of the box, the answer came after it.
        occurred_at: said.at.max(asked.occurred_at),
        recorded_at: said.now,
        wording: Some(Wording::Said(said.words)),
        language: said.language,
        version: asked.version.as_deref(),
        ip_hash: None,
        collected_by: None,
        confirms: Some(asked.id),
        source: SOURCE,
        actor: "contact",
        trace_id: said.trace_id,
    };
    Ok(Some(store.record_consent(tenant, said.contact, &consent).await?.row.into()))
}

/// Whether the business wrote to the person after a moment and up to another: a yes might answer that.
async fn wrote_between(
    store: &Store,
    tenant: TenantId,
    contacts: &[ContactId],
    after: Millis,
    until: Millis,
) -> Result<bool, StoreError> {
    let conversations = store.conversations(tenant, contacts).await?;
    let mut last = conversations.iter().filter_map(|one| one.last_outbound);
    Ok(last.any(|order| (after.unix_ms()..=until.unix_ms()).contains(&order.timestamp_ms())))
}
