//! `POST /v1/integrations/whatsapp/{provider}/test-message`: a real send, to a number the admin names, on this number.

use crate::World;
use crate::number::by;
use crate::problem::not_sent;
use crate::select::{Numbers, provider};
use axum::Extension;
use axum::extract::State;
use crm::read::{Message, message};
use crm::send::{Draft, Schedule, Target, accept};
use domain::ids::MessageId;
use domain::outgoing::{Outgoing, TemplateUse, Variables};
use domain::permit::SendPurpose;
use domain::phone::Phone;
use platform::Platform;
use platform::http::{Admin, Caller, Code, Data, JsonBody, Params, PathId, Problem, Seed};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is sent when nothing else is asked for.
const WORDS: &str = "This is a test message from Hadar. The connection works.";

/// A test message: words inside the customer's window, or an approved template.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendTestMessage))]
#[serde(deny_unknown_fields)]
pub(crate) struct TestMessage {
    #[cfg_attr(feature = "openapi", schema(value_type = Phone))]
    to: String,
    text: Option<String>,
    template: Option<String>,
    language: Option<String>,
    #[serde(default)]
    variables: Option<Given>,
}

/// Values by name or by order.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TestMessageVariables))]
#[serde(untagged)]
enum Given {
    Named(BTreeMap<String, String>),
    Positional(Vec<String>),
}

/// Sends a test message on a number.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/integrations/whatsapp/{provider}/test-message", operation_id = "send_test_message", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = domain::provider::Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    request_body(content = TestMessage, example = json!({"to": "+971501234567", "text": "This is a test."})),
    responses(
        (status = 202, description = "The message, accepted.", body = Message),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    params: Params,
    path: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<TestMessage>,
) -> Result<Data<Message>, Problem> {
    let params = params.only(&["number"])?;
    let (to, content) = read(body)?;
    let provider = provider(&path)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let number = match numbers.one(provider, &params)? {
        Some(integration) => Some((provider, integration.number_id().to_owned())),
        // A sandbox records it, as it records every send.
        None if numbers.sandbox => None,
        None => {
            let message = "No number of this provider is connected; connect it first.";
            return Err(Problem::refused(Code::NotConfigured, message).into());
        }
    };
    let draft = Draft {
        target: Target::Phone(to),
        content,
        reply_to: None,
        purpose: SendPurpose::default(),
        confirm_language: true,
        number,
        once: None,
        first_touch: false,
    };
    let by = by(&caller);
    let id = MessageId::from_ulid(seed.ulid("message"));
    let taken = accept(&platform, world.transport(), by, &draft, Schedule::default(), id, caller.now()).await;
    taken.map_err(not_sent)?;
    let shown = message(&platform.store, by.tenant, id, false).await?;
    shown.map(Data::accepted).ok_or_else(|| Problem::internal("a message that was accepted is not there"))
}

fn read(body: TestMessage) -> Result<(Phone, Outgoing), Problem> {
    let to = Phone::parse_e164(&body.to).map_err(|_| {
        Problem::invalid("to", "Expected a complete number in E.164, such as +971501234567, without blanks.")
    })?;
    let Some(name) = body.template else {
        for (name, given) in [("language", body.language.is_some()), ("variables", body.variables.is_some())]
        {
            if given {
                return Err(Problem::invalid(name, "It belongs to `template`."));
            }
        }
        let text = body.text.unwrap_or_else(|| WORDS.to_owned());
        return Ok((to, Outgoing::Text { body: text, preview_url: false }));
    };
    if body.text.is_some() {
        return Err(Problem::invalid("text", "Give one content: `template` is given as well."));
    }
    let variables = match body.variables {
        None => Variables::default(),
        Some(Given::Named(values)) => Variables::Named(values.into_iter().collect()),
        Some(Given::Positional(values)) => Variables::Positional(values),
    };
    let used = TemplateUse { name, language: body.language, variables, header: None, buttons: Vec::new() };
    Ok((to, Outgoing::Template(used)))
}
