//! `GET /v1/traces/{trace_id}`

use axum::extract::State;
use crm::read::{Trace, trace};
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};
use uuid::Uuid;

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
