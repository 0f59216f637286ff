//! The rights of persons: export, restriction and erasure of a contact; how long what is kept and where it is sent.

mod erasure;
mod export;
mod restriction;
mod settings;

use axum::Router;
use axum::routing::{get, post};
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    export::get,
    restriction::post,
    restriction::delete,
    erasure::post,
    erasure::get,
    erasure::list,
    settings::get_retention,
    settings::put_retention,
    settings::get_transfers,
    settings::put_transfers,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/contacts/{id}/export", get(export::get))
        .route("/contacts/{id}/restriction", post(restriction::post).delete(restriction::delete))
        .route("/contacts/{id}/erasure", post(erasure::post))
        .route("/retention", get(settings::get_retention).put(settings::put_retention))
        .route("/transfers", get(settings::get_transfers).put(settings::put_transfers))
        .route("/erasures", get(erasure::list))
        .route("/erasures/{id}", get(erasure::get));
    serve(routes, platform)
}
