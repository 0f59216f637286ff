//! What customers see of a business behind its number, read and changed at the provider. Nothing of it is kept here.

use super::call::{No, call};
use super::{IntegrationError, Outside, Rejection, Unanswered, audit_of, name};
use crate::credentials::{self, secret_name};
use crate::send::By;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::Integration;
use providers::account::profile::{
    Profile, ProfileChange, change_request, profile, read_request, refused_field,
};
use serde::Serialize;
use std::time::Duration;

/// How long both calls of a change may take.
const BOTH: Duration = Duration::from_secs(20);

/// What customers see of a business behind one of its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BusinessProfile {
    /// Who carries the number.
    pub provider: Provider,
    /// The number; absent for a channel without a name.
    pub number: Option<String>,
    /// The profile as the provider shows it.
    #[serde(flatten)]
    pub profile: Profile,
}

/// The profile behind a number, as its provider shows it now.
///
/// # Errors
/// [`IntegrationError`]: the provider has no profiles, does not answer or refuses the number.
pub async fn business_profile(
    outside: Outside<'_>,
    by: By,
    integration: &Integration,
) -> Result<BusinessProfile, IntegrationError> {
    let access = access(outside, by, integration).await?;
    let reading = read(outside, integration, &access);
    tokio::time::timeout(BOTH, reading).await.unwrap_or_else(|_late| Err(unanswered(integration, No::late())))
}

/// Changes the profile behind a number; what the provider shows afterwards is the answer.
///
/// # Errors
/// As [`business_profile`], and [`IntegrationError::Rejected`] where the provider does not take a field. A change of
/// which nobody knows whether it took place may be repeated.
pub async fn change_business_profile(
    outside: Outside<'_>,
    by: By,
    integration: &Integration,
    change: &ProfileChange,
    now: Millis,
) -> Result<BusinessProfile, IntegrationError> {
    let access = access(outside, by, integration).await?;
    let changing = async {
        let provider = integration.number.provider;
        let id = integration.number.phone_number_id.as_deref().unwrap_or_default();
        let request = change_request(provider, id, &access, change).map_err(|_| unopened())?;
        call(outside, provider, &access, request).await.map_err(|no| refused(integration, change, no))?;
        let target = format!("{provider}/{} {}", integration.number_id(), change.named().join(","));
        audit_of(outside.platform, by, "integration.profile", &target, now).await?;
        read(outside, integration, &access).await
    };
    tokio::time::timeout(BOTH, changing)
        .await
        .unwrap_or_else(|_late| Err(unanswered(integration, No::late())))
}

async fn access(
    outside: Outside<'_>,
    by: By,
    integration: &Integration,
) -> Result<zeroize::Zeroizing<String>, IntegrationError> {
    let provider = integration.number.provider;
    match provider {
        Provider::Meta | Provider::Dialog360 => {}
        Provider::Ultramsg | Provider::Sandbox => return Err(IntegrationError::NoProfile { provider }),
    }
    let vault = &outside.platform.vault;
    let opened = credentials::open(vault, by.tenant, integration, secret_name(provider)).await?;
    opened.ok_or_else(unopened)
}

async fn read(
    outside: Outside<'_>,
    integration: &Integration,
    access: &str,
) -> Result<BusinessProfile, IntegrationError> {
    let provider = integration.number.provider;
    let id = integration.number.phone_number_id.as_deref().unwrap_or_default();
    let request = read_request(provider, id, access).map_err(|_| unopened())?;
    let answer = call(outside, provider, access, request).await.map_err(|no| unanswered(integration, no))?;
    let shown = profile(&answer);
    let shown = shown.ok_or_else(|| unanswered(integration, No::odd(answer.status().as_u16())))?;
    let number = Some(integration.number_id().to_owned()).filter(|number| number != "-");
    Ok(BusinessProfile { provider, number, profile: shown })
}

/// What was saved does not open, or no request can hold it.
fn unopened() -> IntegrationError {
    IntegrationError::NotReady {
        status: ConnectionStatus::Unauthorized,
        message: "What opens the number at its provider is not saved or cannot be used; save it again."
            .to_owned(),
    }
}

/// A field that the provider does not take is the caller's to correct; everything else is between us and the provider.
fn refused(integration: &Integration, change: &ProfileChange, no: No) -> IntegrationError {
    let bad_field = no.status == ConnectionStatus::Error
        && no.http_status.is_some_and(|status| (400..500).contains(&status));
    if !bad_field {
        return unanswered(integration, no);
    }
    let provider = integration.number.provider;
    let words = no.words.clone().unwrap_or_default();
    let message = format!("{} does not take this: {words}", name(provider));
    Rejection { message, ..no.reject(provider, refused_field(change, &words)) }.into()
}

fn unanswered(integration: &Integration, no: No) -> IntegrationError {
    let provider = integration.number.provider;
    IntegrationError::Unanswered(Box::new(Unanswered {
        provider,
        message: no.sentence(provider),
        status: no.status,
        http_status: no.http_status,
        code: no.code,
    }))
}
