//! Making a tenant, its keys and its numbers: what the demo, the tests and the platform engineer's tools share.

use crate::integrations::{claims, seal};
use base64::Engine as _;
use domain::access::{ApiKey, Environment, Role};
use domain::consent_settings::ConsentSettings;
use domain::escalation::Escalation;
use domain::ids::{KeyId, TenantId, derived_ulid};
use domain::language::Language;
use domain::price::Pricing;
use domain::tenant::{Number, Plan, Tenant};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{About, ApiKeyRecord, Connected, Integration, KeyMade, NewAuditEntry, StoreError};
use platform::vault::VaultError;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Who the platform's engineers are in a tenant's audit log.
const PLATFORM: &str = "platform";
/// How many keys are read at once.
const KEYS_AT_ONCE: u32 = 100;

/// The purpose that integration secrets are sealed for.
pub const INTEGRATION_PURPOSE: &str = "integration";

/// A tenant could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The tenant got another plan at the same moment.
    #[error("the tenant got another plan at the same moment; try again")]
    PlanMoved,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// The number belongs to another tenant, or is being connected by somebody else.
    #[error("the number belongs to another tenant, or is being connected by somebody else")]
    Taken,
}

/// A new tenant and its sandbox twin.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// The tenant.
    pub tenant: Tenant,
    /// Its twin, whose data test keys open.
    pub sandbox: Tenant,
}

/// Makes a tenant with its sandbox twin.
///
/// # Errors
/// The table did not answer.
pub async fn tenant(
    platform: &Platform,
    name: &str,
    plan: Plan,
    default_language: Language,
    now: Millis,
) -> Result<NewTenant, ProvisionError> {
    let twin = TenantId::from_ulid(random_ulid(now)?);
    let tenant = Tenant {
        id: TenantId::from_ulid(random_ulid(now)?),
        name: name.to_owned(),
        plan,
        default_language,
        retention_days: None,
        created_at: now,
        sandbox_of: None,
        sandbox: Some(twin),
        cold_text: false,
        pricing: Pricing::default(),
        consent: ConsentSettings::default(),
        escalation: Escalation::default(),
        first_touch: None,
        assignment: None,
    };
    let sandbox = Tenant {
        id: twin,
        name: format!("{name} (sandbox)"),
        sandbox_of: Some(tenant.id),
        sandbox: None,
        ..tenant.clone()
    };
    platform.store.create_tenant(&tenant).await?;
    platform.store.create_tenant(&sandbox).await?;
    Ok(NewTenant { tenant, sandbox })
}

/// Makes an API key; the text is shown once, here.
///
/// # Errors
/// The table did not answer.
pub async fn api_key(
    platform: &Platform,
    tenant: TenantId,
    role: Role,
    environment: Environment,
    name: &str,
    now: Millis,
) -> Result<ApiKey, ProvisionError> {
    metered_api_key(platform, tenant, role, environment, name, None, now).await
}

/// Makes an admin key for a tenant that has none any more, and says so in its audit log.
///
/// # Errors
/// As [`api_key`].
pub async fn admin_key(
    platform: &Platform,
    tenant: TenantId,
    name: &str,
    now: Millis,
) -> Result<ApiKey, ProvisionError> {
    let (key, record) = made(platform, tenant, Role::Admin, Environment::Live, name, None, now).await?;
    let target = record.id.to_string();
    let entry = NewAuditEntry {
        at: now,
        actor: PLATFORM,
        action: "api_key.create",
        target: &target,
        trace_id: Uuid::new_v4(),
    };
    platform.store.append_audit(tenant, entry).await?;
    Ok(key)
}

/// As [`api_key`], with another limit than the plan's, in requests per minute: for tests and benchmarks, which ask more
/// than anybody pays for.
///
/// # Errors
/// As [`api_key`].
pub async fn metered_api_key(
    platform: &Platform,
    tenant: TenantId,
    role: Role,
    environment: Environment,
    name: &str,
    rate_per_minute: Option<u32>,
    now: Millis,
) -> Result<ApiKey, ProvisionError> {
    let (key, _record) = made(platform, tenant, role, environment, name, rate_per_minute, now).await?;
    Ok(key)
}

