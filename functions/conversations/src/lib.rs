//! The inbox, read: conversations, their messages and contacts. Also answers every path that no route names.

mod contact;
mod conversation;
mod handoff;
mod list;
mod lock;
mod messages;
mod notes;
mod suggest;
mod update;

use axum::routing::{get, post};
use axum::{Extension, Router};
use platform::Platform;
use platform::courier::Courier;
use platform::http::{Known, Problem, serve};
use platform::transport::Transport;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    list::get,
    conversation::get,
    update::patch,
    messages::get,
    lock::post,
    lock::delete,
    notes::get,
    notes::post,
    handoff::get,
    suggest::post,
    contact::get,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport, courier: Courier) -> Router {
    let routes = Router::new()
        .route("/conversations", get(list::get))
        .route("/conversations/{id}", get(conversation::get).patch(update::patch))
        .route("/conversations/{id}/messages", get(messages::get))
        .route("/conversations/{id}/lock", post(lock::post).delete(lock::delete))
        .route("/conversations/{id}/notes", get(notes::get).post(notes::post))
        .route("/conversations/{id}/handoff", get(handoff::get))
        .route("/conversations/{id}/suggest", post(suggest::post))
        .route("/contacts/{id}", get(contact::get))
        .layer(Extension(transport))
        .layer(Extension(courier));
    serve(routes, platform)
}

/// Whether the provider's own JSON is asked for: `include=raw`.
fn with_raw(params: &Known) -> Result<bool, Problem> {
    let raw = params.read("include", "`raw`", |text| (text == "raw").then_some(()))?;
    Ok(raw.is_some())
}
