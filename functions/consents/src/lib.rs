//! What a contact agreed to and withdrew: the ledger, read and added to.

mod consents;

use axum::Router;
use axum::routing::get;
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(consents::get, consents::post,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new().route("/contacts/{id}/consents", get(consents::get).post(consents::post));
    serve(routes, platform)
}
