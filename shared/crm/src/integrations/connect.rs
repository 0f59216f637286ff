//! Connecting a number, or saving a connected one again: proven, then pointed at us, then saved; what fails on the way
//! leaves everything as it was.

use super::card::ShownOnce;
use super::cut_over::swapped_sim;
use super::hook::{self, Pointing, account_is_ours, point};
use super::probe::{Proven, probe};
use super::{
    Credentials, IntegrationError, Outside, PROBE, audit, call::No, seal, wake, webhook_secret_name,
};
use crate::credentials::{self, secret_name};
use crate::health::{Heard, hear_or_warn, is_rated, report};
use crate::provision::random_secret;
use crate::send::By;
use crate::templates::{SyncError, Synced, sync};
use domain::provider::Provider;
use domain::redacted::Redacted;
use domain::tenant::{Plan, Tenant};
use domain::time::Millis;
use platform::dynamo::{About, Connected as Saved, Integration, TenantFacts};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a new number's templates may take; the first list reads them otherwise.
const TEMPLATES: Duration = Duration::from_secs(6);

/// A number that was connected or saved again.
#[derive(Debug)]
pub struct Connected {
    /// Its settings as they are now.
    pub integration: Integration,
    /// Whether it was not connected before.
    pub new: bool,
    /// Secrets that were made or changed just now.
    pub shown_once: ShownOnce,
    /// What will not work although the credentials are right.
    pub warnings: Vec<String>,
    /// What reading the templates did; absent where there are none.
    pub templates: Option<Synced>,
}

/// Connects the number that these credentials open.
///
/// # Errors
/// [`IntegrationError`]; nothing was saved and nothing is left subscribed, unless it says otherwise.
pub async fn connect(
    outside: Outside<'_>,
    by: By,
    credentials: &Credentials,
    now: Millis,
) -> Result<Connected, IntegrationError> {
    let provider = credentials.provider();
    let store = &outside.platform.store;
    let facts = store.tenant_facts_now(by.tenant).await?;
    allowed(facts.tenant.as_ref(), provider)?;
    let proven = match tokio::time::timeout(PROBE, probe(outside, credentials, now)).await {
        Ok(proven) => proven?,
        Err(_late) => return Err(No::late().reject(provider, secret_name(provider)).into()),
    };
    for claim in &proven.claims {
        if store.number_owner(provider, claim).await?.is_some_and(|owner| owner != by.tenant) {
            return Err(taken(provider));
        }
    }
    let old = known(&facts, &proven).cloned();
    let told = proven.facts.clone();
    let Made { integration, shown_once, warnings } =
        make(outside, by, credentials, proven, old.as_ref(), now).await?;
    let secrets = Secrets::open(outside, by, &integration).await?;
    let pointing = Pointing {
        tenant: by.tenant,
        number: &integration.number,
        access: secrets.access.expose(),
        secret: secrets.webhook.expose(),
        ours_already: account_is_ours(&facts.integrations, &integration.number),
    };
    // Meta asks our webhook for the verify token while the subscription is made, so it must be known before.
    store.save_trial(by.tenant, &integration).await?;
    let undo = match point(outside, pointing).await {
        Ok(undo) => undo,
        Err(rejection) => {
            drop_trial(outside, by, &integration).await;
            return Err(rejection.into());
        }
    };
    let failed = match store.connect_number(by.tenant, &integration, old.as_ref()).await {
        Ok(Saved::Yes) => None,
        Ok(Saved::Taken) => Some(taken(provider)),
        Ok(Saved::Changed) => Some(IntegrationError::Changed),
        Err(error) => Some(error.into()),
    };
    if let Some(error) = failed {
        hook::take_back(outside, pointing, undo).await;
        drop_trial(outside, by, &integration).await;
        return Err(error);
    }
    let new = old.is_none();
    let action = if new { "integration.connect" } else { "integration.update" };
    audit(outside.platform, by, action, &integration, now).await?;
    if is_rated(provider) {
        let (report, limit) = report(&told);
        let (tenant, number, trace_id) = (by.tenant, integration.number_id(), by.trace_id);
        let heard =
            Heard { tenant, provider, number, report: &report, limit, at: now, asked: true, trace_id };
        hear_or_warn(outside.platform, heard, now).await;
    } else {
        store.watch_number(by.tenant, provider, integration.number_id(), now).await?;
    }
    if old.is_some_and(|old| old.status != "live") {
        wake::waiting(outside.platform, by.tenant, &integration, now).await;
    }
    let templates = templates(outside, by, provider, now).await;
    Ok(Connected { integration, new, shown_once, warnings, templates })
}

/// Whether the tenant may connect a number of this provider at all.
fn allowed(tenant: Option<&Tenant>, provider: Provider) -> Result<(), IntegrationError> {
    let tenant = tenant.ok_or(IntegrationError::NotFound)?;
    if tenant.sandbox_of.is_some() {
        return Err(IntegrationError::Sandbox);
    }
    match (provider, tenant.plan) {
        (Provider::Meta, plan @ (Plan::Starter | Plan::Growth)) => {
            Err(IntegrationError::Plan { plan, provider })
        }
        (Provider::Meta, Plan::GrowthWithMeta | Plan::Enterprise)
        | (Provider::Dialog360 | Provider::Ultramsg, _) => Ok(()),
        (Provider::Sandbox, _) => Err(IntegrationError::Sandbox),
    }
}

const fn taken(provider: Provider) -> IntegrationError {
    let field = match provider {
        Provider::Meta => "phone_number_id",
        Provider::Dialog360 => "api_key",
        Provider::Ultramsg | Provider::Sandbox => "instance_id",
    };
    IntegrationError::Taken { field }
}

