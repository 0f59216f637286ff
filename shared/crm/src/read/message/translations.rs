//! What a message says in other languages.

use super::Message;
use domain::language::Language;
use domain::time::Millis;
use platform::dynamo::StoredTranslation;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a message says in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Translation {
    /// Which.
    pub language: Language,
    /// Its words.
    pub text: String,
    /// When it was made.
    pub translated_at: Millis,
}

/// The words of a message: text, the button that was pressed, or what is written under a file.
pub(crate) fn spoken(message: &Message) -> Option<&str> {
    let title = message.interactive.as_ref().and_then(|reply| reply.get("title")).and_then(Value::as_str);
    let button = message.button.as_ref().and_then(|button| button.text.as_deref());
    let caption = message.media.as_ref().and_then(|media| media.caption.as_deref());
    let text = message.text.as_deref().or(button).or(title).or(caption);
    text.filter(|text| !text.trim().is_empty())
}

/// What tells the words that were translated from others.
pub(crate) fn source_of(words: &str) -> String {
    hex::encode(Sha256::digest(words.as_bytes()))
}

/// The translations of what a message says now: one that was edited since has none, one that was taken back neither.
pub(super) fn current(known: Vec<StoredTranslation>, message: &Message) -> Vec<Translation> {
    let Some(source) = spoken(message).map(source_of) else { return Vec::new() };
    let current = known.into_iter().filter(|one| one.of == source);
    current.map(|one| Translation { language: one.language, text: one.text, translated_at: one.at }).collect()
}
