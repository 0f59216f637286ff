//! Asking the portals that do not push: everything since the last time, put on the queue like what others push.

use super::feeds::open;
use domain::ids::{TenantId, derived_ulid};
use domain::lead::FeedKind;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use futures_util::future::join_all;
use platform::Platform;
use platform::dynamo::{Feed, StoreError};
use platform::queue::inbound::{Body, InboundEnvelope};
use platform::telemetry::chain;
use platform::transport::Transport;
use providers::leads::{ListingAnswer, pull_requests, pulled};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// How many sources one sweep asks, all at once.
const AT_MOST: u32 = 20;
/// The longest that one source may take, with everything it tells: the sweep has other work within its minute.
const LONGEST: Duration = Duration::from_secs(15);
/// How long after a pull the next one is, in milliseconds.
const EVERY_MS: u64 = 60_000;
/// The same after a refusal or a fault.
const LATER_MS: u64 = 15 * 60_000;
/// How much of the time before is asked for again, in milliseconds: the portals' clocks and indexes lag.
const OVERLAP_MS: u64 = 10 * 60_000;
/// The longest answer, in bytes.
const ANSWER_LIMIT: usize = 4 << 20;

/// Asks every source that is due; answers how many enquiries were put on the queue. One that fails is asked later and
/// does not keep the others.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn pull(platform: &Platform, transport: &Transport, now: Millis) -> Result<u32, StoreError> {
    let due = platform.store.due_feeds(now, AT_MOST).await?;
    let asked = due.into_iter().map(|(tenant, kind)| one(platform, transport, tenant, kind, now));
    let mut queued = 0;
    let mut first_error = None;
    for asked in join_all(asked).await {
        match asked {
            Ok(count) => queued += count,
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(queued), Err)
}

async fn one(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    kind: FeedKind,
    now: Millis,
) -> Result<u32, StoreError> {
    let Some(feed) = platform.store.feed(tenant, kind).await? else { return Ok(0) };
    let asked = tokio::time::timeout(LONGEST, ask(platform, transport, tenant, &feed, now)).await;
    // What was queued by then is told again with the next pull, and taken once.
    let asked = asked.unwrap_or_else(|_| Err("it took too long".to_owned()));
    let (count, status, to, next_at) = match asked {
        Ok(Asked::All(count)) => (count, "live", Some(now), now.plus_ms(EVERY_MS)),
        Ok(Asked::Unauthorized) => (0, "unauthorized", None, now.plus_ms(LATER_MS)),
        Err(reason) => {
            tracing::warn!(tenant.id = %tenant, feed = %kind, "a portal was not read: {reason}");
            (0, "unreachable", None, now.plus_ms(LATER_MS))
        }
    };
    platform.store.note_pull(tenant, &feed, status, to, next_at).await?;
    Ok(count)
}

enum Asked {
    All(u32),
    Unauthorized,
}

async fn ask(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    feed: &Feed,
    now: Millis,
) -> Result<Asked, String> {
    let Some(key) = open(platform, tenant, feed, "api_key").await.map_err(|error| chain(&error))? else {
        return Ok(Asked::Unauthorized);
    };
    let to = feed.pulled_to.unwrap_or(now.unix_ms());
    let since = Millis::from_unix_ms(to.saturating_sub(OVERLAP_MS));
    let mut count = 0;
    for request in pull_requests(feed.kind, &key, since) {
        let answer = transport.ask_portal(feed.kind, request, ANSWER_LIMIT).await;
        match pulled(&answer.map_err(|error| error.to_string())?) {
            ListingAnswer::Leads(leads) => {
                for lead in leads {
                    count += queue(platform, tenant, feed.kind, &lead, now).await?;
                }
            }
            ListingAnswer::Unauthorized => return Ok(Asked::Unauthorized),
            ListingAnswer::Later(reason) => return Err(reason),
        }
    }
    Ok(Asked::All(count))
}

/// Puts one enquiry on the queue unless it led to a lead before.
async fn queue(
    platform: &Platform,
    tenant: TenantId,
    kind: FeedKind,
    lead: &Value,
    now: Millis,
) -> Result<u32, String> {
    let id = match lead.get("lead_id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    if let Some(id) = &id {
        let known = platform.store.lead_of_enquiry(tenant, kind.as_str(), id).await;
        if known.map_err(|error| chain(&error))?.is_some() {
            return Ok(0);
        }
    }
    let text = lead.to_string();
    let trace = derived_ulid(now.unix_ms(), &[&tenant.to_string(), kind.as_str(), &text]);
    let random = trace.random().to_be_bytes();
    let mut low = [0u8; 10];
    for (to, from) in low.iter_mut().zip(random.iter().skip(6)) {
        *to = *from;
    }
    let envelope = InboundEnvelope {
        tenant,
        provider: Provider::Sandbox,
        feed: Some(kind),
        chatwoot: false,
        // We asked the portal ourselves, over TLS.
        auth_strength: AuthStrength::Signature,
        received_at: now,
        trace_id: uuid_of(now, low),
        body: Body::of(text.as_bytes()),
        part: None,
        replay_of: None,
    };
    let sent = platform.inbound.send_for(&tenant.to_string(), &envelope.encode()).await;
    sent.map_err(|error| chain(&error))?;
    Ok(1)
}

/// A version 7 UUID of this instant.
fn uuid_of(now: Millis, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(now.unix_ms(), &random).into_uuid()
}
