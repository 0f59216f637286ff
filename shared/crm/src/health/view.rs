//! A number's health as its card shows it.

use super::is_rated;
use domain::health::{MessagingLimit, Mode, NumberHealth, OptOuts, PERIOD_DAYS, Quality, REACH_MS, Reach};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::{Integration, Store, StoreError, TenantFacts};
use serde::Serialize;
use std::collections::HashMap;

/// How a number stands with its customers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthView {
    /// Its rating as last told: `green`, `yellow`, `red` or `unknown`.
    pub quality: Quality,
    /// Since when.
    pub quality_since: Option<Millis>,
    /// How it sends: `normal`, or `conservative` after an hour of Red.
    pub mode: Mode,
    /// Since when; absent while it never sent otherwise.
    pub since: Option<Millis>,
    /// Why it sends conservatively.
    pub reason: Option<String>,
    /// Whom it may write to first; absent where the provider does not limit that.
    pub messaging_limit: Option<LimitView>,
    /// How fast messages may leave, as reported.
    pub throughput: Option<String>,
    /// Where the review of its name stands, as reported.
    pub name_status: Option<String>,
    /// How many want to hear no more.
    pub opt_out: OptOutView,
}

/// The messaging limit, which all numbers of the portfolio share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitView {
    /// As reported, such as `TIER_2K`; absent until it is told.
    pub tier: Option<String>,
    /// How many people; absent when there is no end, or it was not told.
    pub cap: Option<u32>,
    /// How many were written to first in the last 24 hours.
    pub used: u32,
    /// How many may be yet.
    pub left: Option<u32>,
    /// When the first of them stop to count, when there are any.
    pub frees_at: Option<Millis>,
    /// How long each counts.
    pub window_hours: u64,
    /// `portfolio`.
    pub scope: &'static str,
}

/// How many want to hear no more, among those who were written to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OptOutView {
    /// Opt-outs by messages: 0.005 is half a percent.
    pub rate: f64,
    /// Messages that left.
    pub sends: u32,
    /// People who withdrew.
    pub opt_outs: u32,
    /// Whether they are more than half a percent.
    pub warning: bool,
    /// The days that were looked at, today included.
    pub period_days: u64,
}

/// What is known of the health of a tenant's numbers, read once.
#[derive(Debug)]
pub(crate) struct Views<'f> {
    facts: &'f TenantFacts,
    reach: Reach,
    opt_outs: HashMap<(Provider, String), OptOuts>,
    now: Millis,
}

impl<'f> Views<'f> {
    pub(crate) async fn read(
        store: &Store,
        tenant: TenantId,
        facts: &'f TenantFacts,
        numbers: &[&Integration],
        now: Millis,
    ) -> Result<Self, StoreError> {
        let rated = numbers.iter().any(|one| is_rated(one.number.provider));
        let reach = if rated { store.reach(tenant).await? } else { Reach::default() };
        let mut opt_outs = HashMap::new();
        for one in numbers {
            let (provider, number) = (one.number.provider, one.number_id().to_owned());
            let counted = store.opt_outs(tenant, provider, &number, now).await?;
            opt_outs.insert((provider, number), counted);
        }
        Ok(Self { facts, reach, opt_outs, now })
    }

    pub(crate) fn of(&self, integration: &Integration) -> HealthView {
        let (provider, number) = (integration.number.provider, integration.number_id().to_owned());
        let known = self.facts.health_of(provider, &number);
        let health = known.map_or_else(NumberHealth::default, |record| record.health.clone());
        let counted = self.opt_outs.get(&(provider, number)).copied().unwrap_or_default();
        HealthView {
            quality: health.rating(),
            quality_since: health.quality_since,
            mode: health.mode,
            since: health.mode_since,
            reason: health.reason(),
            messaging_limit: is_rated(provider).then(|| self.limit()),
            throughput: health.throughput.map(|told| told.value),
            name_status: health.name_status.map(|told| told.value),
            opt_out: OptOutView {
                rate: counted.rate(),
                sends: counted.sends,
                opt_outs: counted.opt_outs,
                warning: counted.is_too_many(),
                period_days: PERIOD_DAYS,
            },
        }
    }

    fn limit(&self) -> LimitView {
        let limit = self.facts.limit.as_ref().map(|told| told.value);
        let cap = limit.and_then(MessagingLimit::cap);
        let used = self.reach.used(self.now);
        LimitView {
            tier: limit.map(|limit| limit.to_string()),
            cap,
            used,
            left: cap.map(|cap| cap.saturating_sub(used)),
            frees_at: self.reach.frees_at(self.now),
            window_hours: REACH_MS / 3_600_000,
            scope: "portfolio",
        }
    }
}
