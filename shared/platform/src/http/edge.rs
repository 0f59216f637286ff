//! The outermost layer: a trace id and one clock reading per request; on the way out the envelope for what has none,
//! the headers that every answer carries, and one log line.

use super::deprecation::{Deprecated, ROUTES, announce};
use super::envelope::{Enveloped, failure};
use super::idempotency::idempotent;
use super::problem::Problem;
use super::standing::Told;
use crate::Platform;
use crate::telemetry;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CACHE_CONTROL, HeaderName,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::time::Millis;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use uuid::Uuid;

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What one request is known by.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its trace: ours, whatever the request says.
    pub trace_id: Uuid,
    /// When it came; the one clock reading of the request.
    pub now: Millis,
}

/// What a handler says about an answer that stays when the edge writes a problem's body.
const KEPT: [HeaderName; 4] = [ALLOW, VARY, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS];

/// Serves routes under `/v1` and under `/api/v1`; everything else is a 404 in the envelope.
pub fn serve(routes: Router<Platform>, platform: Platform) -> Router {
    serve_with_public(routes, Router::new(), platform)
}

/// The same, with routes beside them that take no key: what carries an `Idempotency-Key` there is theirs to tell apart.
pub fn serve_with_public(routes: Router<Platform>, public: Router<Platform>, platform: Platform) -> Router {
    let keyed = Router::new()
        .nest("/v1", routes.clone())
        .nest("/api/v1", routes)
        .fallback(|| async { Problem::NotFound })
        .layer(from_fn_with_state(platform.clone(), idempotent));
    Router::new()
        .nest("/v1", public.clone())
        .nest("/api/v1", public)
        .merge(keyed)
        .layer(from_fn_with_state(platform.clone(), edge))
        .with_state(platform)
}

async fn edge(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let now = platform.clock.now();
    around(Call { trace_id: trace_id(now), now }, ROUTES, request, next).await
}

async fn around(call: Call, deprecated: &[Deprecated], mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(call);
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let method = request.method().clone();
    // The matched route, never the path itself: paths hold ids, and some hold tokens.
    let route = request.extensions().get::<MatchedPath>().cloned();
    // A panic must not take down the process with the requests beside it.
    let answer = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(_panic) => Problem::internal("a handler panicked").into_response(),
    };
    let mut answer = enveloped(answer, call.trace_id);
    told.write(answer.headers_mut());
    for (name, value) in ALWAYS {
        answer.headers_mut().insert(name, value);
    }
    if let Ok(value) = HeaderValue::try_from(call.trace_id.to_string()) {
        answer.headers_mut().insert(TRACE_ID, value);
    }
    let status = answer.status().as_u16();
    let route = route.as_ref().map_or("(no route)", MatchedPath::as_str);
    announce(deprecated, &method, route, answer.headers_mut());
    tracing::info!(trace.id = %call.trace_id, http.method = %method, http.route = route, http.status = status,
        "{method} {route} {status}");
    answer
}

/// Puts an answer into the envelope unless it is in it: a handler's problem, or what the router says by itself.
fn enveloped(answer: Response, trace_id: Uuid) -> Response {
    if answer.extensions().get::<Enveloped>().is_some() {
        return answer;
    }
    let problem = answer.extensions().get::<Arc<Problem>>().cloned();
    let problem = problem.unwrap_or_else(|| Arc::new(said_by_the_router(answer.status())));
    log(&problem, trace_id);
    let mut rendered = failure(&problem, trace_id);
    for name in KEPT {
        if let Some(value) = answer.headers().get(&name) {
            rendered.headers_mut().insert(name, value.clone());
        }
    }
    rendered
}

fn said_by_the_router(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::UnsupportedMediaType,
        _ => Problem::internal(format!("an answer {status} without an envelope")),
    }
}

/// Logs the chain of a fault once, here; expected noes are in the request's own line.
fn log(problem: &Problem, trace_id: Uuid) {
    match problem {
        Problem::Internal(source) => {
            tracing::error!(trace.id = %trace_id, "internal error: {}", telemetry::chain(source.as_ref()));
        }
        Problem::Unavailable(source) => {
            tracing::warn!(trace.id = %trace_id, "unavailable: {}", telemetry::chain(source.as_ref()));
        }
        Problem::Validation { .. }
        | Problem::Unauthorized
        | Problem::InvalidApiKey
        | Problem::Forbidden { .. }
        | Problem::ForbiddenAddress
        | Problem::NotFound
        | Problem::MethodNotAllowed
        | Problem::Conflict { .. }
        | Problem::PayloadTooLarge { .. }
        | Problem::UnsupportedMediaType
        | Problem::RateLimited { .. }
        | Problem::Refused(_) => {}
    }
}

/// A version 7 UUID: its time is the request's, so traces sort by time.
fn trace_id(now: Millis) -> Uuid {
    let mut random = [0u8; 10];
    // Without entropy the id still tells the time; it names a request and guards nothing.
    let _no_entropy = getrandom::fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now.unix_ms(), &random).into_uuid()
}

#[cfg(test)]
mod tests;
