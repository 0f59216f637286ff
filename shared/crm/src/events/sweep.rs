//! What the sweeper tells: windows about to close, and what a receiver missed in its first minute, while those who
//! remember receivers did not know it yet.

use super::{Emitter, Receiver, tell};
use crate::read;
use domain::ids::{EndpointId, EventId, TenantId};
use domain::message::Direction;
use domain::receipt::{Receipt, Receipts};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Endpoint, Entry, StoreError, WindowNotice};
use platform::telemetry::chain;
use serde::Serialize;
use ulid::Ulid;
use uuid::Uuid;

/// How many windows and receivers one sweep looks at.
const AT_MOST: u32 = 200;
/// How many messages and leads one sweep looks back at for a receiver, at a time and in all.
const PAGE: u32 = 100;
const PAGES: u32 = 5;
/// How much earlier than it was received a message may stand in the index, in milliseconds.
const SLACK_MS: u64 = 10 * 60 * 1000;
/// Providers tell whole seconds, and a little late: receipts this much older may have come afterwards, in milliseconds.
const RECEIPT_SLACK_MS: u64 = 5_000;

/// What one sweep told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SweptEvents {
    /// Windows about to close.
    pub windows: u32,
    /// Receivers that were told what they may have missed.
    pub caught_up: u32,
}

/// Tells what is due. Safe to run at any time and twice at once.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<SweptEvents, StoreError> {
    let mut swept = SweptEvents::default();
    let mut failed = None;
    for notice in platform.store.due_windows(now, AT_MOST).await? {
        match window(platform, notice, now).await {
            Ok(()) => swept.windows += 1,
            Err(error) => failed = Some(error),
        }
    }
    for (tenant, id, until) in platform.store.new_endpoints(AT_MOST).await? {
        match catch_up(platform, tenant, id, until, now).await {
            Ok(()) => swept.caught_up += 1,
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = &failed {
        tracing::warn!("something was not told: {}", chain(error));
    }
    failed.map_or(Ok(swept), Err)
}

async fn window(platform: &Platform, notice: WindowNotice, now: Millis) -> Result<(), StoreError> {
    let WindowNotice { tenant, contact, .. } = notice;
    let receivers = Receiver::read(platform, tenant).await?;
    let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id: Uuid::nil(), now };
    tell::window_closing(emitter, contact.conversation()).await?;
    platform.store.told_of_window(notice).await
}

/// Tells a receiver what was received since its settings changed. What it knows it is not told again.
async fn catch_up(
    platform: &Platform,
    tenant: TenantId,
    id: EndpointId,
    until: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    let store = &platform.store;
    if let Some(endpoint) = store.endpoint(tenant, id).await?.filter(|endpoint| endpoint.enabled) {
        let since = endpoint.updated_at;
        messages(platform, tenant, &endpoint, since, now).await?;
        leads(platform, tenant, &endpoint, since, now).await?;
    }
    if now > until {
        store.endpoint_is_known(tenant, id, until).await?;
    }
    Ok(())
}

async fn messages(
    platform: &Platform,
    tenant: TenantId,
    endpoint: &Endpoint,
    since: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    let store = &platform.store;
    let receivers = Receiver::of(std::slice::from_ref(endpoint));
    let oldest = since.unix_ms().saturating_sub(SLACK_MS);
    let mut before: Option<Ulid> = None;
    for _ in 0..PAGES {
        let page = store.messages_by_time(tenant, before, PAGE).await?;
        let last = page.entries.last().map(|entry| entry.id.ulid());
        let young: Vec<_> =
            page.entries.iter().filter(|entry| entry.id.ulid().timestamp_ms() >= oldest).copied().collect();
        for entry in store.entries(tenant, &young).await? {
            let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id: entry.trace_id, now };
            message(emitter, &entry, since).await?;
        }
        let (Some(last), true) = (last, page.more && young.len() == page.entries.len()) else {
            return Ok(());
        };
        before = Some(last);
    }
    Ok(())
}

async fn message(emitter: Emitter<'_>, entry: &Entry, since: Millis) -> Result<(), StoreError> {
    if entry.direction == Direction::Inbound {
        if entry.received_at < since {
            return Ok(());
        }
        tell::note_window(emitter, entry.contact, Millis::from_unix_ms(entry.id.ulid().timestamp_ms()))
            .await?;
        return tell::message_received(emitter, entry.contact, entry.id, None).await;
    }
    if !entry.ours {
        return Ok(());
    }
    let store = &emitter.platform.store;
    let Some(message) = read::message_of(store, emitter.tenant, entry.contact, entry.id, false).await? else {
        return Ok(());
    };
    for (step, at) in steps(&message.statuses) {
        if at.plus_ms(RECEIPT_SLACK_MS) >= since {
            tell::message_step(emitter, entry.contact, entry.id, step, at, None).await?;
        }
    }
    Ok(())
}

fn steps(receipts: &Receipts) -> impl Iterator<Item = (Receipt, Millis)> {
    let Receipts { sent_at, delivered_at, read_at, played_at, failed_at } = *receipts;
    [
        (Receipt::Sent, sent_at),
        (Receipt::Delivered, delivered_at),
        (Receipt::Read, read_at),
        (Receipt::Played, played_at),
        (Receipt::Failed, failed_at),
    ]
    .into_iter()
    .filter_map(|(step, at)| Some((step, at?)))
}

async fn leads(
    platform: &Platform,
    tenant: TenantId,
    endpoint: &Endpoint,
    since: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    let receivers = Receiver::of(std::slice::from_ref(endpoint));
    let page = platform.store.leads_by_time(tenant, None, PAGE).await?;
    // A lead is as old as its first message by the provider's clock; when we received that, its trace says.
    let young = page.leads.into_iter().filter(|lead| began(lead.trace_id) >= since);
    for lead in young {
        let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id: lead.trace_id, now };
        tell::lead_created(emitter, lead.id, false).await?;
    }
    Ok(())
}

/// When the request or webhook with this trace came in.
fn began(trace: Uuid) -> Millis {
    let (seconds, nanos) = trace.get_timestamp().map_or((0, 0), |at| at.to_unix());
    Millis::from_unix_ms(seconds * 1000 + u64::from(nanos / 1_000_000))
}

/// A webhook of a provider waits for a person from now on; `times` tells one parking from the next.
///
/// # Errors
/// The table did not answer.
pub async fn parked(
    platform: &Platform,
    tenant: TenantId,
    id: EventId,
    times: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<(), StoreError> {
    let receivers = Receiver::read(platform, tenant).await?;
    let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id, now };
    tell::event_parked(emitter, id, times).await
}
