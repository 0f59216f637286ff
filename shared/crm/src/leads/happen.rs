//! Writing down what happened with a lead on other channels: calls, e-mails, notes.

use super::By;
use crate::read::{Family, TimelineEvent};
use domain::ids::{EventId, LeadId};
use domain::time::Millis;
use platform::dynamo::{Happening, Store, StoreError};
use serde_json::{Map, Value};
use ulid::Ulid;

/// What happened.
#[derive(Debug, Clone)]
pub struct NewHappening {
    /// What it is, such as `voice.call`.
    pub kind: String,
    /// When.
    pub at: Millis,
    /// What there is to know about it.
    pub data: Map<String, Value>,
}

/// Puts something on a lead's timeline, between the messages by its time; `None` when there is no such lead. The same
/// again changes nothing.
///
/// # Errors
/// The table did not answer.
pub async fn happen(
    store: &Store,
    by: By<'_>,
    id: LeadId,
    new: NewHappening,
    now: Millis,
) -> Result<Option<TimelineEvent>, StoreError> {
    let Some(lead) = store.lead(by.tenant, id).await? else { return Ok(None) };
    let Some(family) = Family::fresh(store, by.tenant, lead.contact).await? else { return Ok(None) };
    let happening = Happening {
        id: EventId::from_ulid(Ulid::from_parts(new.at.unix_ms(), by.mark.random())),
        contact: family.id(),
        lead: Some(id),
        kind: new.kind,
        actor: by.actor.to_owned(),
        recorded_at: now,
        trace_id: by.trace_id,
        data: Value::Object(new.data),
    };
    store.record_happening(by.tenant, &happening).await?;
    Ok(Some(TimelineEvent::from(happening)))
}
