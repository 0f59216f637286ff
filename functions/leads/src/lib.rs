//! Leads, read: the list, one lead, and everything that happened with it.

mod lead;
mod list;
mod timeline;

use axum::Router;
use axum::routing::get;
use platform::Platform;
use platform::http::serve;

/// The routes, ready to serve.
pub fn router(platform: Platform) -> Router {
    let routes = Router::new()
        .route("/leads", get(list::get))
        .route("/leads/{id}", get(lead::get))
        .route("/leads/{id}/timeline", get(timeline::get));
    serve(routes, platform)
}
