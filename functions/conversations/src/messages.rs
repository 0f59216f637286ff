//! `GET /v1/conversations/{id}/messages`

use crate::with_raw;
use axum::extract::State;
use crm::read::{Message, conversation_messages};
use domain::ids::ConversationId;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, PathId, Problem, Viewer};
use ulid::Ulid;

/// Lists the messages of a conversation, newest first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations/{id}/messages", operation_id = "list_conversation_messages", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(
        ("id" = ConversationId, Path, description = "The conversation."),
        ("include" = Option<String>, Query, description = "`raw` adds the provider's own JSON."),
    ),
    responses((status = 200, description = "A page of messages.", body = Page<Message>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Page<Message>>, Problem> {
    let params = params.only(&["limit", "cursor", "include"])?;
    let raw = with_raw(&params)?;
    // A cursor of another conversation is as foreign as one of another list.
    let list = format!("conversations/{}/messages", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let id = id.parse(ConversationId::parse)?;
    let found =
        conversation_messages(&platform.store, caller.tenant(), id, after, listing.limit, raw).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}
