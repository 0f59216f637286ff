//! `GET /v1/conversations/{id}`

use axum::extract::State;
use crm::read::{Conversation, conversation};
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows a conversation.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations/{id}", operation_id = "get_conversation", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation.", body = Conversation)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Conversation>, Problem> {
    params.only(&[])?;
    let id = id.parse(ConversationId::parse)?;
    let found = conversation(&platform.store, caller.tenant(), id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
