//! `GET /v1/events/{id}`

use axum::extract::State;
use crm::read::{EventView, event};
use domain::ids::EventId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows an event with what the provider sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/events/{id}", operation_id = "get_event", tag = "events",
    security(("api_key" = ["viewer"])),
    params(("id" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The event.", body = EventView)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<EventView>, Problem> {
    params.only(&[])?;
    let id = id.parse(EventId::parse)?;
    let found = event(&platform.store, caller.tenant(), id).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
