//! `GET /v1/conversations/{id}/handoff`

use axum::extract::State;
use crm::read::{Handoff, handoff};
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows everything that a person needs who takes a conversation over.
///
/// Who the customer is, their lead, why the conversation went to a person, what colleagues noted, and the newest messages.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations/{id}/handoff", operation_id = "get_conversation_handoff", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The conversation as a person takes it over.", body = Handoff)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Handoff>, Problem> {
    params.only(&[])?;
    let id = id.parse(ConversationId::parse)?;
    let found = handoff(&platform.store, caller.tenant(), id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
