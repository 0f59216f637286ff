//! Settings that came with an import: each that nobody has changed here yet is as it was there.

use domain::consent_settings::ConsentSettings;
use domain::escalation::Escalation;
use domain::ids::TenantId;
use domain::price::Pricing;
use domain::routing::{Assignment, FirstTouch};
use domain::tenant::Tenant;
use platform::dynamo::{Record, SettingsChange, Store, StoreError, tenant_of};

/// Why another tenant's settings cannot be taken over; `None` when they can.
pub(super) fn objection(record: &Record) -> Option<String> {
    let there = match tenant_of(record) {
        Ok(tenant) => tenant,
        Err(error) => return Some(platform::telemetry::chain(&error)),
    };
    let touch = there.first_touch.map(FirstTouch::checked).and_then(Result::err);
    let assignment = there.assignment.map(Assignment::checked).and_then(Result::err);
    let consent = there.consent.objection().map(|(field, message)| format!("consent.{field}: {message}"));
    consent.or_else(|| touch.or(assignment).map(|error| error.to_string()))
}

/// Takes them over; false when all of them were changed here, or are as ever.
pub(super) async fn adopt(store: &Store, tenant: TenantId, record: &Record) -> Result<bool, StoreError> {
    let Some(here) = store.tenant_facts_now(tenant).await?.tenant else { return Ok(false) };
    let change = difference(&here, tenant_of(record)?);
    if change == SettingsChange::default() {
        return Ok(false);
    }
    store.change_settings(tenant, &change).await
}

/// What is to change: the name and the default language are everybody's own.
fn difference(here: &Tenant, there: Tenant) -> SettingsChange {
    SettingsChange {
        name: None,
        default_language: None,
        retention_days: there.retention_days.filter(|_| here.retention_days.is_none()).map(Some),
        cold_text: (there.cold_text && !here.cold_text).then_some(true),
        pricing: anew(here.pricing == Pricing::default(), there.pricing),
        consent: anew(here.consent == ConsentSettings::default(), there.consent),
        escalation: anew(here.escalation == Escalation::default(), there.escalation),
        first_touch: there.first_touch.filter(|_| here.first_touch.is_none()).map(Some),
        assignment: there.assignment.filter(|_| here.assignment.is_none()).map(Some),
    }
}

/// What was set there, where nobody did here.
fn anew<T: Default + PartialEq>(unchanged_here: bool, there: T) -> Option<T> {
    (unchanged_here && there != T::default()).then_some(there)
}
