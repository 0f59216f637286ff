//! Connecting Chatwoot: asked before anything is saved, its secrets sealed.

use crate::provision::{ProvisionError, random_secret};
use domain::ids::TenantId;
use domain::time::Millis;
use platform::Platform;
use platform::courier::{Courier, NotAReceiver, ReceiverUrl};
use platform::dynamo::{Chatwoot, StoreError};
use platform::vault::{Sealed, Tampered, VaultError};
use providers::chatwoot::{Answer, Connection, answer, usable_inbox};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What its secrets are sealed for: whoever carries over opens nothing of a number.
pub(crate) const CHATWOOT_PURPOSE: &str = "chatwoot";
/// A secret with fewer characters shows none of them.
const SHORTEST_HINTED: usize = 12;
/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 512 * 1024;

/// What an admin says; secrets that are absent stay as they are.
#[derive(Debug)]
pub struct ChatwootSettings {
    /// Where it is.
    pub base_url: String,
    /// The account.
    pub account_id: u64,
    /// The inbox.
    pub inbox_id: u64,
    /// The access token of a user of the account.
    pub api_access_token: Option<Zeroizing<String>>,
    /// What its webhooks are signed with, where its version signs them.
    pub webhook_secret: Option<Zeroizing<String>>,
}

/// The connection as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ChatwootConnection))]
pub struct ChatwootView {
    /// `live`, what the last call met (`unauthorized`, `unreachable`, `error`), or `not_configured`.
    pub status: String,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The path that its webhook posts to, under the root of the API.
    pub webhook_path: String,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<u64>,
    /// The inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox_id: Option<u64>,
    /// What the inbox is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox_name: Option<String>,
    /// The last four characters of its secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// The token that was made for its webhook; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Millis>,
}