/// The connected number that these credentials are of: the same id, the same channel, or the one without a name.
fn known<'f>(facts: &'f TenantFacts, proven: &Proven) -> Option<&'f Integration> {
    let ids = |one: &&Integration| {
        let (own, found) = (&one.number, &proven.number);
        (own.phone_number_id.is_some() && own.phone_number_id == found.phone_number_id)
            || (own.instance_id.is_some() && own.instance_id == found.instance_id)
    };
    let of_provider =
        || facts.integrations.iter().filter(|one| one.number.provider == proven.number.provider);
    of_provider()
        .find(ids)
        .or_else(|| of_provider().find(|one| one.about.claims.iter().any(|own| proven.claims.contains(own))))
        .or_else(|| of_provider().find(|one| one.number_id() == "-"))
}

/// Settings ready to be saved.
struct Made {
    integration: Integration,
    shown_once: ShownOnce,
    warnings: Vec<String>,
}

async fn make(
    outside: Outside<'_>,
    by: By,
    credentials: &Credentials,
    proven: Proven,
    old: Option<&Integration>,
    now: Millis,
) -> Result<Made, IntegrationError> {
    let vault = &outside.platform.vault;
    let mut made = match old {
        Some(old) => old.clone(),
        None => Integration {
            number: proven.number.clone(),
            status: String::new(),
            broken_reason: None,
            sealed: BTreeMap::new(),
            versions: BTreeMap::new(),
            revision: 0,
            about: About { connected_at: Some(now), ..About::default() },
        },
    };
    made.number.waba_id = proven.number.waba_id.or(made.number.waba_id);
    "live".clone_into(&mut made.status);
    made.broken_reason = None;
    made.revision += 1;
    made.about.facts = made.about.facts.joined(proven.facts);
    made.about.claims = proven.claims;
    made.about.saved_at = Some(now);
    made.about.last_check = None;
    let mut warnings = proven.warnings;
    made.about.linked_phone_before = made
        .about
        .linked_phone
        .take()
        .filter(|before| proven.linked_phone.as_ref().is_some_and(|it| it != before));
    if let Some(before) = &made.about.linked_phone_before {
        warnings.push(swapped(before));
        swapped_sim(&mut made, now);
    }
    made.about.linked_phone = proven.linked_phone;
    seal::forget_previous(&mut made, false, now);
    seal::freshen(vault, by.tenant, &mut made).await?;

    let provider = credentials.provider();
    let (access, given) = match credentials {
        Credentials::Meta { access_token, app_secret, verify_token, .. } => {
            if let Some(secret) = app_secret {
                seal::replace(vault, by.tenant, &mut made, "app_secret", secret.expose(), now).await?;
            }
            (access_token, verify_token.as_ref())
        }
        Credentials::Dialog360 { api_key, webhook_secret } => (api_key, webhook_secret.as_ref()),
        Credentials::Ultramsg { token, .. } => (token, None),
    };
    seal::put(vault, by.tenant, &mut made, secret_name(provider), access.expose()).await?;
    let name = webhook_secret_name(provider);
    let made_up = match given {
        None if !made.sealed.contains_key(name) => {
            Some(Redacted::new(random_secret().map_err(|_| IntegrationError::Random)?))
        }
        None | Some(_) => None,
    };
    let mut shown_once = ShownOnce::default();
    if let Some(secret) = given.or(made_up.as_ref()) {
        seal::replace(vault, by.tenant, &mut made, name, secret.expose(), now).await?;
    }
    if let Some(secret) = made_up {
        shown_once = ShownOnce::of(outside, by.tenant, provider, secret);
    }
    Ok(Made { integration: made, shown_once, warnings })
}

/// What a swapped SIM means.
pub(super) fn swapped(before: &str) -> String {
    format!(
        "The instance is linked to another phone than before (+{before}). Customers agreed to hear from that number: \
         ask them again before you write from this one."
    )
}

/// What opens the provider and what webhooks prove themselves with.
pub(super) struct Secrets {
    pub(super) access: Redacted<String>,
    pub(super) webhook: Redacted<String>,
}

impl Secrets {
    pub(super) async fn open(
        outside: Outside<'_>,
        by: By,
        integration: &Integration,
    ) -> Result<Self, IntegrationError> {
        let provider = integration.number.provider;
        let open = async |name| {
            let opened = credentials::open(&outside.platform.vault, by.tenant, integration, name).await?;
            let text = opened.map(|text| text.to_string()).unwrap_or_default();
            Ok::<_, IntegrationError>(Redacted::new(text))
        };
        Ok(Self {
            access: open(secret_name(provider)).await?,
            webhook: open(webhook_secret_name(provider)).await?,
        })
    }
}

async fn drop_trial(outside: Outside<'_>, by: By, integration: &Integration) {
    let (provider, number) = (integration.number.provider, integration.number_id());
    if let Err(error) = outside.platform.store.drop_trial(by.tenant, provider, number).await {
        tracing::warn!("a number's trial stays until it is over: {error}");
    }
}

/// Reads the templates at once, so that they can be sent (A22). Should that fail, the first list reads them.
async fn templates(outside: Outside<'_>, by: By, provider: Provider, now: Millis) -> Option<Synced> {
    match provider {
        Provider::Meta | Provider::Dialog360 => {}
        Provider::Ultramsg | Provider::Sandbox => return None,
    }
    let reading = sync(outside.platform, outside.transport, by.tenant, now);
    match tokio::time::timeout(TEMPLATES, reading).await {
        Ok(Ok(synced)) => Some(synced),
        Ok(Err(SyncError::NotConfigured)) => None,
        Ok(Err(error)) => {
            tracing::warn!("a new number's templates could not be read: {error}");
            None
        }
        Err(_late) => {
            tracing::warn!("a new number's templates take longer than its connecting may");
            None
        }
    }
}
