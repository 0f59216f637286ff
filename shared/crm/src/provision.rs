//! Making a tenant, its keys and its numbers: what the demo, the tests and the platform engineer's tools share.

use base64::Engine as _;
use domain::access::{ApiKey, Environment, Role};
use domain::ids::{KeyId, TenantId, derived_ulid};
use domain::language::Language;
use domain::tenant::{Number, Plan, Tenant};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{ApiKeyRecord, Integration, StoreError};
use platform::vault::VaultError;
use std::collections::BTreeMap;

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
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
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
    let tenant = Tenant {
        id: TenantId::from_ulid(random_ulid(now)?),
        name: name.to_owned(),
        plan,
        default_language,
        retention_days: None,
        created_at: now,
        sandbox_of: None,
        cold_text: false,
    };
    let sandbox = Tenant {
        id: TenantId::from_ulid(random_ulid(now)?),
        name: format!("{name} (sandbox)"),
        sandbox_of: Some(tenant.id),
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
    };
    platform.store.create_api_key(&key.digest(), &record).await?;
    Ok(key)
}

/// Connects a number: seals its secrets, each bound to the place where it lies, and saves them. Empty secrets are left
/// out.
///
/// # Errors
/// KMS or the table did not answer.
pub async fn number(
    platform: &Platform,
    tenant: TenantId,
    number: Number,
    secrets: &[(&str, &str)],
) -> Result<(), ProvisionError> {
    let mut integration =
        Integration { number, status: "live".to_owned(), broken_reason: None, sealed: BTreeMap::new() };
    let place = integration.sort_key();
    for (name, secret) in secrets.iter().filter(|(_, secret)| !secret.is_empty()) {
        let field = format!("{place}|{name}");
        let sealed = platform.vault.seal(tenant, INTEGRATION_PURPOSE, &field, secret.as_bytes()).await?;
        integration.sealed.insert((*name).to_owned(), sealed.to_string());
    }
    platform.store.save_integration(tenant, &integration).await?;
    Ok(())
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
