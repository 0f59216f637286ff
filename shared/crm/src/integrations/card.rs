//! A number as the settings page shows it: everything but its secrets.

use super::{Outside, webhook_secret_name};
use crate::health::{HealthView, Views};
use crate::numbers::{primary, replaced_by};
use domain::health::Quality;
use domain::ids::TenantId;
use domain::message::Direction;
use domain::number::{ConnectionStatus, LastCheck};
use domain::provider::Provider;
use domain::redacted::Redacted;
use domain::setup::{Onboarding, SetupStep};
use domain::time::Millis;
use platform::dynamo::{Integration, Store, StoreError, TenantFacts};
use providers::capability::{Capabilities, capabilities};
use serde::Serialize;
use std::collections::BTreeMap;

/// How long a failed check shows as the number's status, in milliseconds.
const FRESH_MS: u64 = 15 * 60 * 1000;
/// How many of the latest messages are searched for the last one that came in on a number.
const LATEST: u32 = 50;

/// A number's card.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Integration))]
pub struct Card {
    /// Who carries it.
    pub provider: Provider,
    /// Its id among the tenant's numbers, for `?number=`; absent where none is connected or the channel has no name.
    pub number: Option<String>,
    /// Meta's id of it.
    pub phone_number_id: Option<String>,
    /// Meta's business account.
    pub waba_id: Option<String>,
    /// UltraMsg's instance.
    pub instance_id: Option<String>,
    /// How the connection stands.
    pub status: ConnectionStatus,
    /// Why it is broken.
    pub broken_reason: Option<String>,
    /// The number as people write it.
    pub display_phone_number: Option<String>,
    /// The name that customers see.
    pub verified_name: Option<String>,
    /// Where the review of that name stands.
    pub name_status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality_rating: Option<String>,
    /// How many people a day may be written to first.
    pub messaging_limit: Option<String>,
    /// How fast messages may leave.
    pub throughput: Option<String>,
    /// The steps at Meta and which of them are missing; absent for other providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<Vec<SetupStep>>,
    /// Whether new conversations go out on it.
    pub primary: bool,
    /// The number that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<NumberRef>,
    /// How it stands with its customers; absent where none is connected.
    pub health: Option<HealthView>,
    /// Whether the instance is linked to another phone than before.
    pub number_changed: bool,
    /// Where the provider posts; UltraMsg's has the webhook secret behind it.
    pub webhook_url: String,
    /// Which secrets are saved, by name.
    pub secrets: BTreeMap<String, SecretHint>,
    /// A rotated secret whose predecessor is still good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// What the provider can carry.
    #[cfg_attr(feature = "openapi", schema(value_type = Capabilities))]
    pub capabilities: &'static Capabilities,
    /// When a customer last wrote to it, among the tenant's latest messages.
    pub last_inbound_at: Option<Millis>,
    /// What last went wrong with it.
    pub last_error: Option<String>,
    /// What the last check found.
    pub last_check: Option<LastCheck>,
    /// When it was connected.
    pub connected_at: Option<Millis>,
    /// When its settings were last saved.
    pub updated_at: Option<Millis>,
}

/// Another number of the tenant's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberRef {
    /// Who carries it.
    pub provider: Provider,
    /// Its id; absent for a channel without a name.
    pub number: Option<String>,
}

/// A saved secret, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretHint {
    /// Its last four characters; absent for a short one.
    pub last4: Option<String>,
}

/// A rotation in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overlap {
    /// Until when the previous secret is good.
    pub until: Millis,
}

/// Secrets that were made just now; nobody sees them again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownOnce {
    /// What webhooks bring along.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub webhook_secret: Option<Redacted<String>>,
    /// What Meta's handshake repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub verify_token: Option<Redacted<String>>,
    /// The whole webhook address where it holds the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub webhook_url: Option<Redacted<String>>,
}

