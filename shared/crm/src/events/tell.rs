//! Each thing that is told: what makes it one event, and what of it the API shows.

use super::{Emitter, Happened};
use crate::endpoints::EndpointView;
use crate::first_touch;
use crate::read;
use domain::consent::ConsentState;
use domain::failure::Failure;
use domain::health::{Mode, Quality};
use domain::ids::{
    ContactId, ConversationId, DeliveryId, EndpointId, EventId, LeadId, MessageId, TemplateId,
};
use domain::provider::Provider;
use domain::receipt::Receipt;
use domain::time::Millis;
use domain::webhook::EventType;
use domain::window::WINDOW_MS;
use platform::dynamo::{ConsentRow, HealthRecord, SendRecord, StoreError, WindowNotice};
use serde::Serialize;
use serde_json::Value;
use ulid::Ulid;

/// How long before the end of the service window somebody is told, in milliseconds.
const BEFORE_CLOSING_MS: u64 = 60 * 60 * 1000;

const fn time_of(id: Ulid) -> Millis {
    Millis::from_unix_ms(id.timestamp_ms())
}

/// A customer wrote. `known_since` is when the message was first received, when this is not the first time it came.
///
/// # Errors
/// The table did not answer, as for everything below.
pub async fn message_received(
    emitter: Emitter<'_>,
    contact: ContactId,
    id: MessageId,
    known_since: Option<Millis>,
) -> Result<(), StoreError> {
    if !emitter.wants(EventType::MessageReceived) {
        return Ok(());
    }
    let store = &emitter.platform.store;
    let Some(message) = read::message_of(store, emitter.tenant, contact, id, false).await? else {
        return Ok(());
    };
    let text = id.to_string();
    let happened = Happened {
        kind: EventType::MessageReceived,
        parts: &[&text],
        order: time_of(id.ulid()),
        at: message.created_at,
        known_since,
    };
    // A repetition may be the first to tell; the trace is that of the message all the same.
    let emitter = Emitter { trace_id: message.trace_id, ..emitter };
    emitter.tell(happened, &message).await
}

/// A message of ours came a step further, or failed and why. Told once for each step, whoever tells it first;
/// `data.status` is that step.
///
/// # Errors
/// As [`message_received`].
pub async fn message_step(
    emitter: Emitter<'_>,
    contact: ContactId,
    id: MessageId,
    step: Receipt,
    at: Millis,
    failure: Option<&Failure>,
) -> Result<(), StoreError> {
    let failed = step == Receipt::Failed;
    if !(emitter.wants(EventType::MessageStatus) || failed && emitter.wants(EventType::MessageFailed)) {
        return Ok(());
    }
    let store = &emitter.platform.store;
    let Some(mut message) = read::message_of(store, emitter.tenant, contact, id, false).await? else {
        return Ok(());
    };
    message.status = step.as_str();
    if let Some(failure) = failure {
        message.error = Some(failure.clone());
    }
    let text = id.to_string();
    let mut happened = Happened {
        kind: EventType::MessageStatus,
        parts: &[&text, step.as_str()],
        order: time_of(id.ulid()),
        at,
        known_since: None,
    };
    emitter.tell(happened, &message).await?;
    if failed {
        happened.kind = EventType::MessageFailed;
        emitter.tell(happened, &message).await?;
    }
    Ok(())
}

/// A lead was made by a message; `again` says that it may have been made before, and then only those are told who were
/// there already.
///
/// # Errors
/// As [`message_received`].
pub async fn lead_created(emitter: Emitter<'_>, id: LeadId, again: bool) -> Result<(), StoreError> {
    if !emitter.wants(EventType::LeadCreated) {
        return Ok(());
    }
    let found = read::lead(&emitter.platform.store, emitter.tenant, id, emitter.now).await?;
    let Some(lead) = found else { return Ok(()) };
    let (text, at) = (id.to_string(), lead.created_at);
    let order = time_of(id.ulid());
    let known_since = again.then_some(at);
    let happened = Happened { kind: EventType::LeadCreated, parts: &[&text], order, at, known_since };
    emitter.tell(happened, &lead).await
}

/// The first touch of a lead, as an agent is told of it.
#[derive(Serialize)]
struct FirstTouchDraft<'a> {
    lead_id: LeadId,
    contact_id: ContactId,
    conversation_id: ConversationId,
    /// Who works on the lead.
    assigned_to: Option<&'a str>,
    /// When it goes by itself; absent when a person must release it.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_at: Option<Millis>,
    message: &'a read::Message,
}

