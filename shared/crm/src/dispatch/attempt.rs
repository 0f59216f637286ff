//! One message: the rule again, the claim, one call of the provider.

use super::outlet::Outlet;
use super::settle::{await_template, broken, settle, settlement, waiting};
use super::{DispatchError, not_yet};
use crate::credentials::{secret, sender};
use crate::fence::fence;
use crate::health::{self, Gate};
use crate::media::addressed;
use crate::send::{Asked, Found, Reason, Route, Situation, decide, enqueue};
use crate::templates;
use domain::failure::{Failure, FailureClass};
use domain::ids::TenantId;
use domain::outbound::{LEASE_MS, PAUSED_AT_MOST_MS, STALE_MS, WAITS_FOR_HOUR};
use domain::outgoing::Outgoing;
use domain::permit::{Permit, Refusal};
use domain::provider::Provider;
use domain::routing::may_leave_at;
use domain::template::TemplateState;
use domain::template::contract::fill;
use domain::time::Millis;
use platform::Platform;
use platform::bucket::Bucket;
use platform::dynamo::{Claim, ClaimRefused, Relied, SendRecord, Settlement};
use platform::telemetry::chain;
use platform::transport::Transport;
use platform::vault::VaultError;
use providers::outbound::{Recipient, Send, outcome, request};

/// When to ask again for a secret that KMS does not open, in milliseconds.
const LOCKED_MS: u64 = 30_000;
/// A day in milliseconds.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What the lane does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Look at its head again.
    GoOn,
    /// The same, but the facts moved while it was decided; should that happen again and again, rest.
    Again,
    /// Wait until then.
    Later(Millis),
    /// Wait for somebody.
    Stop,
}

/// Tries the message whose turn it is.
pub(super) async fn attempt(
    platform: &Platform,
    transport: &Transport,
    bucket: &Bucket,
    tenant: TenantId,
    record: &SendRecord,
    now: Millis,
) -> Result<Next, DispatchError> {
    if let Some(at) = not_yet(record, now) {
        return Ok(Next::Later(at));
    }
    let store = &platform.store;
    let situation = Situation::of_contact(store, tenant, Some(record.contact), None).await?;
    let (receivers, chatwoot) = (situation.receivers.clone(), situation.chatwoot);
    let outlet = Outlet { platform, tenant, record, receivers, chatwoot };
    let found = template(platform, transport, tenant, record, now).await?;
    let situation = on_its_number(situation, record);
    let asked = Asked {
        replies: record.part.reply_to.is_some(),
        purpose: record.purpose,
        confirm_language: record.confirm_language,
        first_touch: record.touch.is_some(),
        asks_for_opt_in: record.asks,
    };
    let permit = match decide(&situation, &record.part.content, &found, asked, now) {
        Ok(permit) => permit,
        Err(reasons) => return refuse(&outlet, &reasons, now).await,
    };
    // `decide` found the number that the message was accepted for.
    let Some(route) = &situation.route else { return Ok(Next::Stop) };
    if let Some(reason) = route.broken() {
        let failure = waiting("integration_broken", reason);
        store.postpone_send(tenant, record.id, Some(&failure), now.plus_ms(STALE_MS)).await?;
        outlet.broken(route, reason, now).await?;
        return Ok(Next::Stop);
    }
    if let Some(next) = waits_for_its_number(platform, tenant, record, &situation, route, now).await? {
        return Ok(next);
    }
    if let Some(at) = waits_for_its_hour(record, &situation, permit, now) {
        store.defer_send(tenant, record, &quiet(), at, now).await?;
        enqueue(platform, tenant, record.contact, Some(at), now).await;
        return Ok(Next::GoOn);
    }
    let fence = fence().map_err(|_| DispatchError::Random)?;
    let call = match prepare(platform, bucket, tenant, record, route, &fence).await? {
        Prepared::Call(call) => Some(call),
        Prepared::Recorded => None,
        Prepared::Impossible(failure) => {
            store.refuse_send(tenant, record, &failure, now).await?;
            outlet.failed(&failure, now).await?;
            return Ok(Next::GoOn);
        }
        Prepared::Broken(reason) => {
            return broken(&outlet, route, &waiting("integration_broken", reason), now).await;
        }
        Prepared::Locked(error) => {
            // Not the number's fault and not a matter of tries: a key that is switched off may stay so for hours.
            tracing::error!(message.id = %record.id, "a number's secret cannot be opened now: {}", chain(&error));
            let failure = Failure {
                class: FailureClass::Retry,
                ..waiting(
                    "key_service_unavailable",
                    "What opens the number at its provider cannot be read now. The message goes by itself.",
                )
            };
            let at = now.plus_ms(LOCKED_MS);
            store.postpone_send(tenant, record.id, Some(&failure), at).await?;
            return Ok(Next::Later(at));
        }
    };
    if let Err(refused) = claim(platform, tenant, record, &situation, permit, &fence).await? {
        // The facts moved between the rule and the claim: the rule decides anew.
        tracing::debug!(message.id = %record.id, "a claim was refused: {refused:?}");
        return Ok(Next::Again);
    }
    let settlement = match call {
        None => Settlement::Sent { provider_message_id: None },
        Some(call) => {
            let answer = transport.call(record.provider, call).await;
            settlement(record, answer.map(|answer| outcome(record.provider, &answer)), platform.clock.now())
        }
    };
    settle(&outlet, route, &fence, settlement).await
}

