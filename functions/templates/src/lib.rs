//! Templates, read and synced: the list, one template, and reading them from the providers now.

mod list;
mod sync;
mod template;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::http::serve;
use platform::transport::Transport;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport) -> Router {
    let routes = Router::new()
        .route("/whatsapp/templates", get(list::get))
        .route("/whatsapp/templates/sync", post(sync::post))
        .route("/whatsapp/templates/{id}", get(template::get))
        .layer(Extension(transport));
    serve(routes, platform)
}
