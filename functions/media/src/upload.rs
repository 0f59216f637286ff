//! `POST /v1/whatsapp/media`: a file to send, as the body or from an address.

use crate::problem::of_upload;
use axum::Extension;
use crm::media::{Files, Uploaded, upload, upload_from};
use domain::ids::ObjectId;
use platform::http::{Agent, Caller, Data, FileBody, Params, Problem, Seed};
use serde::Deserialize;

/// The most a body may have, in bytes: Lambda takes 6 MB, base64 counted. Larger files come from an address.
const LIMIT: usize = 4_500_000;
/// The longest name, in characters.
const NAME: usize = 240;

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UploadFromAddress))]
#[serde(deny_unknown_fields)]
struct FromAddress {
    url: String,
    filename: Option<String>,
}

/// Uploads a file to send, as the body or from an address.
///
/// A body may have 4.5 MB; larger files come from an address.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/media", operation_id = "upload_media", tag = "media",
    security(("api_key" = ["agent"])),
    params(("filename" = Option<String>, Query, description = "The name a document is shown with.")),
    request_body(content(
        (FromAddress = "application/json", example = json!({"url": "https://example.com/plan.pdf", "filename": "plan.pdf"})),
        (Vec<u8> = "image/jpeg"),
        (Vec<u8> = "application/pdf"),
    )),
    responses((status = 201, description = "The file; its id is for `media.id` of a message.", body = Uploaded)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    Extension(files): Extension<Files>,
    params: Params,
    seed: Seed,
    body: FileBody<LIMIT>,
) -> Result<Data<Uploaded>, Problem> {
    let params = params.only(&["filename"])?;
    let (tenant, now) = (caller.tenant(), caller.now());
    let object = ObjectId::from_ulid(seed.ulid("object"));
    let from_query = params.get("filename");
    let made = match body.json::<FromAddress>() {
        Some(json) => {
            let FromAddress { url, filename } = json?;
            let filename = named(filename.as_deref().or(from_query))?;
            let made = upload_from(&files, tenant, &url, filename, object, now).await;
            made.map_err(|error| of_upload(error, "url"))?
        }
        None => {
            let filename = named(from_query)?;
            let made = upload(&files, tenant, &body.content_type, filename, body.bytes, object, now).await;
            made.map_err(|error| of_upload(error, "file"))?
        }
    };
    Ok(Data::created(made))
}

fn named(filename: Option<&str>) -> Result<Option<&str>, Problem> {
    match filename {
        Some(name) if name.is_empty() || name.chars().count() > NAME => {
            Err(Problem::invalid("filename", format!("Expected 1 to {NAME} characters.")))
        }
        named => Ok(named),
    }
}
