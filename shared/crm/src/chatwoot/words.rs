//! What agents in Chatwoot read, in words.

use crate::read::{Handoff, Message};

/// What an agent reads first.
pub(super) fn summary(handoff: &Handoff) -> String {
    let mut lines = Vec::new();
    if let Some(reason) = &handoff.reason {
        lines.push(format!("Hand-off: {}", reason.message));
    }
    let who = &handoff.conversation.contact;
    let named =
        [who.name.as_deref(), who.phone.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if !named.is_empty() {
        lines.push(format!("Customer: {named}"));
    }
    if let Some(language) = handoff.conversation.language {
        lines.push(format!("Writes: {}", language.as_str()));
    }
    if let Some(lead) = &handoff.lead {
        lines.push(format!("Lead: {}", lead.id));
    }
    lines.extend(handoff.notes.iter().map(|note| format!("Note: {}", note.text)));
    lines.join("\n")
}

/// A message in words: what is no text is named.
pub(super) fn words(message: &Message) -> String {
    let button = message.button.as_ref().and_then(|button| button.text.clone());
    let caption = message.media.as_ref().and_then(|media| media.caption.clone());
    match (message.text.clone().or(button), caption) {
        (Some(text), _) => text,
        (None, Some(caption)) => format!("[{}] {caption}", message.kind),
        (None, None) => format!("[{}]", message.kind),
    }
}
