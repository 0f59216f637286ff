//! The controls of the simulator over HTTP; the same as its methods.

use crate::Simulator;
use crate::account::Kind;
use crate::api;
use crate::chatwoot;
use crate::journal::Sent;
use crate::wire::Reply;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most that a customer may send, in bytes: a document of 100 MB in base64.
const LARGEST_MESSAGE: usize = 140 * 1024 * 1024;

/// The routes under `/_sim`.
pub(crate) fn router(sim: Simulator) -> Router {
    let provider = |kind: Kind| {
        let sim = sim.clone();
        let serve = move |request: Request<Body>| api::serve(sim.clone(), kind, request);
        Router::new().fallback(any(serve))
    };
    Router::new()
        .nest("/graph", provider(Kind::Meta))
        .nest("/360dialog", provider(Kind::Dialog360))
        .nest("/ultramsg", provider(Kind::Ultramsg))
        .nest("/llm", provider(Kind::Llm))
        .nest("/chatwoot", chatwoot::api())
        .nest("/chatwoot-desk", chatwoot::controls())
        .route(
            "/customers/{phone}/messages",
            post(customer_writes).layer(DefaultBodyLimit::max(LARGEST_MESSAGE)),
        )
        .route("/sent", get(sent).delete(forget_sent))
        .route("/asked", get(asked).delete(forget_asked))
        .route("/behaviour", get(behaviour).put(behave).delete(behave_well))
        .route("/files/{id}", get(file))
        .fallback(|| async { problem(404, "not_found", "There is no such control.") })
        .with_state(sim)
}

/// An error in the envelope of the API around it.
fn problem(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"data": null, "error": {"code": code, "message": message}});
    crate::cut::whole(Reply::json(status, &body))
}

fn answer(result: Result<Value, String>) -> Response {
    match result {
        Ok(value) => crate::cut::whole(Reply::json(200, &value)),
        Err(message) => problem(400, "validation_error", &message),
    }
}

fn read(body: &Bytes) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("The body is not JSON: {error}."))
}

async fn customer_writes(State(sim): State<Simulator>, Path(phone): Path<String>, body: Bytes) -> Response {
    let body = match read(&body) {
        Ok(body) => body,
        Err(message) => return answer(Err(message)),
    };
    answer(sim.customer_writes(&phone, body).await)
}

#[derive(Deserialize)]
struct Filter {
    tenant_id: Option<String>,
    to: Option<String>,
}

async fn sent(State(sim): State<Simulator>, Query(filter): Query<Filter>) -> Json<Value> {
    let to = filter.to.map(|to| if crate::people::is_user_id(&to) { to } else { crate::people::digits(&to) });
    let wanted = |sent: &Sent| {
        (filter.tenant_id.is_none() || sent.tenant_id == filter.tenant_id) && (to.is_none() || sent.to == to)
    };
    let items: Vec<_> = sim.sent().into_iter().filter(wanted).collect();
    Json(json!({"items": items}))
}

async fn forget_sent(State(sim): State<Simulator>) -> Json<Value> {
    sim.journal().clear();
    Json(json!({"items": []}))
}

async fn asked(State(sim): State<Simulator>) -> Json<Value> {
    Json(json!({"items": sim.asked()}))
}

async fn forget_asked(State(sim): State<Simulator>) -> Json<Value> {
    sim.questions().clear();
    Json(json!({"items": []}))
}

async fn behaviour(State(sim): State<Simulator>) -> Json<Value> {
    Json(json!(&*sim.behaviour()))
}

async fn behave(State(sim): State<Simulator>, body: Bytes) -> Response {
    let body = match read(&body) {
        Ok(body) => body,
        Err(message) => return answer(Err(message)),
    };
    answer(sim.behave(body).await)
}

async fn behave_well(State(sim): State<Simulator>) -> Json<Value> {
    sim.behave_well();
    Json(json!(&*sim.behaviour()))
}

#[derive(Deserialize)]
struct FileKey {
    hash: Option<String>,
}

/// A file that an UltraMsg customer sent; its URL is all that is needed.
async fn file(State(sim): State<Simulator>, Path(id): Path<String>, Query(key): Query<FileKey>) -> Response {
    let found = sim.lines().iter().find_map(|line| {
        let media = line.desk().media.get(&id).cloned()?;
        (key.hash.as_deref() == Some(&media.hash) && sim.now_ms() < media.until_ms).then_some(media)
    });
    match found {
        Some(media) => crate::cut::whole(Reply::file(&media.mime, media.bytes)),
        None => problem(404, "not_found", "There is no such file."),
    }
}
