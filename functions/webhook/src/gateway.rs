//! API Gateway's HTTP API event, payload format 2.0: only the members that matter, borrowed where JSON allows.

use crate::request::{Headers, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// One event.
#[derive(Deserialize)]
pub struct Event<'a> {
    #[serde(borrow, rename = "rawPath")]
    path: Cow<'a, str>,
    #[serde(borrow, rename = "rawQueryString", default)]
    query: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "headers")]
    headers: Headers<'a>,
    #[serde(borrow, rename = "requestContext")]
    context: Context<'a>,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
    #[serde(rename = "isBase64Encoded", default)]
    is_base64: bool,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    http: Http<'a>,
}

#[derive(Deserialize)]
struct Http<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

/// Reads an event.
///
/// # Errors
/// Anything but an HTTP API event of payload format 2.0.
pub fn parse(event: &RawValue) -> Result<Event<'_>, serde_json::Error> {
    serde_json::from_str(event.get())
}

impl Event<'_> {
    /// The request, its body as the bytes that the provider sent.
    #[must_use]
    pub fn request(&self) -> Request<'_> {
        let body = self.body.as_deref().unwrap_or_default();
        let body = if self.is_base64 {
            // The gateway encodes correctly; what does not decode is read as nothing, which proves nothing.
            Cow::Owned(STANDARD.decode(body).unwrap_or_default())
        } else {
            Cow::Borrowed(body.as_bytes())
        };
        Request {
            method: &self.context.http.method,
            path: &self.path,
            query: &self.query,
            headers: self.headers.clone(),
            body,
        }
    }
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headers<'de>, D::Error> {
    struct Fields;
    impl<'de> Visitor<'de> for Fields {
        type Value = Headers<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of headers")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut headers = Headers::default();
            while let Some(Text(name)) = map.next_key()? {
                let Text(value) = map.next_value()?;
                headers.note(&name, || value);
            }
            Ok(headers)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Headers::default())
        }
    }
    deserializer.deserialize_any(Fields)
}

/// Text borrowed when it has no escapes, which serde does for a `Cow` only behind an attribute.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str) -> Result<String, serde_json::Error> {
        let event = RawValue::from_string(event.to_owned())?;
        let event = parse(&event)?;
        let request = event.request();
        let signature = request.headers.hub_signature.as_deref().unwrap_or("-");
        let body = String::from_utf8_lossy(&request.body);
        Ok(format!("{} {} {} {signature} {body}", request.method, request.path, request.query))
    }

    #[test]
    fn text_and_base64_bodies_are_the_same_bytes() {
        let event = |body: &str, coded: bool| {
            format!(
                r#"{{"version":"2.0","rawPath":"/api/webhooks/whatsapp","rawQueryString":"a=b","headers":{{"x-a":"\"","X-Hub-Signature-256":"sha256=00"}},"requestContext":{{"http":{{"method":"POST","path":"/x"}},"stage":"$default"}},"body":"{body}","isBase64Encoded":{coded}}}"#
            )
        };
        let expected = r#"POST /api/webhooks/whatsapp a=b sha256=00 {"a":"\u0645"}"#;
        assert_eq!(read(&event(r#"{\"a\":\"\\u0645\"}"#, false)).unwrap(), expected);
        assert_eq!(read(&event(&STANDARD.encode(r#"{"a":"\u0645"}"#), true)).unwrap(), expected);
        assert_eq!(read(&event("!", true)).unwrap(), "POST /api/webhooks/whatsapp a=b sha256=00 ");
    }

    #[test]
    fn an_event_without_body_and_headers_reads() {
        let event = r#"{"rawPath":"/","requestContext":{"http":{"method":"GET"}},"headers":null}"#;
        assert_eq!(read(event).unwrap(), "GET /  - ");
        assert!(read(r#"{"Records":[]}"#).is_err());
    }
}