impl ShownOnce {
    /// Whether there is nothing to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.webhook_secret.is_none() && self.verify_token.is_none() && self.webhook_url.is_none()
    }

    pub(super) fn of(
        outside: Outside<'_>,
        tenant: TenantId,
        provider: Provider,
        secret: Redacted<String>,
    ) -> Self {
        match provider {
            Provider::Meta => Self { verify_token: Some(secret), ..Self::default() },
            Provider::Dialog360 => Self { webhook_secret: Some(secret), ..Self::default() },
            Provider::Ultramsg | Provider::Sandbox => {
                let url = format!("{}/{}", outside.webhook_url(tenant), secret.expose());
                Self {
                    webhook_url: Some(Redacted::new(url)),
                    webhook_secret: Some(secret),
                    verify_token: None,
                }
            }
        }
    }
}

/// The cards of a tenant's numbers, those of one provider or all.
///
/// # Errors
/// The table did not answer.
pub async fn cards(
    outside: Outside<'_>,
    tenant: TenantId,
    facts: &TenantFacts,
    only: Option<Provider>,
    now: Millis,
) -> Result<Vec<Card>, StoreError> {
    let wanted = |one: &&Integration| only.is_none_or(|only| one.number.provider == only);
    let numbers: Vec<&Integration> = facts.integrations.iter().filter(wanted).collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let store = &outside.platform.store;
    let inbound = last_inbound(store, tenant).await?;
    let views = Views::read(store, tenant, facts, &numbers, now).await?;
    let all = &facts.integrations;
    Ok(numbers.into_iter().map(|one| of(outside, tenant, one, all, &inbound, &views, now)).collect())
}

/// The card of one number.
///
/// # Errors
/// The table did not answer.
pub async fn card(
    outside: Outside<'_>,
    tenant: TenantId,
    integration: &Integration,
    now: Millis,
) -> Result<Card, StoreError> {
    let store = &outside.platform.store;
    let inbound = last_inbound(store, tenant).await?;
    let facts = store.tenant_facts_now(tenant).await?;
    let views = Views::read(store, tenant, &facts, &[integration], now).await?;
    Ok(of(outside, tenant, integration, &facts.integrations, &inbound, &views, now))
}

/// The card of a provider of whom no number is connected, or of a sandbox.
#[must_use]
pub fn empty_card(
    outside: Outside<'_>,
    tenant: TenantId,
    provider: Provider,
    status: ConnectionStatus,
) -> Card {
    Card {
        provider,
        number: None,
        phone_number_id: None,
        waba_id: None,
        instance_id: None,
        status,
        broken_reason: None,
        display_phone_number: None,
        verified_name: None,
        name_status: None,
        quality_rating: None,
        messaging_limit: None,
        throughput: None,
        // Who has nothing connected has all four steps before them; a sandbox has none to take.
        setup: (provider == Provider::Meta && status == ConnectionStatus::NotConfigured)
            .then(|| Onboarding::default().steps()),
        primary: false,
        replaced_by: None,
        health: None,
        number_changed: false,
        webhook_url: outside.webhook_url(tenant),
        secrets: BTreeMap::new(),
        overlap: None,
        capabilities: capabilities(provider),
        last_inbound_at: None,
        last_error: None,
        last_check: None,
        connected_at: None,
        updated_at: None,
    }
}

/// The latest message of a customer, by the number it came in on.
type Inbound = Vec<(Provider, String, Millis)>;

async fn last_inbound(store: &Store, tenant: TenantId) -> Result<Inbound, StoreError> {
    let page = store.messages_by_time(tenant, None, LATEST).await?;
    let mut latest = Inbound::new();
    for entry in store.entries(tenant, &page.entries).await? {
        if entry.direction != Direction::Inbound {
            continue;
        }
        let at = Millis::from_unix_ms(entry.id.ulid().timestamp_ms());
        let same = |(provider, number, _): &&mut (Provider, String, Millis)| {
            *provider == entry.provider && *number == entry.number
        };
        match latest.iter_mut().find(same) {
            Some((_, _, known)) => *known = (*known).max(at),
            None => latest.push((entry.provider, entry.number, at)),
        }
    }
    Ok(latest)
}

