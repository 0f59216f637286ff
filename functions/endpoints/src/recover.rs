//! `POST /v1/webhooks/endpoints/{id}/recover`

use crate::problem::{problem, switched_off};
use axum::extract::State;
use crm::deliver::{Recovered, recover};
use crm::endpoints;
use domain::ids::EndpointId;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Params, PathId, Problem};
use serde::Deserialize;

/// Since when.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RecoverDeliveries))]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    since: Millis,
}

/// Delivers again what an endpoint missed since an instant.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/webhooks/endpoints/{id}/recover", operation_id = "recover_endpoint", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    request_body(content = Since, example = json!({"since": "2026-01-31T08:00:00Z"})),
    responses((status = 202, description = "How many deliveries were begun again.", body = Recovered)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    JsonBody(Since { since }): JsonBody<Since>,
) -> Result<Data<Recovered>, Problem> {
    params.only(&[])?;
    if since > caller.now() {
        return Err(Problem::invalid("since", "Expected a time that has passed."));
    }
    let id = id.parse(EndpointId::parse)?;
    let tenant = caller.tenant();
    endpoints::get(&platform, tenant, id, caller.now()).await.map_err(problem)?;
    let recovered = recover(&platform, tenant, id, since).await?.ok_or_else(switched_off)?;
    caller.note(&platform.store, "endpoint.recover", &id.to_string()).await?;
    Ok(Data::accepted(recovered))
}
