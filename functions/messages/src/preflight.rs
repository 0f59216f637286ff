//! `POST /v1/whatsapp/preflight`

use crate::body::SendBody;
use crate::problem::problem;
use axum::Extension;
use axum::extract::State;
use crm::send::{Preflight, preflight};
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, Problem};
use platform::transport::Transport;

pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    JsonBody(body): JsonBody<SendBody>,
) -> Result<Data<Preflight>, Problem> {
    params.only(&[])?;
    let (draft, schedule) = body.read()?;
    match preflight(&platform, &transport, caller.tenant(), &draft, schedule, caller.now()).await {
        Ok(answer) => Ok(Data::ok(answer)),
        Err(error) => Err(problem(error)),
    }
}
