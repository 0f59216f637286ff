//! Answers that end as they must not: before the first byte, or in the middle of the body.

use crate::wire::Reply;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use std::io;
use std::time::Duration;

/// How long the server may take to write what stands before the cut.
const WRITTEN: Duration = Duration::from_millis(40);

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection is cut, as a rule says")
}

/// No answer: the body fails before the head was written, and the server closes the connection.
pub(crate) fn reset() -> Response {
    let failing = stream::once(async { Err::<Bytes, _>(broken()) });
    Response::new(Body::from_stream(failing))
}

/// The head and the first bytes of an answer whose length is announced, then the end of the connection.
pub(crate) fn after(reply: Reply, bytes: usize) -> Response {
    let length = reply.body.len();
    let first = reply.body.slice(..bytes.min(length.saturating_sub(1)));
    let written = stream::iter((!first.is_empty()).then_some(Ok(first)));
    // The server writes what it has as soon as it must wait for more.
    let failing = stream::once(async {
        tokio::time::sleep(WRITTEN).await;
        Err(broken())
    });
    let mut response = whole(Reply { body: Bytes::new(), ..reply });
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    *response.body_mut() = Body::from_stream(written.chain(failing));
    response
}

/// An answer as it should be.
pub(crate) fn whole(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(mime) = HeaderValue::try_from(reply.mime) {
        response.headers_mut().insert(CONTENT_TYPE, mime);
    }
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
