//! `GET /v1/whatsapp/media/{id}`: the file of a message, outside the envelope.

use crate::problem::of_media;
use axum::Extension;
use axum::response::{IntoResponse as _, Response};
use crm::media::{Download, Files, download};
use domain::ids::MessageId;
use platform::http::{Caller, Elsewhere, File, Params, PathId, Problem, Viewer};

/// Downloads the file of a message.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/media/{id}", operation_id = "download_media", tag = "media",
    security(("api_key" = ["viewer"])),
    params(("id" = MessageId, Path, description = "The message.")),
    responses(
        (status = 200, description = "The file, as an attachment.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 302, description = "The file is large; it lies at the address in `Location` for a while."),
    ),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    Extension(files): Extension<Files>,
    params: Params,
    id: PathId,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let id = id.parse(MessageId::parse)?;
    Ok(match download(&files, caller.tenant(), id, caller.now()).await.map_err(of_media)? {
        Download::Here { bytes, content_type, name } => File { bytes, content_type, name }.into_response(),
        Download::There(address) => Elsewhere(address).into_response(),
    })
}
