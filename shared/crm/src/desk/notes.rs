//! Notes that people leave for each other on a conversation. They are on its timeline and are never sent.

use crate::read::{Family, Note};
use domain::ids::{ConversationId, EventId, KeyId, TenantId};
use domain::time::Millis;
use platform::dynamo::{Happening, Store, StoreError};
use serde_json::json;
use ulid::Ulid;
use uuid::Uuid;

/// What a note is called on a timeline.
pub(crate) const NOTE: &str = "conversation.note";

/// A note to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// Its words.
    pub text: String,
    /// Who wrote it, as the caller names them.
    pub agent: Option<String>,
    /// With which key.
    pub key: KeyId,
    /// Its id: a repeated request leaves one note.
    pub mark: Ulid,
    /// In which request.
    pub trace_id: Uuid,
}

/// Leaves a note; `None` when there is no such conversation.
///
/// # Errors
/// The table did not answer.
pub async fn note(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    new: NewNote,
    now: Millis,
) -> Result<Option<Note>, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(None) };
    if store.conversations(tenant, &family.ids()).await?.is_empty() {
        return Ok(None);
    }
    let happening = Happening {
        id: EventId::from_ulid(new.mark),
        contact: family.id(),
        lead: None,
        kind: NOTE.to_owned(),
        actor: new.key.to_string(),
        recorded_at: now,
        trace_id: new.trace_id,
        data: json!({"text": new.text, "agent": new.agent}),
    };
    store.record_happening(tenant, &happening).await?;
    Ok(Some(Note::from(happening)))
}
