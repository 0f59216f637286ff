//! Leads: made, listed, changed, and everything that happened with them.

mod create;
mod lead;
mod list;
mod problem;
mod timeline;
mod update;

use axum::Router;
use axum::routing::get;
use platform::Platform;
use platform::http::serve;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/leads", get(list::get).post(create::post))
        .route("/leads/{id}", get(lead::get).patch(update::patch))
        .route("/leads/{id}/timeline", get(timeline::get).post(timeline::post));
    serve(routes, platform)
}
