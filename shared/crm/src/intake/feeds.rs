//! Connecting sources of leads: their secrets sealed, shown once or not at all.

use crate::provision::{INTEGRATION_PURPOSE, ProvisionError, random_secret};
use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Feed, StoreError};
use platform::vault::{Sealed, Tampered, VaultError};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The header of Property Finder's signature unless told.
const SIGNATURE_HEADER: &str = "x-signature";
/// A secret with fewer characters shows none of them.
const SHORTEST_HINTED: usize = 12;
/// How far back the first pull looks, in milliseconds.
const FIRST_LOOK_BACK_MS: u64 = 24 * 60 * 60 * 1000;

/// What an admin says about a source; secrets that are absent stay as they are.
#[derive(Debug, Default)]
pub struct FeedSettings {
    /// Secrets by name, in the order in which they are asked for.
    pub secrets: Vec<(&'static str, Zeroizing<String>)>,
    /// The page on Facebook.
    pub page_id: Option<String>,
    /// The header that carries the signature, in lower case.
    pub signature_header: Option<String>,
}

/// A source as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LeadSourceConnection))]
pub struct FeedView {
    /// Which.
    pub source: FeedKind,
    /// `live`, or what the last pull met; `not_configured` when it is not connected.
    pub status: String,
    /// The path that the source posts to, under the root of the API.
    pub webhook_path: String,
    /// The last four characters of its secrets, by name.
    pub secrets: BTreeMap<String, String>,
    /// The page on Facebook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_id: Option<String>,
    /// The header that carries the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_header: Option<String>,
    /// The token that was made for it; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Millis>,
    /// Everything up to here was pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulled_to: Option<Millis>,
}

/// A source could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A secret that it cannot do without.
    #[error("`{0}` is needed")]
    Missing(&'static str),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] ProvisionError),
}

/// Connects a source, or connects it again.
///
/// # Errors
/// [`FeedError`]; then it stays as it was.
pub async fn connect_feed(
    platform: &Platform,
    tenant: TenantId,
    kind: FeedKind,
    mut settings: FeedSettings,
    now: Millis,
) -> Result<FeedView, FeedError> {
    let old = platform.store.feed(tenant, kind).await?;
    let mut feed = Feed {
        kind,
        status: "live".to_owned(),
        sealed: old.as_ref().map(|old| old.sealed.clone()).unwrap_or_default(),
        last4: old.as_ref().map(|old| old.last4.clone()).unwrap_or_default(),
        page_id: settings.page_id.take().or_else(|| old.as_ref()?.page_id.clone()),
        signature_header: settings.signature_header.take().or_else(|| old.as_ref()?.signature_header.clone()),
        saved_at: now,
        pulled_to: old.and_then(|old| old.pulled_to),
    };
    let has = |settings: &FeedSettings, feed: &Feed, name: &str| {
        feed.sealed.contains_key(name) || settings.secrets.iter().any(|(given, _)| *given == name)
    };
    let mut shown = None;
    match kind {
        FeedKind::MetaLeadAds if !has(&settings, &feed, "access_token") => {
            return Err(FeedError::Missing("access_token"));
        }
        FeedKind::PropertyFinder if !has(&settings, &feed, "secret") => {
            return Err(FeedError::Missing("secret"));
        }
        FeedKind::Bayut | FeedKind::Dubizzle if !has(&settings, &feed, "api_key") => {
            return Err(FeedError::Missing("api_key"));
        }
        FeedKind::Bayut | FeedKind::Dubizzle | FeedKind::Website if !has(&settings, &feed, "token") => {
            let token = random_secret()?;
            shown = Some(token.clone());
            settings.secrets.push(("token", Zeroizing::new(token)));
        }
        FeedKind::PropertyFinder if feed.signature_header.is_none() => {
            feed.signature_header = Some(SIGNATURE_HEADER.to_owned());
        }
        FeedKind::MetaLeadAds
        | FeedKind::PropertyFinder
        | FeedKind::Bayut
        | FeedKind::Dubizzle
        | FeedKind::Website => {}
    }
    for (name, secret) in &settings.secrets {
        let place = feed.place(name);
        let sealed = platform.vault.seal(tenant, INTEGRATION_PURPOSE, &place, secret.as_bytes()).await?;
        feed.sealed.insert((*name).to_owned(), sealed.to_string());
        feed.last4.insert((*name).to_owned(), hint(secret));
    }
    if kind.is_pulled() && feed.pulled_to.is_none() {
        feed.pulled_to = Some(now.unix_ms().saturating_sub(FIRST_LOOK_BACK_MS));
    }
    platform.store.save_feed(tenant, &feed, kind.is_pulled().then_some(now)).await?;
    Ok(FeedView { token: shown, ..view(tenant, kind, Some(&feed)) })
}

/// A source as it stands; one that is not connected says so.
///
/// # Errors
/// The table did not answer.
pub async fn show_feed(
    platform: &Platform,
    tenant: TenantId,
    kind: FeedKind,
) -> Result<FeedView, StoreError> {
    let feed = platform.store.feed(tenant, kind).await?;
    Ok(view(tenant, kind, feed.as_ref()))
}

/// Forgets a source with its secrets; false when it was not connected.
///
/// # Errors
/// The table did not answer.
pub async fn disconnect_feed(
    platform: &Platform,
    tenant: TenantId,
    kind: FeedKind,
) -> Result<bool, StoreError> {
    let known = platform.store.feed(tenant, kind).await?.is_some();
    platform.store.delete_feed(tenant, kind).await?;
    Ok(known)
}

fn view(tenant: TenantId, kind: FeedKind, feed: Option<&Feed>) -> FeedView {
    FeedView {
        source: kind,
        status: feed.map_or_else(|| "not_configured".to_owned(), |feed| feed.status.clone()),
        webhook_path: format!("/v1/webhooks/leads/{tenant}/{kind}"),
        secrets: feed.map(|feed| feed.last4.clone()).unwrap_or_default(),
        page_id: feed.and_then(|feed| feed.page_id.clone()),
        signature_header: feed.and_then(|feed| feed.signature_header.clone()),
        token: None,
        saved_at: feed.map(|feed| feed.saved_at),
        pulled_to: feed.and_then(|feed| feed.pulled_to).map(Millis::from_unix_ms),
    }
}

/// The last four characters of a secret that is long enough to lose them.
fn hint(secret: &str) -> String {
    let length = secret.chars().count();
    let shown = if length < SHORTEST_HINTED { 0 } else { 4 };
    secret.chars().skip(length - shown).collect()
}

/// Opens a secret; `None` when there is none.
pub(super) async fn open(
    platform: &Platform,
    tenant: TenantId,
    feed: &Feed,
    name: &str,
) -> Result<Option<Zeroizing<String>>, VaultError> {
    let Some(sealed) = feed.sealed.get(name) else { return Ok(None) };
    let sealed = Sealed::parse(sealed)?;
    let opened = platform.vault.open(tenant, INTEGRATION_PURPOSE, &feed.place(name), &sealed).await?;
    let text = std::str::from_utf8(&opened).map_err(|_| Tampered)?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}