/// What the lane does when the number's health does not let the message go yet.
async fn waits_for_its_number(
    platform: &Platform,
    tenant: TenantId,
    record: &SendRecord,
    situation: &Situation,
    route: &Route,
    now: Millis,
) -> Result<Option<Next>, DispatchError> {
    let store = &platform.store;
    Ok(match health::gate(store, tenant, record, situation, route, now).await? {
        Gate::Open => None,
        Gate::Turn(turn, why) => {
            let given = store.give_turn(tenant, record, &why, turn, now).await?;
            Some(if given { Next::Later(turn) } else { Next::GoOn })
        }
        Gate::Full(until, why) => {
            store.defer_send(tenant, record, &why, until, now).await?;
            enqueue(platform, tenant, record.contact, Some(until), now).await;
            Some(Next::GoOn)
        }
    })
}

/// When a first touch may leave, if that is not now; whoever let it go, and however late it comes to be sent.
fn waits_for_its_hour(
    record: &SendRecord,
    situation: &Situation,
    permit: Permit,
    now: Millis,
) -> Option<Millis> {
    record.touch?;
    let at = may_leave_at(situation.tenant.first_touch.as_ref(), permit.purpose(), now);
    // Where no hour is left it is looked at again tomorrow: the settings may be others then.
    Some(at.unwrap_or(now.plus_ms(DAY_MS))).filter(|at| *at > now)
}

fn quiet() -> Failure {
    let message = "Nobody is written to first at this hour: the tenant's quiet hours, or for a marketing template those \
                   between six in the evening and nine in the morning. The message leaves afterwards.";
    Failure { class: FailureClass::Retry, ..waiting(WAITS_FOR_HOUR, message) }
}

/// The template of a message as it stands now, filled again: it may have changed while the message waited.
async fn template(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    record: &SendRecord,
    now: Millis,
) -> Result<Found, DispatchError> {
    let (Outgoing::Template(used), Some(filled)) = (&record.part.content, &record.part.filled) else {
        return Ok(Found::FreeForm);
    };
    let rows = templates::for_send(platform, transport, tenant, &filled.name, now).await?;
    let row = rows.into_iter().find(|row| {
        row.language == filled.language
            && (row.provider == record.provider || record.provider == Provider::Sandbox)
    });
    Ok(match row {
        Some(template) => {
            let filled = fill(&template, used);
            Found::Template { template: Box::new(template), filled }
        }
        None => Found::Unknown(None),
    })
}

/// A message goes out on the number and to the address it was accepted for.
fn on_its_number(mut situation: Situation, record: &SendRecord) -> Situation {
    let same = |route: &Route| route.provider == record.provider && route.number == record.number;
    if !situation.route.as_ref().is_some_and(same) {
        situation.route = situation.other_route(record.provider, &record.number);
    }
    situation.recipient = record.recipient.clone();
    situation
}

