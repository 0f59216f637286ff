//! `POST` and `DELETE /v1/conversations/{id}/lock`

use axum::extract::State;
use crm::desk::{self, Answering, Lock, Taken, Unlocked};
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Agent, Caller, Code, Data, JsonBody, NoBody, Params, PathId, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a lock lasts, unless the caller says so, in seconds.
const USUAL_S: u64 = 60;
/// The shortest and the longest lock, in seconds.
const BOUNDS_S: (u64, u64) = (5, 600);
/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 128;

/// Who answers, and for how long.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LockConversation))]
#[serde(deny_unknown_fields)]
pub(crate) struct LockBody {
    /// The person behind the key; absent, the key answers.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    agent: Option<String>,
    /// How long, in seconds; 60 unless told.
    #[cfg_attr(feature = "openapi", schema(minimum = 5, maximum = 600))]
    seconds: Option<u64>,
    /// Also from somebody else.
    #[serde(default)]
    take_over: bool,
}

/// A conversation's lock as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LockedConversation))]
pub(crate) struct Locked {
    /// The conversation.
    conversation_id: ConversationId,
    /// Who answers it; absent when nobody does.
    lock: Option<Lock>,
}

/// Locks a conversation while somebody answers it, or renews the lock.
///
/// Until it ends, messages of others to this customer are refused with `conversation_locked`.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/conversations/{id}/lock", operation_id = "lock_conversation", tag = "conversations",
    security(("api_key" = ["agent"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    request_body(content = LockBody, example = json!({"agent": "Omar", "seconds": 60})),
    responses((status = 200, description = "The lock, which is yours.", body = Locked)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<LockBody>,
) -> Result<Data<Locked>, Problem> {
    params.only(&[])?;
    let seconds = body.seconds.unwrap_or(USUAL_S);
    if !(BOUNDS_S.0..=BOUNDS_S.1).contains(&seconds) {
        return Err(Problem::invalid("seconds", format!("Expected {} to {}.", BOUNDS_S.0, BOUNDS_S.1)));
    }
    let agent = body.agent.map(name).transpose()?;
    let by = Answering { key: caller.principal.key_id, agent, anyway: body.take_over };
    let id = id.parse(ConversationId::parse)?;
    let now = caller.now();
    let until = now.plus_ms(seconds * 1000);
    match desk::lock(&platform.store, caller.tenant(), id, &by, until, now).await? {
        Taken::Yes(lock) => Ok(Data::ok(Locked { conversation_id: id, lock: Some(lock) })),
        Taken::Theirs(lock) => Err(locked(&lock, now)),
        Taken::NotFound => Err(Problem::NotFound),
    }
}

/// Gives the lock of a conversation up.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/conversations/{id}/lock", operation_id = "unlock_conversation", tag = "conversations",
    security(("api_key" = ["agent"])),
    params(
        ("id" = ConversationId, Path, description = "The conversation."),
        ("agent" = Option<String>, Query, description = "The person behind the key, as the lock names them."),
    ),
    responses((status = 200, description = "The lock is given up.", body = Locked)),
))]
pub(crate) async fn delete(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Locked>, Problem> {
    let params = params.only(&["agent"])?;
    let agent = params.get("agent").map(|text| name(text.to_owned())).transpose()?;
    let by = Answering { key: caller.principal.key_id, agent, anyway: false };
    let id = id.parse(ConversationId::parse)?;
    let now = caller.now();
    match desk::unlock(&platform.store, caller.tenant(), id, &by, now).await? {
        Unlocked::Yes => Ok(Data::ok(Locked { conversation_id: id, lock: None })),
        Unlocked::Theirs(lock) => Err(locked(&lock, now)),
        Unlocked::NotFound => Err(Problem::NotFound),
    }
}

/// The name of a person.
pub(crate) fn name(text: String) -> Result<String, Problem> {
    let length = text.trim().chars().count();
    if length == 0 || length > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "agent",
            format!("Expected 1 to {LONGEST_NAME} characters on one line."),
        ));
    }
    Ok(text.trim().to_owned())
}

fn locked(lock: &Lock, now: domain::time::Millis) -> Problem {
    let message = "Somebody else answers this conversation; wait, or say `\"take_over\": true`.";
    let mut refused = Problem::refused(Code::ConversationLocked, message);
    refused.retry_after_s = u32::try_from(lock.until.since(now).div_ceil(1000)).ok();
    refused.details.insert("lock".to_owned(), json!(lock));
    refused.into()
}
