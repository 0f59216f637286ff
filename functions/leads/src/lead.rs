//! `GET /v1/leads/{id}`

use axum::extract::State;
use crm::first_touch::{LeadDetail, lead_detail};
use domain::ids::LeadId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows a lead.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/leads/{id}", operation_id = "get_lead", tag = "leads",
    security(("api_key" = ["viewer"])),
    params(("id" = LeadId, Path, description = "The lead.")),
    responses((status = 200, description = "The lead.", body = LeadDetail)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<LeadDetail>, Problem> {
    params.only(&[])?;
    let id = id.parse(LeadId::parse)?;
    let found = lead_detail(&platform.store, caller.tenant(), id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
