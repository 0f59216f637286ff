//! `POST /v1/whatsapp/templates/sync`

use crate::problem::unread;
use axum::Extension;
use axum::extract::State;
use crm::templates::{Synced, owner, sync};
use platform::Platform;
use platform::http::{Agent, Caller, Data, NoBody, Params, Problem};
use platform::transport::Transport;

/// Reads the templates from the providers now.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/templates/sync", operation_id = "sync_templates", tag = "templates",
    security(("api_key" = ["agent"])),
    responses((status = 200, description = "What changed.", body = Synced)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    NoBody: NoBody,
) -> Result<Data<Synced>, Problem> {
    params.only(&[])?;
    let tenant = caller.tenant();
    if owner(&platform.store, tenant).await? != tenant {
        let message = "A test key reads the templates of its live tenant; sync them with a live key.";
        return Err(Problem::Conflict { message: message.to_owned(), retry_after_s: None });
    }
    sync(&platform, &transport, tenant, caller.now()).await.map(Data::ok).map_err(unread)
}
