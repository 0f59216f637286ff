//! `POST /v1/conversations/{id}/suggest`

use axum::Extension;
use axum::extract::State;
use crm::assistant::{Suggestion, suggest};
use domain::ids::ConversationId;
use platform::Platform;
use platform::courier::Courier;
use platform::http::{Agent, Caller, Data, NoBody, Params, PathId, Problem};

/// Drafts an answer to a conversation, in the customer's language, by the tenant's assistant.
///
/// Nothing is sent: send the text as a message, as it is or changed, or with `"hold": true`.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/conversations/{id}/suggest", operation_id = "suggest_answer", tag = "conversations",
    security(("api_key" = ["agent"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "The draft.", body = Suggestion)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(courier): Extension<Courier>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Suggestion>, Problem> {
    params.only(&[])?;
    let id = id.parse(ConversationId::parse)?;
    Ok(Data::ok(suggest(&platform, &courier, caller.tenant(), id).await?))
}
