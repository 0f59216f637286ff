//! A tenant, what it pays for, and the numbers it answers on.

use crate::consent_settings::ConsentSettings;
use crate::escalation::Escalation;
use crate::ids::TenantId;
use crate::language::Language;
use crate::price::Pricing;
use crate::provider::Provider;
use crate::routing::{Assignment, FirstTouch};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a tenant pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// The smallest.
    #[default]
    Starter,
    /// The middle one.
    Growth,
    /// The middle one with Meta's Cloud API.
    GrowthWithMeta,
    /// Everything.
    Enterprise,
}

impl Plan {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::Starter, Self::Growth, Self::GrowthWithMeta, Self::Enterprise];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starter => "starter",
            Self::Growth => "growth",
            Self::GrowthWithMeta => "growth_with_meta",
            Self::Enterprise => "enterprise",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == text)
    }
}

/// One business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What it calls itself.
    pub name: String,
    /// What it pays for.
    pub plan: Plan,
    /// What it is answered in when nothing is known.
    pub default_language: Language,
    /// How long events are taken, in days counted from the provider's time; `None` for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// When it came.
    pub created_at: Millis,
    /// The tenant this one is the sandbox of; such a tenant never reaches a provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox_of: Option<TenantId>,
    /// Its sandbox twin, whose data test keys open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<TenantId>,
    /// Whether contacts who opted in may be written to outside the service window on a provider that knows no
    /// templates (UltraMsg).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cold_text: bool,
    /// How it is charged for messages.
    #[serde(default)]
    pub pricing: Pricing,
    /// How consents and withdrawals are confirmed.
    #[serde(default)]
    pub consent: ConsentSettings,
    /// When its customers are to talk to a person.
    #[serde(default)]
    pub escalation: Escalation,
    /// How leads are first written to; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_touch: Option<FirstTouch>,
    /// Who gets new leads; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
}

/// One of a tenant's numbers, as far as routing needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// Who carries it.
    pub provider: Provider,
    /// Meta's and 360dialog's id of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// Meta's business account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_id: Option<String>,
    /// UltraMsg's instance, without the `instance` prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

impl Number {
    /// Whether an event that names these ids happened on this number. Ids that the event does not name decide
    /// nothing; a name that differs decides against (T5).
    #[must_use]
    pub fn carries(
        &self,
        provider: Provider,
        phone_number_id: Option<&str>,
        waba_id: Option<&str>,
        instance_id: Option<&str>,
    ) -> bool {
        let agrees = |own: &Option<String>, named: Option<&str>| match (own.as_deref(), named) {
            (Some(own), Some(named)) => own == named,
            (None, Some(_)) | (_, None) => true,
        };
        if self.provider != provider {
            return false;
        }
        match (phone_number_id, instance_id) {
            // A number's own id is the strongest name; the account id is checked only when it is all there is.
            (Some(named), _) if self.phone_number_id.is_some() => {
                self.phone_number_id.as_deref() == Some(named)
            }
            (None, None) => agrees(&self.waba_id, waba_id),
            _ => agrees(&self.instance_id, instance_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Number {
        Number {
            provider: Provider::Meta,
            phone_number_id: Some("1".into()),
            waba_id: Some("9".into()),
            instance_id: None,
        }
    }

    #[test]
    fn another_tenants_number_is_not_carried() {
        assert!(meta().carries(Provider::Meta, Some("1"), Some("9"), None));
        assert!(!meta().carries(Provider::Meta, Some("2"), Some("9"), None));
        assert!(!meta().carries(Provider::Dialog360, Some("1"), Some("9"), None));
        assert!(meta().carries(Provider::Meta, None, Some("9"), None));
        assert!(!meta().carries(Provider::Meta, None, Some("8"), None));
        let ultramsg = Number {
            provider: Provider::Ultramsg,
            phone_number_id: None,
            waba_id: None,
            instance_id: Some("7".into()),
        };
        assert!(ultramsg.carries(Provider::Ultramsg, None, None, Some("7")));
        assert!(!ultramsg.carries(Provider::Ultramsg, None, None, Some("8")));
    }
}
