//! Receivers of customer webhooks: made, changed, their secrets rotated, switched off.

mod secret;
mod view;

pub(crate) use secret::{PURPOSE as ENDPOINT_PURPOSE, secrets};
pub use view::{EndpointView, WithSecret};

use crate::events::{self, Emitter, Receiver};
use domain::ids::{EndpointId, TenantId};
use domain::redacted::Redacted;
use domain::time::Millis;
use domain::webhook::{EVERYTHING, EventType, OVERLAP_MS};
use platform::Platform;
use platform::courier::{NotAReceiver, ReceiverUrl};
use platform::dynamo::{Endpoint, EndpointHealth, NewAuditEntry, StoreError};
use platform::vault::VaultError;
use secret::{new_secret, open, seal};
use uuid::Uuid;
use view::view;

/// How many receivers a tenant may have.
pub const AT_MOST: usize = 20;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 256;
/// How often a write that met another one is tried.
const TRIES: u32 = 5;
/// How long others may remember a receiver as it was, in milliseconds: the minute of `ingest`, and a little.
const REMEMBERED_MS: u64 = 70_000;

/// A receiver cannot be made or changed so.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Its address.
    #[error(transparent)]
    Url(#[from] NotAReceiver),
    /// What it wants.
    #[error("{0}")]
    Events(String),
    /// What it is called.
    #[error("at most {LONGEST_DESCRIPTION} characters, none of them a control character")]
    Description,
    /// There are enough.
    #[error("a tenant has at most {AT_MOST} endpoints; delete one first")]
    TooMany,
    /// There is none.
    #[error("not found")]
    NotFound,
    /// The secret was rotated less than 24 hours ago.
    #[error("the secret was rotated less than 24 hours ago and two are valid until {0}")]
    Overlap(Millis),
    /// Somebody else changed it all the while.
    #[error("the endpoint was changed by somebody else all the while")]
    Contended,
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key service did not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// A receiver to make.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it is.
    pub url: String,
    /// What it wants: `*`, or names of event types.
    pub events: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
}

/// What changes; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Where it is.
    pub url: Option<String>,
    /// What it wants.
    pub events: Option<Vec<String>>,
    /// What people call it; `Some(None)` is nothing.
    pub description: Option<Option<String>>,
    /// Whether anything is delivered to it.
    pub enabled: Option<bool>,
}

/// A tenant's receivers, the oldest first.
///
/// # Errors
/// The table did not answer.
pub async fn list(
    platform: &Platform,
    tenant: TenantId,
    now: Millis,
) -> Result<Vec<EndpointView>, StoreError> {
    let endpoints = platform.store.endpoints(tenant).await?;
    let ids: Vec<EndpointId> = endpoints.iter().map(|endpoint| endpoint.id).collect();
    let health = platform.store.endpoint_health(tenant, &ids).await?;
    Ok(endpoints.into_iter().zip(health).map(|(endpoint, health)| view(endpoint, health, now)).collect())
}

/// One receiver.
///
/// # Errors
/// There is none, or the table did not answer.
pub async fn get(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    now: Millis,
) -> Result<EndpointView, EndpointError> {
    let endpoint = platform.store.endpoint(tenant, id).await?.ok_or(EndpointError::NotFound)?;
    shown(platform, tenant, endpoint, now).await
}

async fn shown(
    platform: &Platform,
    tenant: TenantId,
    endpoint: Endpoint,
    now: Millis,
) -> Result<EndpointView, EndpointError> {
    let health = platform.store.endpoint_health(tenant, &[endpoint.id]).await?;
    Ok(view(endpoint, health.into_iter().next().unwrap_or_default(), now))
}

