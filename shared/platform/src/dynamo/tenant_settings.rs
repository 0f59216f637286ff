//! What a tenant's admins set for the whole tenant.

use super::wire::{AttributeValue, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::consent_settings::ConsentSettings;
use domain::escalation::Escalation;
use domain::ids::TenantId;
use domain::language::Language;
use domain::price::Pricing;
use domain::routing::{Assignment, FirstTouch};

/// What changes of a tenant's settings; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// What it calls itself.
    pub name: Option<String>,
    /// What it is answered in when nothing is known.
    pub default_language: Option<Language>,
    /// How long events are taken, in days; `Some(None)` for ever.
    pub retention_days: Option<Option<u32>>,
    /// Whether contacts who opted in may be written to outside the window where there are no templates.
    pub cold_text: Option<bool>,
    /// How it is charged for messages.
    pub pricing: Option<Pricing>,
    /// How consents and withdrawals are confirmed.
    pub consent: Option<ConsentSettings>,
    /// When its customers are to talk to a person.
    pub escalation: Option<Escalation>,
    /// How leads are first written to; `Some(None)` not at all.
    pub first_touch: Option<Option<FirstTouch>>,
    /// Who gets new leads; `Some(None)` nobody.
    pub assignment: Option<Option<Assignment>>,
}

impl Store {
    /// Changes a tenant's settings, all of them at once; false when there is no such tenant.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn change_settings(
        &self,
        tenant: TenantId,
        change: &SettingsChange,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "change settings";
        let mut values = Values::new();
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut names = Names::new();
        let mut give = |placeholder: &'static str, attribute: &str, value: AttributeValue| {
            set.push(format!("{attribute} = {placeholder}"));
            values.insert(placeholder, value);
        };
        if let Some(name) = &change.name {
            names.insert("#name", "name");
            give(":name", "#name", s(name));
        }
        if let Some(language) = change.default_language {
            give(":language", "default_language", s(language.as_str()));
        }
        if let Some(cold_text) = change.cold_text {
            give(":cold", "cold_text", AttributeValue::Bool(cold_text));
        }
        if let Some(pricing) = change.pricing {
            let pricing = serde_dynamo::to_attribute_value(pricing)
                .map_err(|error| StoreError::corrupt(ACTION, "PROFILE", error))?;
            give(":pricing", "pricing", pricing);
        }
        if let Some(consent) = &change.consent {
            let consent = serde_dynamo::to_attribute_value(consent)
                .map_err(|error| StoreError::corrupt(ACTION, "PROFILE", error))?;
            give(":consent", "consent", consent);
        }
        if let Some(escalation) = &change.escalation {
            let escalation = serde_dynamo::to_attribute_value(escalation)
                .map_err(|error| StoreError::corrupt(ACTION, "PROFILE", error))?;
            give(":escalation", "escalation", escalation);
        }
        let written = |error| StoreError::corrupt(ACTION, "PROFILE", error);
        match &change.first_touch {
            Some(Some(settings)) => {
                give(":touch", "first_touch", serde_dynamo::to_attribute_value(settings).map_err(written)?);
            }
            Some(None) => remove.push("first_touch"),
            None => {}
        }
        match &change.assignment {
            Some(Some(rules)) => {
                give(":assignment", "assignment", serde_dynamo::to_attribute_value(rules).map_err(written)?);
            }
            Some(None) => remove.push("assignment"),
            None => {}
        }
        match change.retention_days {
            Some(Some(days)) => give(":days", "retention_days", n(u64::from(days))),
            Some(None) => remove.push("retention_days"),
            None => {}
        }
        let mut expression = String::new();
        if !set.is_empty() {
            expression = format!("SET {}", set.join(", "));
        }
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let key = keys::profile(tenant);
        let there = Some("attribute_exists(pk)");
        Ok(self.crm.update(ACTION, key, expression.trim(), there, names, values).await?.is_ok())
    }
}