fn of(
    outside: Outside<'_>,
    tenant: TenantId,
    integration: &Integration,
    all: &[Integration],
    inbound: &Inbound,
    views: &Views<'_>,
    now: Millis,
) -> Card {
    let (number, about) = (&integration.number, &integration.about);
    let status = status(integration, now);
    let failed = about.last_check.as_ref().filter(|check| check.status != ConnectionStatus::Live);
    let unnamed = integration.number_id() == "-";
    let last_inbound = inbound.iter().filter(|(provider, id, _)| {
        // A channel without a name carries whatever number its webhooks name.
        *provider == number.provider && (unnamed || id == integration.number_id())
    });
    let hinted = |(name, last4): (&String, &String)| {
        let last4 = Some(last4.clone()).filter(|last4| !last4.is_empty());
        (name.clone(), SecretHint { last4 })
    };
    let hintless = integration.sealed.keys().filter(|name| !name.ends_with("_previous"));
    let mut secrets: BTreeMap<_, _> =
        hintless.map(|name| (name.clone(), SecretHint { last4: None })).collect();
    secrets.extend(about.last4.iter().filter(|(name, _)| integration.sealed.contains_key(*name)).map(hinted));
    let webhook = webhook_secret_name(number.provider);
    let overlaps = integration.sealed.contains_key(&format!("{webhook}_previous"));
    let until = about.previous_until.filter(|until| overlaps && *until > now);
    // What webhooks tell is newer than what a save or a check found.
    let health = views.of(integration);
    let rating = (health.quality != Quality::Unknown).then(|| health.quality.as_str().to_ascii_uppercase());
    let tier = health.messaging_limit.as_ref().and_then(|limit| limit.tier.clone());
    Card {
        number: Some(integration.number_id().to_owned()).filter(|_| !unnamed),
        phone_number_id: number.phone_number_id.clone(),
        waba_id: number.waba_id.clone(),
        instance_id: number.instance_id.clone(),
        broken_reason: integration.broken_reason.clone(),
        display_phone_number: about.facts.display_phone_number.clone(),
        verified_name: about.facts.verified_name.clone(),
        name_status: health.name_status.clone().or_else(|| about.facts.name_status.clone()),
        quality_rating: rating.or_else(|| about.facts.quality_rating.clone()),
        messaging_limit: tier.or_else(|| about.facts.messaging_limit.clone()),
        throughput: health.throughput.clone().or_else(|| about.facts.throughput.clone()),
        setup: setup(integration, health.name_status.as_deref()),
        health: Some(health),
        primary: primary(all).is_some_and(|one| one.sort_key() == integration.sort_key()),
        replaced_by: all
            .iter()
            .find(|one| one.sort_key() == integration.sort_key())
            .and_then(|one| replaced_by(all, one))
            .map(|one| NumberRef {
                provider: one.number.provider,
                number: Some(one.number_id().to_owned()).filter(|number| number != "-"),
            }),
        number_changed: about.linked_phone_before.is_some(),
        secrets,
        overlap: until.map(|until| Overlap { until }),
        last_inbound_at: last_inbound.map(|(_, _, at)| *at).max(),
        last_error: integration.broken_reason.clone().or_else(|| failed.map(|check| check.message.clone())),
        last_check: about.last_check.clone(),
        connected_at: about.connected_at,
        updated_at: about.saved_at,
        ..empty_card(outside, tenant, number.provider, status)
    }
}

/// The steps at Meta, from what the save and the latest check found; what webhooks tell of the name is newer.
fn setup(integration: &Integration, name_status: Option<&str>) -> Option<Vec<SetupStep>> {
    if integration.number.provider != Provider::Meta {
        return None;
    }
    let about = &integration.about;
    let found = about.last_check.as_ref().map_or(ConnectionStatus::Live, |check| check.status);
    let mut facts = about.facts.clone();
    facts.name_status = name_status.map(str::to_owned).or(facts.name_status);
    let seen = Onboarding {
        token: found != ConnectionStatus::Unauthorized,
        account: integration.number.waba_id.is_some(),
        business_verification: facts.business_verification.clone(),
        number: (found != ConnectionStatus::NotProvisioned).then_some(facts),
    };
    Some(seen.steps())
}

/// Broken wins; else what a check found within the last minutes; else live.
fn status(integration: &Integration, now: Millis) -> ConnectionStatus {
    if integration.status != "live" {
        return ConnectionStatus::Broken;
    }
    let fresh = integration.about.last_check.as_ref().filter(|check| now.since(check.at) <= FRESH_MS);
    fresh.map_or(ConnectionStatus::Live, |check| check.status)
}
