//! One attempt: the receiver as it stands now, the claim, one POST, what came of it.

use super::{DeliverError, enqueue, signature};
use crate::endpoints::{secrets, switch_off};
use crate::fence::fence;
use bytes::Bytes;
use domain::ids::{DeliveryId, EndpointId, TenantId};
use domain::time::Millis;
use domain::webhook::{
    BREAKER_FAILURES, BREAKER_WAIT_MS, DeliveryStatus, GIVE_UP_MS, LEASE_MS, Next, Outcome, after_attempt,
    is_too_late, look_again_at,
};
use futures_util::future::try_join3;
use platform::Platform;
use platform::courier::{Answer, Courier, NoAnswer};
use platform::dynamo::{Delivery, DeliveryAttempt, DeliveryMove, Endpoint, EndpointHealth};
use platform::vault::VaultError;
use tokio::time::Instant;

/// A job may come this much early, in milliseconds: the queue's clock is not ours.
const EARLY_MS: u64 = 250;
/// Deliveries that wait for a failing receiver come back within this much of each other, in milliseconds.
const SPREAD_MS: u64 = 10_000;

/// Tries a delivery, if it is time.
pub(super) async fn attempt(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    endpoint: EndpointId,
    id: DeliveryId,
) -> Result<(), DeliverError> {
    let store = &platform.store;
    let now = platform.clock.now();
    let ids = [endpoint];
    let (delivery, endpoint, health) = try_join3(
        store.delivery(tenant, id),
        store.endpoint(tenant, endpoint),
        store.endpoint_health(tenant, &ids),
    )
    .await?;
    let Some((delivery, at)) = its_turn(delivery, &ids, now) else { return Ok(()) };
    let Some(endpoint) = endpoint.filter(|endpoint| endpoint.enabled) else {
        let cancelled = DeliveryMove::Settled(DeliveryStatus::Cancelled);
        store.put_off_delivery(tenant, id, &cancelled, now).await?;
        return Ok(());
    };
    if is_too_late(delivery.round_at, now) {
        let exhausted = DeliveryMove::Settled(DeliveryStatus::Exhausted);
        store.put_off_delivery(tenant, id, &exhausted, now).await?;
        return Ok(());
    }
    let health = health.into_iter().next().unwrap_or_default();
    if health.failures >= BREAKER_FAILURES
        && !store.probe_endpoint(tenant, endpoint.id, now.plus_ms(BREAKER_WAIT_MS), now).await?
    {
        return wait_for_receiver(platform, tenant, &delivery, health, now).await;
    }
    let secrets = match secrets(platform, tenant, &endpoint, now).await {
        Ok(secrets) => secrets,
        Err(error @ VaultError::Transient(_)) => return Err(error.into()),
        // Unsigned is worse than late: a rotation makes a secret that opens.
        Err(VaultError::Tampered(_)) => Vec::new(),
    };
    let fence = fence().map_err(|_| DeliverError::Random)?;
    if !store.claim_delivery(tenant, id, &fence, now.max(at), now.plus_ms(LEASE_MS)).await? {
        return Ok(());
    }
    let began = Instant::now();
    let t = now.unix_ms() / 1000;
    let body = delivery.body.as_bytes();
    let answer = match signature::headers(id, &delivery.event_type, t, body, &secrets) {
        Some(headers) if !secrets.is_empty() => {
            courier.post(&endpoint.url, headers, Bytes::from(delivery.body.clone())).await
        }
        Some(_) | None => Err(NoAnswer("the endpoint's secret cannot be opened; rotate it".to_owned())),
    };
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let done = Done { platform, tenant, delivery, endpoint, health, fence };
    done.settle(answer, now, took, platform.clock.now()).await
}

/// The delivery, if it waits for this receiver, its time has come and nobody is at it; and what its time is.
fn its_turn(delivery: Option<Delivery>, endpoint: &[EndpointId], now: Millis) -> Option<(Delivery, Millis)> {
    let delivery = delivery?;
    let at = delivery.next_at?;
    let held = delivery.fence.is_some() && delivery.lease_until.is_some_and(|until| until > now);
    let mine = endpoint.contains(&delivery.endpoint) && delivery.status == DeliveryStatus::Pending;
    (mine && !held && at <= now.plus_ms(EARLY_MS)).then_some((delivery, at))
}

