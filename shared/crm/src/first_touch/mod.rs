//! The first touch of a lead: planned once after the lead was made, drafted, let go by a person or by its clock (A47 to
//! A49).
//!
//! The lead's own transaction makes the first touch with it, so that no crash loses it; a job on the outbound queue plans
//! it at once, and the sweeper whatever the queue did not bring. Of two planners one drafts.

mod assign;
mod draft;
mod plan;
mod release;
mod view;

pub use plan::touch;
pub use release::{hand_off, release_due};
pub use view::{FirstTouchView, LeadDetail, lead_detail};

use crate::read::Family;
use crate::send::{By, SendError, queue_errand};
use domain::ids::{ContactId, EventId, LeadId, TenantId, derived_ulid};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Happening, SendRecord, StoreError, TouchState};
use platform::queue::outbound::Errand;
use serde_json::json;

/// What the timeline and changes of a lead name as who did it.
const ACTOR: &str = "first_touch";
/// How many first touches of one shard one sweep looks at.
const AT_MOST: u32 = 100;
/// How long the queue has to bring a first touch that the sweeper gave it, in milliseconds.
const STALE_MS: u64 = 60_000;

/// A first touch could not be planned; the queue tries again.
#[derive(Debug, thiserror::Error)]
pub enum TouchError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The message could not be held against the rules.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Has the first touch of a lead planned, if it waits for that. Should the queue not take it, the sweeper does it within
/// two minutes.
///
/// # Errors
/// The table did not answer.
pub async fn begin(
    platform: &Platform,
    tenant: TenantId,
    lead: LeadId,
    now: Millis,
) -> Result<(), StoreError> {
    let Some(touch) = platform.store.touch(tenant, lead).await? else { return Ok(()) };
    if touch.state == TouchState::Waiting {
        queue_errand(platform, tenant, touch.contact, Some(Errand::Touch(lead)), None, now).await;
    }
    Ok(())
}

/// A person agreed to something: their leads that waited for it are looked at again.
///
/// # Errors
/// The table did not answer.
pub async fn opted_in(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    now: Millis,
) -> Result<(), StoreError> {
    let Some(family) = Family::read(&platform.store, tenant, contact).await? else { return Ok(()) };
    let mut leads = family.possible_leads();
    leads.sort_unstable();
    leads.dedup();
    for lead in leads {
        begin(platform, tenant, lead, now).await?;
    }
    Ok(())
}

/// Puts first touches on the queue that fell off it, or whose time to be looked at again came; how many.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<u32, StoreError> {
    let store = &platform.store;
    let mut queued = 0;
    for shard in 0..platform::dynamo::Store::touch_shards() {
        for (tenant, lead) in store.due_touches(shard, now, AT_MOST).await? {
            let Some(touch) = store.touch(tenant, lead).await? else { continue };
            store.look_after_touch(tenant, lead, now.plus_ms(STALE_MS)).await?;
            queue_errand(platform, tenant, touch.contact, Some(Errand::Touch(lead)), None, now).await;
            queued += 1;
        }
    }
    Ok(queued)
}

/// Writes down on the lead's timeline what a person did with its first touch; of any other message nothing. `begun` is
/// when the request was first made.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn note(
    platform: &Platform,
    by: By,
    record: &SendRecord,
    what: &str,
    begun: Millis,
) -> Result<(), StoreError> {
    let Some(lead) = record.touch else { return Ok(()) };
    let actor = by.key.map_or_else(|| "system".to_owned(), |key| key.to_string());
    let trace = by.trace_id.to_string();
    let happening = Happening {
        id: EventId::from_ulid(derived_ulid(begun.unix_ms(), &[&record.id.to_string(), what, &trace])),
        contact: record.contact,
        lead: Some(lead),
        kind: format!("lead.first_touch.{what}"),
        actor,
        recorded_at: begun,
        trace_id: by.trace_id,
        data: json!({"message_id": record.id}),
    };
    platform.store.record_happening(by.tenant, &happening).await.map(drop)
}
