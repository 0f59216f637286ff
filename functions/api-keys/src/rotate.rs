//! `POST /v1/api-keys/{id}/rotate`

use crate::body::Shown;
use crate::problem::problem;
use axum::extract::State;
use axum::response::Response;
use crm::api_keys::{By, rotate};
use domain::ids::KeyId;
use platform::Platform;
use platform::http::{Admin, Caller, Data, OptionalBody, Params, PathId, Problem, Seed};
use serde::Deserialize;

/// How long the old key stays good unless told, in seconds: a day.
const OVERLAP_S: u64 = 24 * 60 * 60;
/// The longest it may, in seconds: a week.
const LONGEST_OVERLAP_S: u64 = 7 * OVERLAP_S;

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RotateApiKey))]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    #[serde(default)]
    overlap_seconds: Option<u64>,
}

/// Makes a key that takes the place of another.
///
/// The old one stays good for a day, or for `overlap_seconds`.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api-keys/{id}/rotate", operation_id = "rotate_api_key", tag = "api_keys",
    security(("api_key" = ["admin"])),
    params(("id" = KeyId, Path, description = "The API key.")),
    request_body(content = Option<Body>, example = json!({"overlap_seconds": 3600})),
    responses((status = 201, description = "The new key, shown once.", body = Shown)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    OptionalBody(body): OptionalBody<Body>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let overlap_s = body.overlap_seconds.unwrap_or(OVERLAP_S);
    if overlap_s > LONGEST_OVERLAP_S {
        let message = format!("Expected 0 to {LONGEST_OVERLAP_S} seconds.");
        return Err(Problem::invalid("overlap_seconds", message));
    }
    let id = id.parse(KeyId::parse)?;
    let by = By::new(&caller.principal, caller.now(), caller.call.trace_id);
    let made = rotate(&platform, &by, id, seed.ulid("api key"), overlap_s * 1_000).await.map_err(problem)?;
    let shown = Shown { view: made.view.clone(), key: Some(made.key.expose().to_owned()) };
    Ok(Data::created(shown).shown_once(Data::created(Shown { view: made.view, key: None })))
}
