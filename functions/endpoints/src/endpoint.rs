//! `GET`, `PATCH` and `DELETE /v1/webhooks/endpoints/{id}`, `POST .../rotate-secret` and `.../test`

use crate::Loopback;
use crate::audit::entry;
use crate::problem::{problem, switched_off};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crm::endpoints::{self, Change, EndpointView};
use crm::events::{self, Emitter};
use crm::read::{Delivery, delivery};
use domain::ids::EndpointId;
use platform::Platform;
use platform::http::{
    Admin, Caller, Data, JsonBody, NoBody, OptionalBody, Params, PathId, Problem, Seed, Viewer,
};
use serde::{Deserialize, Deserializer, Serialize};

/// What changes; what is not named stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateEndpoint))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    url: Option<String>,
    events: Option<Vec<String>>,
    /// `null` is nothing.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    description: Option<Option<String>>,
    status: Option<Status>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EndpointStatus))]
#[serde(rename_all = "lowercase")]
enum Status {
    Enabled,
    Disabled,
}

/// How a secret is rotated.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RotateEndpointSecret))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotateBody {
    force: bool,
}

/// A receiver that is gone.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeletedEndpoint))]
pub(crate) struct Deleted {
    id: EndpointId,
    deleted: bool,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Shows an endpoint.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/webhooks/endpoints/{id}", operation_id = "get_endpoint", tag = "webhooks",
    security(("api_key" = ["viewer"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<EndpointView>, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    let found = endpoints::get(&platform, caller.tenant(), id, caller.now()).await;
    found.map(Data::ok).map_err(problem)
}

/// Changes an endpoint.
///
/// What is not named stays; `description: null` is nothing.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/webhooks/endpoints/{id}", operation_id = "update_endpoint", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    request_body(content = ChangeBody, example = json!({"events": ["*"], "status": "enabled"})),
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView)),
))]
pub(crate) async fn patch(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(Loopback(allow_loopback)): Extension<Loopback>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Data<EndpointView>, Problem> {
    params.only(&[])?;
    let ChangeBody { url, events, description, status } = body;
    if url.is_none() && events.is_none() && description.is_none() && status.is_none() {
        return Err(Problem::invalid("body", "Say what changes: url, events, description, status."));
    }
    let enabled = status.map(|status| status == Status::Enabled);
    let change = Change { url, events, description, enabled };
    let id = id.parse(EndpointId::parse)?;
    let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
    let entry = entry(&caller, &actor, "endpoint.update", &target);
    let changed = endpoints::change(&platform, caller.tenant(), id, change, allow_loopback, entry).await;
    changed.map(Data::ok).map_err(problem)
}

/// Deletes an endpoint; what is still to be delivered to it is cancelled.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/webhooks/endpoints/{id}", operation_id = "delete_endpoint", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    responses((status = 200, description = "It is gone.", body = Deleted)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Deleted>, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
    let entry = entry(&caller, &actor, "endpoint.delete", &target);
    endpoints::delete(&platform, caller.tenant(), id, entry).await.map_err(problem)?;
    Ok(Data::ok(Deleted { id, deleted: true }))
}

/// Makes a new secret for an endpoint.
///
/// For 24 hours deliveries carry a signature of each; `force` ends a rotation that is under way.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/webhooks/endpoints/{id}/rotate-secret", operation_id = "rotate_endpoint_secret", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    request_body(content = Option<RotateBody>, example = json!({"force": false})),
    responses((status = 200, description = "The endpoint with its new secret, shown once.", body = endpoints::WithSecret)),
))]
pub(crate) async fn rotate(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    OptionalBody(RotateBody { force }): OptionalBody<RotateBody>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
    let entry = entry(&caller, &actor, "endpoint.rotate_secret", &target);
    let rotated = endpoints::rotate(&platform, caller.tenant(), id, force, entry).await;
    let rotated = rotated.map_err(problem)?;
    let kept = Data::ok(rotated.without());
    Ok(Data::ok(rotated).shown_once(kept))
}

/// Delivers a `ping` to an endpoint.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/webhooks/endpoints/{id}/test", operation_id = "test_endpoint", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = EndpointId, Path, description = "The endpoint.")),
    responses((status = 202, description = "The delivery, under way.", body = Delivery)),
))]
pub(crate) async fn test(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Delivery>, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    let tenant = caller.tenant();
    let found = endpoints::get(&platform, tenant, id, caller.now()).await.map_err(problem)?;
    if found.status != "enabled" {
        return Err(switched_off());
    }
    let trace_id = caller.call.trace_id;
    let emitter = Emitter { platform: &platform, tenant, receivers: &[], trace_id, now: seed.first_at };
    let made = events::ping(emitter, id, seed.ulid("ping")).await?;
    let made = delivery(&platform.store, tenant, made).await?;
    made.map(Data::accepted).ok_or(Problem::NotFound)
}
