//! `GET /v1/conversations`

use axum::extract::State;
use crm::read::{Conversation, ConversationStatus, InboxFilter, InboxPosition, conversations};
use domain::language::Language;
use domain::provider::Provider;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, Problem, Viewer};

/// Lists conversations, the one with the newest message first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/conversations", operation_id = "list_conversations", tag = "conversations",
    security(("api_key" = ["viewer"])),
    params(
        ("unread" = Option<bool>, Query, description = "Whether there is something unread."),
        ("language" = Option<Language>, Query, description = "The language of the customer."),
        ("status" = Option<ConversationStatus>, Query, description = "Who answers."),
        ("assignee" = Option<String>, Query, description = "Who works on it; empty is nobody."),
        ("tag" = Option<String>, Query, description = "What it is filed under."),
        ("provider" = Option<Provider>, Query, description = "Who carried the latest message."),
        ("number" = Option<String>, Query, description = "The number it is on: a phone number id or an instance id."),
        ("window" = Option<String>, Query, description = "The service window: `open` or `closed`."),
    ),
    responses((status = 200, description = "A page of the inbox.", body = Page<Conversation>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<Conversation>>, Problem> {
    let params = params.only(&[
        "limit", "cursor", "unread", "language", "status", "assignee", "tag", "provider", "number", "window",
    ])?;
    let filter = InboxFilter {
        unread: params.flag("unread")?,
        language: params.read("language", "`ar` or `en`", Language::parse)?,
        status: params.read("status", "`bot`, `human` or `closed`", ConversationStatus::parse)?,
        assignee: params.get("assignee").map(str::to_owned),
        tag: params.get("tag").map(str::to_lowercase),
        provider: params.read("provider", "`meta`, `dialog360`, `ultramsg` or `sandbox`", Provider::parse)?,
        number: params.get("number").map(str::to_owned),
        window_open: params.read("window", "`open` or `closed`", |text| match text {
            "open" => Some(true),
            "closed" => Some(false),
            _ => None,
        })?,
    };
    let listing = Listing::read(&platform, &caller, &params, "conversations").await?;
    let after = listing.after(InboxPosition::parse)?;
    let found =
        conversations(&platform.store, caller.tenant(), filter, after, listing.limit, caller.now()).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}
