//! `GET /v1/conversations`

use axum::extract::State;
use crm::read::{Conversation, InboxFilter, InboxPosition, conversations};
use domain::language::Language;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, Problem, Viewer};

/// Lists conversations, the one with the newest message first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations", operation_id = "list_conversations", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(
        ("unread" = Option<bool>, Query, description = "Whether there is something unread."),
        ("language" = Option<Language>, Query, description = "The language of the customer."),
    ),
    responses((status = 200, description = "A page of the inbox.", body = Page<Conversation>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<Conversation>>, Problem> {
    let params = params.only(&["limit", "cursor", "unread", "language"])?;
    let filter = InboxFilter {
        unread: params.flag("unread")?,
        language: params.read("language", "`ar` or `en`", Language::parse)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "conversations").await?;
    let after = listing.after(InboxPosition::parse)?;
    let found =
        conversations(&platform.store, caller.tenant(), filter, after, listing.limit, caller.now()).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}
