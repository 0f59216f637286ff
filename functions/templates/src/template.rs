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

/// Shows a template.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/templates/{id}", operation_id = "get_template", tag = "templates",
    security(("api_key" = ["viewer"])),
    params(("id" = TemplateId, Path, description = "The template.")),
    responses((status = 200, description = "The template.", body = Template)),
))]
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

/// Changes a template.
///
/// What is absent stays; `null` takes header or footer away.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/whatsapp/templates/{id}", operation_id = "update_template", tag = "templates",
    security(("api_key" = ["agent"])),
    params(("id" = TemplateId, Path, description = "The template.")),
    request_body(content = ChangeBody, example = json!({
        "body": "Hello {{name}}, your viewing is on {{day}} at ten. See you there.",
        "examples": {
            "name": "Aisha",
            "day": "Saturday"
        }
    })),
    responses(
        (status = 200, description = "The template as it is now.", body = Template),
        (status = 422, description = ""),
    ),
))]
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

/// Deletes a template; what is registered needs the role `admin`.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/whatsapp/templates/{id}", operation_id = "delete_template", tag = "templates",
    security(("api_key" = ["agent"])),
    params(
        ("id" = TemplateId, Path, description = "The template."),
        ("all_languages" = Option<bool>, Query, description = "Whether every language of its name goes."),
    ),
    responses(
        (status = 200, description = "The deleted template.", body = Template),
        (status = 422, description = ""),
    ),
))]
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
