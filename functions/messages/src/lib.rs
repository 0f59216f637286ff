//! Messages we send: accepting, asking first, changing, holding, releasing, taking back, sending again, and reading any
//! message.

mod body;
mod content;
mod edit;
mod evidence;
mod message;
mod moves;
mod preflight;
mod problem;
mod send;
mod translate;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::courier::Courier;
use platform::http::serve;
use platform::transport::Transport;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    send::post,
    message::get,
    evidence::get,
    edit::patch,
    moves::hold,
    moves::hand_off,
    moves::release,
    moves::cancel,
    moves::resend,
    preflight::post,
    translate::post,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport, courier: Courier) -> Router {
    let routes = Router::new()
        .route("/whatsapp/messages", post(send::post))
        .route("/whatsapp/messages/{id}/evidence", get(evidence::get))
        .route("/whatsapp/messages/{id}", get(message::get).patch(edit::patch))
        .route("/whatsapp/messages/{id}/hold", post(moves::hold))
        .route("/whatsapp/messages/{id}/hand-off", post(moves::hand_off))
        .route("/whatsapp/messages/{id}/release", post(moves::release))
        .route("/whatsapp/messages/{id}/cancel", post(moves::cancel))
        .route("/whatsapp/messages/{id}/resend", post(moves::resend))
        .route("/whatsapp/messages/{id}/translate", post(translate::post))
        .route("/whatsapp/preflight", post(preflight::post))
        .layer(Extension(transport))
        .layer(Extension(courier));
    serve(routes, platform)
}
