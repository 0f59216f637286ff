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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplatePacks))]
pub(crate) struct Packs {
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Pack>))]
    packs: &'static [Pack],
}

/// What installing a pack did.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = InstalledPack))]
pub(crate) struct Installed {
    templates: Vec<Template>,
    skipped: Vec<String>,
}

/// Lists the packs of ready-made templates.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/templates/packs", operation_id = "list_template_packs", tag = "templates",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The packs.", body = Packs)),
))]
pub(crate) async fn get(_: Caller<Viewer>, params: Params) -> Result<Data<Packs>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(Packs { packs: packs() }))
}

/// Makes drafts of all templates of a pack.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/templates/packs/{pack}/install", operation_id = "install_template_pack", tag = "templates",
    security(("api_key" = ["agent"])),
    params(
        ("pack" = String, Path, description = "The name of the pack."),
        ("number_id" = Option<String>, Query, description = "For which number, where there are several."),
    ),
    responses(
        (status = 201, description = "The drafts, and what was there already.", body = Installed),
        (status = 422, description = ""),
    ),
))]
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
