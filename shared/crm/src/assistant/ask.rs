//! Asking a tenant's model: one call, at most 8 seconds, nothing of the answer trusted.

use super::connect::secret;
use domain::assistant::{Failed, Turn, usable};
use domain::ids::TenantId;
use domain::language::Language;
use platform::Platform;
use platform::courier::{Courier, NoAnswer};
use platform::dynamo::{Assistant, StoreError};
use platform::vault::VaultError;
use providers::llm::{ANSWER_LIMIT, Answer, Question, question};

/// There is no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// How.
    pub(super) failed: Failed,
    /// The same for an admin.
    pub(super) words: String,
}

/// A part of ours did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Where a model is, and how it is asked there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service<'a> {
    pub(super) platform: &'a Platform,
    pub(super) courier: &'a Courier,
    /// As the tenant gave it; absent, the deployment's own.
    pub(super) base_url: Option<&'a str>,
    pub(super) key: Option<&'a str>,
}

impl Service<'_> {
    /// Makes the call.
    pub(super) async fn put(&self, asked: Question<'_>) -> Result<Answer, NoAnswer> {
        let unfit = || NoAnswer("its key cannot stand in a header".to_owned());
        let request = question(asked, self.key).ok_or_else(unfit)?;
        let (own, timeout) = (&self.platform.llm.url, self.platform.llm.timeout);
        let response = match (self.base_url, own) {
            (Some(root), _) => self.courier.call_within(root, request, ANSWER_LIMIT, timeout).await?,
            (None, Some(root)) => self.courier.call_own(root, request, ANSWER_LIMIT, timeout).await?,
            (None, None) => {
                return Err(NoAnswer("this deployment has no service of its own any more".to_owned()));
            }
        };
        Ok(providers::llm::answer(&response))
    }
}

/// Asks the tenant's model for a text in a language; what the call met is noted on the connection.
///
/// # Errors
/// A part of ours did not answer.
pub(super) async fn ask(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    assistant: &Assistant,
    (instructions, turns): (&str, &[Turn]),
    language: Language,
) -> Result<Result<String, Failure>, AskError> {
    let opened = match secret(platform, tenant, assistant).await {
        Ok(opened) => opened,
        Err(VaultError::Tampered(_)) => {
            let words = "its key cannot be opened; save it anew".to_owned();
            note(platform, tenant, assistant, "unauthorized", &words).await?;
            return Ok(Err(Failure { failed: Failed::Unavailable, words }));
        }
        Err(error @ VaultError::Transient(_)) => return Err(error.into()),
    };
    let service = Service {
        platform,
        courier,
        base_url: assistant.settings.base_url.as_deref(),
        key: opened.as_ref().map(|key| key.as_str()),
    };
    let asked = Question { model: &assistant.settings.model, instructions, turns };
    let (status, failure) = match service.put(asked).await {
        Ok(Answer::Said(text)) => match usable(&text, language) {
            Ok(text) => {
                note(platform, tenant, assistant, "live", "").await?;
                return Ok(Ok(text));
            }
            Err(why) => ("error", (Failed::Unusable, why.to_string())),
        },
        Ok(Answer::Cut) => ("error", (Failed::Unusable, domain::assistant::Unusable::Cut.to_string())),
        Ok(Answer::Odd(words)) => ("error", (Failed::Unusable, words)),
        Ok(Answer::Unauthorized) => ("unauthorized", (Failed::Unavailable, "it refuses the key".to_owned())),
        Ok(Answer::Refused(words) | Answer::Later(words)) => ("error", (Failed::Unavailable, words)),
        Err(error) if error.is_too_long() => ("error", (Failed::Unusable, error.to_string())),
        Err(error) => ("unreachable", (Failed::Unavailable, error.to_string())),
    };
    let (failed, words) = failure;
    tracing::warn!(tenant.id = %tenant, status, "the assistant has no answer: {words}");
    note(platform, tenant, assistant, status, &words).await?;
    Ok(Err(Failure { failed, words }))
}

/// Notes what a call met, when that is news.
async fn note(
    platform: &Platform,
    tenant: TenantId,
    assistant: &Assistant,
    status: &str,
    words: &str,
) -> Result<(), StoreError> {
    let known = (assistant.status.as_str(), assistant.last_error.as_deref().unwrap_or_default());
    if known == (status, words) {
        return Ok(());
    }
    platform.store.note_assistant(tenant, assistant.saved_at, status, words).await
}