/// The first touch of a lead is held: an agent may change it, hold it, let it go, take it back.
///
/// # Errors
/// As [`message_received`].
pub async fn first_touch_draft(emitter: Emitter<'_>, record: &SendRecord) -> Result<(), StoreError> {
    let kind = EventType::LeadFirstTouchDraft;
    let Some(lead_id) = record.touch.filter(|_| emitter.wants(kind)) else { return Ok(()) };
    let store = &emitter.platform.store;
    let message = read::message_of(store, emitter.tenant, record.contact, record.id, false).await?;
    let Some(message) = message else { return Ok(()) };
    let lead = store.lead(emitter.tenant, lead_id).await?;
    let draft = FirstTouchDraft {
        lead_id,
        contact_id: message.contact_id,
        conversation_id: message.conversation_id,
        assigned_to: lead.as_ref().and_then(|lead| lead.card.assigned_to.as_deref()),
        release_at: record.release_at,
        message: &message,
    };
    let text = record.id.to_string();
    let (order, at) = (time_of(record.id.ulid()), record.accepted_at);
    emitter.tell(Happened { kind, parts: &[&text], order, at, known_since: None }, &draft).await
}

/// Somebody changed who answers a conversation or works on it; `change` names the change.
///
/// # Errors
/// As [`message_received`].
pub async fn conversation_updated(
    emitter: Emitter<'_>,
    conversation: &read::Conversation,
    change: &str,
    at: Millis,
) -> Result<(), StoreError> {
    let text = conversation.id.to_string();
    let parts = [text.as_str(), change];
    let kind = EventType::ConversationUpdated;
    let happened = Happened { kind, parts: &parts, order: at, at, known_since: None };
    emitter.tell(happened, conversation).await
}

/// A conversation went to a person; `event` is what moved it. Told once, to those who were there.
///
/// # Errors
/// As [`message_received`].
pub async fn conversation_handoff(
    emitter: Emitter<'_>,
    id: ConversationId,
    event: EventId,
) -> Result<(), StoreError> {
    let kind = EventType::ConversationHandoff;
    if !emitter.wants(kind) {
        return Ok(());
    }
    let store = &emitter.platform.store;
    // Boxed: it reads more than anything else that is told.
    let found = Box::pin(read::handoff(store, emitter.tenant, id, emitter.now)).await?;
    let Some(handoff) = found else { return Ok(()) };
    let (text, at) = (event.to_string(), time_of(event.ulid()));
    let happened = Happened { kind, parts: &[&text], order: at, at, known_since: Some(at) };
    emitter.tell(happened, &handoff).await
}

/// Notes when a conversation's window is about to close, for those who want to be told; `opened_at` is when it was opened
/// last.
///
/// # Errors
/// As [`message_received`].
pub async fn note_window(
    emitter: Emitter<'_>,
    contact: ContactId,
    opened_at: Millis,
) -> Result<(), StoreError> {
    if !emitter.wants(EventType::ConversationWindowClosing) {
        return Ok(());
    }
    let at = opened_at.plus_ms(WINDOW_MS - BEFORE_CLOSING_MS);
    if at.plus_ms(BEFORE_CLOSING_MS) <= emitter.now {
        return Ok(());
    }
    emitter.platform.store.note_window(WindowNotice { tenant: emitter.tenant, contact, at }).await
}

/// A conversation's window closes within the hour, if it still does.
///
/// # Errors
/// As [`message_received`].
pub async fn window_closing(emitter: Emitter<'_>, id: ConversationId) -> Result<(), StoreError> {
    let kind = EventType::ConversationWindowClosing;
    if !emitter.wants(kind) {
        return Ok(());
    }
    let store = &emitter.platform.store;
    let Some(conversation) = read::conversation(store, emitter.tenant, id, emitter.now).await? else {
        return Ok(());
    };
    let Some(closes_at) = conversation.window.expires_at.filter(|at| *at > emitter.now) else {
        return Ok(());
    };
    if closes_at.since(emitter.now) > BEFORE_CLOSING_MS {
        // The customer wrote again.
        return Ok(());
    }
    let (text, closing) = (conversation.id.to_string(), closes_at.to_string());
    let parts = [text.as_str(), closing.as_str()];
    let happened = Happened { kind, parts: &parts, order: closes_at, at: emitter.now, known_since: None };
    emitter.tell(happened, &conversation).await
}

/// What a contact agreed to or withdrew.
#[derive(Serialize)]
struct ConsentChange<'a> {
    contact_id: ContactId,
    #[serde(flatten)]
    row: &'a ConsentRow,
}

/// A contact agreed to or withdrew something. `known_since` is when we first received it, when it may be an old story.
/// Leads of theirs that waited for an opt-in are first written to now.
///
/// # Errors
/// As [`message_received`].
pub async fn consent_changed(
    emitter: Emitter<'_>,
    contact: ContactId,
    row: &ConsentRow,
    known_since: Option<Millis>,
) -> Result<(), StoreError> {
    if row.state == ConsentState::Granted {
        first_touch::opted_in(emitter.platform, emitter.tenant, contact, emitter.now).await?;
    }
    let text = row.id.to_string();
    let happened = Happened {
        kind: EventType::ConsentChanged,
        parts: &[&text],
        order: time_of(row.id.ulid()),
        at: row.occurred_at,
        known_since,
    };
    emitter.tell(happened, &ConsentChange { contact_id: contact, row }).await
}

