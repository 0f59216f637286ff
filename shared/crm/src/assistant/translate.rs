//! A message in another language. The original stays; the translation is kept beside it, so that nobody is asked twice.

use super::HelpError;
use super::ask::ask;
use super::suggest::helped;
use crate::read::{self, Translation, source_of, spoken};
use domain::assistant::{Turn, translation_instructions};
use domain::ids::{ConversationId, MessageId, TenantId};
use domain::language::{Language, detect};
use domain::time::Millis;
use platform::Platform;
use platform::courier::Courier;
use platform::dynamo::StoredTranslation;
use serde::Serialize;

/// A message and what it says in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TranslatedMessage))]
pub struct Translated {
    /// The message.
    pub message_id: MessageId,
    /// The conversation it is in.
    pub conversation_id: ConversationId,
    /// Its words as they were written.
    pub original: String,
    /// What they are written in, as far as they say so.
    pub original_language: Option<Language>,
    /// The same in the other language.
    pub translation: Translation,
}

/// Translates a message, unless that was done before.
///
/// # Errors
/// [`HelpError`]
pub async fn translate(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    id: MessageId,
    to: Language,
    now: Millis,
) -> Result<Translated, HelpError> {
    let store = &platform.store;
    let message = read::message(store, tenant, id, false).await?.ok_or(HelpError::NotFound)?;
    let assistant = store.assistant(tenant).await?.ok_or(HelpError::NotConnected(None))?;
    if !assistant.settings.translate {
        return Err(HelpError::NotConnected(Some("translate")));
    }
    let no_words = HelpError::Nothing("This message has no words that could be translated.");
    let original = spoken(&message).ok_or(no_words)?.to_owned();
    let original_language = detect(&original);
    let answer = |translation| Translated {
        message_id: id,
        conversation_id: message.conversation_id,
        original: original.clone(),
        original_language,
        translation,
    };
    if let Some(known) = message.translations.iter().find(|one| one.language == to) {
        return Ok(answer(known.clone()));
    }
    let contact = message.contact_id;
    let family = read::Family::read(store, tenant, contact).await?;
    let family = family.as_ref().map_or_else(|| vec![contact], read::Family::ids);
    if store.consents(tenant, &family).await?.restricted_at.is_some() {
        return Err(HelpError::Nothing("The use of this contact's data is restricted."));
    }
    let turns = [Turn { customer: true, text: original.clone(), at: now }];
    let told = translation_instructions(to);
    let text = helped(ask(platform, courier, tenant, &assistant, (&told, &turns), to).await)?;
    let new = StoredTranslation { language: to, text, of: source_of(&original), at: now };
    let kept = match store.send(tenant, id).await? {
        Some(send) => Some(send.contact),
        None => store.find_message(tenant, id).await?.map(|at| at.contact),
    };
    // Erased meanwhile: nothing of it comes back.
    let kept = kept.ok_or(HelpError::NotFound)?;
    if !store.keep_translation(tenant, kept, id, &new).await? {
        return Err(HelpError::NotFound);
    }
    Ok(answer(Translation { language: to, text: new.text, translated_at: now }))
}
