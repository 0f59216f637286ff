//! The rights of persons: restriction and erasure of a contact.

mod erasure;
mod restriction;

use axum::Router;
use axum::routing::{get, post};
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(restriction::post, restriction::delete, erasure::post, erasure::get, erasure::list,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/contacts/{id}/restriction", post(restriction::post).delete(restriction::delete))
        .route("/contacts/{id}/erasure", post(erasure::post))
        .route("/erasures", get(erasure::list))
        .route("/erasures/{id}", get(erasure::get));
    serve(routes, platform)
}
