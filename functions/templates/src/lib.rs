//! Templates: the list, one template, reading them from the providers now; drafts, submission, deletion, starter packs.

mod author;
mod body;
mod list;
mod packs;
mod problem;
mod sync;
mod template;
mod write;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::http::serve;
use platform::transport::Transport;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    list::get,
    write::post,
    write::clone,
    write::submit,
    sync::post,
    template::get,
    template::patch,
    template::delete,
    packs::get,
    packs::install,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport) -> Router {
    let routes = Router::new()
        .route("/whatsapp/templates", get(list::get).post(write::post))
        .route("/whatsapp/templates/sync", post(sync::post))
        .route("/whatsapp/templates/packs", get(packs::get))
        .route("/whatsapp/templates/packs/{id}/install", post(packs::install))
        .route("/whatsapp/templates/{id}", get(template::get).patch(template::patch).delete(template::delete))
        .route("/whatsapp/templates/{id}/clone", post(write::clone))
        .route("/whatsapp/templates/{id}/submit", post(write::submit))
        .layer(Extension(transport));
    serve(routes, platform)
}
