//! Files: those that customers sent, as downloads, and those that will be sent to them.

mod file;
mod problem;
mod upload;

use axum::routing::{get, post};
use axum::{Extension, Router};
use crm::media::Files;
use platform::Platform;
use platform::bucket::Bucket;
use platform::http::serve;
use platform::transport::Transport;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(file::get, upload::post,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, bucket: Bucket, transport: Transport) -> Router {
    let files = Files { platform: platform.clone(), bucket, transport };
    let routes = Router::new()
        .route("/whatsapp/media", post(upload::post))
        .route("/whatsapp/media/{id}", get(file::get))
        .layer(Extension(files));
    serve(routes, platform)
}
