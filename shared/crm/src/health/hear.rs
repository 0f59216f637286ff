//! Something was told about a number: kept unless something newer is known, with what it changes, in the audit log.

use crate::events::{Emitter, Receiver, integration_health};
use domain::health::{MessagingLimit, Mode, NumberHealth, Quality, Report, SETTLE_MS};
use domain::ids::TenantId;
use domain::number::NumberFacts;
use domain::provider::Provider;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{HealthRecord, NewAuditEntry, SendRecord, StoreError};
use platform::telemetry::chain;
use uuid::Uuid;

/// How often another writer may be faster.
const TRIES: u32 = 8;

/// What was told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    /// Whose number.
    pub(crate) tenant: TenantId,
    /// Who carries it.
    pub(crate) provider: Provider,
    /// The number, as its settings are named.
    pub(crate) number: &'a str,
    /// What about it.
    pub(crate) report: &'a Report,
    /// How many people may be written to first.
    pub(crate) limit: Option<MessagingLimit>,
    /// When it was so.
    pub(crate) at: Millis,
    /// Whether the provider was asked: then it need not be asked again soon. Else it is, to make sure.
    pub(crate) asked: bool,
    /// The trace it came with.
    pub(crate) trace_id: Uuid,
}

/// What the facts about a number say of its health.
pub(crate) fn report(facts: &NumberFacts) -> (Report, Option<MessagingLimit>) {
    let report = Report {
        quality: facts.quality_rating.as_deref().map(Quality::parse),
        name_status: facts.name_status.clone(),
        throughput: facts.throughput.clone(),
        spam_limited: false,
    };
    (report, facts.messaging_limit.as_deref().and_then(MessagingLimit::parse))
}

/// Keeps what was told; the number as it stands then. Safe to repeat, in any order.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn hear(
    platform: &Platform,
    heard: Heard<'_>,
    now: Millis,
) -> Result<HealthRecord, StoreError> {
    let Heard { tenant, provider, number, .. } = heard;
    let store = &platform.store;
    let limit_moved = match heard.limit {
        Some(limit) => store.note_messaging_limit(tenant, limit, heard.at).await?,
        None => false,
    };
    for _ in 0..TRIES {
        let before = store.number_health(tenant, provider, number).await?;
        let before = before.unwrap_or_else(|| HealthRecord::unknown(provider, number));
        let health = before.health.clone().heard(heard.report, heard.at).decided(now);
        let turned = health.mode != before.health.mode;
        let settling_until = if turned || limit_moved {
            Some(now.plus_ms(SETTLE_MS))
        } else {
            before.settling_until.filter(|until| *until > now)
        };
        let due = match settling_until {
            None if heard.asked => health.look_again_at(now),
            None | Some(_) => now,
        };
        let after = HealthRecord { health, settling_until, ..before.clone() };
        let target = format!("{provider}/{number}");
        let action = match after.health.mode {
            Mode::Conservative => "integration.conservative_begin",
            Mode::Normal => "integration.conservative_end",
        };
        let (actor, trace_id) = ("system", heard.trace_id);
        let entry = NewAuditEntry { at: now, actor, action, target: &target, trace_id };
        if !store.save_number_health(tenant, &after, due, turned.then_some(entry)).await? {
            continue;
        }
        if turned {
            tracing::warn!(tenant.id = %tenant, %provider, mode = after.health.mode.as_str(), "{action}");
        }
        // A webhook that comes again tells again, in case its first time ended here.
        let again = !heard.asked && after.health.quality.as_ref().is_some_and(|told| told.at == heard.at);
        if turned || again || is_news(&before.health, &after.health) {
            tell(platform, tenant, &after, heard.trace_id, now).await?;
        }
        return Ok(after);
    }
    Err(StoreError::missing("keep a number's health", "a moment without another writer"))
}

/// Whether the rating is another one. That a new number is Green is none.
fn is_news(before: &NumberHealth, after: &NumberHealth) -> bool {
    let first = before.quality.is_none() && matches!(after.rating(), Quality::Green | Quality::Unknown);
    before.rating() != after.rating() && !first
}

/// Tells the tenant's receivers how a number stands; the same standing is told once.
pub(super) async fn tell(
    platform: &Platform,
    tenant: TenantId,
    record: &HealthRecord,
    trace_id: Uuid,
    now: Millis,
) -> Result<(), StoreError> {
    let receivers = Receiver::read(platform, tenant).await?;
    let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id, now };
    integration_health(emitter, record).await
}

/// As [`hear`], for whom keeping it is not what was asked for.
pub(crate) async fn hear_or_warn(platform: &Platform, heard: Heard<'_>, now: Millis) {
    if let Err(error) = hear(platform, heard, now).await {
        tracing::warn!(tenant.id = %heard.tenant, "what was told about a number was not kept: {}", chain(&error));
    }
}

/// 131048: a message was refused, or not delivered, because people reported earlier ones (providers.md 2.2).
const SPAM_RATE_LIMITED: i64 = 131_048;

/// Has the number of a message send conservatively if a failure of it says that people report the number.
pub(crate) async fn hear_failure(
    platform: &Platform,
    tenant: TenantId,
    record: &SendRecord,
    code: Option<i64>,
    at: Millis,
    now: Millis,
) {
    if code != Some(SPAM_RATE_LIMITED) {
        return;
    }
    let report = Report { spam_limited: true, ..Report::default() };
    let (provider, number, trace_id) = (record.provider, record.number.as_str(), record.trace_id);
    let heard = Heard { tenant, provider, number, report: &report, limit: None, at, asked: false, trace_id };
    hear_or_warn(platform, heard, now).await;
}