async fn refuse(outlet: &Outlet<'_>, reasons: &[Reason], now: Millis) -> Result<Next, DispatchError> {
    let Outlet { platform, tenant, record, .. } = *outlet;
    let Some(first) = reasons.first() else { return Ok(Next::Stop) };
    if matches!(first, Reason::Rule { refusal: Refusal::NotConfigured, .. }) {
        // The number was taken away: its messages wait for it or for a person.
        let until = now.plus_ms(STALE_MS);
        platform.store.postpone_send(tenant, record.id, Some(&first.failure()), until).await?;
        return Ok(Next::Stop);
    }
    let failure = first.failure();
    let paused = matches!(
        first,
        Reason::Rule { refusal: Refusal::TemplateNotApproved(Some(TemplateState::Paused)), .. }
    );
    if paused && now.since(record.accepted_at) < PAUSED_AT_MOST_MS {
        return await_template(outlet, &failure, now).await;
    }
    platform.store.refuse_send(tenant, record, &failure, now).await?;
    outlet.failed(&failure, now).await?;
    Ok(Next::GoOn)
}

enum Prepared {
    /// To be sent.
    Call(http::Request<bytes::Bytes>),
    /// The sandbox records and calls nobody.
    Recorded,
    /// It can never be sent.
    Impossible(Failure),
    /// The number cannot be used.
    Broken(&'static str),
    /// KMS does not open the number's secret, whoever's it is.
    Locked(VaultError),
}

async fn prepare(
    platform: &Platform,
    bucket: &Bucket,
    tenant: TenantId,
    record: &SendRecord,
    route: &Route,
    fence: &str,
) -> Result<Prepared, DispatchError> {
    let Some(integration) = &route.integration else { return Ok(Prepared::Recorded) };
    let secret = match secret(platform, tenant, integration).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return Ok(Prepared::Broken("The number has no access token; save its settings again.")),
        Err(VaultError::Tampered(_)) => {
            return Ok(Prepared::Broken(
                "The number's access token cannot be opened; save its settings again.",
            ));
        }
        Err(error @ VaultError::Transient(_)) => return Ok(Prepared::Locked(error)),
    };
    let Some(content) = addressed(bucket, tenant, &record.part.content, platform.clock.now()).await? else {
        return Ok(Prepared::Impossible(Failure {
            class: FailureClass::Permanent,
            ..waiting("media_not_found", "The uploaded file is no longer kept; upload it again.")
        }));
    };
    let sender = sender(&integration.number, &secret);
    let recipient =
        Recipient { phone: record.recipient.phone.as_ref(), bsuid: record.recipient.bsuid.as_ref() };
    let send = Send {
        message_id: record.id,
        fence,
        recipient,
        content: &content,
        filled: record.part.filled.as_ref(),
        reply_to: record.part.reply_to.as_deref(),
    };
    Ok(match request(&sender, &send) {
        Ok(request) => Prepared::Call(request),
        Err(not_carried) => Prepared::Impossible(Reason::NotCarried(not_carried).failure()),
    })
}

async fn claim(
    platform: &Platform,
    tenant: TenantId,
    record: &SendRecord,
    situation: &Situation,
    permit: Permit,
    fence: &str,
) -> Result<Result<(), ClaimRefused>, DispatchError> {
    let now = platform.clock.now();
    // Read after the facts: what came between is refused by the claim, or it is an agreement that was there in time.
    let head = platform.store.ledger_head(tenant).await?;
    let relied = Relied {
        at: now,
        head,
        contacts: situation.family.clone(),
        purpose: permit.purpose(),
        window: situation.last_inbound.filter(|_| permit.needs_window()),
    };
    let claim = Claim {
        fence,
        lease_until: now.plus_ms(LEASE_MS),
        permit,
        family: &situation.family,
        consents: situation.consents,
        relied: &relied,
        window_of: situation.last_inbound.map(|(contact, _)| contact),
        now,
    };
    Ok(platform.store.claim_send(tenant, record, &claim).await?)
}
