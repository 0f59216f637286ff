//! `GET`, `PATCH` and `DELETE /v1/webhooks/endpoints/{id}`, `POST .../rotate-secret` and `.../test`

use crate::Loopback;
use crate::audit::note;
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
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    url: Option<String>,
    events: Option<Vec<String>>,
    /// `null` is nothing.
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
    status: Option<Status>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Enabled,
    Disabled,
}

/// How a secret is rotated.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RotateBody {
    force: bool,
}

/// A receiver that is gone.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    id: EndpointId,
    deleted: bool,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

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
    let (tenant, now) = (caller.tenant(), caller.now());
    let changed = endpoints::change(&platform, tenant, id, change, allow_loopback, now).await;
    let changed = changed.map_err(problem)?;
    note(&platform, &caller, "endpoint.update", &id.to_string()).await?;
    Ok(Data::ok(changed))
}

pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Deleted>, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    endpoints::delete(&platform, caller.tenant(), id).await.map_err(problem)?;
    note(&platform, &caller, "endpoint.delete", &id.to_string()).await?;
    Ok(Data::ok(Deleted { id, deleted: true }))
}

pub(crate) async fn rotate(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    OptionalBody(RotateBody { force }): OptionalBody<RotateBody>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let id = id.parse(EndpointId::parse)?;
    let rotated = endpoints::rotate(&platform, caller.tenant(), id, force, caller.now()).await;
    let rotated = rotated.map_err(problem)?;
    note(&platform, &caller, "endpoint.rotate_secret", &id.to_string()).await?;
    let kept = Data::ok(rotated.without());
    Ok(Data::ok(rotated).shown_once(kept))
}

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
