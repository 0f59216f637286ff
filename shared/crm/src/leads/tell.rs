//! Telling customers' systems about leads.

use super::{By, Captured};
use crate::events::{Emitter, Happened, Receiver};
use crate::first_touch;
use crate::read::Lead;
use domain::time::Millis;
use domain::webhook::EventType;
use platform::Platform;
use platform::dynamo::StoreError;

/// Tells the tenant's receivers what an enquiry led to: `lead.created`, or `lead.updated` for one more enquiry; and, after
/// everything that came with it was written down, has the lead's first touch planned. Doing it again changes nothing.
///
/// # Errors
/// The table did not answer; the next run of the same request tells it.
pub async fn tell_captured(
    platform: &Platform,
    by: By<'_>,
    captured: &Captured,
    now: Millis,
) -> Result<(), StoreError> {
    first_touch::begin(platform, by.tenant, captured.lead.id, now).await?;
    if captured.duplicate {
        return tell_changed(platform, by, &captured.lead, now).await;
    }
    let lead = &captured.lead;
    let id = lead.id.to_string();
    // The same parts as where a message makes a lead: of two tellings one is told.
    let happened = Happened {
        kind: EventType::LeadCreated,
        parts: &[&id],
        order: Millis::from_unix_ms(lead.id.ulid().timestamp_ms()),
        at: lead.created_at,
        known_since: None,
    };
    tell(platform, by, happened, lead, now).await
}

/// Tells the tenant's receivers that a lead was changed. Telling it again changes nothing.
///
/// # Errors
/// As [`tell_captured`].
pub async fn tell_changed(
    platform: &Platform,
    by: By<'_>,
    lead: &Lead,
    now: Millis,
) -> Result<(), StoreError> {
    let (id, change) = (lead.id.to_string(), by.mark.to_string());
    let at = Millis::from_unix_ms(by.mark.timestamp_ms());
    let parts = [id.as_str(), change.as_str()];
    let happened = Happened { kind: EventType::LeadUpdated, parts: &parts, order: at, at, known_since: None };
    tell(platform, by, happened, lead, now).await
}

async fn tell(
    platform: &Platform,
    by: By<'_>,
    happened: Happened<'_>,
    lead: &Lead,
    now: Millis,
) -> Result<(), StoreError> {
    let receivers = Receiver::of(&platform.store.endpoints(by.tenant).await?);
    let emitter = Emitter { platform, tenant: by.tenant, receivers: &receivers, trace_id: by.trace_id, now };
    emitter.tell(happened, lead).await
}
