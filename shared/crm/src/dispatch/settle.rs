//! What came of a call: the message settles, waits, or stops its number.

use super::attempt::Next;
use super::outlet::Outlet;
use super::{DispatchError, reacted};
use crate::consent;
use crate::health;
use crate::send::{Route, enqueue};
use domain::failure::{Failure, FailureClass};
use domain::outbound::{MAX_ATTEMPTS, PAUSED_AGAIN_MS, STALE_MS, backoff_ms};
use domain::time::Millis;
use platform::dynamo::{SendRecord, Settlement};
use platform::telemetry::chain;
use platform::transport::CallError;
use providers::outbound::Outcome;
use std::time::Duration;

/// How often a settlement that met a fault of the table is tried: losing it costs an `uncertain`.
const SETTLE_TRIES: u32 = 5;

/// When to look again at a number that was not what it was thought to be, in milliseconds.
const RECHECK_MS: u64 = 2_000;

/// Has a message wait for its paused template, behind whatever the conversation can send meanwhile.
pub(super) async fn await_template(
    outlet: &Outlet<'_>,
    why: &Failure,
    now: Millis,
) -> Result<Next, DispatchError> {
    let Outlet { platform, tenant, record, .. } = *outlet;
    let until = now.plus_ms(PAUSED_AGAIN_MS);
    platform.store.defer_send(tenant, record, why, until, now).await?;
    enqueue(platform, tenant, record.contact, Some(until), now).await;
    Ok(Next::GoOn)
}

/// What the provider's answer, or the lack of one, means for the message.
pub(super) fn settlement(record: &SendRecord, answer: Result<Outcome, CallError>, now: Millis) -> Settlement {
    let failure = match answer {
        Ok(Outcome::Accepted(accepted)) => {
            return Settlement::Sent { provider_message_id: accepted.provider_message_id };
        }
        Ok(Outcome::Uncertain { reason }) => return Settlement::Uncertain(uncertain(&reason)),
        Err(CallError::Unknown(reason)) => return Settlement::Uncertain(uncertain(&reason)),
        Err(CallError::NotSent(reason)) => Failure {
            class: FailureClass::Retry,
            provider_message: Some(reason),
            ..waiting(
                "provider_unreachable",
                "The provider could not be reached; the message is tried again.",
            )
        },
        Ok(Outcome::Refused(failure)) => failure,
    };
    match failure.class {
        FailureClass::Permanent | FailureClass::RevokeConsent => Settlement::Failed(failure),
        FailureClass::RetryOnce if record.attempts > 0 => Settlement::Failed(failure),
        FailureClass::Retry | FailureClass::RetryRecipient if record.attempts + 1 >= MAX_ATTEMPTS => {
            Settlement::Failed(failure)
        }
        FailureClass::Retry | FailureClass::RetryOnce | FailureClass::RetryRecipient => {
            let not_before = now.plus_ms(backoff_ms(record.attempts + 1, failure.retry_after_s));
            Settlement::Waits { failure, not_before }
        }
        FailureClass::TemplatePaused => {
            Settlement::Waits { failure, not_before: now.plus_ms(PAUSED_AGAIN_MS) }
        }
        FailureClass::IntegrationBroken => Settlement::Waits { failure, not_before: now },
    }
}

pub(super) async fn settle(
    outlet: &Outlet<'_>,
    route: &Route,
    fence: &str,
    settlement: Settlement,
) -> Result<Next, DispatchError> {
    let Outlet { platform, tenant, record, .. } = *outlet;
    let store = &platform.store;
    let now = platform.clock.now();
    if let Settlement::Failed(Failure { class: FailureClass::RevokeConsent, .. }) = &settlement {
        // Before the message is settled: afterwards nobody would come back for it.
        let (contact, trace) = (record.contact, record.trace_id);
        let again = health::has_opted_out(store, tenant, contact).await.unwrap_or(true);
        match consent::revoked_at_provider(store, tenant, contact, record.id, trace, now).await {
            Ok(row) => {
                if !again {
                    health::count_opt_out(store, tenant, record.provider, &record.number, now).await;
                }
                outlet.revoked(&row, now).await?;
            }
            Err(error) => {
                tracing::warn!(message.id = %record.id, "a withdrawal was not written down: {}", chain(&error));
            }
        }
    }
    let mut tries = 1;
    let settled = loop {
        match store.settle_send(tenant, record, fence, &settlement, now).await {
            Ok(settled) => break settled,
            Err(error) if tries >= SETTLE_TRIES || !error.is_transient() => return Err(error.into()),
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                tries += 1;
            }
        }
    };
    if !settled {
        // A status was faster, an answer of the table got lost, or the lease ran out: what is written stands.
        tracing::info!(message.id = %record.id, "{} had moved on before its answer came", record.id);
    }
    if let Settlement::Failed(failure) | Settlement::Waits { failure, .. } = &settlement {
        health::hear_failure(platform, tenant, record, failure.provider_code, now, now).await;
    }
    match settlement {
        Settlement::Sent { .. } => {
            if settled {
                health::count_sent(store, tenant, record.provider, &record.number, now).await;
            }
            reacted(store, tenant, record).await?;
            outlet.sent(now).await?;
            Ok(Next::GoOn)
        }
        Settlement::Failed(failure) => {
            outlet.failed(&failure, now).await?;
            Ok(Next::GoOn)
        }
        Settlement::Uncertain(_) => {
            tracing::warn!(alarm = "send_uncertain", message.id = %record.id, "{} is uncertain", record.id);
            Ok(Next::GoOn)
        }
        Settlement::Waits { failure, .. } if failure.class == FailureClass::IntegrationBroken => {
            broken(outlet, route, &failure, now).await
        }
        Settlement::Waits { .. } if !settled => Ok(Next::GoOn),
        Settlement::Waits { failure, .. } if failure.class == FailureClass::TemplatePaused => {
            await_template(outlet, &failure, now).await
        }
        Settlement::Waits { not_before, .. } => Ok(Next::Later(not_before)),
    }
}

/// Stops the number until a person repairs it; its messages stay queued and say why.
pub(super) async fn broken(
    outlet: &Outlet<'_>,
    route: &Route,
    failure: &Failure,
    now: Millis,
) -> Result<Next, DispatchError> {
    let Outlet { platform, tenant, record, .. } = *outlet;
    let store = &platform.store;
    store.postpone_send(tenant, record.id, Some(failure), now.plus_ms(STALE_MS)).await?;
    let Some(integration) = &route.integration else { return Ok(Next::Stop) };
    if store.break_integration(tenant, integration, &failure.message).await? {
        let provider = record.provider;
        tracing::warn!(alarm = "number_broken", tenant.id = %tenant, %provider, "a number is broken: {}", failure.code);
        outlet.broken(route, &failure.message, now).await?;
        return Ok(Next::Stop);
    }
    // Broken already, or saved again while the old secret was being refused: look a little later.
    Ok(Next::Later(now.plus_ms(RECHECK_MS)))
}

pub(super) fn waiting(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        class: FailureClass::IntegrationBroken,
        provider_code: None,
        provider_message: None,
        retry_after_s: None,
    }
}

fn uncertain(reason: &str) -> Failure {
    Failure {
        code: "outcome_unknown".to_owned(),
        message: "Whether the provider took the message is open; it is not sent again by itself. It settles when the \
                  provider reports it; an admin may send it again."
            .to_owned(),
        class: FailureClass::Permanent,
        provider_code: None,
        provider_message: Some(reason.chars().take(500).collect()),
        retry_after_s: None,
    }
}
