//! `GET /v1/whatsapp/templates/packs` and `POST /v1/whatsapp/templates/packs/{pack}/install`

use crate::author::author;
use crate::list::first_sync;
use crate::problem::unwritten;
use crate::write::shown;
use axum::Extension;
use axum::extract::State;
use crm::read::Template;
use crm::templates::install as install_pack;
use domain::template::pack::{Pack, pack, packs};
use platform::Platform;
use platform::http::{Agent, Caller, Data, NoBody, Params, PathId, Problem, Seed, Viewer};
use platform::transport::Transport;
use serde::Serialize;

/// Every pack.
#[derive(Debug, Serialize)]
pub(crate) struct Packs {
    packs: &'static [Pack],
}

/// What installing a pack did.
#[derive(Debug, Serialize)]
pub(crate) struct Installed {
    templates: Vec<Template>,
    skipped: Vec<String>,
}

pub(crate) async fn get(_: Caller<Viewer>, params: Params) -> Result<Data<Packs>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(Packs { packs: packs() }))
}

pub(crate) async fn install(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Installed>, Problem> {
    let params = params.only(&["number_id"])?;
    let number = params.get("number_id").map(str::to_owned);
    let pack = pack(id.text()).ok_or(Problem::NotFound)?;
    first_sync(&platform, &transport, &caller).await?;
    let author = author(&caller, &seed);
    let done = install_pack(&platform, &transport, &author, pack, number).await.map_err(unwritten)?;
    Ok(Data::created(Installed { templates: shown(done.drafts), skipped: done.skipped }))
}