/// Chatwoot could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum ChatwootError {
    /// Its address is none that may be called.
    #[error(transparent)]
    Address(#[from] NotAReceiver),
    /// A field that it does not confirm, and why.
    #[error("{0}: {1}")]
    Field(&'static str, String),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] ProvisionError),
}

/// Connects Chatwoot, or connects it again: asks for the inbox first.
///
/// # Errors
/// [`ChatwootError`]; then it stays as it was.
pub async fn connect(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    settings: ChatwootSettings,
    now: Millis,
) -> Result<ChatwootView, ChatwootError> {
    let base_url = settings.base_url.trim_end_matches('/').to_owned();
    if base_url.contains('?') {
        return Err(ChatwootError::Field("base_url", "It must not have a query.".to_owned()));
    }
    ReceiverUrl::parse(&base_url, courier.allows_loopback())?;
    let old = platform.store.chatwoot(tenant).await?;
    let known = match &old {
        // A token that was given for one place is not shown to another.
        Some(old) if old.base_url == base_url => secret(platform, tenant, old, "api_access_token").await?,
        Some(_) | None => None,
    };
    let token = settings.api_access_token.clone().or(known);
    let token = token.ok_or_else(|| ChatwootError::Field("api_access_token", "It is needed.".to_owned()))?;
    let (account_id, inbox_id) = (settings.account_id, settings.inbox_id);
    let inbox_name = probe(courier, &base_url, Connection { account_id, inbox_id, token: &token }).await?;
    let mut chatwoot = Chatwoot {
        base_url,
        account_id,
        inbox_id,
        inbox_name,
        status: "live".to_owned(),
        last_error: None,
        sealed: old.as_ref().map(|old| old.sealed.clone()).unwrap_or_default(),
        last4: old.as_ref().map(|old| old.last4.clone()).unwrap_or_default(),
        saved_at: now,
    };
    let mut secrets = vec![("api_access_token", token)];
    secrets.extend(settings.webhook_secret.map(|secret| ("webhook_secret", secret)));
    let mut shown = None;
    if !chatwoot.sealed.contains_key("token") {
        let token = random_secret()?;
        shown = Some(token.clone());
        secrets.push(("token", Zeroizing::new(token)));
    }
    for (name, secret) in secrets {
        let place = Chatwoot::place(name);
        let sealed = platform.vault.seal(tenant, CHATWOOT_PURPOSE, &place, secret.as_bytes()).await?;
        chatwoot.sealed.insert(name.to_owned(), sealed.to_string());
        chatwoot.last4.insert(name.to_owned(), hint(&secret));
    }
    platform.store.save_chatwoot(tenant, &chatwoot).await?;
    Ok(ChatwootView { token: shown, ..view(tenant, Some(&chatwoot)) })
}

async fn probe(
    courier: &Courier,
    base_url: &str,
    connection: Connection<'_>,
) -> Result<String, ChatwootError> {
    let no = |field, words: &str| ChatwootError::Field(field, words.to_owned());
    let request = connection.inbox();
    let request = request.ok_or_else(|| no("api_access_token", "It cannot stand in a header."))?;
    let response = courier.call(base_url, request, ANSWER_LIMIT).await;
    let response =
        response.map_err(|error| ChatwootError::Field("base_url", format!("No answer: {error}.")))?;
    match answer(&response) {
        Answer::Done(inbox) => usable_inbox(&inbox).map_err(|words| ChatwootError::Field("inbox_id", words)),
        Answer::Unauthorized => Err(no("api_access_token", "Chatwoot refuses it.")),
        Answer::Missing => Err(no("inbox_id", "Chatwoot knows no such inbox in this account.")),
        Answer::Refused(words) | Answer::Later(words) => {
            Err(ChatwootError::Field("base_url", format!("It does not answer like Chatwoot: {words}.")))
        }
    }
}

/// The connection as it stands.
///
/// # Errors
/// The table did not answer.
pub async fn show(platform: &Platform, tenant: TenantId) -> Result<ChatwootView, StoreError> {
    Ok(view(tenant, platform.store.chatwoot(tenant).await?.as_ref()))
}

/// Forgets the connection with its secrets; false when there was none. What waits stays in line.
///
/// # Errors
/// The table did not answer.
pub async fn disconnect(platform: &Platform, tenant: TenantId) -> Result<bool, StoreError> {
    let known = platform.store.chatwoot(tenant).await?.is_some();
    platform.store.delete_chatwoot(tenant).await?;
    Ok(known)
}

fn view(tenant: TenantId, chatwoot: Option<&Chatwoot>) -> ChatwootView {
    ChatwootView {
        status: chatwoot.map_or_else(|| "not_configured".to_owned(), |one| one.status.clone()),
        last_error: chatwoot.and_then(|one| one.last_error.clone()).filter(|words| !words.is_empty()),
        webhook_path: format!("/v1/webhooks/chatwoot/{tenant}"),
        base_url: chatwoot.map(|one| one.base_url.clone()),
        account_id: chatwoot.map(|one| one.account_id),
        inbox_id: chatwoot.map(|one| one.inbox_id),
        inbox_name: chatwoot.map(|one| one.inbox_name.clone()),
        secrets: chatwoot.map(|one| one.last4.clone()).unwrap_or_default(),
        token: None,
        saved_at: chatwoot.map(|one| one.saved_at),
    }
}

/// The last four characters of a secret that is long enough to lose them.
fn hint(secret: &str) -> String {
    let length = secret.chars().count();
    let shown = if length < SHORTEST_HINTED { 0 } else { 4 };
    secret.chars().skip(length - shown).collect()
}

/// Opens a secret; `None` when there is none.
pub(super) async fn secret(
    platform: &Platform,
    tenant: TenantId,
    chatwoot: &Chatwoot,
    name: &str,
) -> Result<Option<Zeroizing<String>>, VaultError> {
    let Some(sealed) = chatwoot.sealed.get(name) else { return Ok(None) };
    let sealed = Sealed::parse(sealed)?;
    let opened = platform.vault.open(tenant, CHATWOOT_PURPOSE, &Chatwoot::place(name), &sealed).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}
