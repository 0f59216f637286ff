//! A draft for a person: what the model would answer. Nothing is sent and nothing is kept.

use super::HelpError;
use super::ask::{AskError, ask};
use super::talk::Talk;
use crate::send::Situation;
use domain::assistant::instructions;
use domain::ids::{ConversationId, MessageId, TenantId};
use domain::language::Language;
use platform::Platform;
use platform::courier::Courier;
use serde::Serialize;

/// A draft of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suggestion {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The customer's latest message, which it answers.
    pub message_id: Option<MessageId>,
    /// Its words.
    pub text: String,
    /// What it is written in: the conversation's language.
    pub language: Language,
    /// The model that wrote it.
    pub model: String,
}

/// Drafts an answer to a conversation in its language.
///
/// # Errors
/// [`HelpError`]
pub async fn suggest(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    id: ConversationId,
) -> Result<Suggestion, HelpError> {
    let store = &platform.store;
    let Some(talk) = Talk::read(store, tenant, id).await? else { return Err(HelpError::NotFound) };
    let assistant = store.assistant(tenant).await?.ok_or(HelpError::NotConnected(None))?;
    if !assistant.settings.suggestions {
        return Err(HelpError::NotConnected(Some("suggestions")));
    }
    let situation = Situation::of_contact(store, tenant, Some(id.contact()), None).await?;
    if situation.consents.restricted_at.is_some() {
        return Err(HelpError::Nothing("The use of this contact's data is restricted."));
    }
    if talk.turns.is_empty() {
        return Err(HelpError::Nothing("There is nothing in this conversation that could be answered."));
    }
    let language = situation.language.unwrap_or(situation.tenant.default_language);
    let told = instructions(language, assistant.settings.instructions.as_deref());
    let asked = ask(platform, courier, tenant, &assistant, (&told, &talk.turns), language).await;
    let text = helped(asked)?;
    let model = assistant.settings.model;
    Ok(Suggestion { conversation_id: id, message_id: talk.latest, text, language, model })
}

pub(super) fn helped(
    asked: Result<Result<String, super::ask::Failure>, AskError>,
) -> Result<String, HelpError> {
    match asked {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(failure)) => Err(HelpError::Unavailable(failure.words)),
        Err(AskError::Store(error)) => Err(error.into()),
        Err(AskError::Vault(error)) => Err(error.into()),
    }
}
