//! `POST /v1/whatsapp/messages/{id}/hold`, `/hand-off`, `/release`, `/cancel`, `/resend`

use crate::send::{by, shown};
use axum::extract::State;
use crm::read::Message;
use crm::send::{By, Moved};
use domain::ids::MessageId;
use platform::Platform;
use platform::dynamo::StoreError;
use platform::http::{Admin, Agent, Caller, Data, NoBody, Params, PathId, Problem, Seed};

/// Keeps a message until a person releases it: stops the clock of a draft, or takes a queued message out of its turn.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/hold", operation_id = "hold_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The message as it is now.", body = Message)),
))]
pub(crate) async fn hold(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let moved = crm::send::hold(&platform, by, id, seed.first_at, caller.now()).await;
    answer(&platform, by, id, moved, "Only a held or queued message can be held").await
}

/// Hands the conversation of a held or queued message to a person.
///
/// The message waits until it is released; the conversation's `status` is `human`.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/hand-off", operation_id = "hand_off_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The message as it is now.", body = Message)),
))]
pub(crate) async fn hand_off(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let moved = crm::first_touch::hand_off(&platform, by, id, seed.first_at, caller.now()).await;
    answer(&platform, by, id, moved, "Only a held or queued message can be handed to a person").await
}

/// Lets a held message go.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/release", operation_id = "release_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The message as it is now.", body = Message)),
))]
pub(crate) async fn release(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let moved = crm::send::release(&platform, by, id, seed.first_at, caller.now()).await;
    answer(&platform, by, id, moved, "Only a held message can be released").await
}

/// Takes back a message that has not been sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/cancel", operation_id = "cancel_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The message as it is now.", body = Message)),
))]
pub(crate) async fn cancel(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let moved = crm::send::cancel(&platform, by, id, seed.first_at, caller.now()).await;
    answer(&platform, by, id, moved, "Only a held or queued message can be cancelled").await
}

/// Sends an uncertain message again.
///
/// It may reach the customer twice: only a person who looked can know.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages/{id}/resend", operation_id = "resend_message", tag = "messages",
    security(("api_key" = ["admin"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses((status = 200, description = "The message as it is now.", body = Message)),
))]
pub(crate) async fn resend(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Message>, Problem> {
    params.only(&[])?;
    let (by, id) = (by(&caller), id.parse(MessageId::parse)?);
    let moved = crm::send::resend(&platform, by, id, seed.first_at, caller.now()).await;
    answer(&platform, by, id, moved, "Only an uncertain message can be sent again").await
}

async fn answer(
    platform: &Platform,
    by: By,
    id: MessageId,
    moved: Result<Moved, StoreError>,
    rule: &str,
) -> Result<Data<Message>, Problem> {
    match moved? {
        Moved::Yes => shown(platform, by, id).await.map(Data::ok),
        Moved::NotFound => Err(Problem::NotFound),
        Moved::No(state) => {
            let message = format!("{rule}; this one is `{}`.", state.as_str());
            Err(Problem::Conflict { message, retry_after_s: None })
        }
    }
}
