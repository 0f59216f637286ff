//! Visitors of public pages: no key, but an address, an origin, and bodies as browsers send them.

use super::body::{parse, read_at_most, says_json};
use super::problem::Problem;
use super::{edge, origin};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{self, CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// The most a visitor's body may have, in bytes.
const LIMIT: usize = 32 * 1024;
/// How long a browser may remember what it may send, in seconds.
const REMEMBERED_S: &str = "600";

/// Whoever sends a request without a key.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// From where, as far as anybody vouches for it.
    pub address: Option<IpAddr>,
    /// The page's origin, when a browser says it.
    pub origin: Option<String>,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// Which request.
    pub call: edge::Call,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let call = parts.extensions.get::<edge::Call>().copied();
        let call = call.ok_or_else(|| Problem::internal("a route outside `serve`"))?;
        let text = |name: HeaderName| {
            let value = parts.headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Self {
            address: origin::address(&parts.extensions),
            origin: text(header::ORIGIN),
            key: text(HeaderName::from_static("idempotency-key")),
            call,
        })
    }
}

/// A body of names and values: JSON, or what a browser makes of a form.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The values; all texts when a browser sent them.
    pub values: Map<String, Value>,
    /// Whether a browser left the page to send it, and so must be led somewhere afterwards.
    pub by_navigation: bool,
}

impl<S: Send + Sync> FromRequest<S> for Submitted {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (json, encoded) = (says_json(request.headers()), says_urlencoded(request.headers()));
        let bytes = read_at_most(request, LIMIT).await?;
        if json {
            return Ok(Self { values: parse(&bytes)?, by_navigation: false });
        }
        if !encoded {
            return Err(Problem::UnsupportedMediaType);
        }
        let mut values = Map::new();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&bytes)
            .map_err(|_| Problem::invalid("body", "The body cannot be read as the fields of a form."))?;
        for (name, value) in pairs {
            let shown: String = name.chars().take(64).collect();
            if values.insert(name, Value::String(value)).is_some() {
                return Err(Problem::invalid(shown, "This field is given more than once."));
            }
        }
        Ok(Self { values, by_navigation: true })
    }
}

fn says_urlencoded(headers: &HeaderMap) -> bool {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The answer, readable for pages of an origin: its errors too.
pub fn readable_from(origin: Option<&str>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("X-Trace-Id, Retry-After");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// The answer to a browser that asks what a page of an allowed origin may send.
pub fn preflight(methods: &'static str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    let allowed = HeaderValue::from_static("Content-Type, Idempotency-Key");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED_S));
    response.extensions_mut().insert(super::envelope::Enveloped);
    response
}

/// The answer to a browser that left its page: on to the next one.
///
/// # Errors
/// The address cannot be one.
pub fn see_other(url: &str) -> Result<Response, Problem> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(url).map_err(Problem::internal)?);
    response.extensions_mut().insert(super::envelope::Enveloped);
    Ok(response)
}