async fn made(
    platform: &Platform,
    tenant: TenantId,
    role: Role,
    environment: Environment,
    name: &str,
    rate_per_minute: Option<u32>,
    now: Millis,
) -> Result<(ApiKey, ApiKeyRecord), ProvisionError> {
    let facts = platform.store.tenant_facts_now(tenant).await?.tenant;
    let mut random = [0u8; 64];
    getrandom::fill(&mut random).map_err(|_| ProvisionError::Random)?;
    let key = ApiKey::from_random(environment, &random);
    let record = ApiKeyRecord {
        id: KeyId::from_ulid(random_ulid(now)?),
        tenant,
        role,
        environment,
        name: name.to_owned(),
        last4: key.last4().to_owned(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
        allowed_ips: Vec::new(),
        last_used_at: None,
        replaces: None,
        replaced_by: None,
        plan: facts.map(|tenant| tenant.plan).unwrap_or_default(),
        rate_per_minute,
    };
    match platform.store.create_api_key(&key.digest(), &record, None).await? {
        KeyMade::Yes => Ok((key, record)),
        KeyMade::Taken | KeyMade::PlanMoved => Err(ProvisionError::PlanMoved),
    }
}

/// Gives a tenant and its sandbox twin another plan, and every key of theirs its limit; false when there is no such
/// tenant. A run that ended half-way is finished by running it again.
///
/// # Errors
/// The table did not answer.
pub async fn change_plan(
    platform: &Platform,
    tenant: TenantId,
    plan: Plan,
    now: Millis,
) -> Result<bool, ProvisionError> {
    let store = &platform.store;
    let Some(found) = store.tenant_facts_now(tenant).await?.tenant else { return Ok(false) };
    for one in [Some(found.id), found.sandbox].into_iter().flatten() {
        // First the tenant: from then on no key can be made with the old plan.
        store.set_tenant_plan(one, plan).await?;
        let mut before = None;
        loop {
            let keys = store.api_keys(one, before, KEYS_AT_ONCE).await?;
            let Some(last) = keys.last() else { break };
            before = Some(last.record.id.ulid());
            for key in &keys {
                store.set_api_key_plan(&key.digest, plan).await?;
            }
        }
        store.keys_changed(one).await?;
    }
    let target = format!("plan.{}", plan.as_str());
    let entry = NewAuditEntry {
        at: now,
        actor: PLATFORM,
        action: "tenant.plan",
        target: &target,
        trace_id: Uuid::new_v4(),
    };
    store.append_audit(found.id, entry).await?;
    Ok(true)
}

/// Connects a number without asking its provider, or connects it again: seals its secrets, each bound to the place where
/// it lies, and saves them. Empty secrets are left out.
///
/// # Errors
/// KMS or the table did not answer; the number belongs to another tenant.
pub async fn number(
    platform: &Platform,
    tenant: TenantId,
    number: Number,
    secrets: &[(&str, &str)],
) -> Result<(), ProvisionError> {
    let now = platform.clock.now();
    let mut integration = Integration {
        number,
        status: "live".to_owned(),
        broken_reason: None,
        sealed: BTreeMap::new(),
        versions: BTreeMap::new(),
        revision: 1,
        about: About { connected_at: Some(now), saved_at: Some(now), ..About::default() },
    };
    for (name, secret) in secrets.iter().filter(|(_, secret)| !secret.is_empty()) {
        seal::put(&platform.vault, tenant, &mut integration, name, secret).await?;
    }
    let api_key = secrets.iter().find(|(name, _)| *name == "api_key").map(|(_, key)| *key);
    integration.about.claims = claims(&integration.number, api_key);
    let facts = platform.store.tenant_facts_now(tenant).await?;
    let old = facts.integrations.iter().find(|old| old.sort_key() == integration.sort_key());
    integration.revision += old.map_or(0, |old| old.revision);
    match platform.store.connect_number(tenant, &integration, old).await? {
        Connected::Yes => {
            let (provider, number) = (integration.number.provider, integration.number_id());
            platform.store.watch_number(tenant, provider, number, now).await?;
            Ok(())
        }
        Connected::Taken | Connected::Changed => Err(ProvisionError::Taken),
    }
}

/// A secret of 256 random bits, in URL-safe base 64 without padding.
///
/// # Errors
/// The operating system gave no random bytes.
pub fn random_secret() -> Result<String, ProvisionError> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(|_| ProvisionError::Random)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random))
}

fn random_ulid(now: Millis) -> Result<ulid::Ulid, ProvisionError> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|_| ProvisionError::Random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(derived_ulid(now.unix_ms(), &[&text]))
}
