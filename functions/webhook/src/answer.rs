//! The answers this endpoint has. The providers read little more than the status.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use uuid::Uuid;

/// Soon: the provider keeps the event and tries again with growing pauses of its own.
const RETRY_AFTER_SECONDS: &str = "5";

/// A status, headers and a body. Serialises as API Gateway's payload format 2.0 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Stored: the provider may forget it.
    pub(crate) fn accepted(trace_id: Uuid) -> Self {
        Self::json(200, format!(r#"{{"ok":true,"trace_id":"{trace_id}"}}"#))
    }

    /// The handshake's challenge, bare.
    pub(crate) fn challenge(challenge: String) -> Self {
        Self::text(200, challenge)
    }

    /// The handshake is not with us.
    pub(crate) fn handshake_refused() -> Self {
        Self::text(403, "forbidden".to_owned())
    }

    /// No proof of origin. The same words whatever was wrong.
    pub(crate) fn unauthorized(trace_id: Uuid) -> Self {
        Self::error(401, "unauthorized", "The webhook's credential is missing or wrong.", trace_id)
    }

    pub(crate) fn not_found(trace_id: Uuid) -> Self {
        Self::error(404, "not_found", "There is nothing here.", trace_id)
    }

    pub(crate) fn method_not_allowed(trace_id: Uuid) -> Self {
        let mut answer = Self::error(
            405,
            "method_not_allowed",
            "A webhook takes POST, and GET for the handshake.",
            trace_id,
        );
        answer.headers.push(("allow", "GET, POST".into()));
        answer
    }

    /// Where there is no handshake.
    pub(crate) fn only_post(trace_id: Uuid) -> Self {
        let mut answer = Self::error(405, "method_not_allowed", "This webhook takes POST.", trace_id);
        answer.headers.push(("allow", "POST".into()));
        answer
    }

    pub(crate) fn payload_too_large(trace_id: Uuid) -> Self {
        Self::error(413, "payload_too_large", "A webhook's body is at most 3.5 MB.", trace_id)
    }

    pub(crate) fn unsupported_media_type(trace_id: Uuid) -> Self {
        Self::error(415, "unsupported_media_type", "A webhook's body is not compressed.", trace_id)
    }

    /// Not stored: the provider must send it again.
    pub(crate) fn unavailable(trace_id: Uuid) -> Self {
        let mut answer =
            Self::error(503, "service_unavailable", "The event was not stored. Send it again.", trace_id);
        answer.headers.push(("retry-after", RETRY_AFTER_SECONDS.into()));
        answer
    }

    pub(crate) fn with_trace_id(mut self, trace_id: Uuid) -> Self {
        self.headers.push(("x-trace-id", trace_id.to_string().into()));
        self
    }

    /// `code` and `message` are ours and need no escaping.
    fn error(status: u16, code: &str, message: &str, trace_id: Uuid) -> Self {
        let body = format!(
            r#"{{"data":null,"error":{{"code":"{code}","message":"{message}","trace_id":"{trace_id}"}}}}"#
        );
        Self::json(status, body)
    }

    fn json(status: u16, body: String) -> Self {
        Self::of(status, "application/json", body)
    }

    fn text(status: u16, body: String) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body)
    }

    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        let mut headers = Vec::with_capacity(4);
        headers.push(("content-type", content_type.into()));
        headers.push(("x-content-type-options", "nosniff".into()));
        Self { status, headers, body }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        struct Headers<'a>(&'a Answer);
        impl Serialize for Headers<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_map(self.0.headers.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = s.serialize_map(Some(3))?;
        map.serialize_entry("statusCode", &self.status)?;
        map.serialize_entry("headers", &Headers(self))?;
        map.serialize_entry("body", &self.body)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_written_as_the_gateway_reads_it() {
        let answer = Answer::accepted(Uuid::nil()).with_trace_id(Uuid::nil());
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            concat!(
                r#"{"statusCode":200,"headers":{"content-type":"application/json","#,
                r#""x-content-type-options":"nosniff","x-trace-id":"00000000-0000-0000-0000-000000000000"},"#,
                r#""body":"{\"ok\":true,\"trace_id\":\"00000000-0000-0000-0000-000000000000\"}"}"#
            )
        );
    }

    #[test]
    fn every_error_is_the_envelope() {
        for answer in [
            Answer::unauthorized(Uuid::nil()),
            Answer::not_found(Uuid::nil()),
            Answer::method_not_allowed(Uuid::nil()),
            Answer::only_post(Uuid::nil()),
            Answer::payload_too_large(Uuid::nil()),
            Answer::unsupported_media_type(Uuid::nil()),
            Answer::unavailable(Uuid::nil()),
        ] {
            let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert!(body["data"].is_null() && body["error"]["code"].is_string(), "{body}");
            assert_eq!(body["error"]["trace_id"], Uuid::nil().to_string());
        }
    }
}
