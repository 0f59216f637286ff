//! `GET /v1/whatsapp/templates/{id}`

use axum::extract::State;
use crm::read::{Template, template};
use crm::templates::owner;
use domain::ids::TemplateId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Template>, Problem> {
    params.only(&[])?;
    let id = id.parse(TemplateId::parse)?;
    let tenant = owner(&platform.store, caller.tenant()).await?;
    let found = template(&platform.store, tenant, id).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
