//! Answers of the front itself, in the envelope of the API.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

/// A no of the front or of the controls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    /// No such path.
    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message: "There is nothing at this path.".into(),
        }
    }

    /// The path has no such method.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "This path does not have this method.".into();
        Self { status: StatusCode::METHOD_NOT_ALLOWED, code: "method_not_allowed", message }
    }

    /// The body is larger than API Gateway lets through.
    pub(crate) fn payload_too_large() -> Self {
        let message = "A request may have at most 10 MB.".into();
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, code: "payload_too_large", message }
    }

    /// The request line and the headers are larger than API Gateway lets through.
    pub(crate) fn headers_too_large() -> Self {
        let message = "The request line and the headers together may have at most 10,240 bytes.".into();
        Self { status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, code: "payload_too_large", message }
    }

    /// The body of a control makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "validation_error", message: message.into() }
    }

    /// The function gave no answer.
    pub(crate) fn internal() -> Self {
        let message = "The function ended without an answer.".into();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "internal_error", message }
    }

    /// The function gave no answer in time, or something it needs is down.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "service_unavailable", message: message.into() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let trace_id = Uuid::now_v7();
        let error = json!({"code": self.code, "message": self.message, "trace_id": trace_id});
        let body = json!({"data": null, "error": error}).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        if let Ok(value) = http::HeaderValue::try_from(trace_id.to_string()) {
            headers.insert("x-trace-id", value);
        }
        response
    }
}