/// A template's state changed; `change` names the change.
///
/// # Errors
/// As [`message_received`].
pub async fn template_status(
    emitter: Emitter<'_>,
    id: TemplateId,
    change: &str,
    at: Millis,
) -> Result<(), StoreError> {
    if !emitter.wants(EventType::TemplateStatus) {
        return Ok(());
    }
    let store = &emitter.platform.store;
    let Some(template) = read::template(store, emitter.tenant, id).await? else { return Ok(()) };
    let text = id.to_string();
    let parts = [text.as_str(), change];
    let happened =
        Happened { kind: EventType::TemplateStatus, parts: &parts, order: at, at, known_since: None };
    emitter.tell(happened, &template).await
}

/// A number that broke.
#[derive(Debug, Clone, Serialize)]
pub struct BrokenNumber<'a> {
    /// Whose provider does not let us in.
    pub provider: Provider,
    /// The number, by the name its provider gives it.
    pub number: &'a str,
    /// `broken`.
    pub status: &'static str,
    /// Why, for an admin.
    pub broken_reason: &'a str,
}

/// A number can no longer be used until somebody repairs it. Told once for each time its settings were saved (`revision`).
///
/// # Errors
/// As [`message_received`].
pub async fn integration_broken(
    emitter: Emitter<'_>,
    broken: &BrokenNumber<'_>,
    revision: u64,
) -> Result<(), StoreError> {
    let revision = revision.to_string();
    let parts = [broken.provider.as_str(), broken.number, revision.as_str()];
    // The time of the first telling is not known to the second: the id holds none.
    let order = Millis::from_unix_ms(0);
    let happened = Happened {
        kind: EventType::IntegrationBroken,
        parts: &parts,
        order,
        at: emitter.now,
        known_since: None,
    };
    emitter.tell(happened, broken).await
}

/// How a number stands.
#[derive(Serialize)]
struct NumberStands<'a> {
    provider: Provider,
    number: &'a str,
    quality: Quality,
    quality_since: Option<Millis>,
    mode: Mode,
    since: Option<Millis>,
    reason: Option<String>,
}

/// A number's rating or the way it sends changed. The same standing is told once.
///
/// # Errors
/// As [`message_received`].
pub async fn integration_health(emitter: Emitter<'_>, record: &HealthRecord) -> Result<(), StoreError> {
    let health = &record.health;
    let order = health.quality_since.max(health.mode_since).unwrap_or(emitter.now);
    let since = order.to_string();
    let (rating, mode) = (health.rating(), health.mode);
    let parts = [record.provider.as_str(), &record.number, rating.as_str(), mode.as_str(), &since];
    let stands = NumberStands {
        provider: record.provider,
        number: &record.number,
        quality: rating,
        quality_since: health.quality_since,
        mode,
        since: health.mode_since,
        reason: health.reason(),
    };
    let kind = EventType::IntegrationHealth;
    emitter.tell(Happened { kind, parts: &parts, order, at: order, known_since: None }, &stands).await
}

/// A webhook of a provider waits for a person. `times` is how often it was tried: a replay that fails is another event.
///
/// # Errors
/// As [`message_received`].
pub async fn event_parked(emitter: Emitter<'_>, id: EventId, times: &str) -> Result<(), StoreError> {
    if !emitter.wants(EventType::EventParked) {
        return Ok(());
    }
    let Some(event) = read::event(&emitter.platform.store, emitter.tenant, id).await? else { return Ok(()) };
    let text = id.to_string();
    let happened = Happened {
        kind: EventType::EventParked,
        parts: &[&text, times],
        order: time_of(id.ulid()),
        at: emitter.now,
        known_since: None,
    };
    emitter.tell(happened, &read::EventView { payload: None, ..event }).await
}

/// A receiver was switched off: the others are told.
///
/// # Errors
/// As [`message_received`].
pub async fn endpoint_disabled(emitter: Emitter<'_>, endpoint: &EndpointView) -> Result<(), StoreError> {
    let text = endpoint.id.to_string();
    let at = endpoint.disabled_at.unwrap_or(emitter.now);
    let kind = EventType::EndpointDisabled;
    emitter.tell(Happened { kind, parts: &[&text], order: at, at, known_since: None }, endpoint).await
}

/// A test of one receiver, whatever it wants; `seed` makes two of them two.
///
/// # Errors
/// As [`message_received`].
pub async fn ping(emitter: Emitter<'_>, endpoint: EndpointId, seed: Ulid) -> Result<DeliveryId, StoreError> {
    let seed = seed.to_string();
    let happened = Happened {
        kind: EventType::Ping,
        parts: &[&seed],
        order: emitter.now,
        at: emitter.now,
        known_since: None,
    };
    let data: Value = serde_json::json!({"endpoint_id": endpoint, "message": "It works."});
    emitter.deliver(endpoint, happened, &data).await
}
