//! `GET`, `PUT` and `DELETE /v1/integrations/chatwoot`

use crate::World;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use crm::chatwoot::{ChatwootError, ChatwootSettings, ChatwootView, connect, disconnect, show};
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, NoBody, Params, Problem, Viewer};
use platform::vault::VaultError;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest secret, in bytes.
const LONGEST_SECRET: usize = 2_048;

/// What connects Chatwoot; a secret that is absent stays as it is.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConnectChatwoot))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatwootBody {
    /// Where it is, such as `https://chatwoot.example.ae`.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    base_url: String,
    /// The account: the number in its address.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    account_id: u64,
    /// The inbox, of the kind "API".
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    inbox_id: u64,
    /// The access token of a user of the account.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    api_access_token: Option<Zeroizing<String>>,
    /// What its webhooks are signed with, where its version signs them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    webhook_secret: Option<Zeroizing<String>>,
}

/// Shows how Chatwoot is connected.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/chatwoot", operation_id = "get_chatwoot", tag = "integrations",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The connection.", body = ChatwootView)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<ChatwootView>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(show(&platform, caller.tenant()).await?))
}

/// Connects Chatwoot: conversations that go to a person are carried over to it from now on.
///
/// The inbox is asked for before anything is saved.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/integrations/chatwoot", operation_id = "connect_chatwoot", tag = "integrations",
    security(("api_key" = ["admin"])),
    request_body(content = ChatwootBody, example = json!({
        "base_url": "https://chatwoot.example.ae", "account_id": 1, "inbox_id": 4, "api_access_token": "a-token-of-an-agent"
    })),
    responses((status = 200, description = "The connection; `webhook_path` and `token` say where its webhook posts.", body = ChatwootView)),
))]
pub(crate) async fn put(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    params: Params,
    JsonBody(body): JsonBody<ChatwootBody>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    for (name, secret) in
        [("api_access_token", &body.api_access_token), ("webhook_secret", &body.webhook_secret)]
    {
        let odd = |text: &Zeroizing<String>| {
            text.trim().is_empty()
                || text.len() > LONGEST_SECRET
                || !text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if secret.as_ref().is_some_and(odd) {
            return Err(Problem::invalid(name, "Expected the secret as Chatwoot shows it, without blanks."));
        }
    }
    for (name, id) in [("account_id", body.account_id), ("inbox_id", body.inbox_id)] {
        if id == 0 {
            return Err(Problem::invalid(name, "Expected the number that Chatwoot shows."));
        }
    }
    let settings = ChatwootSettings {
        base_url: body.base_url,
        account_id: body.account_id,
        inbox_id: body.inbox_id,
        api_access_token: body.api_access_token,
        webhook_secret: body.webhook_secret,
    };
    let connected = connect(&platform, world.courier(), caller.tenant(), settings, caller.now()).await;
    let connected = connected.map_err(problem)?;
    caller.note(&platform.store, "chatwoot.connect", "chatwoot").await?;
    let kept = Data::ok(ChatwootView { token: None, ..connected.clone() });
    Ok(Data::ok(connected).shown_once(kept))
}

/// Disconnects Chatwoot; conversations stay here alone from now on.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/integrations/chatwoot", operation_id = "disconnect_chatwoot", tag = "integrations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "What is left.", body = ChatwootView),
        (status = 404, description = "None is connected."),
    ),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    NoBody: NoBody,
) -> Result<Data<ChatwootView>, Problem> {
    params.only(&[])?;
    if !disconnect(&platform, caller.tenant()).await? {
        return Err(Problem::NotFound);
    }
    caller.note(&platform.store, "chatwoot.disconnect", "chatwoot").await?;
    Ok(Data::ok(show(&platform, caller.tenant()).await?))
}

fn problem(error: ChatwootError) -> Problem {
    match error {
        ChatwootError::Address(why) => {
            Problem::invalid("base_url", format!("This cannot be Chatwoot: {why}."))
        }
        ChatwootError::Field(field, message) => Problem::invalid(field, message),
        ChatwootError::Store(error) => error.into(),
        ChatwootError::Vault(error @ VaultError::Transient(_)) => Problem::unavailable(error),
        ChatwootError::Vault(error) => Problem::internal(error),
        ChatwootError::Random(error) => Problem::unavailable(error),
    }
}
