//! Answers and errors as S3 writes them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::protocol::Answer;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct S3Error {
    status: StatusCode,
    pub(super) code: &'static str,
    message: String,
}

impl S3Error {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The answer to what is not emulated: never a pretended success.
    pub(super) fn not_implemented(what: &str) -> Self {
        let message =
            format!("{what} is not emulated by the local stack; it was refused and nothing was done.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    /// A failure of the stack itself.
    pub(super) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!("the local stack's buckets: {cause}");
        let message = format!("the local stack's buckets: {cause}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    pub(super) fn no_such_bucket() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn denied(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    pub(super) fn answer(&self) -> Answer {
        let (code, message) = (self.code, escaped(&self.message));
        xml(self.status, &format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
    }
}

/// An XML document.
pub(super) fn xml(status: StatusCode, root: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}");
    let mut answer = plain(status, Bytes::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// An answer with the header that every answer of S3 has.
pub(super) fn plain(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        answer.headers_mut().insert(HeaderName::from_static("x-amz-request-id"), id);
    }
    answer
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
