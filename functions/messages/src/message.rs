//! `GET /v1/whatsapp/messages/{id}`

use axum::extract::State;
use crm::read::{Message, message};
use domain::ids::MessageId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows a message.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/messages/{id}", operation_id = "get_message", tag = "messages",
    security(("api_key" = ["viewer"])),
    params(
        ("id" = MessageId, Path, description = "The message."),
        ("include" = Option<String>, Query, description = "`raw` adds the provider's own JSON."),
    ),
    responses((status = 200, description = "The message.", body = Message)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Message>, Problem> {
    let raw = params.only(&["include"])?.read("include", "`raw`", |text| (text == "raw").then_some(()))?;
    let id = id.parse(MessageId::parse)?;
    let found = message(&platform.store, caller.tenant(), id, raw.is_some()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
