//! What a contact agreed to and withdrew: the ledger, read and added to.

mod consents;
mod export;
mod import;

use axum::Router;
use axum::routing::{get, post};
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(consents::get, consents::post, export::get, import::post,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/contacts/{id}/consents", get(consents::get).post(consents::post))
        .route("/consents/export", get(export::get))
        .route("/consents/import", post(import::post));
    serve(routes, platform)
}
