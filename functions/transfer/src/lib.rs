//! Everything of a tenant, out as lines of JSON and in again. For admins.

mod export;
mod import;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::bucket::Bucket;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(export::get, import::post))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, bucket: Bucket) -> Router {
    let routes = Router::new()
        .route("/export", get(export::get))
        .route("/import", post(import::post))
        .layer(Extension(bucket));
    serve(routes, platform)
}
