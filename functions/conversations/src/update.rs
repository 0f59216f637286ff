//! `PATCH /v1/conversations/{id}`

use axum::Extension;
use axum::extract::State;
use crm::inbox::{Change, Changed, change};
use crm::read::ConversationStatus;
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem};
use platform::transport::Transport;
use serde::{Deserialize, Deserializer};

/// The longest name of an assignee, in characters.
const LONGEST_NAME: usize = 128;

/// What changes; what is not named stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    status: Option<ConversationStatus>,
    /// `null` is nobody.
    #[serde(default, deserialize_with = "given")]
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

pub(crate) async fn patch(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Data<Changed>, Problem> {
    params.only(&[])?;
    let wanted = read(body)?;
    let id = id.parse(ConversationId::parse)?;
    let changed = change(&platform, &transport, caller.tenant(), id, &wanted, caller.now()).await?;
    changed.map(Data::ok).ok_or(Problem::NotFound)
}

fn read(body: ChangeBody) -> Result<Change, Problem> {
    let assignee = body.assignee.map(Option::unwrap_or_default);
    if let Some(name) = &assignee {
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Problem::invalid("assignee", format!("Expected at most {LONGEST_NAME} characters.")));
        }
    }
    let change = Change { status: body.status, assignee, read: body.read, typing: body.typing };
    if change == Change::default() {
        return Err(Problem::invalid("body", "Say what changes: status, assignee, read, typing."));
    }
    Ok(change)
}
