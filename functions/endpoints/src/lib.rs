//! Customer webhooks: who receives them, what there is to receive, what became of each delivery. Reading is for everyone,
//! writing for admins.

mod audit;
mod deliveries;
mod endpoint;
mod endpoints;
mod event_types;
mod problem;
mod recover;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::http::serve;

/// Whether receivers on this machine are allowed.
#[derive(Debug, Clone, Copy)]
struct Loopback(bool);

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    endpoints::get,
    endpoints::post,
    endpoint::get,
    endpoint::patch,
    endpoint::delete,
    endpoint::rotate,
    endpoint::test,
    recover::post,
    event_types::get,
    deliveries::list,
    deliveries::get,
    deliveries::redeliver,
))]
pub struct Document;

/// The routes, ready to serve; with `allow_loopback` receivers on this machine are taken too.
pub fn router(platform: Platform, allow_loopback: bool) -> Router {
    let routes = Router::new()
        .route("/webhooks/endpoints", get(endpoints::get).post(endpoints::post))
        .route("/webhooks/endpoints/{id}", get(endpoint::get).patch(endpoint::patch).delete(endpoint::delete))
        .route("/webhooks/endpoints/{id}/rotate-secret", post(endpoint::rotate))
        .route("/webhooks/endpoints/{id}/test", post(endpoint::test))
        .route("/webhooks/endpoints/{id}/recover", post(recover::post))
        .route("/webhooks/event-types", get(event_types::get))
        .route("/webhooks/deliveries", get(deliveries::list))
        .route("/webhooks/deliveries/{id}", get(deliveries::get))
        .route("/webhooks/deliveries/{id}/redeliver", post(deliveries::redeliver))
        .layer(Extension(Loopback(allow_loopback)));
    serve(routes, platform)
}
