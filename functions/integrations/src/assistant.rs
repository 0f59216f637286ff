//! `GET`, `PUT` and `DELETE /v1/integrations/assistant`

use crate::World;
use axum::Extension;
use axum::extract::State;
use crm::assistant::{AssistantView, ConnectError, ConnectSettings, connect, disconnect, show};
use domain::assistant::{Connect, USUAL_REPLIES};
use domain::form::Texts;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, NoBody, Params, Problem, Viewer};
use platform::vault::VaultError;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest key, in bytes.
const LONGEST_KEY: usize = 2_048;

/// What connects the assistant. A key that is absent stays as it is for the same address; what else is absent is off.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConnectAssistant))]
#[serde(deny_unknown_fields)]
pub(crate) struct AssistantBody {
    /// The root of an OpenAI-compatible service, such as `https://llm.example.ae/v1`; absent, the deployment's own.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    base_url: Option<String>,
    /// The model.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    model: String,
    /// Its key, where it has one.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    api_key: Option<Zeroizing<String>>,
    /// Where it runs, for the register of transfers.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    region: String,
    /// By what the law allows it, for the register of transfers.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    legal_basis: String,
    /// Whether it may draft answers for people.
    #[serde(default)]
    suggestions: bool,
    /// Whether it may translate messages.
    #[serde(default)]
    translate: bool,
    /// Whether it answers by itself.
    #[serde(default)]
    auto_reply: bool,
    /// How often it answers in one conversation's window, before a person must; 10 unless told.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 50))]
    max_replies: Option<u32>,
    /// What a customer is told, once, while it does not answer; where there is nothing, our own words.
    #[serde(default)]
    holding: Texts,
    /// What the business says about itself: what it offers, how it speaks, what it never promises.
    #[cfg_attr(feature = "openapi", schema(max_length = 8000))]
    instructions: Option<String>,
}

/// Shows how the assistant is connected.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/assistant", operation_id = "get_assistant", tag = "integrations",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The connection.", body = AssistantView)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<AssistantView>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(show(&platform, caller.tenant()).await?))
}

/// Connects the assistant, or changes what it may do.
///
/// The model is asked something before anything is saved.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/integrations/assistant", operation_id = "connect_assistant", tag = "integrations",
    security(("api_key" = ["admin"])),
    request_body(content = AssistantBody, example = json!({
        "base_url": "https://llm.example.ae/v1", "model": "a-model", "api_key": "a-key-of-the-service",
        "region": "UAE", "legal_basis": "contract with the service", "suggestions": true, "translate": true
    })),
    responses((status = 200, description = "The connection.", body = AssistantView)),
))]
pub(crate) async fn put(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    params: Params,
    JsonBody(body): JsonBody<AssistantBody>,
) -> Result<Data<AssistantView>, Problem> {
    params.only(&[])?;
    let odd = |key: &Zeroizing<String>| {
        key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if body.api_key.as_ref().is_some_and(odd) {
        return Err(Problem::invalid("api_key", "Expected the key as the service shows it, without blanks."));
    }
    let settings = Connect {
        base_url: body.base_url,
        model: body.model,
        region: body.region,
        legal_basis: body.legal_basis,
        suggestions: body.suggestions,
        translate: body.translate,
        auto_reply: body.auto_reply,
        max_replies: body.max_replies.unwrap_or(USUAL_REPLIES),
        holding: body.holding,
        instructions: body.instructions,
    };
    let asked = ConnectSettings { settings, api_key: body.api_key };
    let connected = connect(&platform, world.courier(), caller.tenant(), asked, caller.now()).await;
    let connected = connected.map_err(problem)?;
    caller.note(&platform.store, "assistant.connect", "assistant").await?;
    Ok(Data::ok(connected))
}

/// Disconnects the assistant; nobody is asked any more.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/integrations/assistant", operation_id = "disconnect_assistant", tag = "integrations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "What is left.", body = AssistantView),
        (status = 404, description = "None is connected."),
    ),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    NoBody: NoBody,
) -> Result<Data<AssistantView>, Problem> {
    params.only(&[])?;
    if !disconnect(&platform, caller.tenant()).await? {
        return Err(Problem::NotFound);
    }
    caller.note(&platform.store, "assistant.disconnect", "assistant").await?;
    Ok(Data::ok(show(&platform, caller.tenant()).await?))
}

fn problem(error: ConnectError) -> Problem {
    match error {
        ConnectError::Address(why) => {
            Problem::invalid("base_url", format!("This address cannot be called: {why}."))
        }
        ConnectError::Field(field, message) => Problem::invalid(field, message),
        ConnectError::Store(error) => error.into(),
        ConnectError::Vault(error @ VaultError::Transient(_)) => Problem::unavailable(error),
        ConnectError::Vault(error) => Problem::internal(error),
    }
}