/// Another delivery tries whether the receiver works again; this one waits without counting it as an attempt.
async fn wait_for_receiver(
    platform: &Platform,
    tenant: TenantId,
    delivery: &Delivery,
    health: EndpointHealth,
    now: Millis,
) -> Result<(), DeliverError> {
    let [.., low] = delivery.id.ulid().to_bytes();
    let free = health.waits_until.map_or(now, |until| until.max(now)).plus_ms(1_000);
    let at = free.plus_ms(u64::from(low) * SPREAD_MS / 256);
    let waits = DeliveryMove::Waits { step: delivery.step, at, due: look_again_at(at, now) };
    if platform.store.put_off_delivery(tenant, delivery.id, &waits, now).await? {
        enqueue(platform, tenant, delivery.endpoint, delivery.id, at, now).await;
    }
    Ok(())
}

/// An attempt that was made.
struct Done<'a> {
    platform: &'a Platform,
    tenant: TenantId,
    delivery: Delivery,
    endpoint: Endpoint,
    health: EndpointHealth,
    fence: String,
}

impl Done<'_> {
    async fn settle(
        &self,
        answer: Result<Answer, NoAnswer>,
        began: Millis,
        duration_ms: u64,
        now: Millis,
    ) -> Result<(), DeliverError> {
        let Self { platform, tenant, delivery, endpoint, .. } = self;
        let store = &platform.store;
        let outcome = match &answer {
            Ok(answer) => Outcome::of_status(answer.status, answer.retry_after_s),
            Err(_) => Outcome::Failed { retry_after_s: None },
        };
        let next = after_attempt(outcome, delivery.step, delivery.round_at, now);
        let to = match next {
            Next::Settled(status) => DeliveryMove::Settled(status),
            Next::Again { step, at } => DeliveryMove::Waits { step, at, due: look_again_at(at, now) },
        };
        let attempt = noted(answer, began, duration_ms);
        if !store.settle_delivery(*tenant, delivery, &self.fence, attempt, &to).await? {
            // The lease ran out and another attempt has it now: the receiver gets it twice, under one id.
            tracing::info!(delivery.id = %delivery.id, "{} had moved on before its answer came", delivery.id);
            return Ok(());
        }
        self.learn(outcome, now).await?;
        if let Next::Again { at, .. } = next {
            enqueue(platform, *tenant, endpoint.id, delivery.id, at, now).await;
        }
        Ok(())
    }

    /// What an attempt says about its receiver.
    async fn learn(&self, outcome: Outcome, now: Millis) -> Result<(), DeliverError> {
        let Self { platform, tenant, endpoint, health, .. } = self;
        let store = &platform.store;
        let trace_id = self.delivery.trace_id;
        match outcome {
            Outcome::Taken if health.failures > 0 => store.endpoint_works(*tenant, endpoint.id).await?,
            Outcome::Taken => {}
            Outcome::Gone => {
                let reason = "the endpoint answered 410 Gone";
                switch_off(platform, *tenant, endpoint.id, reason, trace_id, now).await?;
            }
            Outcome::Failed { .. } => {
                let broken = health.failures + 1 >= BREAKER_FAILURES;
                let waits_until = broken.then(|| now.plus_ms(BREAKER_WAIT_MS));
                store.endpoint_failed(*tenant, endpoint.id, now, waits_until).await?;
                if health.failing_since.is_some_and(|since| now.since(since) >= GIVE_UP_MS) {
                    let reason = "every delivery of the last five days failed";
                    switch_off(platform, *tenant, endpoint.id, reason, trace_id, now).await?;
                }
            }
        }
        Ok(())
    }
}

fn noted(answer: Result<Answer, NoAnswer>, at: Millis, duration_ms: u64) -> DeliveryAttempt {
    match answer {
        Ok(Answer { status, excerpt, .. }) => {
            let error = match status {
                200..=299 => None,
                300..=399 => Some("redirects are not followed".to_owned()),
                _ => Some(format!("the endpoint answered {status}")),
            };
            DeliveryAttempt { at, status_code: Some(status), error, duration_ms, response_excerpt: excerpt }
        }
        Err(NoAnswer(words)) => {
            DeliveryAttempt { at, status_code: None, error: Some(words), duration_ms, response_excerpt: None }
        }
    }
}
