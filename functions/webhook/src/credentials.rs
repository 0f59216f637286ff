//! Which credentials a tenant accepts: read from its integrations, opened by the vault, kept for five minutes.

use crate::kept::Kept;
use crate::keyring::{Keyring, Kind};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::redacted::Redacted;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Integration, Store, StoreError};
use platform::secrets::{Secrets, SecretsError};
use platform::vault::{Sealed, Vault, VaultError};
use providers::signature::{Accepted, Presented, Secret, VerifiedBody, verify};
use std::sync::{Arc, Mutex, PoisonError};

/// What the vault seals an integration's secrets for.
const PURPOSE: &str = "integration";
/// A secret that was withdrawn works for at most this long.
const LIFETIME_MS: u64 = 5 * 60 * 1000;
/// A tenant that was just made may be refused for at most this long.
const UNKNOWN_LIFETIME_MS: u64 = 3 * 1000;
/// What is older is read again before a credential is refused: it may have been made since.
const DOUBTED_AFTER_MS: u64 = 1000;
/// How long a number may be on trial: whoever began to connect it has given up by then.
const TRIAL_MS: u64 = 10 * 60 * 1000;
const TENANTS: usize = 1000;

/// Decides who gets in.
#[derive(Debug)]
pub(crate) struct Credentials {
    store: Store,
    vault: Vault,
    secrets: Secrets,
    single_tenant: Option<TenantId>,
    known: Mutex<Kept<(Millis, Arc<Keyring>)>>,
    unknown: Mutex<Kept<()>>,
    /// What nobody has, compared in place of an unknown tenant's, so that an answer takes as long.
    decoy: Accepted,
}

/// Why a request does not get in.
#[derive(Debug)]
pub(crate) enum Denied {
    /// It proves nothing. For every reason the same.
    Refused,
    /// What it would be compared with cannot be had now.
    Unavailable(LookupError),
}

