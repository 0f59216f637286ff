//! `POST /v1/whatsapp/preflight`

use crate::body::SendBody;
use crate::problem::problem;
use axum::Extension;
use axum::extract::State;
use crm::desk::in_the_way;
use crm::send::{Preflight, preflight};
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, Problem};
use platform::transport::Transport;

/// Says whether a message would be sent, and why not; nothing is sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/preflight", operation_id = "preflight_message", tag = "messages",
    security(("api_key" = ["agent"])),
    request_body(content = SendBody, example = json!({
        "to": "+971501234567",
        "text": "Your viewing is confirmed for Saturday at ten.",
        "purpose": "service"
    })),
    responses(
        (status = 200, description = "The verdict.", body = Preflight),
        (status = 404, description = ""),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    JsonBody(body): JsonBody<SendBody>,
) -> Result<Data<Preflight>, Problem> {
    params.only(&[])?;
    let answering = body.answering(caller.principal.key_id)?;
    let (draft, schedule) = body.read()?;
    let (tenant, now) = (caller.tenant(), caller.now());
    let answer = preflight(&platform, &transport, tenant, &draft, schedule, now).await;
    let answer = answer.map_err(problem)?;
    let lock = in_the_way(&platform.store, tenant, &draft.target, &answering, now).await?;
    Ok(Data::ok(match lock {
        Some(lock) => answer.while_locked(&lock),
        None => answer,
    }))
}
