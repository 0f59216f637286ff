//! `PATCH /v1/whatsapp/messages/{id}`: what a held message says.

use crate::content::variables;
use crate::problem::problem;
use crate::send::{by, shown};
use axum::Extension;
use axum::extract::State;
use crm::read::Message;
use crm::send::{Edit, Edited};
use domain::ids::MessageId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem, Seed};
use platform::transport::Transport;
use serde::Deserialize;
use serde_json::Value;

/// What changes of a held message.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EditMessage))]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// The words of a text.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 4096))]
    text: Option<String>,
    /// What fills a template's variables, all of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<domain::outgoing::Variables>))]
    variables: Option<Value>,
    /// The `version` that was read: when it is another by now, nothing changes.
    version: Option<u64>,
}

/// Changes what a held message says.
///
/// What is sent is what the last change says. A clock that runs goes on.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/whatsapp/messages/{id}", operation_id = "edit_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    request_body(content = EditBody, example = json!({"text": "Hello Aisha, the two-bedroom is free. When may I call?", "version": 0})),
    responses(
        (status = 200, description = "The message as it is now.", body = Message),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn patch(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<EditBody>,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let change = match (body.text, body.variables) {
        (Some(text), None) => Edit::Text(text),
        (None, Some(given)) => Edit::Variables(variables(Some(given), "variables")?),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("variables", "Give one of `text` and `variables`."));
        }
        (None, None) => return Err(Problem::invalid("text", "Give one of `text` and `variables`.")),
    };
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let times = (seed.first_at, caller.now());
    let edited = crm::send::edit(&platform, &transport, by, id, change, body.version, times).await;
    let message = match edited.map_err(problem)? {
        Edited::Yes => return shown(&platform, by, id).await.map(Data::ok),
        Edited::NotFound => return Err(Problem::NotFound),
        Edited::No(state) => format!("Only a held message can be changed; this one is `{}`.", state.as_str()),
        Edited::Meanwhile(version) => {
            format!("Somebody else changed the message: it is at version {version}. Read it again.")
        }
    };
    Err(Problem::Conflict { message, retry_after_s: None })
}
