//! `POST /v1/events/{id}/replay`

use axum::extract::State;
use crm::read::{LoggedState, event_state};
use crm::replay::{Replay, ReplayError, replay};
use domain::ids::EventId;
use domain::parked::EventState;
use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Data, NoBody, Params, PathId, Problem};
use serde::Serialize;

/// An event that is tried again.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReplayingEvent))]
pub(crate) struct Replaying {
    id: EventId,
    state: LoggedState,
}

/// Tries a parked event again.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/events/{id}/replay", operation_id = "replay_event", tag = "events",
    security(("api_key" = ["admin"])),
    params(("id" = EventId, Path, description = "The event.")),
    responses((status = 202, description = "It is in the queue.", body = Replaying)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Replaying>, Problem> {
    params.only(&[])?;
    let id = id.parse(EventId::parse)?;
    let tenant = caller.tenant();
    let parked =
        platform.store.event(tenant, id).await?.is_some_and(|event| event.state == EventState::Parked);
    if parked {
        // Before it is done: what happened is then never missing from the log.
        let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
        let (at, trace_id) = (caller.now(), caller.call.trace_id);
        let entry = NewAuditEntry { at, actor: &actor, action: "event.replay", target: &target, trace_id };
        platform.store.append_audit(tenant, entry).await?;
    }
    let state = match replay(&platform, tenant, id, caller.now()).await.map_err(problem)? {
        Replay::Queued => {
            let state = LoggedState::Logged(EventState::Replaying);
            return Ok(Data::accepted(Replaying { id, state }));
        }
        Replay::NotParked(state) => LoggedState::Logged(state),
        // What applied is not in the log; it exists all the same.
        Replay::NotFound => event_state(&platform.store, tenant, id).await?.ok_or(Problem::NotFound)?,
    };
    let message = format!("Only a parked event can be replayed; this one is `{}`.", state.as_str());
    Err(Problem::Conflict { message, retry_after_s: None })
}

pub(crate) fn problem(error: ReplayError) -> Problem {
    match error {
        ReplayError::Store(error) => error.into(),
        ReplayError::Queue(error) => Problem::unavailable(error),
    }
}
