//! Chatwoot at this door: what it accepts, and the proof of a body.

use crate::credentials::{Denied, LookupError};
use crate::kept::Kept;
use crate::request::Headers;
use domain::ids::TenantId;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Chatwoot, Store};
use platform::vault::{Sealed, Vault, VaultError};
use providers::signature::{Accepted, Secret, VerifiedBody, verify_chatwoot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the vault seals its secrets for.
const PURPOSE: &str = "chatwoot";
/// A secret that was withdrawn works for at most this long.
const LIFETIME_MS: u64 = 60 * 1000;
const TENANTS: usize = 1000;

/// Decides which Chatwoot gets in.
#[derive(Debug)]
pub(crate) struct Desk {
    store: Store,
    vault: Vault,
    known: Mutex<Kept<Arc<Accepted>>>,
    /// What nobody has, compared in place of an unknown tenant's, so that an answer takes as long.
    decoy: Accepted,
}

impl Desk {
    pub(crate) fn new(platform: &Platform) -> Self {
        let nobodys = || vec![Secret::new("of nobody")];
        Self {
            store: platform.store.clone(),
            vault: platform.vault.clone(),
            known: Mutex::new(Kept::new(LIFETIME_MS, TENANTS)),
            decoy: Accepted { url_tokens: nobodys(), relay_secrets: nobodys(), ..Accepted::default() },
        }
    }

    /// Checks a body's credentials.
    pub(crate) async fn verify<'b>(
        &self,
        tenant: TenantId,
        headers: &Headers<'_>,
        url_token: Option<&str>,
        body: &'b [u8],
        now: Millis,
    ) -> Result<VerifiedBody<'b>, Denied> {
        let signature = headers.signature("x-chatwoot-signature");
        let stamp = headers.chatwoot_timestamp.as_deref();
        let Some(accepted) = self.accepted(tenant, now).await? else {
            let _as_long_as_the_others = verify_chatwoot(signature, stamp, url_token, &self.decoy, body, now);
            return Err(Denied::Refused);
        };
        verify_chatwoot(signature, stamp, url_token, &accepted, body, now).map_err(|_| Denied::Refused)
    }

    /// What is accepted; `None` when the tenant has not connected Chatwoot.
    async fn accepted(&self, tenant: TenantId, now: Millis) -> Result<Option<Arc<Accepted>>, Denied> {
        if let Some(known) = self.known().get(tenant, now) {
            return Ok(Some(known));
        }
        let chatwoot = self.store.chatwoot(tenant).await;
        let chatwoot = chatwoot.map_err(|error| Denied::Unavailable(LookupError::Store(error)))?;
        let Some(chatwoot) = chatwoot else { return Ok(None) };
        let secret = self.open(tenant, &chatwoot, "webhook_secret").await?;
        let token = self.open(tenant, &chatwoot, "token").await?;
        let accepted = Arc::new(Accepted {
            relay_secrets: secret.into_iter().collect(),
            url_tokens: token.into_iter().collect(),
            ..Accepted::default()
        });
        self.known().put(tenant, Arc::clone(&accepted), now);
        Ok(Some(accepted))
    }

    fn known(&self) -> MutexGuard<'_, Kept<Arc<Accepted>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one sealed secret. One that was tampered with is left out, loudly.
    async fn open(
        &self,
        tenant: TenantId,
        chatwoot: &Chatwoot,
        name: &str,
    ) -> Result<Option<Secret>, Denied> {
        let Some(sealed) = chatwoot.sealed.get(name) else { return Ok(None) };
        let place = Chatwoot::place(name);
        let opened = match Sealed::parse(sealed) {
            Ok(sealed) => self.vault.open(tenant, PURPOSE, &place, &sealed).await,
            Err(tampered) => Err(tampered.into()),
        };
        match opened {
            Ok(bytes) => Ok((!bytes.is_empty()).then(|| Secret::new(bytes.as_slice()))),
            // The vault has said so.
            Err(VaultError::Tampered(_)) => Ok(None),
            Err(error @ VaultError::Transient(_)) => Err(Denied::Unavailable(LookupError::Vault(error))),
        }
    }
}
