//! Words by which a customer is to talk to a person: looked for in every message, at no cost to the tables until one is
//! found.

use super::IngestError;
use super::consents::said;
use super::events::Context;
use crate::desk::{Cause, hand_off};
use crate::read::{Message, conversation_messages};
use domain::escalation::{COUNTED_MS, needs_history};
use domain::ids::{ContactId, MessageId, derived_ulid};
use domain::message::{Content, Direction};
use domain::time::Millis;
use platform::dynamo::StoreError;
use std::collections::BTreeSet;

/// How many of the newest messages are counted.
const COUNTED: u32 = 50;

/// Moves the conversation to a person when the tenant's rules say so.
pub(super) async fn by_words(
    context: &Context<'_>,
    contact: ContactId,
    id: MessageId,
    content: &Content,
    received_at: Millis,
) -> Result<(), IngestError> {
    let Some(words) = words(content) else { return Ok(()) };
    let rules = &context.facts.escalation;
    let hits = rules.hits(words);
    if hits.is_empty() {
        return Ok(());
    }
    let others = if needs_history(&hits) {
        Box::pin(others(context, contact, id, received_at)).await?
    } else {
        Vec::new()
    };
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let Some(trigger) = rules.decide(&hits, &others) else { return Ok(()) };
    // The first receipt's time: every copy of the message names the same event.
    let mark = derived_ulid(received_at.unix_ms(), &[&id.to_string(), "handoff"]);
    // Boxed, as it happens rarely: the state of every message's work would hold its reads otherwise.
    Box::pin(hand_off(context.emitter, contact, Cause::Keyword(&trigger, id), mark)).await?;
    Ok(())
}

/// What the customer said besides, since somebody last decided who answers. Two messages of one second stand in any
/// order, so that what came after counts as well.
async fn others(
    context: &Context<'_>,
    contact: ContactId,
    id: MessageId,
    received_at: Millis,
) -> Result<Vec<String>, StoreError> {
    let (store, tenant) = (context.store, context.delivery.tenant);
    let decided = store.conversation_now(tenant, contact).await?.and_then(|one| one.status);
    let decided = decided.map_or(0, |(order, _)| order.timestamp_ms());
    let since = received_at.unix_ms().saturating_sub(COUNTED_MS).max(decided);
    let page = conversation_messages(store, tenant, contact.conversation(), None, COUNTED, false).await?;
    let mut seen = BTreeSet::from([id]);
    let messages = page.map(|page| page.items).unwrap_or_default().into_iter();
    let theirs = messages.filter(|one| {
        one.direction == Direction::Inbound && one.received_at.unix_ms() > since && seen.insert(one.id)
    });
    Ok(theirs.filter_map(shown).collect())
}

fn shown(message: Message) -> Option<String> {
    let button = message.button.and_then(|button| button.text);
    message.text.or(button).or_else(|| message.media.and_then(|media| media.caption))
}

/// What a message says in words.
fn words(content: &Content) -> Option<&str> {
    match content {
        Content::Media(_, media) => media.caption.as_deref(),
        other => said(other),
    }
}