/// Makes a receiver under an id that the request determines: a second run of the same request finds the first one's.
///
/// # Errors
/// [`EndpointError`]; then nothing was made.
pub async fn create(
    platform: &Platform,
    tenant: TenantId,
    draft: Draft,
    id: EndpointId,
    allow_loopback: bool,
    entry: NewAuditEntry<'_>,
) -> Result<WithSecret, EndpointError> {
    let now = entry.at;
    ReceiverUrl::parse(&draft.url, allow_loopback)?;
    let events = events_of(draft.events)?;
    let description = description_of(draft.description)?;
    let others = platform.store.endpoints(tenant).await?;
    if let Some(made) = others.iter().find(|other| other.id == id) {
        let secret = open(platform, tenant, made, &made.sealed).await?;
        let endpoint = shown(platform, tenant, made.clone(), now).await?;
        return Ok(WithSecret { endpoint, secret: Some(Redacted::new(secret.to_string())) });
    }
    if others.len() >= AT_MOST {
        return Err(EndpointError::TooMany);
    }
    let secret = new_secret()?;
    let endpoint = Endpoint {
        id,
        url: draft.url,
        events,
        description,
        enabled: true,
        disabled_reason: None,
        disabled_at: None,
        sealed: seal(platform, tenant, id, &secret).await?,
        sealed_before: None,
        before_until: None,
        created_at: now,
        updated_at: now,
        revision: 0,
    };
    if !platform.store.save_endpoint(tenant, &endpoint, Some(now.plus_ms(REMEMBERED_MS)), entry).await? {
        return Err(EndpointError::Contended);
    }
    let endpoint = view(endpoint, EndpointHealth::default(), now);
    Ok(WithSecret { endpoint, secret: Some(Redacted::new(secret.to_string())) })
}

/// Changes a receiver. One that is switched on begins anew: its failures are forgotten.
///
/// # Errors
/// [`EndpointError`]; then nothing changed.
pub async fn change(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    change: Change,
    allow_loopback: bool,
    entry: NewAuditEntry<'_>,
) -> Result<EndpointView, EndpointError> {
    let now = entry.at;
    if let Some(url) = &change.url {
        ReceiverUrl::parse(url, allow_loopback)?;
    }
    let events = change.events.map(events_of).transpose()?;
    let description = change.description.map(description_of).transpose()?;
    let mut switched_on = false;
    let new_until = Some(now.plus_ms(REMEMBERED_MS));
    let saved = save(platform, tenant, id, new_until, entry, |endpoint| {
        endpoint.updated_at = now;
        if let Some(url) = &change.url {
            endpoint.url.clone_from(url);
        }
        if let Some(events) = &events {
            endpoint.events.clone_from(events);
        }
        if let Some(description) = &description {
            endpoint.description.clone_from(description);
        }
        match change.enabled {
            Some(true) => {
                switched_on = !endpoint.enabled;
                (endpoint.enabled, endpoint.disabled_reason, endpoint.disabled_at) = (true, None, None);
            }
            Some(false) if endpoint.enabled => {
                endpoint.enabled = false;
                endpoint.disabled_reason = Some("an admin switched it off".to_owned());
                endpoint.disabled_at = Some(now);
            }
            Some(false) | None => {}
        }
        Ok(())
    })
    .await?;
    if switched_on {
        platform.store.endpoint_works(tenant, id).await?;
    }
    shown(platform, tenant, saved, now).await
}

/// Deletes a receiver; what was still to be delivered to it is cancelled when its time comes.
///
/// # Errors
/// There is none, or the table did not answer.
pub async fn delete(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    entry: NewAuditEntry<'_>,
) -> Result<(), EndpointError> {
    platform.store.endpoint(tenant, id).await?.ok_or(EndpointError::NotFound)?;
    // Gone between the two: whoever was faster has the entry.
    platform.store.delete_endpoint(tenant, id, entry).await?;
    Ok(())
}

/// Gives a receiver a new secret; the one before it signs as well for 24 hours. With `force` also during such a time:
/// then the older of the two ends at once.
///
/// # Errors
/// [`EndpointError`]; then nothing changed.
pub async fn rotate(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    force: bool,
    entry: NewAuditEntry<'_>,
) -> Result<WithSecret, EndpointError> {
    let now = entry.at;
    let secret = new_secret()?;
    let sealed = seal(platform, tenant, id, &secret).await?;
    let saved = save(platform, tenant, id, None, entry, |endpoint| {
        if let Some(until) = endpoint.before_until.filter(|until| *until > now && !force) {
            return Err(EndpointError::Overlap(until));
        }
        endpoint.sealed_before = Some(std::mem::replace(&mut endpoint.sealed, sealed.clone()));
        endpoint.before_until = Some(now.plus_ms(OVERLAP_MS));
        endpoint.updated_at = now;
        Ok(())
    })
    .await?;
    let endpoint = shown(platform, tenant, saved, now).await?;
    Ok(WithSecret { endpoint, secret: Some(Redacted::new(secret.to_string())) })
}

