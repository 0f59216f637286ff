//! A number's account at its provider: the requests that prove it, look at it and point its webhooks at us, and what
//! the answers say (providers.md 2.4, 3, 4.1, 4.2).
//!
//! A request's URI is a path and query under the provider's root. Nothing is sent here.

pub mod dialog360;
pub mod meta;
pub mod profile;
pub mod ultramsg;

use crate::outbound::refusal;
use bytes::Bytes;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::Value;

/// An id or a secret that no request can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id or the secret of the number cannot be sent to {0}")]
pub struct Unusable(pub Provider);

/// A provider's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What it says about the connection: `unauthorized`, `not_provisioned`, `rate_limited` or `error`.
    pub status: ConnectionStatus,
    /// The HTTP status.
    pub http_status: u16,
    /// The provider's code, where it has one.
    pub code: Option<i64>,
    /// What it said; never about a token, because some providers repeat the token then.
    pub words: Option<String>,
}

/// What an answer that must not count as a yes says; `None` when it is a yes in JSON.
#[must_use]
pub fn refused(provider: Provider, answer: &Response<Bytes>) -> Option<Refused> {
    let body = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    if answer.status().is_success() && body.is_object() && !says_no(&body) {
        return None;
    }
    let failure = refusal(provider, answer);
    // Graph's word for an object that is not there, or not the token's.
    let no_object = body.pointer("/error/error_subcode").and_then(Value::as_i64) == Some(33);
    let by_status = match answer.status() {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ConnectionStatus::Unauthorized,
        StatusCode::NOT_FOUND => ConnectionStatus::NotProvisioned,
        StatusCode::TOO_MANY_REQUESTS => ConnectionStatus::RateLimited,
        _ => ConnectionStatus::Error,
    };
    let status = match failure.code.as_str() {
        "integration_unauthorized" | "integration_permission_missing" => ConnectionStatus::Unauthorized,
        "integration_not_provisioned" => ConnectionStatus::NotProvisioned,
        "provider_rate_limited" => ConnectionStatus::RateLimited,
        _ if no_object => ConnectionStatus::NotProvisioned,
        _ => by_status,
    };
    Some(Refused {
        status,
        http_status: answer.status().as_u16(),
        code: failure.provider_code,
        words: failure.provider_message.filter(|_| status != ConnectionStatus::Unauthorized),
    })
}

fn says_no(body: &Value) -> bool {
    let error = ["error", "errors"].into_iter().filter_map(|name| body.get(name)).any(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
    });
    let gateway = body.pointer("/meta/success").and_then(Value::as_bool) == Some(false)
        || body.pointer("/meta/http_code").and_then(Value::as_i64).is_some_and(|code| code >= 400);
    error || gateway
}

/// A part of a path that came from settings: no `/`, no `?`, no `..`.
fn path_part(text: &str) -> Option<&str> {
    let plain =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some(text)
}

fn get(path: &str, header: Option<(HeaderName, &str)>) -> Option<Request<Bytes>> {
    build(Method::GET, path, header, None)
}

fn build(
    method: Method,
    path: &str,
    header: Option<(HeaderName, &str)>,
    body: Option<(HeaderValue, Bytes)>,
) -> Option<Request<Bytes>> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse::<Uri>().ok()?;
    if let Some((name, secret)) = header {
        let mut value = HeaderValue::from_str(secret).ok()?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    if let Some((content_type, body)) = body {
        request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        *request.body_mut() = body;
    }
    Some(request)
}

fn json(body: &Value) -> Option<(HeaderValue, Bytes)> {
    Some((HeaderValue::from_static("application/json"), Bytes::from(serde_json::to_vec(body).ok()?)))
}

fn text(body: &Value, pointer: &str) -> Option<String> {
    let text = body.pointer(pointer).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).map(|text| text.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let mut answer = Response::new(Bytes::from(body.to_owned()));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answer
    }

    #[test]
    fn each_no_says_how_the_connection_stands() {
        use ConnectionStatus::{Error, NotProvisioned, RateLimited, Unauthorized};
        use Provider::{Dialog360, Meta, Ultramsg};
        for (provider, status, body, expected) in [
            (Meta, 401, r#"{"error":{"message":"Malformed access token EAAx","code":190}}"#, Unauthorized),
            (Meta, 403, r#"{"error":{"message":"(#200) no permission","code":200}}"#, Unauthorized),
            (
                Meta,
                400,
                r#"{"error":{"message":"does not exist","code":100,"error_subcode":33}}"#,
                NotProvisioned,
            ),
            (Meta, 400, r#"{"error":{"message":"(#4) limit","code":4}}"#, RateLimited),
            (Meta, 500, r#"{"error":{"message":"unknown","code":2}}"#, Error),
            (
                Dialog360,
                401,
                r#"{"meta":{"http_code":401,"developer_message":"Invalid api key","success":false}}"#,
                Unauthorized,
            ),
            (Dialog360, 403, "", Unauthorized),
            (Dialog360, 404, r#"{"meta":{"http_code":404,"success":false}}"#, NotProvisioned),
            (Dialog360, 429, "", RateLimited),
            (Dialog360, 503, "<html>", Error),
            (Dialog360, 200, "<html>", Error),
            (
                Ultramsg,
                200,
                r#"{"error":"Wrong token. Please provide token as a GET parameter."}"#,
                Unauthorized,
            ),
            (Ultramsg, 404, r#"{"error":"Instance not found"}"#, NotProvisioned),
            (Ultramsg, 200, r#"{"error":"Something else"}"#, Error),
            (Ultramsg, 200, "", Error),
        ] {
            let refused = refused(provider, &answer(status, body));
            assert_eq!(refused.as_ref().map(|no| no.status), Some(expected), "{provider} {status} {body}");
            let said = refused.and_then(|no| no.words).unwrap_or_default();
            assert!(!said.contains("EAAx"), "{said}");
        }
        assert_eq!(refused(Meta, &answer(200, r#"{"success":true}"#)), None);
        assert_eq!(refused(Ultramsg, &answer(200, r#"{"status":{}}"#)), None);
    }
}
