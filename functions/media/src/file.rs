//! `GET /v1/whatsapp/media/{id}`: the file of a message, outside the envelope.

use crate::problem::of_media;
use axum::Extension;
use axum::response::{IntoResponse as _, Response};
use crm::media::{Download, Files, download};
use domain::ids::MessageId;
use platform::http::{Caller, Elsewhere, File, Params, PathId, Problem, Viewer};

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
