//! What a tenant's admins set for the whole tenant.

use domain::consent_settings::ConsentSettings;
use domain::escalation::{Category, Escalation};
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
    /// How consents and withdrawals are confirmed.
    pub consent: ConsentSettings,
    /// When customers are to talk to a person.
    pub escalation: EscalationView,
    /// How leads are first written to; `null` not at all.
    pub first_touch: Option<FirstTouch>,
    /// Who gets new leads; `null` nobody.
    pub assignment: Option<Assignment>,
    /// Whether this is the sandbox of a test key, whose settings are its own.
    pub sandbox: bool,
}

/// When customers are to talk to a person, as it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EscalationSettings))]
pub struct EscalationView {
    /// Whether messages are looked through at all.
    pub enabled: bool,
    /// Words of danger.
    pub medical: CategoryView,
    /// Words of the law.
    pub legal: CategoryView,
    /// Words that ask for a person.
    pub person: CategoryView,
    /// Words of dissatisfaction.
    pub complaint: CategoryView,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EscalationRule))]
pub struct CategoryView {
    /// Its words and phrases.
    pub words: Vec<String>,
    /// How many messages of a day with one of them move a conversation; 0 is never.
    pub threshold: u8,
}

impl EscalationView {
    fn of(escalation: &Escalation) -> Self {
        let of = |category| CategoryView {
            words: escalation.words(category),
            threshold: escalation.threshold(category),
        };
        Self {
            enabled: !escalation.off,
            medical: of(Category::Medical),
            legal: of(Category::Legal),
            person: of(Category::Person),
            complaint: of(Category::Complaint),
        }
    }
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
            consent: tenant.consent,
            escalation: EscalationView::of(&tenant.escalation),
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
