//! `GET`, `PATCH` and `DELETE /v1/api-keys/{id}`

use crate::body::{allowed_ips, expires_at, given, name};
use crate::problem::problem;
use axum::extract::State;
use crm::api_keys::{By, KeyView, edit, find, revoke};
use domain::address_range::AddressRange;
use domain::ids::KeyId;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::KeyEdit;
use platform::http::{Admin, Caller, Data, JsonBody, NoBody, Params, PathId, Problem};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateApiKey))]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    allowed_ips: Option<Vec<AddressRange>>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Millis>))]
    expires_at: Option<Option<Millis>>,
}

/// Shows an API key.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api-keys/{id}", operation_id = "get_api_key", tag = "api_keys",
    security(("api_key" = ["admin"])),
    params(("id" = KeyId, Path, description = "The API key.")),
    responses((status = 200, description = "The key.", body = KeyView)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<KeyView>, Problem> {
    params.only(&[])?;
    let id = id.parse(KeyId::parse)?;
    find(&platform, &by(&caller), id).await.map(Data::ok).map_err(problem)
}

/// Changes the name, the addresses or the end of an API key.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/api-keys/{id}", operation_id = "update_api_key", tag = "api_keys",
    security(("api_key" = ["admin"])),
    params(("id" = KeyId, Path, description = "The API key.")),
    request_body(content = Body, example = json!({"name": "Website", "allowed_ips": ["203.0.113.7"]})),
    responses((status = 200, description = "The key as it is now.", body = KeyView)),
))]
pub(crate) async fn patch(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<Body>,
) -> Result<Data<KeyView>, Problem> {
    params.only(&[])?;
    let now = caller.now();
    let change = KeyEdit {
        name: body.name.as_deref().map(name).transpose()?,
        allowed_ips: body.allowed_ips.map(allowed_ips).transpose()?,
        expires_at: body.expires_at.map(|at| at.map(|at| expires_at(at, now)).transpose()).transpose()?,
    };
    if change == KeyEdit::default() {
        return Err(Problem::invalid(
            "body",
            "Expected at least one of `name`, `allowed_ips`, `expires_at`.",
        ));
    }
    let id = id.parse(KeyId::parse)?;
    edit(&platform, &by(&caller), id, &change).await.map(Data::ok).map_err(problem)
}

/// Revokes an API key; it opens nothing from the next request on.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api-keys/{id}", operation_id = "revoke_api_key", tag = "api_keys",
    security(("api_key" = ["admin"])),
    params(("id" = KeyId, Path, description = "The API key.")),
    responses((status = 200, description = "The revoked key.", body = KeyView)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<KeyView>, Problem> {
    params.only(&[])?;
    let id = id.parse(KeyId::parse)?;
    revoke(&platform, &by(&caller), id).await.map(Data::ok).map_err(problem)
}

fn by(caller: &Caller<Admin>) -> By {
    By::new(&caller.principal, caller.now(), caller.call.trace_id)
}
