//! What an inbound message does to its conversation.

use crate::ids::{MessageId, TenantId, derived_ulid};
use crate::language::{self, Language};
use crate::message::Content;
use crate::time::Millis;
use crate::window;
use ulid::Ulid;

/// The id of a message: its provider's time and a digest of where and under which id it came, so that every delivery
/// of one message names the same item.
#[must_use]
pub fn message_id(tenant: TenantId, number: &str, provider_message_id: &str, sent_at: Millis) -> MessageId {
    MessageId::from_ulid(derived_ulid(sent_at.unix_ms(), &[&tenant.to_string(), number, provider_message_id]))
}

/// How a customer's message moves its conversation. Everything is merged by `order`, so the result does not depend on
/// which message is processed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationMove {
    /// Where the message stands among the others: its clamped time, then its digest.
    pub order: Ulid,
    /// When it counts as sent, never later than it arrived.
    pub at: Millis,
    /// The language it is written in, when it says so.
    pub language: Option<Language>,
}

/// Decides what a customer's message does to its conversation; `None` for what does not count as writing (edits,
/// revocations, system notes).
///
/// `received_at` is when the message was first received: a redelivery must pass the stored one.
#[must_use]
pub fn conversation_move(
    id: MessageId,
    content: &Content,
    sent_at: Millis,
    received_at: Millis,
) -> Option<ConversationMove> {
    if !content.opens_window() {
        return None;
    }
    let at = window::clamped(sent_at, received_at);
    let order = Ulid::from_parts(at.unix_ms(), id.ulid().random());
    Some(ConversationMove { order, at, language: content.written_text().and_then(language::detect) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &["t"]))
    }

    #[test]
    fn one_message_has_one_id_per_number_and_tenant() {
        let at = Millis::from_unix_ms(1_700_000_000_000);
        let id = message_id(tenant(), "1", "wamid.A", at);
        assert_eq!(id, message_id(tenant(), "1", "wamid.A", at));
        assert_ne!(id, message_id(tenant(), "2", "wamid.A", at));
        assert_ne!(id, message_id(TenantId::from_ulid(derived_ulid(2, &["t"])), "1", "wamid.A", at));
    }

    #[test]
    fn a_message_from_the_future_does_not_outrank_the_ones_that_follow() {
        let received = Millis::from_unix_ms(1_700_000_000_000);
        let text = Content::Text { body: "hi".into() };
        let future = received.plus_ms(1_000_000_000);
        let forged =
            conversation_move(message_id(tenant(), "1", "a", future), &text, future, received).unwrap();
        let next = received.plus_ms(5_000);
        let honest = conversation_move(message_id(tenant(), "1", "b", next), &text, next, next).unwrap();
        assert!(honest.order > forged.order);
        assert_eq!(forged.at, received);
    }

    #[test]
    fn edits_and_system_notes_do_not_count_as_writing() {
        let at = Millis::from_unix_ms(5);
        let id = message_id(tenant(), "1", "a", at);
        for content in [
            Content::Revoke { target: "x".into() },
            Content::System { system_type: None, body: None },
            Content::Edit { target: "x".into(), content: Box::new(Content::Text { body: "b".into() }) },
        ] {
            assert_eq!(conversation_move(id, &content, at, at), None);
        }
    }
}
