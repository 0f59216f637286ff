//! Leads: made, listed, changed, everything that happened with them, the sources that hand them over, and the forms
//! that visitors fill in.

mod create;
mod feeds;
mod forms;
mod lead;
mod list;
mod problem;
mod submissions;
mod timeline;
mod update;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::http::serve_with_public;
use platform::transport::Transport;

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
    forms::list,
    forms::post,
    forms::get,
    forms::patch,
    forms::delete,
    submissions::definition,
    submissions::post,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport) -> Router {
    let routes = Router::new()
        .route("/leads", get(list::get).post(create::post))
        .route("/leads/{id}", get(lead::get).patch(update::patch))
        .route("/leads/{id}/timeline", get(timeline::get).post(timeline::post))
        .route("/integrations/leads/{source}", get(feeds::get).put(feeds::put).delete(feeds::delete))
        .route("/forms", get(forms::list).post(forms::post))
        .route("/forms/{id}", get(forms::get).patch(forms::patch).delete(forms::delete));
    let public = Router::new()
        .route("/forms/{id}/definition", get(submissions::definition).options(submissions::options))
        .route("/forms/{id}/submissions", post(submissions::post).options(submissions::options))
        .layer(Extension(transport));
    serve_with_public(routes, public, platform)
}
