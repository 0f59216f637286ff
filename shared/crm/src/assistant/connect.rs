//! Connecting the assistant: asked before anything is saved, its key sealed.

use super::ask::Service;
use domain::assistant::{Connect, Turn, objection};
use domain::form::Texts;
use domain::ids::TenantId;
use domain::time::Millis;
use platform::Platform;
use platform::courier::{Courier, NotAReceiver, ReceiverUrl};
use platform::dynamo::{Assistant, StoreError};
use platform::vault::{Sealed, Tampered, VaultError};
use providers::llm::{Answer, Question};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What its key is sealed for: whoever asks the model opens nothing of a number.
pub(crate) const ASSISTANT_PURPOSE: &str = "assistant";
/// The name of its key among sealed values.
const KEY: &str = "api_key";
/// A key with fewer characters shows none of them.
const SHORTEST_HINTED: usize = 12;

/// What an admin says; a key that is absent stays as it is.
#[derive(Debug)]
pub struct ConnectSettings {
    /// What it may do, and where it is.
    pub settings: Connect,
    /// Its key, where it has one.
    pub api_key: Option<Zeroizing<String>>,
}

/// The connection as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AssistantConnection))]
pub struct AssistantView {
    /// `live`, what the last call met (`unauthorized`, `unreachable`, `error`), or `not_configured`.
    pub status: String,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The root of its service; absent, the deployment's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// By what the law allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Whether it may draft.
    pub suggestions: bool,
    /// Whether it may translate.
    pub translate: bool,
    /// Whether it answers by itself.
    pub auto_reply: bool,
    /// How often it answers in one conversation's window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_replies: Option<u32>,
    /// What the customer is told while it does not answer; where there is nothing, ours.
    pub holding: Texts,
    /// What the business says about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The last four characters of its key.
    pub secrets: BTreeMap<String, String>,
    /// When it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Millis>,
}

/// The assistant could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Its address is none that may be called.
    #[error(transparent)]
    Address(#[from] NotAReceiver),
    /// A field that cannot be, or that it does not confirm, and why.
    #[error("{0}: {1}")]
    Field(&'static str, String),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Connects the assistant, or connects it again: asks the model something first.
///
/// # Errors
/// [`ConnectError`]; then it stays as it was.
pub async fn connect(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    asked: ConnectSettings,
    now: Millis,
) -> Result<AssistantView, ConnectError> {
    let ConnectSettings { mut settings, api_key } = asked;
    if let Some((field, why)) = objection(&settings) {
        return Err(ConnectError::Field(field, why));
    }
    settings.base_url = settings.base_url.map(|url| url.trim_end_matches('/').to_owned());
    match &settings.base_url {
        Some(url) if url.contains('?') => {
            return Err(ConnectError::Field("base_url", "It must not have a query.".to_owned()));
        }
        Some(url) => drop(ReceiverUrl::parse(url, courier.allows_loopback())?),
        None if platform.llm.url.is_none() => {
            let why = "It is needed: this deployment has no service of its own.";
            return Err(ConnectError::Field("base_url", why.to_owned()));
        }
        None => {}
    }
    let old = platform.store.assistant(tenant).await?;
    let known = match &old {
        // A key that was given for one place is not shown to another.
        Some(old) if old.settings.base_url == settings.base_url => secret(platform, tenant, old).await?,
        Some(_) | None => None,
    };
    let key = api_key.or(known);
    probe(platform, courier, &settings, key.as_deref().map(String::as_str), now).await?;
    let mut assistant = Assistant {
        settings,
        status: "live".to_owned(),
        last_error: None,
        sealed: BTreeMap::new(),
        last4: BTreeMap::new(),
        saved_at: now,
    };
    if let Some(key) = key {
        let place = Assistant::place(KEY);
        let sealed = platform.vault.seal(tenant, ASSISTANT_PURPOSE, &place, key.as_bytes()).await?;
        assistant.sealed.insert(KEY.to_owned(), sealed.to_string());
        assistant.last4.insert(KEY.to_owned(), hint(&key));
    }
    platform.store.save_assistant(tenant, &assistant).await?;
    Ok(view(Some(assistant)))
}

/// Asks something that nobody's data is in.
async fn probe(
    platform: &Platform,
    courier: &Courier,
    settings: &Connect,
    key: Option<&str>,
    now: Millis,
) -> Result<(), ConnectError> {
    let service = Service { platform, courier, base_url: settings.base_url.as_deref(), key };
    let turns = [Turn { customer: true, text: "Hello".to_owned(), at: now }];
    let instructions = "Answer with one word.";
    let asked = Question { model: &settings.model, instructions, turns: &turns };
    let no = |field, words: String| Err(ConnectError::Field(field, words));
    match service.put(asked).await {
        Ok(Answer::Said(_) | Answer::Cut) => Ok(()),
        Ok(Answer::Unauthorized) => no("api_key", "The service refuses it.".to_owned()),
        Ok(Answer::Refused(words)) => no("model", format!("The service refuses the question ({words}).")),
        Ok(Answer::Odd(words) | Answer::Later(words)) => {
            no("base_url", format!("It does not answer like an OpenAI-compatible service: {words}."))
        }
        Err(error) => no("base_url", format!("No answer: {error}.")),
    }
}

/// The connection as it stands.
///
/// # Errors
/// The table did not answer.
pub async fn show(platform: &Platform, tenant: TenantId) -> Result<AssistantView, StoreError> {
    Ok(view(platform.store.assistant(tenant).await?))
}

/// Forgets the connection with its key; false when there was none.
///
/// # Errors
/// The table did not answer.
pub async fn disconnect(platform: &Platform, tenant: TenantId) -> Result<bool, StoreError> {
    let known = platform.store.assistant(tenant).await?.is_some();
    platform.store.delete_assistant(tenant).await?;
    Ok(known)
}

fn view(assistant: Option<Assistant>) -> AssistantView {
    let Some(Assistant { settings, status, last_error, last4, saved_at, .. }) = assistant else {
        return AssistantView {
            status: "not_configured".to_owned(),
            last_error: None,
            base_url: None,
            model: None,
            region: None,
            legal_basis: None,
            suggestions: false,
            translate: false,
            auto_reply: false,
            max_replies: None,
            holding: Texts::default(),
            instructions: None,
            secrets: BTreeMap::new(),
            saved_at: None,
        };
    };
    AssistantView {
        status,
        last_error: last_error.filter(|words| !words.is_empty()),
        base_url: settings.base_url,
        model: Some(settings.model),
        region: Some(settings.region),
        legal_basis: Some(settings.legal_basis),
        suggestions: settings.suggestions,
        translate: settings.translate,
        auto_reply: settings.auto_reply,
        max_replies: Some(settings.max_replies),
        holding: settings.holding,
        instructions: settings.instructions,
        secrets: last4,
        saved_at: Some(saved_at),
    }
}

/// The last four characters of a key that is long enough to lose them.
fn hint(key: &str) -> String {
    let length = key.chars().count();
    let shown = if length < SHORTEST_HINTED { 0 } else { 4 };
    key.chars().skip(length - shown).collect()
}

/// Opens the key; `None` when there is none.
pub(super) async fn secret(
    platform: &Platform,
    tenant: TenantId,
    assistant: &Assistant,
) -> Result<Option<Zeroizing<String>>, VaultError> {
    let Some(sealed) = assistant.sealed.get(KEY) else { return Ok(None) };
    let sealed = Sealed::parse(sealed)?;
    let opened = platform.vault.open(tenant, ASSISTANT_PURPOSE, &Assistant::place(KEY), &sealed).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}
