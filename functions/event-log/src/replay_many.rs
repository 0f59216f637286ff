//! `POST /v1/events/replay`

use crate::replay::problem;
use axum::extract::State;
use crm::read::parked_events;
use crm::replay::{Replay, ReplayError, replay};
use domain::ids::EventId;
use domain::parked::EventState;
use domain::provider::Provider;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Data, JsonBody, Params, Problem};
use serde::{Deserialize, Serialize};

/// How many events one request replays.
const AT_MOST: usize = 100;
/// How many of them at a time.
const AT_A_TIME: usize = 8;

/// Which events: these, or the longest parked.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReplayEvents))]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    ids: Option<Vec<String>>,
    state: Option<String>,
    provider: Option<String>,
    limit: Option<usize>,
}

/// What became of each.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReplayedEvents))]
pub(crate) struct Replayed {
    queued: usize,
    results: Vec<One>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReplayResult))]
struct One {
    id: String,
    result: Outcome,
    /// Where it stands, when that is what keeps it from being replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<EventState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReplayOutcome))]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Queued,
    NotParked,
    NotFound,
    /// A part of ours did not answer; the event is parked still.
    Failed,
}

/// A request that makes sense.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    These(Vec<String>),
    Parked { provider: Option<Provider>, limit: usize },
}

