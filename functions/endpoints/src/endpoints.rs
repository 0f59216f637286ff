//! `GET` and `POST /v1/webhooks/endpoints`

use crate::Loopback;
use crate::audit::entry;
use crate::problem::problem;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crm::endpoints::{Draft, EndpointView, create, list};
use domain::ids::EndpointId;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Listing, Page, Params, Problem, Seed, Viewer};
use serde::Deserialize;

/// A receiver to make.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateEndpoint))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEndpoint {
    url: String,
    events: Vec<String>,
    description: Option<String>,
}

/// Lists endpoints, oldest first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/webhooks/endpoints", operation_id = "list_endpoints", tag = "webhooks",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "A page of endpoints.", body = Page<EndpointView>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<EndpointView>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "webhooks/endpoints").await?;
    let after = listing.after(|text| EndpointId::parse(text).ok())?;
    let mut found = list(&platform, caller.tenant(), caller.now()).await?;
    found.retain(|endpoint| after.is_none_or(|after| endpoint.id > after));
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|endpoint| endpoint.id.to_string());
    Ok(Data::ok(listing.page(found, next.as_deref())?))
}

/// Makes an endpoint: an address of yours that events are delivered to.
///
/// The secret that signs deliveries is in this answer and never again.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/webhooks/endpoints", operation_id = "create_endpoint", tag = "webhooks",
    security(("api_key" = ["admin"])),
    request_body(content = NewEndpoint, example = json!({
        "url": "https://hooks.example.com/hadar",
        "events": [
            "lead.created",
            "message.received"
        ],
        "description": "CRM sync"
    })),
    responses((status = 201, description = "The endpoint with its secret, shown once.", body = crm::endpoints::WithSecret)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(Loopback(allow_loopback)): Extension<Loopback>,
    params: Params,
    seed: Seed,
    JsonBody(body): JsonBody<NewEndpoint>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let NewEndpoint { url, events, description } = body;
    let draft = Draft { url, events, description };
    let id = EndpointId::from_ulid(seed.ulid("endpoint"));
    let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
    let entry = entry(&caller, &actor, "endpoint.create", &target);
    let made = create(&platform, caller.tenant(), draft, id, allow_loopback, entry).await;
    let made = made.map_err(problem)?;
    let kept = Data::created(made.without());
    Ok(Data::created(made).shown_once(kept))
}
