//! A conversation goes to a person: at once, once for each event, with the reason on its timeline.

use super::{fresh, keeper};
use crate::chatwoot;
use crate::events::{Emitter, conversation_handoff};
use crate::read::{ConversationStatus, Facts, Family};
use domain::escalation::{Category, Trigger};
use domain::ids::{ContactId, EventId, KeyId, MessageId};
use platform::dynamo::{HandedOff, Happening, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use ulid::Ulid;

/// What it is called on a timeline.
pub(crate) const HANDOFF: &str = "conversation.handoff";

/// What moves a conversation to a person.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// A customer's words.
    Keyword(&'a Trigger, MessageId),
    /// A person took over.
    Operator(KeyId),
    /// The assistant gave up, in its words.
    Assistant(&'a str),
}

/// Why a conversation went to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandoffReason {
    /// `keyword`, `operator` or `assistant`.
    pub kind: String,
    /// What the customer's words are about.
    pub category: Option<Category>,
    /// The word that was found.
    pub word: Option<String>,
    /// How many messages had one.
    pub count: Option<u32>,
    /// The message that moved it.
    pub message_id: Option<MessageId>,
    /// The same for a person.
    pub message: String,
}

impl Cause<'_> {
    fn reason(&self) -> HandoffReason {
        let plain = |kind: &str, message: String| HandoffReason {
            kind: kind.to_owned(),
            category: None,
            word: None,
            count: None,
            message_id: None,
            message,
        };
        match self {
            Self::Keyword(Trigger { category, word, count }, id) => HandoffReason {
                category: Some(*category),
                word: Some(word.clone()),
                count: Some(*count),
                message_id: Some(*id),
                ..plain("keyword", sentence(*category, word, *count))
            },
            Self::Operator(_) => plain("operator", "A person took over.".to_owned()),
            Self::Assistant(words) => plain("assistant", (*words).to_owned()),
        }
    }

    fn actor(&self) -> String {
        match self {
            Self::Keyword(..) => "escalation".to_owned(),
            Self::Operator(key) => key.to_string(),
            Self::Assistant(_) => "assistant".to_owned(),
        }
    }
}

fn sentence(category: Category, word: &str, count: u32) -> String {
    let about = match category {
        Category::Medical => "a medical matter",
        Category::Legal => "a legal matter",
        Category::Person => "a wish to talk to a person",
        Category::Complaint => "a complaint",
    };
    match count {
        0 | 1 => format!("The customer wrote \"{word}\": {about}."),
        _ => format!("{count} messages within a day, the last with \"{word}\": {about}."),
    }
}

/// Moves a conversation to a person because of the event that `mark` names; says whether this event did, now or before.
/// `mark` is the same however often it is tried, and its time is when the event was received.
///
/// # Errors
/// The table did not answer; trying it again makes up for it.
pub async fn hand_off(
    emitter: Emitter<'_>,
    contact: ContactId,
    cause: Cause<'_>,
    mark: Ulid,
) -> Result<bool, StoreError> {
    let (store, tenant) = (&emitter.platform.store, emitter.tenant);
    let event = EventId::from_ulid(mark);
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(false) };
    let items = fresh(store, tenant, &family).await?;
    let (Some(contact), Some(facts)) = (keeper(&items, &family), Facts::of(items.iter())) else {
        return Ok(false);
    };
    let again = items.iter().any(|item| item.handoff == Some(event));
    if facts.status() == ConversationStatus::Human && !again {
        return Ok(false);
    }
    match store.hand_conversation_off(tenant, contact, event).await? {
        HandedOff::Moved | HandedOff::Before => {}
        HandedOff::No => return Ok(false),
    }
    let happening = Happening {
        id: event,
        contact: family.id(),
        lead: None,
        kind: HANDOFF.to_owned(),
        actor: cause.actor(),
        recorded_at: emitter.now,
        trace_id: emitter.trace_id,
        data: json!(cause.reason()),
    };
    store.record_happening(tenant, &happening).await?;
    conversation_handoff(emitter, family.id().conversation(), event).await?;
    chatwoot::begin(emitter.platform, tenant, family.id(), event, emitter.now).await?;
    Ok(true)
}
