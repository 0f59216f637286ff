//! Sources of leads at this door: what each accepts, and the proof of a body.

use crate::credentials::{Denied, LookupError};
use crate::kept::Kept;
use crate::request::Headers;
use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::redacted::Redacted;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Feed, Store};
use platform::secrets::Secrets;
use platform::vault::{Sealed, Vault, VaultError};
use providers::signature::{Accepted, Secret, VerifiedBody, verify_feed};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the vault seals their secrets for.
const PURPOSE: &str = "integration";
/// A secret that was withdrawn works for at most this long.
const LIFETIME_MS: u64 = 60 * 1000;
const TENANTS: usize = 1000;

/// What one source of one tenant accepts.
#[derive(Debug, Default)]
struct Keys {
    accepted: Accepted,
    verify_tokens: Vec<Secret>,
    /// The platform's secrets stand in for its own.
    platform_app: bool,
    platform_verify_token: bool,
    signature_header: Option<String>,
}

/// Decides which source gets in.
#[derive(Debug)]
pub(crate) struct Feeds {
    store: Store,
    vault: Vault,
    secrets: Secrets,
    known: Mutex<HashMap<FeedKind, Kept<Arc<Keys>>>>,
    /// What nobody has, compared in place of an unknown source's, so that an answer takes as long.
    decoy: Accepted,
}

impl Feeds {
    pub(crate) fn new(platform: &Platform) -> Self {
        let nobodys = || vec![Secret::new("of nobody")];
        Self {
            store: platform.store.clone(),
            vault: platform.vault.clone(),
            secrets: platform.secrets.clone(),
            known: Mutex::default(),
            decoy: Accepted {
                app_secrets: nobodys(),
                header_secrets: nobodys(),
                url_tokens: nobodys(),
                relay_secrets: nobodys(),
                ..Accepted::default()
            },
        }
    }

    /// Checks a body's credentials.
    pub(crate) async fn verify<'b>(
        &self,
        tenant: TenantId,
        kind: FeedKind,
        headers: &Headers<'_>,
        url_token: Option<&str>,
        body: &'b [u8],
        now: Millis,
    ) -> Result<VerifiedBody<'b>, Denied> {
        let presented = headers.presented(url_token);
        let Some(keys) = self.keys(tenant, kind, now).await? else {
            let any = Some("00");
            let _as_long_as_the_others = verify_feed(kind, &presented, any, &self.decoy, body, now);
            return Err(Denied::Refused);
        };
        let signature = keys.signature_header.as_deref().and_then(|name| headers.signature(name));
        let mut accepted = keys.accepted.clone();
        if keys.platform_app {
            let platform = self.secrets.get().await;
            let platform = platform.map_err(|error| Denied::Unavailable(LookupError::Secrets(error)))?;
            accepted.app_secrets.extend(platform.meta_app_secrets.iter().map(secret));
        }
        verify_feed(kind, &presented, signature, &accepted, body, now).map_err(|_| Denied::Refused)
    }

    /// What the token of Meta's handshake may be.
    pub(crate) async fn verify_tokens(&self, tenant: TenantId, now: Millis) -> Result<Vec<Secret>, Denied> {
        let keys = self.keys(tenant, FeedKind::MetaLeadAds, now).await?.ok_or(Denied::Refused)?;
        let mut tokens = keys.verify_tokens.clone();
        if keys.platform_verify_token {
            let platform = self.secrets.get().await;
            let platform = platform.map_err(|error| Denied::Unavailable(LookupError::Secrets(error)))?;
            tokens.extend(platform.meta_verify_tokens.iter().map(secret));
        }
        Ok(tokens)
    }

    /// What a source accepts; `None` when the tenant has not connected it.
    async fn keys(&self, tenant: TenantId, kind: FeedKind, now: Millis) -> Result<Option<Arc<Keys>>, Denied> {
        if let Some(known) = self.known().get(&kind).and_then(|kept| kept.get(tenant, now)) {
            return Ok(Some(known));
        }
        let feed = self.store.feed(tenant, kind).await;
        let feed = feed.map_err(|error| Denied::Unavailable(LookupError::Store(error)))?;
        let Some(feed) = feed else { return Ok(None) };
        let keys = Arc::new(self.open_all(tenant, &feed).await?);
        let mut known = self.known();
        let kept = known.entry(kind).or_insert_with(|| Kept::new(LIFETIME_MS, TENANTS));
        kept.put(tenant, Arc::clone(&keys), now);
        Ok(Some(keys))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<FeedKind, Kept<Arc<Keys>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open_all(&self, tenant: TenantId, feed: &Feed) -> Result<Keys, Denied> {
        let mut keys = Keys { signature_header: feed.signature_header.clone(), ..Keys::default() };
        let is_meta = feed.kind == FeedKind::MetaLeadAds;
        keys.platform_app = is_meta && !feed.sealed.contains_key("app_secret");
        keys.platform_verify_token = is_meta && !feed.sealed.contains_key("verify_token");
        for (name, sealed) in &feed.sealed {
            // Page tokens and pull keys lie beside these; this function has no business opening them.
            if !matches!(name.as_str(), "app_secret" | "verify_token" | "secret" | "token") {
                continue;
            }
            let Some(secret) = self.open(tenant, feed, name, sealed).await? else { continue };
            let accepted = &mut keys.accepted;
            match name.as_str() {
                "app_secret" => accepted.app_secrets.push(secret),
                "verify_token" => keys.verify_tokens.push(secret),
                "secret" => accepted.relay_secrets.push(secret),
                _ => {
                    accepted.header_secrets.push(secret.clone());
                    accepted.url_tokens.push(secret.clone());
                    accepted.relay_secrets.push(secret);
                }
            }
        }
        Ok(keys)
    }

    /// Opens one sealed secret. One that was tampered with is left out, loudly.
    async fn open(
        &self,
        tenant: TenantId,
        feed: &Feed,
        name: &str,
        sealed: &str,
    ) -> Result<Option<Secret>, Denied> {
        let field = feed.place(name);
        let opened = match Sealed::parse(sealed) {
            Ok(sealed) => self.vault.open(tenant, PURPOSE, &field, &sealed).await,
            Err(tampered) => Err(tampered.into()),
        };
        match opened {
            Ok(bytes) => Ok((!bytes.is_empty()).then(|| Secret::new(bytes.as_slice()))),
            Err(VaultError::Tampered(_)) => {
                tracing::error!(%tenant, field, "a sealed secret does not open where it lies");
                Ok(None)
            }
            Err(error @ VaultError::Transient(_)) => Err(Denied::Unavailable(LookupError::Vault(error))),
        }
    }
}

fn secret(text: &Redacted<String>) -> Secret {
    Secret::new(text.expose().as_bytes())
}
