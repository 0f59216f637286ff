//! `POST /v1/api-keys`

use crate::body::{Shown, allowed_ips, expires_at, name};
use crate::problem::problem;
use axum::extract::State;
use axum::response::Response;
use crm::api_keys::{By, Wanted, create};
use domain::access::{Environment, Role};
use domain::address_range::AddressRange;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Params, Problem, Seed};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateApiKey))]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    name: String,
    role: Role,
    environment: Environment,
    #[serde(default)]
    expires_at: Option<Millis>,
    #[serde(default)]
    allowed_ips: Vec<AddressRange>,
}

/// Makes an API key.
///
/// The key is in this answer and never again. With `environment: test` and an `expires_at` it is a temporary key for trying
/// things out: it opens the sandbox, calls no provider and ends by itself.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api-keys", operation_id = "create_api_key", tag = "api_keys",
    security(("api_key" = ["admin"])),
    request_body(content = Body, example = json!({
        "name": "Try-out",
        "role": "agent",
        "environment": "test",
        "allowed_ips": [
            "203.0.113.0/24"
        ]
    })),
    responses((status = 201, description = "The key, shown once.", body = Shown)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    seed: Seed,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let wanted = Wanted {
        name: name(&body.name)?,
        role: body.role,
        environment: body.environment,
        expires_at: body.expires_at.map(|at| expires_at(at, caller.now())).transpose()?,
        allowed_ips: allowed_ips(body.allowed_ips)?,
    };
    let by = By::new(&caller.principal, caller.now(), caller.call.trace_id);
    let made = create(&platform, &by, seed.ulid("api key"), &wanted).await.map_err(problem)?;
    let shown = Shown { view: made.view.clone(), key: Some(made.key.expose().to_owned()) };
    Ok(Data::created(shown).shown_once(Data::created(Shown { view: made.view, key: None })))
}
