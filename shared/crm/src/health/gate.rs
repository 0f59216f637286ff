//! What a number's health means for one message: held, in turn, or after others have left the limit.

use super::is_rated;
use crate::send::{Route, Situation};
use domain::failure::{Failure, FailureClass};
use domain::health::{MessagingLimit, Mode, PACE_MS, TURN_KEPT_MS};
use domain::ids::TenantId;
use domain::outbound::{HeldFor, WAITS_FOR_LIMIT, WAITS_FOR_TURN};
use domain::outgoing::Outgoing;
use domain::permit::window_is_open;
use domain::time::Millis;
use platform::dynamo::{Reached, SendRecord, Store, StoreError};

/// Whether a message may leave now.
#[derive(Debug)]
pub(crate) enum Gate {
    /// It may.
    Open,
    /// At its turn.
    Turn(Millis, Failure),
    /// When the limit has room again.
    Full(Millis, Failure),
}

/// Why a message must be held, if so: the caller wants it, or it is a template on a number in conservative mode.
pub(crate) fn hold(
    situation: &Situation,
    route: &Route,
    content: &Outgoing,
    wanted: bool,
) -> Option<HeldFor> {
    if wanted {
        return Some(HeldFor::Caller);
    }
    let is_template = matches!(content, Outgoing::Template(_));
    (is_template && situation.mode(route) == Mode::Conservative).then_some(HeldFor::ConservativeMode)
}

/// Asks for the message's turn and, where it would be the first word to a person, counts them.
pub(crate) async fn gate(
    store: &Store,
    tenant: TenantId,
    record: &SendRecord,
    situation: &Situation,
    route: &Route,
    now: Millis,
) -> Result<Gate, StoreError> {
    let has_turn = record.turn.is_some_and(|turn| turn <= now && now.since(turn) <= TURN_KEPT_MS);
    if situation.mode(route) == Mode::Conservative && !has_turn {
        let turn = store.take_turn(tenant, route.provider, &route.number, PACE_MS, now).await?;
        if turn > now {
            let message = "The number sends slowly until its quality rating is Green again; the message leaves at \
                           its turn.";
            return Ok(Gate::Turn(turn, waits(WAITS_FOR_TURN, message)));
        }
    }
    if !is_first_word(situation, route, now) {
        return Ok(Gate::Open);
    }
    let person = situation.family.first().copied().unwrap_or(record.contact);
    let cap = situation.limit.and_then(MessagingLimit::cap);
    Ok(match store.reach_contact(tenant, person, cap, now).await? {
        Reached::Yes => Gate::Open,
        Reached::Full(until) => {
            let message = "As many people as the messaging limit allows were written to first within 24 hours; the \
                           message leaves when the first of them no longer counts, or the limit is raised.";
            Gate::Full(until, waits(WAITS_FOR_LIMIT, message))
        }
    })
}

/// When a person could be written to first, if the limit is used up now; counts nobody.
pub(crate) async fn limit_frees_at(
    store: &Store,
    tenant: TenantId,
    situation: &Situation,
    now: Millis,
) -> Result<Option<Millis>, StoreError> {
    let Some(route) = &situation.route else { return Ok(None) };
    let Some(cap) = situation.limit.and_then(MessagingLimit::cap) else { return Ok(None) };
    if !is_first_word(situation, route, now) {
        return Ok(None);
    }
    let reach = store.reach(tenant).await?;
    if reach.used(now) < cap {
        return Ok(None);
    }
    if let Some(person) = situation.family.first()
        && store.is_reached(tenant, *person, now).await?
    {
        return Ok(None);
    }
    Ok(reach.frees_at(now))
}

/// Whether the message counts against the limit: the customer's window is closed. The provider limits no others.
fn is_first_word(situation: &Situation, route: &Route, now: Millis) -> bool {
    is_rated(route.provider) && !window_is_open(situation.window_opened_at(), now)
}

fn waits(code: &str, message: &str) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        class: FailureClass::Retry,
        provider_code: None,
        provider_message: None,
        retry_after_s: None,
    }
}
