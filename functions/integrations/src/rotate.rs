//! `POST /v1/integrations/whatsapp/{provider}/rotate-secret`

use crate::World;
use crate::number::{by, saved};
use crate::problem::problem;
use crate::select::{Numbers, provider};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use crm::integrations::rotate;
use platform::Platform;
use platform::http::{Admin, Caller, NoBody, Params, PathId, Problem};

/// Makes a new webhook secret for a number.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/integrations/whatsapp/{provider}/rotate-secret", operation_id = "rotate_integration_secret", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = domain::provider::Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
        ("force" = Option<bool>, Query, description = "Whether a rotation that is under way ends at once."),
    ),
    responses(
        (status = 200, description = "The number with its new secret, shown once.", body = crate::number::SavedCard),
        (status = 201, description = "As 200.", body = crate::number::SavedCard),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    NoBody: NoBody,
) -> Result<Response, Problem> {
    let params = params.only(&["number", "force"])?;
    let provider = provider(&path)?;
    let force = params.flag("force")?.unwrap_or(false);
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let by = by(&caller);
    let rotated = rotate(outside, by, integration, force, caller.now()).await.map_err(problem)?;
    saved(outside, by, rotated, caller.now()).await
}