/// Tries parked events again: these, or the longest parked.
///
/// Give `ids`, or `state: parked` with a `provider` and a `limit` if need be.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/events/replay", operation_id = "replay_events", tag = "events",
    security(("api_key" = ["admin"])),
    request_body(content = Wanted, example = json!({"state": "parked", "provider": "meta", "limit": 50})),
    responses((status = 202, description = "What became of each.", body = Replayed)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Data<Replayed>, Problem> {
    params.only(&[])?;
    let tenant = caller.tenant();
    let ids = match choice(wanted)? {
        Choice::These(ids) => ids,
        Choice::Parked { provider, limit } => {
            let parked = parked_events(&platform.store, tenant, provider, limit).await?;
            parked.iter().map(EventId::to_string).collect()
        }
    };
    tracing::info!(key.id = %caller.principal.key_id, count = ids.len(), "replay of {} events was asked for", ids.len());
    let (actor, target) = (caller.principal.key_id.to_string(), format!("{} events", ids.len()));
    let entry = NewAuditEntry {
        at: caller.now(),
        actor: &actor,
        action: "events.replay",
        target: &target,
        trace_id: caller.call.trace_id,
    };
    platform.store.append_audit(tenant, entry).await?;
    let attempts = ids.into_iter().map(|text| async {
        // What is no event id names no event.
        let replayed = match EventId::parse(&text) {
            Ok(id) => replay(&platform, tenant, id, caller.now()).await,
            Err(_) => Ok(Replay::NotFound),
        };
        (text, replayed)
    });
    let done: Vec<_> = futures_util::stream::iter(attempts).buffered(AT_A_TIME).collect().await;
    answer(done).map(Data::accepted)
}

fn choice(wanted: Wanted) -> Result<Choice, Problem> {
    let Wanted { ids, state, provider, limit } = wanted;
    match (ids, state) {
        (Some(_), Some(_)) => Err(Problem::invalid("state", "Give either `ids` or `state`, not both.")),
        (None, None) => Err(Problem::invalid("ids", "Give either `ids` or `state`.")),
        (Some(_), None) if provider.is_some() => {
            Err(Problem::invalid("provider", "This goes with `state` only."))
        }
        (Some(_), None) if limit.is_some() => Err(Problem::invalid("limit", "This goes with `state` only.")),
        (Some(ids), None) => {
            let mut unique = Vec::with_capacity(ids.len().min(AT_MOST));
            if ids.is_empty() || ids.len() > AT_MOST {
                return Err(Problem::invalid("ids", format!("Expected 1 to {AT_MOST} ids.")));
            }
            for id in ids {
                if !unique.contains(&id) {
                    unique.push(id);
                }
            }
            Ok(Choice::These(unique))
        }
        (None, Some(state)) => {
            if EventState::parse(&state) != Some(EventState::Parked) {
                return Err(Problem::invalid("state", "Only `parked` events can be replayed."));
            }
            let limit = limit.unwrap_or(AT_MOST);
            if !(1..=AT_MOST).contains(&limit) {
                return Err(Problem::invalid(
                    "limit",
                    format!("Expected a whole number from 1 to {AT_MOST}."),
                ));
            }
            let provider = provider.map(|name| Provider::parse(&name).ok_or(())).transpose();
            let provider = provider
                .map_err(|()| Problem::invalid("provider", "Expected `meta`, `dialog360` or `ultramsg`."))?;
            Ok(Choice::Parked { provider, limit })
        }
    }
}

/// The answer for what was done; when nothing at all could be done, the reason.
fn answer(done: Vec<(String, Result<Replay, ReplayError>)>) -> Result<Replayed, Problem> {
    let mut results = Vec::with_capacity(done.len());
    let mut last_error = None;
    for (id, replayed) in done {
        let (result, state) = match replayed {
            Ok(Replay::Queued) => (Outcome::Queued, None),
            Ok(Replay::NotParked(state)) => (Outcome::NotParked, Some(state)),
            Ok(Replay::NotFound) => (Outcome::NotFound, None),
            Err(error) => {
                tracing::warn!(event.id = id, "replay of {id} failed: {error}");
                last_error = Some(error);
                (Outcome::Failed, None)
            }
        };
        results.push(One { id, result, state });
    }
    match last_error {
        Some(error) if results.iter().all(|one| one.result == Outcome::Failed) => Err(problem(error)),
        _ => {
            let queued = results.iter().filter(|one| one.result == Outcome::Queued).count();
            Ok(Replayed { queued, results })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(ids: Option<usize>, state: Option<&str>, limit: Option<usize>) -> Wanted {
        let ids = ids.map(|count| (0..count).map(|n| n.to_string()).collect());
        Wanted { ids, state: state.map(str::to_owned), provider: None, limit }
    }

    #[test]
    fn events_are_chosen_by_id_or_by_state_and_never_more_than_a_hundred() {
        assert_eq!(
            choice(wanted(Some(100), None, None)).unwrap(),
            Choice::These((0..100).map(|n| n.to_string()).collect())
        );
        assert_eq!(
            choice(wanted(None, Some("parked"), None)).unwrap(),
            Choice::Parked { provider: None, limit: 100 }
        );
        assert_eq!(
            choice(wanted(None, Some("parked"), Some(5))).unwrap(),
            Choice::Parked { provider: None, limit: 5 }
        );
        for (bad, field) in [
            (wanted(Some(101), None, None), "ids"),
            (wanted(Some(0), None, None), "ids"),
            (wanted(None, None, None), "ids"),
            (wanted(Some(1), Some("parked"), None), "state"),
            (wanted(None, Some("ignored"), None), "state"),
            (wanted(None, Some("applied"), None), "state"),
            (wanted(None, Some("parked"), Some(0)), "limit"),
            (wanted(None, Some("parked"), Some(101)), "limit"),
            (wanted(Some(1), None, Some(5)), "limit"),
            (Wanted { provider: Some("sms".into()), ..wanted(None, Some("parked"), None) }, "provider"),
        ] {
            let shown = format!("{bad:?}");
            assert_eq!(choice(bad).unwrap_err().field(), Some(field), "{shown}");
        }
    }

    #[test]
    fn an_id_that_is_given_twice_is_replayed_once() {
        let twice =
            Wanted { ids: Some(vec!["a".into(), "b".into(), "a".into()]), ..wanted(None, None, None) };
        assert_eq!(choice(twice).unwrap(), Choice::These(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn each_event_has_its_own_result() {
        let done = vec![
            ("evt_1".to_owned(), Ok(Replay::Queued)),
            ("evt_2".to_owned(), Ok(Replay::NotParked(EventState::Replaying))),
            ("evt_3".to_owned(), Ok(Replay::NotFound)),
        ];
        let answer = answer(done).unwrap();
        let outcomes: Vec<Outcome> = answer.results.iter().map(|one| one.result).collect();
        assert_eq!(outcomes, [Outcome::Queued, Outcome::NotParked, Outcome::NotFound]);
        assert_eq!((answer.queued, answer.results[1].state), (1, Some(EventState::Replaying)));
    }
}