/// Switches a receiver off and says so: in the audit log, and to the tenant's other receivers.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn switch_off(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    reason: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<(), EndpointError> {
    let target = id.to_string();
    let entry =
        NewAuditEntry { at: now, actor: "system", action: "endpoint.disable", target: &target, trace_id };
    let saved = save(platform, tenant, id, None, entry, |endpoint| {
        if !endpoint.enabled {
            return Err(EndpointError::NotFound);
        }
        endpoint.enabled = false;
        endpoint.disabled_reason = Some(reason.to_owned());
        endpoint.disabled_at = Some(now);
        endpoint.updated_at = now;
        Ok(())
    })
    .await;
    let saved = match saved {
        Ok(saved) => saved,
        // Off, or deleted meanwhile: nothing is left to switch off.
        Err(EndpointError::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    tracing::warn!(endpoint.id = %id, "{id} is switched off: {reason}");
    let mut others = platform.store.endpoints(tenant).await?;
    others.retain(|other| other.id != id);
    let receivers = Receiver::of(&others);
    let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id, now };
    events::endpoint_disabled(emitter, &view(saved, EndpointHealth::default(), now)).await?;
    Ok(())
}

/// A new secret for a receiver, sealed: nobody knows it until it is rotated.
///
/// # Errors
/// The key service did not answer, or there are no random bytes.
pub(crate) async fn sealed_anew(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
) -> Result<String, EndpointError> {
    Ok(seal(platform, tenant, id, &new_secret()?).await?)
}

async fn save(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    new_until: Option<Millis>,
    entry: NewAuditEntry<'_>,
    mut change: impl FnMut(&mut Endpoint) -> Result<(), EndpointError>,
) -> Result<Endpoint, EndpointError> {
    for _ in 0..TRIES {
        let mut endpoint = platform.store.endpoint(tenant, id).await?.ok_or(EndpointError::NotFound)?;
        change(&mut endpoint)?;
        if platform.store.save_endpoint(tenant, &endpoint, new_until, entry).await? {
            return Ok(endpoint);
        }
    }
    Err(EndpointError::Contended)
}

fn events_of(names: Vec<String>) -> Result<Vec<String>, EndpointError> {
    if names.is_empty() {
        let words = "name at least one event type, or `*` for all of them";
        return Err(EndpointError::Events(words.to_owned()));
    }
    let unknown = names.iter().find(|name| *name != EVERYTHING && EventType::parse(name).is_none());
    if let Some(unknown) = unknown {
        let shown: String = unknown.chars().take(64).collect();
        let words = format!("there is no event type `{shown}`; see GET /v1/webhooks/event-types");
        return Err(EndpointError::Events(words));
    }
    if names.iter().any(|name| name == EVERYTHING) {
        return Ok(vec![EVERYTHING.to_owned()]);
    }
    let asked = EventType::ALL.into_iter().map(EventType::as_str);
    Ok(asked.filter(|known| names.iter().any(|name| name == known)).map(str::to_owned).collect())
}

fn description_of(text: Option<String>) -> Result<Option<String>, EndpointError> {
    let bad =
        |text: &String| text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(char::is_control);
    if text.as_ref().is_some_and(bad) { Err(EndpointError::Description) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_are_known_ones_each_once_and_a_star_is_all_of_them() {
        let names = |names: &[&str]| events_of(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(names(&["ping", "lead.created", "ping"]).unwrap(), ["lead.created", "ping"]);
        assert_eq!(names(&["lead.created", "*"]).unwrap(), ["*"]);
        assert!(names(&[]).is_err());
        assert!(names(&["lead.*"]).unwrap_err().to_string().contains("`lead.*`"));
    }
}
