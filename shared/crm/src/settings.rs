//! What a tenant's admins set for the whole tenant.

use domain::ids::TenantId;
use domain::language::Language;
use domain::price::Pricing;
use domain::routing::{Assignment, FirstTouch};
use domain::tenant::{Plan, Tenant};
use platform::dynamo::{NewAuditEntry, SettingsChange, Store, StoreError};
use serde::Serialize;

/// A tenant's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What it calls itself.
    pub name: String,
    /// What it pays for; the platform changes that.
    pub plan: Plan,
    /// What its customers are answered in when nothing is known.
    pub default_language: Language,
    /// How long events of providers are taken, in days counted from their own time; `null` for ever.
    pub retention_days: Option<u32>,
    /// Whether contacts who opted in to marketing may be written to outside the window on UltraMsg, which knows no
    /// templates.
    pub cold_text: bool,
    /// How price estimates are made.
    pub pricing: Pricing,
    /// How leads are first written to; `null` not at all.
    pub first_touch: Option<FirstTouch>,
    /// Who gets new leads; `null` nobody.
    pub assignment: Option<Assignment>,
    /// Whether this is the sandbox of a test key, whose settings are its own.
    pub sandbox: bool,
}

impl From<Tenant> for Settings {
    fn from(tenant: Tenant) -> Self {
        Self {
            tenant_id: tenant.id,
            name: tenant.name,
            plan: tenant.plan,
            default_language: tenant.default_language,
            retention_days: tenant.retention_days,
            cold_text: tenant.cold_text,
            pricing: tenant.pricing,
            first_touch: tenant.first_touch,
            assignment: tenant.assignment,
            sandbox: tenant.sandbox_of.is_some(),
        }
    }
}

/// A tenant's settings as they stand at this moment.
///
/// # Errors
/// The table did not answer.
pub async fn settings(store: &Store, tenant: TenantId) -> Result<Settings, StoreError> {
    let found = store.tenant_facts_now(tenant).await?.tenant;
    found.map(Settings::from).ok_or_else(|| StoreError::missing("read tenant", tenant))
}

/// Changes them, with an entry in the audit log first that names what was changed.
///
/// # Errors
/// The table did not answer.
pub async fn change(
    store: &Store,
    tenant: TenantId,
    change: &SettingsChange,
    entry: NewAuditEntry<'_>,
) -> Result<Settings, StoreError> {
    store.append_audit(tenant, entry).await?;
    store.change_settings(tenant, change).await?;
    settings(store, tenant).await
}
