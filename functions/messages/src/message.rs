//! `GET /v1/whatsapp/messages/{id}`

use axum::extract::State;
use crm::read::{Message, message};
use domain::ids::MessageId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Message>, Problem> {
    let raw = params.only(&["include"])?.read("include", "`raw`", |text| (text == "raw").then_some(()))?;
    let id = id.parse(MessageId::parse)?;
    let found = message(&platform.store, caller.tenant(), id, raw.is_some()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
