//! A new secret for a number's webhooks; the one before it stays good for a day.

use super::connect::{Connected, Secrets};
use super::hook::{Pointing, point};
use super::{IntegrationError, Outside, ShownOnce, audit, seal, webhook_secret_name};
use crate::provision::random_secret;
use crate::send::By;
use domain::redacted::Redacted;
use domain::time::Millis;
use platform::dynamo::{Connected as Saved, Integration};

/// Makes a new webhook secret and gives it to the provider. Both are accepted meanwhile.
///
/// # Errors
/// [`IntegrationError::Overlapping`] while the last rotation's predecessor is still good, unless `force`; the provider
/// does not take the new secret: then the old one stays.
pub async fn rotate(
    outside: Outside<'_>,
    by: By,
    integration: &Integration,
    force: bool,
    now: Millis,
) -> Result<Connected, IntegrationError> {
    let until = integration.about.previous_until.filter(|until| *until > now && !force);
    if let Some(until) = until {
        return Err(IntegrationError::Overlapping { until });
    }
    let (platform, provider) = (outside.platform, integration.number.provider);
    let secret = Redacted::new(random_secret().map_err(|_| IntegrationError::Random)?);
    let mut made = integration.clone();
    seal::forget_previous(&mut made, true, now);
    let name = webhook_secret_name(provider);
    seal::replace(&platform.vault, by.tenant, &mut made, name, secret.expose(), now).await?;
    made.revision += 1;
    made.about.saved_at = Some(now);
    save(outside, by, &made, integration).await?;
    let secrets = Secrets::open(outside, by, &made).await?;
    let pointing = Pointing {
        tenant: by.tenant,
        number: &made.number,
        access: secrets.access.expose(),
        secret: secret.expose(),
        ours_already: true,
    };
    if let Err(rejection) = point(outside, pointing).await {
        let restored = Integration { revision: made.revision + 1, ..integration.clone() };
        save(outside, by, &restored, &made).await?;
        return Err(rejection.into());
    }
    audit(platform, by, "integration.rotate_secret", &made, now).await?;
    let shown_once = ShownOnce::of(outside, by.tenant, provider, secret);
    Ok(Connected { integration: made, new: false, shown_once, warnings: Vec::new(), templates: None })
}

async fn save(
    outside: Outside<'_>,
    by: By,
    new: &Integration,
    old: &Integration,
) -> Result<(), IntegrationError> {
    match outside.platform.store.connect_number(by.tenant, new, Some(old)).await? {
        Saved::Yes => Ok(()),
        Saved::Taken | Saved::Changed => Err(IntegrationError::Changed),
    }
}
