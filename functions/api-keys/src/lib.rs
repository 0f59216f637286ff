//! API keys and the audit log: for admins only, every change of a key in the log.

mod audit;
mod body;
mod create;
mod key;
mod list;
mod problem;
mod rotate;

use axum::Router;
use axum::routing::{get, post};
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(list::get, create::post, key::get, key::patch, key::delete, rotate::post, audit::get,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/api-keys", get(list::get).post(create::post))
        .route("/api-keys/{id}", get(key::get).patch(key::patch).delete(key::delete))
        .route("/api-keys/{id}/rotate", post(rotate::post))
        .route("/audit", get(audit::get));
    serve(routes, platform)
}
