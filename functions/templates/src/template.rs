//! `GET`, `PATCH` and `DELETE /v1/whatsapp/templates/{id}`

use crate::author::author;
use crate::body::ChangeBody;
use crate::list::seen_by;
use crate::problem::unwritten;
use axum::Extension;
use axum::extract::State;
use crm::read::{Template, shown_template, template};
use crm::templates::{delete as delete_template, edit};
use domain::ids::TemplateId;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, NoBody, Params, PathId, Problem, Seed, Viewer};
use platform::transport::Transport;

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Template>, Problem> {
    params.only(&[])?;
    let id = id.parse(TemplateId::parse)?;
    for tenant in seen_by(&platform, caller.tenant()).await? {
        if let Some(found) = template(&platform.store, tenant, id).await? {
            return Ok(Data::ok(found));
        }
    }
    Err(Problem::NotFound)
}

pub(crate) async fn patch(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Data<Template>, Problem> {
    params.only(&[])?;
    let change = body.read()?;
    let id = id.parse(TemplateId::parse)?;
    let author = author(&caller, &seed);
    let (row, findings) = edit(&platform, &transport, &author, id, &change).await.map_err(unwritten)?;
    let mut shown = shown_template(row);
    if let Some(draft) = shown.draft.as_mut() {
        draft.findings = findings;
    }
    Ok(Data::ok(shown))
}

pub(crate) async fn delete(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Template>, Problem> {
    let params = params.only(&["all_languages"])?;
    let all = params.flag("all_languages")?.unwrap_or_default();
    let id = id.parse(TemplateId::parse)?;
    let author = author(&caller, &seed);
    let row = delete_template(&platform, &transport, &author, id, all).await.map_err(unwritten)?;
    Ok(Data::ok(shown_template(row)))
}
