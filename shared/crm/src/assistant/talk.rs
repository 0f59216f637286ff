//! A conversation as a model is told it, and what matters before it is answered.

use super::assistant_key;
use crate::read::{Message, conversation_messages, spoken};
use domain::assistant::{MOST_TURNS, Turn, rolling};
use domain::ids::{ConversationId, MessageId, TenantId};
use domain::keywords::revocation;
use domain::message::Direction;
use domain::time::Millis;
use platform::dynamo::{Store, StoreError};

/// How many of the newest messages are looked at: more than are told, as some say nothing.
const LOOKED_AT: u32 = 40;

/// A conversation at one moment.
#[derive(Debug)]
pub(super) struct Talk {
    /// The running conversation, oldest first, at most [`MOST_TURNS`] turns.
    pub(super) turns: Vec<Turn>,
    /// The customer's latest message.
    pub(super) latest: Option<MessageId>,
    messages: Vec<Message>,
}

impl Talk {
    /// Reads a conversation; `None` where there is none.
    pub(super) async fn read(
        store: &Store,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Self>, StoreError> {
        let page = conversation_messages(store, tenant, id, None, LOOKED_AT, false).await?;
        let Some(page) = page else { return Ok(None) };
        let mut messages = page.items;
        // Providers tell whole seconds; who was first within one is known by who came first.
        messages.sort_by_key(|message| (message.received_at, message.id));
        let said = messages.iter().filter(|message| counts(message)).filter_map(|message| {
            let customer = message.direction == Direction::Inbound;
            Some(Turn { customer, text: words(message)?, at: message.received_at })
        });
        let turns = rolling(said.collect());
        debug_assert!(turns.len() <= MOST_TURNS);
        let inbound = |message: &&Message| message.direction == Direction::Inbound;
        let latest = messages.iter().rfind(inbound).map(|message| message.id);
        Ok(Some(Self { turns, latest, messages }))
    }

    /// Whether one of the customer's messages after a moment is nothing but a word that stops messages.
    pub(super) fn stopped_since(&self, since: Millis) -> bool {
        let theirs = self.messages.iter().filter(|message| message.direction == Direction::Inbound);
        theirs
            .filter(|message| message.received_at > since)
            .any(|message| spoken(message).is_some_and(|text| revocation(text).is_some()))
    }

    /// Whether somebody else than the assistant wrote to the customer after a moment.
    pub(super) async fn answered_since(
        &self,
        store: &Store,
        tenant: TenantId,
        since: Millis,
    ) -> Result<bool, StoreError> {
        let ours = self.messages.iter().filter(|message| {
            message.direction == Direction::Outbound && message.received_at > since && counts(message)
        });
        let ours: Vec<MessageId> = ours.map(|message| message.id).collect();
        if ours.is_empty() {
            return Ok(false);
        }
        let sends = store.sends(tenant, &ours).await?;
        // What the product says by itself answers nobody; what came from a phone or another tool does.
        let ourselves = sends.iter().filter(|send| send.key.is_none_or(|key| key == assistant_key())).count();
        Ok(ours.len() > ourselves)
    }
}

/// Whether a message was said: not held, not taken back, not refused, and no edit, which its message shows.
fn counts(message: &Message) -> bool {
    message.revoked_at.is_none()
        && message.target.is_none()
        && !matches!(message.status, "held" | "cancelled" | "failed")
}

/// A message as a model is told it: what is no text is named. Nothing for what nobody would read out.
fn words(message: &Message) -> Option<String> {
    let kind = message.kind.as_str();
    match (spoken(message), &message.media) {
        (Some(text), None) => Some(text.to_owned()),
        (Some(caption), Some(_)) => Some(format!("[{kind}] {caption}")),
        (None, Some(_)) => Some(format!("[{kind}]")),
        (None, None) if message.reaction.is_some() || message.system.is_some() => None,
        (None, None) if message.template.is_some() || message.location.is_some() => Some(format!("[{kind}]")),
        (None, None) if message.contacts.is_some() || message.order.is_some() => Some(format!("[{kind}]")),
        (None, None) => None,
    }
}
