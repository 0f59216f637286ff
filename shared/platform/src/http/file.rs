//! Files in and out: bodies that are not JSON, and answers outside the envelope.
//!
//! An answer is always a download that no browser runs: whatever the bytes are, they cannot act in the name of this
//! origin (T24). `nosniff` comes from the edge.

use super::body::{parse, read_at_most, says_json};
use super::envelope::Enveloped;
use super::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::file::disposition;
use domain::redacted::Redacted;
use serde::de::DeserializeOwned;

const ONLY_STYLES: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'");
const NOTHING_RUNS: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A file as an answer.
#[derive(Debug, Clone)]
pub struct File {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its type, from the short list of [`domain::file::served_as`].
    pub content_type: &'static str,
    /// The name it is saved under, from [`domain::file::safe_name`].
    pub name: String,
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let Ok(disposition) = HeaderValue::try_from(disposition(&self.name)) else {
            return Problem::internal("a file's name that no header can hold").into_response();
        };
        let mut response = Response::new(Body::from(self.bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_DISPOSITION, disposition);
        headers.insert(CONTENT_SECURITY_POLICY, NOTHING_RUNS);
        response.extensions_mut().insert(Enveloped);
        response
    }
}

/// Lines of JSON as an answer.
#[derive(Debug, Clone)]
pub struct Ndjson(pub Vec<u8>);

impl IntoResponse for Ndjson {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        response.extensions_mut().insert(Enveloped);
        response
    }
}

/// A page that people read: text and tables, in which nothing runs and nothing is fetched.
#[derive(Debug, Clone)]
pub struct Readable(pub String);

impl IntoResponse for Readable {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, ONLY_STYLES);
        response.extensions_mut().insert(Enveloped);
        response
    }
}

/// 302: a file that is too large for an answer of ours lies there, for a while.
#[derive(Debug, Clone)]
pub struct Elsewhere(pub Redacted<String>);

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        let Ok(location) = HeaderValue::try_from(self.0.into_exposed()) else {
            return Problem::internal("an address that no header can hold").into_response();
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, location);
        response.extensions_mut().insert(Enveloped);
        response
    }
}

/// A body of at most `LIMIT` bytes with its type, JSON or not.
#[derive(Debug, Clone)]
pub struct FileBody<const LIMIT: usize> {
    /// `Content-Type` as it was given; empty when there is none.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
    json: bool,
}

impl<const LIMIT: usize> FileBody<LIMIT> {
    /// The body as a JSON object; `None` when it does not say that it is JSON.
    ///
    /// # Errors
    /// It is not what was expected; names the field.
    pub fn json<T: DeserializeOwned>(&self) -> Option<Result<T, Problem>> {
        self.json.then(|| parse(&self.bytes))
    }
}

impl<const LIMIT: usize, S: Send + Sync> FromRequest<S> for FileBody<LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = read_at_most(request, LIMIT).await?;
        Ok(Self { content_type, bytes, json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_download_that_nothing_runs() {
        let file = File {
            bytes: Bytes::from_static(b"<script>"),
            content_type: "application/octet-stream",
            name: "عقد.pdf".into(),
        };
        let answer = file.into_response();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert!(
            header("content-disposition").starts_with("attachment; filename=\"___.pdf\"; filename*=UTF-8''")
        );
        assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
        assert_eq!(header("content-type"), "application/octet-stream");
        assert!(answer.extensions().get::<Enveloped>().is_some());
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_whatever_it_is() {
        let post = |kind: &'static str, body: &'static str| {
            Request::post("/").header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
        };
        let body = FileBody::<4>::from_request(post("image/png", "1234"), &()).await.unwrap();
        assert!(body.json::<serde_json::Value>().is_none() && body.content_type == "image/png");
        let body = FileBody::<4>::from_request(post("application/json", "{}"), &()).await.unwrap();
        assert!(body.json::<serde_json::Value>().unwrap().is_ok());
        let problem = FileBody::<4>::from_request(post("image/png", "12345"), &()).await.unwrap_err();
        assert_eq!(problem.code().as_str(), "payload_too_large");
    }
}
