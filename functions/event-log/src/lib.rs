//! The event log: what did not simply apply, why, and trying it again. Reading is for everyone, replay for admins.

mod event;
mod list;
mod replay;
mod replay_many;
mod trace;

use axum::Router;
use axum::routing::{get, post};
use platform::Platform;
use platform::http::serve;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(list::get, event::get, replay::post, replay_many::post, trace::get,))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/events", get(list::get))
        .route("/events/replay", post(replay_many::post))
        .route("/events/{id}", get(event::get))
        .route("/events/{id}/replay", post(replay::post))
        .route("/traces/{trace_id}", get(trace::get));
    serve(routes, platform)
}
