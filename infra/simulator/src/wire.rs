//! A call of a provider's API as it came, and the answer to it.

use crate::account::Kind;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

/// A call of a provider's API.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    /// Path and query under the provider's root.
    pub(crate) target: String,
    /// The parts of the path.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) now_ms: i64,
}

impl Call {
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The bearer token; empty when there is none.
    pub(crate) fn bearer(&self) -> &str {
        self.header(AUTHORIZATION).strip_prefix("Bearer ").unwrap_or_default().trim()
    }

    pub(crate) fn content_type(&self) -> &str {
        self.header(CONTENT_TYPE)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.content_type().to_ascii_lowercase().starts_with("application/json")
    }

    pub(crate) fn is_form(&self) -> bool {
        self.content_type().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    }

    /// The calling function, from `User-Agent: hadar/...`.
    pub(crate) fn caller(&self) -> Option<&str> {
        self.header(USER_AGENT).split_ascii_whitespace().find_map(|product| product.strip_prefix("hadar/"))
    }

    /// A parameter of the query.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as JSON, or as the text it is.
    pub(crate) fn json_or_text(&self) -> Value {
        self.json().unwrap_or_else(|| json!(String::from_utf8_lossy(&self.body)))
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        if self.is_form() { serde_urlencoded::from_bytes(&self.body).unwrap_or_default() } else { Vec::new() }
    }

    /// A form as an object, the token left out; any other body as it came.
    pub(crate) fn form_as_json(&self) -> Value {
        if !self.is_form() {
            return self.json_or_text();
        }
        let fields = self.form().into_iter().filter(|(name, _)| name != "token");
        Value::Object(fields.map(|(name, value)| (name, Value::String(value))).collect())
    }

    /// The parts of the path, to be matched.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) mime: String,
    pub(crate) body: Bytes,
    /// Seconds of a `Retry-After`.
    pub(crate) retry_after: Option<u64>,
}

impl Reply {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let mime = "application/json; charset=UTF-8".to_owned();
        Self { status, mime, body: Bytes::from(body.to_string()), retry_after: None }
    }

    /// A file.
    pub(crate) fn file(mime: &str, body: Bytes) -> Self {
        Self { status: 200, mime: mime.to_owned(), body, retry_after: None }
    }

    /// The same with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The body as JSON, or as the text it is.
    pub(crate) fn shown(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&self.body)))
    }
}
