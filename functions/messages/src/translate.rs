//! `POST /v1/whatsapp/messages/{id}/translate`

use axum::Extension;
use axum::extract::State;
use crm::assistant::{Translated, translate};
use domain::ids::MessageId;
use domain::language::Language;
use platform::Platform;
use platform::courier::Courier;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem};
use serde::Deserialize;

/// Into which language.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TranslateMessage))]
#[serde(deny_unknown_fields)]
pub(crate) struct TranslateBody {
    /// The language to translate into.
    to: Language,
}

/// Translates a message by the tenant's assistant.
///
/// The original stays as it is. The translation is kept beside it and shown with the message from then on; asked for
/// again, nobody is asked.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/translate", operation_id = "translate_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    request_body(content = TranslateBody, example = json!({"to": "en"})),
    responses((status = 200, description = "The message's words and their translation.", body = Translated)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(courier): Extension<Courier>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<TranslateBody>,
) -> Result<Data<Translated>, Problem> {
    params.only(&[])?;
    let id = id.parse(MessageId::parse)?;
    Ok(Data::ok(translate(&platform, &courier, caller.tenant(), id, body.to, caller.now()).await?))
}
