//! `GET` and `POST /v1/conversations/{id}/notes`

use crate::lock::name;
use axum::extract::State;
use crm::desk::{NewNote, note};
use crm::read::{Note, conversation_notes};
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Listing, Page, Params, PathId, Problem, Seed, Viewer};
use serde::Deserialize;
use ulid::Ulid;

/// The longest note, in characters.
const LONGEST: usize = 4_000;

/// A note to leave.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AddNote))]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    /// Its words; the customer never sees them.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 4000))]
    text: String,
    /// Who writes it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    agent: Option<String>,
}

/// Lists the notes of a conversation, newest first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations/{id}/notes", operation_id = "list_conversation_notes", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    responses((status = 200, description = "A page of notes.", body = Page<Note>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Page<Note>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    // A cursor of another conversation is as foreign as one of another list.
    let list = format!("conversations/{}/notes", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let id = id.parse(ConversationId::parse)?;
    let found = conversation_notes(&platform.store, caller.tenant(), id, after, listing.limit).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Leaves a note on a conversation.
///
/// It is on the timeline for everybody who works there, and is never sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/conversations/{id}/notes", operation_id = "add_conversation_note", tag = "conversations",
    security(("api_key" = ["agent"])),
    params(("id" = ConversationId, Path, description = "The conversation.")),
    request_body(content = NoteBody, example = json!({"text": "Prefers calls after six.", "agent": "Omar"})),
    responses((status = 201, description = "The note.", body = Note)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<NoteBody>,
) -> Result<Data<Note>, Problem> {
    params.only(&[])?;
    let text = body.text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(Problem::invalid("text", format!("Expected 1 to {LONGEST} characters.")));
    }
    let new = NewNote {
        text: text.to_owned(),
        agent: body.agent.map(name).transpose()?,
        key: caller.principal.key_id,
        mark: seed.ulid("note"),
        trace_id: caller.call.trace_id,
    };
    let id = id.parse(ConversationId::parse)?;
    let left = note(&platform.store, caller.tenant(), id, new, seed.first_at).await?;
    left.map(Data::created).ok_or(Problem::NotFound)
}
