//! The envelope: `{ "data": .., "error": null }` or `{ "data": null, "error": {..} }`, made here and nowhere else.

use super::problem::Problem;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A "yes" with what was asked for.
#[derive(Debug, Clone)]
pub struct Data<T> {
    status: StatusCode,
    data: T,
}

impl<T> Data<T> {
    /// 200: here it is.
    pub const fn ok(data: T) -> Self {
        Self { status: StatusCode::OK, data }
    }

    /// 201: made.
    pub const fn created(data: T) -> Self {
        Self { status: StatusCode::CREATED, data }
    }

    /// 202: taken, and done later.
    pub const fn accepted(data: T) -> Self {
        Self { status: StatusCode::ACCEPTED, data }
    }
}

/// Tells the edge that a body is in the envelope already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enveloped;

#[derive(Serialize)]
struct Envelope<'a, T> {
    data: Option<T>,
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    trace_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

/// What is kept of an answer in place of what it says.
#[derive(Debug, Clone)]
pub(super) struct KeptInstead(pub(super) Bytes);

impl<T: Serialize> Data<T> {
    /// An answer that shows something once. Answers are kept for repetitions, and a secret must not lie in a table: what
    /// is kept, and given to whoever repeats the request with its `Idempotency-Key`, is `kept`.
    pub fn shown_once(self, kept: Self) -> Response {
        let mut response = self.into_response();
        match serde_json::to_vec(&Envelope { data: Some(kept.data), error: None }) {
            Ok(body) => {
                response.extensions_mut().insert(KeptInstead(body.into()));
                response
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&Envelope { data: Some(self.data), error: None }) {
            Ok(body) => {
                let mut response = json(self.status, body);
                response.extensions_mut().insert(Enveloped);
                response
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// The answer for a problem, in full.
pub(super) fn failure(problem: &Problem, trace_id: Uuid) -> Response {
    let code = problem.code();
    let message = problem.message();
    let error = Failure {
        code: code.as_str(),
        message: &message,
        field: problem.field(),
        trace_id,
        details: problem.details(),
    };
    // Strings and a UUID always serialise.
    let body = serde_json::to_vec(&Envelope::<()> { data: None, error: Some(error) }).unwrap_or_default();
    let mut response = json(code.status(), body);
    if let Some(seconds) = problem.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(challenge) = problem.challenge() {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