/// A credential could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("look up a tenant's credentials")]
    Store(#[source] StoreError),
    #[error("open a tenant's credentials")]
    Vault(#[source] VaultError),
    #[error("look up the platform's credentials")]
    Secrets(#[source] SecretsError),
}

impl Credentials {
    pub(crate) fn new(platform: Platform) -> Self {
        Self {
            store: platform.store,
            vault: platform.vault,
            secrets: platform.secrets,
            single_tenant: platform.single_tenant,
            known: Mutex::new(Kept::new(LIFETIME_MS, TENANTS)),
            unknown: Mutex::new(Kept::new(UNKNOWN_LIFETIME_MS, TENANTS)),
            decoy: Accepted { app_secrets: vec![Secret::new("of nobody")], ..Accepted::default() },
        }
    }

    /// Opens the connections that a look-up needs.
    pub(crate) fn warm(&self) -> impl Future<Output = ()> + Send + 'static {
        let (store, secrets) = (self.store.clone(), self.secrets.clone());
        async move {
            tokio::join!(store.connect(), secrets.connect());
        }
    }

    /// Checks a body's credentials. The provider whose credential it is decides how the body will be read.
    pub(crate) async fn verify<'b>(
        &self,
        tenant: TenantId,
        presented: &Presented<'_>,
        body: &'b [u8],
        now: Millis,
    ) -> Result<(Provider, VerifiedBody<'b>), Denied> {
        // Who presents nothing costs no look-up.
        if is_empty(presented) {
            return Err(Denied::Refused);
        }
        let Some((since, keyring)) = self.keyring(tenant, now).await? else {
            let _as_long_as_the_others = verify(Provider::Meta, presented, &self.decoy, body, now);
            return Err(Denied::Refused);
        };
        match self.verify_with(&keyring, presented, body, now).await {
            // A number that was connected a moment ago, or a secret that was rotated.
            Err(Denied::Refused) if now.since(since) >= DOUBTED_AFTER_MS => {
                let keyring = self.read_keyring(tenant, now).await?.ok_or(Denied::Refused)?;
                self.verify_with(&keyring, presented, body, now).await
            }
            verified => verified,
        }
    }

    async fn verify_with<'b>(
        &self,
        keyring: &Keyring,
        presented: &Presented<'_>,
        body: &'b [u8],
        now: Millis,
    ) -> Result<(Provider, VerifiedBody<'b>), Denied> {
        for provider in keyring.candidates(presented) {
            let Some(accepted) = keyring.accepted(provider) else { continue };
            let with_the_platforms;
            let accepted = if self.needs_the_platforms(keyring, provider, presented) {
                with_the_platforms = self.with_the_platforms(accepted, provider).await?;
                &with_the_platforms
            } else {
                accepted
            };
            if let Ok(body) = verify(provider, presented, accepted, body, now) {
                return Ok((provider, body));
            }
        }
        Err(Denied::Refused)
    }

    /// What a handshake's token may be. Always read anew: Meta asks in the very moment in which a number is connected,
    /// and hardly ever else.
    pub(crate) async fn verify_tokens(&self, tenant: TenantId, now: Millis) -> Result<Vec<Secret>, Denied> {
        let keyring = self.read_keyring(tenant, now).await?.ok_or(Denied::Refused)?;
        let mut tokens = keyring.verify_tokens.clone();
        if keyring.platform_verify_token {
            tokens.extend(self.platform().await?.meta_verify_tokens.iter().map(secret));
        }
        Ok(tokens)
    }

    fn needs_the_platforms(&self, keyring: &Keyring, provider: Provider, presented: &Presented<'_>) -> bool {
        match provider {
            Provider::Meta => keyring.platform_app,
            Provider::Dialog360 => presented.dialog360_signature.is_some(),
            Provider::Ultramsg | Provider::Sandbox => false,
        }
    }

    async fn with_the_platforms(&self, accepted: &Accepted, provider: Provider) -> Result<Accepted, Denied> {
        let platform = self.platform().await?;
        let mut accepted = accepted.clone();
        match provider {
            Provider::Meta => accepted.app_secrets.extend(platform.meta_app_secrets.iter().map(secret)),
            Provider::Dialog360 => {
                accepted.dialog360_secrets.extend(platform.dialog360_platform_secrets.iter().map(secret));
            }
            Provider::Ultramsg | Provider::Sandbox => {}
        }
        Ok(accepted)
    }

    async fn platform(&self) -> Result<Arc<platform::secrets::PlatformSecrets>, Denied> {
        self.secrets.get().await.map_err(|error| Denied::Unavailable(LookupError::Secrets(error)))
    }

    /// What the tenant accepts, and when that was read; `None` when there is no such tenant, or it has no integration.
    async fn keyring(&self, tenant: TenantId, now: Millis) -> Result<Option<(Millis, Arc<Keyring>)>, Denied> {
        if let Some(known) = locked(&self.known).get(tenant, now) {
            return Ok(Some(known));
        }
        if locked(&self.unknown).get(tenant, now).is_some() {
            return Ok(None);
        }
        Ok(self.read_keyring(tenant, now).await?.map(|keyring| (now, keyring)))
    }

    /// What the tenant accepts at this moment.
    async fn read_keyring(&self, tenant: TenantId, now: Millis) -> Result<Option<Arc<Keyring>>, Denied> {
        let facts = self.store.tenant_facts_now(tenant).await;
        let facts = facts.map_err(|error| Denied::Unavailable(LookupError::Store(error)))?;
        let on_trial = |one: &Integration| one.about.saved_at.is_some_and(|at| now.since(at) < TRIAL_MS);
        let trials = facts.trials.into_iter().filter(on_trial);
        let mut integrations: Vec<Integration> = facts.integrations.into_iter().chain(trials).collect();
        // Where there is one tenant, its number is the platform app's unless something else is set up.
        let is_the_one = integrations.is_empty() && self.single_tenant == Some(tenant);
        if integrations.is_empty() && !is_the_one {
            locked(&self.unknown).put(tenant, (), now);
            return Ok(None);
        }
        let mut keyring = Keyring::default();
        if is_the_one {
            keyring.meta = Some(Accepted::default());
            keyring.platform_app = true;
            keyring.platform_verify_token = true;
        }
        for integration in integrations.drain(..) {
            self.add(&mut keyring, tenant, &integration, now).await?;
        }
        let keyring = Arc::new(keyring);
        locked(&self.known).put(tenant, (now, Arc::clone(&keyring)), now);
        Ok(Some(keyring))
    }

    async fn add(
        &self,
        keyring: &mut Keyring,
        tenant: TenantId,
        integration: &Integration,
        now: Millis,
    ) -> Result<(), Denied> {
        let mut opened = Vec::new();
        let over = integration.about.previous_until.is_some_and(|until| until <= now);
        for (name, sealed) in &integration.sealed {
            // The secret before a rotated one is good for a while only.
            if over && name.ends_with("_previous") {
                continue;
            }
            if let Some(kind) = Kind::of(integration.number.provider, name) {
                opened.push((kind, self.open(tenant, integration, name, sealed).await?));
            }
        }
        keyring.add(integration.number.provider, opened);
        Ok(())
    }

    /// Opens one sealed secret. One that was tampered with is left out, loudly: it must not open the door, and
    /// must not close it for the others.
    async fn open(
        &self,
        tenant: TenantId,
        integration: &Integration,
        name: &str,
        sealed: &str,
    ) -> Result<Option<Secret>, Denied> {
        let field = integration.place(name);
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

fn is_empty(presented: &Presented<'_>) -> bool {
    let Presented { hub_signature, dialog360_signature, header_secret, url_token, hadar_signature } =
        presented;
    [hub_signature, dialog360_signature, header_secret, url_token, hadar_signature]
        .iter()
        .all(|one| one.is_none())
}

fn secret(text: &Redacted<String>) -> Secret {
    Secret::new(text.expose().as_bytes())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
