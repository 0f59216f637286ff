//! `POST /v1/integrations/whatsapp/{provider}/check`

use crate::World;
use crate::select::{Numbers, provider};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use crm::integrations::{Checked, check};
use domain::number::ConnectionStatus;
use platform::Platform;
use platform::http::{Admin, Caller, Data, NoBody, Params, PathId, Problem};

/// Asks the provider whether a number works.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/integrations/whatsapp/{provider}/check", operation_id = "check_integration", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = domain::provider::Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    responses((status = 200, description = "What it answered.", body = Checked)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    NoBody: NoBody,
) -> Result<Data<Checked>, Problem> {
    let params = params.only(&["number"])?;
    let provider = provider(&path)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let without = |status, message| Data::ok(Checked::without_call(provider, status, message, caller.now()));
    if numbers.sandbox {
        let message = "This is the sandbox: what is sent is recorded, and no provider is called.";
        return Ok(without(ConnectionStatus::Demo, message));
    }
    let Some(integration) = numbers.one(provider, &params)? else {
        let message = "No number of this provider is connected, so nothing can be sent through it.";
        return Ok(without(ConnectionStatus::NotConfigured, message));
    };
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let checked = check(outside, caller.tenant(), integration, caller.now()).await;
    checked.map(Data::ok).map_err(Problem::unavailable)
}
