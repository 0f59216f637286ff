//! `POST /v1/whatsapp/templates`, `/{id}/clone` and `/{id}/submit`

use crate::author::author;
use crate::body::{CloneBody, CreateBody};
use crate::list::first_sync;
use crate::problem::unwritten;
use axum::Extension;
use axum::extract::State;
use crm::read::{Template, shown_template};
use crm::templates::{clone_of, create, submit as submit_template};
use domain::ids::TemplateId;
use platform::Platform;
use platform::dynamo::TemplateRow;
use platform::http::{Admin, Agent, Caller, Data, JsonBody, NoBody, Params, PathId, Problem, Seed};
use platform::transport::Transport;
use serde::Serialize;

/// Templates that were written.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct WrittenTemplates {
    templates: Vec<Template>,
}

pub(crate) fn shown(rows: Vec<TemplateRow>) -> Vec<Template> {
    rows.into_iter().map(shown_template).collect()
}

/// Makes a template, in one language or in several.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/templates", operation_id = "create_template", tag = "templates",
    security(("api_key" = ["agent"])),
    params(("submit" = Option<bool>, Query, description = "Whether it is submitted for review at once; needs the role `admin`.")),
    request_body(content = CreateBody, example = json!({
        "name": "viewing_reminder",
        "category": "utility",
        "language": "en",
        "body": "Hello {{name}}, your viewing is on {{day}}. See you there.",
        "examples": {
            "name": "Aisha",
            "day": "Saturday"
        },
        "buttons": [
            {
                "type": "quick_reply",
                "text": "I will come"
            }
        ]
    })),
    responses(
        (status = 201, description = "The drafts.", body = WrittenTemplates),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    seed: Seed,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Data<WrittenTemplates>, Problem> {
    let submit = params.only(&["submit"])?.flag("submit")?.unwrap_or_default() || body.submit;
    let new = body.read()?;
    first_sync(&platform, &transport, &caller).await?;
    let author = author(&caller, &seed);
    let rows = create(&platform, &transport, &author, &new, submit).await.map_err(unwritten)?;
    Ok(Data::created(WrittenTemplates { templates: shown(rows) }))
}

/// Copies a template under another name, in another language or both, with changes.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/templates/{id}/clone", operation_id = "clone_template", tag = "templates",
    security(("api_key" = ["agent"])),
    params(
        ("id" = TemplateId, Path, description = "The template."),
        ("submit" = Option<bool>, Query, description = "Whether it is submitted for review at once; needs the role `admin`."),
    ),
    request_body(content = CloneBody, example = json!({"name": "viewing_reminder_v2", "footer": "Hadar Homes"})),
    responses(
        (status = 201, description = "The copy.", body = Template),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn clone(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<CloneBody>,
) -> Result<Data<Template>, Problem> {
    let submit = params.only(&["submit"])?.flag("submit")?.unwrap_or_default() || body.submit;
    let id = id.parse(TemplateId::parse)?;
    let author = author(&caller, &seed);
    let copy = |source: &domain::template::Template, words| body.copy(source, words);
    let rows = clone_of(&platform, &transport, &author, id, copy, submit).await.map_err(unwritten)?;
    let row = rows.into_iter().next().ok_or_else(|| Problem::internal("a copy without a language"))?;
    Ok(Data::created(shown_template(row)))
}

/// Submits a draft for review.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/templates/{id}/submit", operation_id = "submit_template", tag = "templates",
    security(("api_key" = ["admin"])),
    params(("id" = TemplateId, Path, description = "The template.")),
    responses(
        (status = 200, description = "The template, in review.", body = Template),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn submit(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    id: PathId,
    seed: Seed,
    NoBody: NoBody,
) -> Result<Data<Template>, Problem> {
    params.only(&[])?;
    let id = id.parse(TemplateId::parse)?;
    let author = author(&caller, &seed);
    let row = submit_template(&platform, &transport, &author, id).await.map_err(unwritten)?;
    Ok(Data::ok(shown_template(row)))
}
