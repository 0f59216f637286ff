//! `GET /v1/whatsapp/messages/{id}/evidence`

use axum::extract::State;
use crm::consent::{Evidence, evidence};
use domain::ids::MessageId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows what the leave to send a message rested on: the verdict, the rows of the consent ledger, where it ended.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/messages/{id}/evidence", operation_id = "get_message_evidence", tag = "messages",
    security(("api_key" = ["viewer"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The evidence.", body = Evidence)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Evidence>, Problem> {
    params.only(&[])?;
    let id = id.parse(MessageId::parse)?;
    evidence(&platform.store, caller.tenant(), id).await?.map(Data::ok).ok_or(Problem::NotFound)
}
