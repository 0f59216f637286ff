//! What a person needs who takes a conversation over: the customer never has to repeat anything (B27).

use super::contact::{Contact, contact};
use super::inbox::conversation;
use super::lead_timeline::happenings_of;
use super::leads::{Lead, lead};
use super::message::{Message, conversation_messages};
use super::{Conversation, Slice};
use crate::desk::{HANDOFF, HandoffReason, NOTE};
use domain::ids::{ConversationId, EventId, KeyId, TenantId};
use domain::time::Millis;
use futures_util::future::try_join4;
use platform::dynamo::{Happening, Store, StoreError};
use serde::Serialize;
use ulid::Ulid;

/// How many of the newest messages are shown.
const MESSAGES: u32 = 50;
/// How many of the newest notes are shown.
const NOTES: u32 = 20;

/// A conversation as a person takes it over.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Handoff {
    /// The conversation as it stands.
    pub conversation: Conversation,
    /// With whom, in full.
    pub contact: Option<Contact>,
    /// Their lead.
    pub lead: Option<Lead>,
    /// Why it went to a person the last time; absent when it never did.
    pub reason: Option<HandoffReason>,
    /// When it went to a person the last time.
    pub handed_off_at: Option<Millis>,
    /// What people noted for each other, newest first.
    pub notes: Vec<Note>,
    /// The newest messages, the oldest of them first.
    pub messages: Vec<Message>,
    /// Whether there are older messages.
    pub has_more: bool,
}

/// A note on a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// Its id; that of its entry on the timeline.
    pub id: EventId,
    /// Its words.
    pub text: String,
    /// Who wrote it, as the caller named them.
    pub agent: Option<String>,
    /// The key it was written with.
    pub key_id: Option<KeyId>,
    /// When.
    pub created_at: Millis,
}

impl From<Happening> for Note {
    fn from(happening: Happening) -> Self {
        let said = |name: &str| happening.data.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Self {
            text: said("text").unwrap_or_default(),
            agent: said("agent"),
            key_id: KeyId::parse(&happening.actor).ok(),
            id: happening.id,
            created_at: Millis::from_unix_ms(happening.id.ulid().timestamp_ms()),
        }
    }
}

/// What a person needs who takes a conversation over; `None` when there is no such conversation.
///
/// # Errors
/// The table did not answer.
pub async fn handoff(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    now: Millis,
) -> Result<Option<Handoff>, StoreError> {
    let Some(conversation) = conversation(store, tenant, id, now).await? else { return Ok(None) };
    let contact_id = conversation.contact_id;
    let lead = async {
        match conversation.lead_id {
            Some(id) => lead(store, tenant, id, now).await,
            None => Ok(None),
        }
    };
    let handed = async {
        match conversation.handoff {
            Some(event) => last_handoff(store, tenant, id, event).await,
            None => Ok(None),
        }
    };
    let rest = try_join4(
        contact(store, tenant, contact_id, now),
        lead,
        handed,
        futures_util::future::try_join(
            conversation_notes(store, tenant, id, None, NOTES),
            conversation_messages(store, tenant, id, None, MESSAGES, false),
        ),
    );
    let (contact, lead, handed, (notes, messages)) = rest.await?;
    let notes = notes.map(|notes| notes.items).unwrap_or_default();
    let Slice { items: mut messages, next } = messages.unwrap_or(Slice { items: Vec::new(), next: None });
    messages.reverse();
    let (handed_off_at, reason) = handed.unzip();
    let has_more = next.is_some();
    Ok(Some(Handoff { conversation, contact, lead, reason, handed_off_at, notes, messages, has_more }))
}

async fn last_handoff(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    event: EventId,
) -> Result<Option<(Millis, HandoffReason)>, StoreError> {
    let at = event.ulid().timestamp_ms();
    // Just after it, so that it is the first that is read.
    let before = Ulid::from_parts(at.saturating_add(1), 0);
    let kinds = [HANDOFF.to_owned()];
    let found = happenings_of(store, tenant, id, &kinds, Some(before), 1).await?;
    let happening = found.and_then(|found| found.items.into_iter().next());
    Ok(happening.filter(|one| one.id == event).and_then(|one| {
        let reason = serde_json::from_value(one.data).ok()?;
        Some((Millis::from_unix_ms(at), reason))
    }))
}

/// The notes of a conversation, newest first; `None` when there is no such conversation.
///
/// # Errors
/// The table did not answer.
pub async fn conversation_notes(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Option<Slice<Note>>, StoreError> {
    let found = happenings_of(store, tenant, id, &[NOTE.to_owned()], after, limit).await?;
    Ok(found
        .map(|found| Slice { items: found.items.into_iter().map(Note::from).collect(), next: found.next }))
}
