//! `PATCH /v1/conversations/{id}`

use axum::Extension;
use axum::extract::State;
use crm::desk::{Cause, MOST_TAGS, TagChange, Tagged, hand_off, tag};
use crm::events::{Emitter, Receiver, conversation_updated};
use crm::inbox::{Change, Changed, change};
use crm::read::ConversationStatus;
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem, Seed};
use platform::transport::Transport;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// The longest name of an assignee, in characters.
const LONGEST_NAME: usize = 128;
/// The longest tag, in characters.
const LONGEST_TAG: usize = 64;

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
    /// What it is filed under, in place of what it was.
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    tags: Option<Vec<String>>,
    /// What it is filed under besides.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    add_tags: Vec<String>,
    /// What it is not filed under any more.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 20))]
    remove_tags: Vec<String>,
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
    let (wanted, tags) = read(body)?;
    let id = id.parse(ConversationId::parse)?;
    let (tenant, now) = (caller.tenant(), caller.now());
    if let Some(tags) = &tags {
        match tag(&platform.store, tenant, id, tags).await? {
            Tagged::Yes => {}
            Tagged::TooMany => {
                let field = if tags.only.is_some() { "tags" } else { "add_tags" };
                return Err(Problem::invalid(field, format!("A conversation has at most {MOST_TAGS} tags.")));
            }
            Tagged::NotFound => return Err(Problem::NotFound),
        }
    }
    let tells = wanted.status.is_some() || wanted.assignee.is_some() || tags.is_some();
    let receivers = if tells { Receiver::read(&platform, tenant).await? } else { Vec::new() };
    let trace_id = caller.call.trace_id;
    let emitter = Emitter { platform: &platform, tenant, receivers: &receivers, trace_id, now };
    if wanted.status == Some(ConversationStatus::Human) {
        let cause = Cause::Operator(caller.principal.key_id);
        Box::pin(hand_off(emitter, id.contact(), cause, seed.ulid("handoff"))).await?;
    }
    let changed = change(&platform, &transport, tenant, id, &wanted, now).await?;
    let changed = changed.ok_or(Problem::NotFound)?;
    if tells {
        let (mark, at) = (seed.ulid("change").to_string(), seed.first_at);
        conversation_updated(emitter, &changed.conversation, &mark, at).await?;
    }
    Ok(Data::ok(changed))
}

fn read(body: ChangeBody) -> Result<(Change, Option<TagChange>), Problem> {
    let assignee = body.assignee.map(Option::unwrap_or_default);
    if let Some(name) = &assignee
        && (name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control))
    {
        return Err(Problem::invalid("assignee", format!("Expected at most {LONGEST_NAME} characters.")));
    }
    let change = Change { status: body.status, assignee, read: body.read, typing: body.typing };
    let tags = TagChange {
        only: body.tags.map(|tags| filed("tags", tags)).transpose()?,
        add: filed("add_tags", body.add_tags)?,
        remove: filed("remove_tags", body.remove_tags)?,
    };
    let tags = (tags != TagChange::default()).then_some(tags);
    if change == Change::default() && tags.is_none() {
        let message = "Say what changes: status, assignee, tags, add_tags, remove_tags, read, typing.";
        return Err(Problem::invalid("body", message));
    }
    Ok((change, tags))
}

/// Tags as they are kept: in lower case, without blanks around them.
fn filed(field: &'static str, tags: Vec<String>) -> Result<BTreeSet<String>, Problem> {
    if tags.len() > MOST_TAGS {
        return Err(Problem::invalid(field, format!("Expected at most {MOST_TAGS} tags.")));
    }
    let mut filed = BTreeSet::new();
    for tag in tags {
        let tag = tag.trim().to_lowercase();
        if tag.is_empty() || tag.chars().count() > LONGEST_TAG || tag.chars().any(char::is_control) {
            let message = format!("Expected tags of 1 to {LONGEST_TAG} characters on one line.");
            return Err(Problem::invalid(field, message));
        }
        filed.insert(tag);
    }
    Ok(filed)
}
