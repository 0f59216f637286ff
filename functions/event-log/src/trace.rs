//! `GET /v1/traces/{trace_id}`

use axum::extract::State;
use crm::read::{Trace, trace};
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};
use uuid::Uuid;

/// Shows everything that carries a trace id.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/traces/{trace_id}", operation_id = "get_trace", tag = "events",
    security(("api_key" = ["viewer"])),
    params(("trace_id" = Uuid, Path, description = "A trace id, as in the header `X-Trace-Id`.")),
    responses((status = 200, description = "What carries it.", body = Trace)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Trace>, Problem> {
    params.only(&[])?;
    let id = id.parse(Uuid::try_parse)?;
    let found = trace(&platform.store, caller.tenant(), id).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
