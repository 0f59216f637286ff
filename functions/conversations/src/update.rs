//! `PATCH /v1/conversations/{id}`

use axum::Extension;
use axum::extract::State;
use crm::events::{Emitter, Receiver, conversation_updated};
use crm::inbox::{Change, Changed, change};
use crm::read::ConversationStatus;
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem, Seed};
use platform::transport::Transport;
use serde::{Deserialize, Deserializer};

/// The longest name of an assignee, in characters.
const LONGEST_NAME: usize = 128;

/// What changes; what is not named stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateConversation))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    status: Option<ConversationStatus>,
    /// `null` is nobody.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    assignee: Option<Option<String>>,
    #[serde(default)]
    read: bool,
    #[serde(default)]
    typing: bool,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Changes who works a conversation, marks it read, or shows that somebody is typing.
///
/// What is not named stays; `assignee: null` is nobody.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/conversations/{id}", operation_id = "update_conversation", tag = "conversations",
    security(("api_key" = ["agent"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    request_body(content = ChangeBody, example = json!({"status": "human", "assignee": "Omar", "read": true})),
    responses((status = 200, description = "The conversation as it is now.", body = Changed)),
))]
pub(crate) async fn patch(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Data<Changed>, Problem> {
    params.only(&[])?;
    let wanted = read(body)?;
    let id = id.parse(ConversationId::parse)?;
    let (tenant, now) = (caller.tenant(), caller.now());
    let changed = change(&platform, &transport, tenant, id, &wanted, now).await?;
    let changed = changed.ok_or(Problem::NotFound)?;
    if wanted.status.is_some() || wanted.assignee.is_some() {
        let receivers = Receiver::read(&platform, tenant).await?;
        let trace_id = caller.call.trace_id;
        let emitter = Emitter { platform: &platform, tenant, receivers: &receivers, trace_id, now };
        let (mark, at) = (seed.ulid("change").to_string(), seed.first_at);
        conversation_updated(emitter, &changed.conversation, &mark, at).await?;
    }
    Ok(Data::ok(changed))
}

fn read(body: ChangeBody) -> Result<Change, Problem> {
    let assignee = body.assignee.map(Option::unwrap_or_default);
    if let Some(name) = &assignee
        && (name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control))
    {
        return Err(Problem::invalid("assignee", format!("Expected at most {LONGEST_NAME} characters.")));
    }
    let change = Change { status: body.status, assignee, read: body.read, typing: body.typing };
    if change == Change::default() {
        return Err(Problem::invalid("body", "Say what changes: status, assignee, read, typing."));
    }
    Ok(change)
}
