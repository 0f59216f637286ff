//! Leads: made, listed, changed, everything that happened with them, and the sources that hand them over.

mod create;
mod feeds;
mod lead;
mod list;
mod problem;
mod timeline;
mod update;

use axum::Router;
use axum::routing::get;
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    list::get,
    create::post,
    lead::get,
    update::patch,
    timeline::get,
    timeline::post,
    feeds::get,
    feeds::put,
    feeds::delete,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/leads", get(list::get).post(create::post))
        .route("/leads/{id}", get(lead::get).patch(update::patch))
        .route("/leads/{id}/timeline", get(timeline::get).post(timeline::post))
        .route("/integrations/leads/{source}", get(feeds::get).put(feeds::put).delete(feeds::delete));
    serve(routes, platform)
}
