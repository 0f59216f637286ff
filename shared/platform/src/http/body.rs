//! JSON bodies: 415, 413 and 400 in the envelope, with the field that is wrong.

use super::objects::Objects;
use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

/// The most a body may have, in bytes: no request of ours comes near.
const LIMIT: usize = 256 * 1024;

/// A JSON body.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

/// A body that is absent, empty or `{}`.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

/// A JSON body, or none, which stands for `{}`.
#[derive(Debug, Clone, Default)]
pub struct OptionalBody<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        if !json {
            return Err(Problem::UnsupportedMediaType);
        }
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let bytes = read(request).await?;
        if !json {
            return Err(Problem::UnsupportedMediaType);
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = says_json(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        if !json {
            return Err(Problem::UnsupportedMediaType);
        }
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        parse::<Empty>(&bytes).map(|Empty {}| Self)
    }
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    read_at_most(request, LIMIT).await
}

pub(super) async fn read_at_most(request: Request, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::PayloadTooLarge { limit }),
        Err(_cut_off) => Err(Problem::invalid("body", "The body ended early.")),
    }
}

/// `application/json` or `application/<something>+json`, with any parameters.
pub(super) fn says_json(headers: &HeaderMap) -> bool {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::invalid("body", "Expected a JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        let field = if matches!(path.as_str(), "." | "?") { "body".to_owned() } else { path };
        Problem::invalid(field, error.inner().to_string())
    })?;
    json.end().map_err(|error| Problem::invalid("body", error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::HeaderValue;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        ids: Vec<String>,
    }

    fn field(body: &str) -> String {
        parse::<Wanted>(body.as_bytes()).unwrap_err().field().unwrap().to_owned()
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(field(r#"{"ids":["a",5]}"#), "ids[1]");
        assert_eq!(field(r#"{"ids":5}"#), "ids");
        assert_eq!(field(r#"{"ids":[],"tenant_id":"x"}"#), "tenant_id");
        for nothing in ["", "{", "[]", "[[\"a\"]]", "null", "{}", "{\"ids\":[]} x", "\u{FEFF}{}"] {
            assert_eq!(field(nothing), "body", "{nothing}");
        }
        assert_eq!(parse::<Wanted>(br#"{"ids":["a"]}"#).unwrap(), Wanted { ids: vec!["a".into()] });
    }

    #[test]
    fn only_json_is_json() {
        for (text, expected) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON", true),
            ("application/problem+json", true),
            ("text/json", false),
            ("text/plain", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = [(CONTENT_TYPE, HeaderValue::from_str(text).unwrap())].into_iter().collect();
            assert_eq!(says_json(&headers), expected, "{text}");
        }
        assert!(!says_json(&HeaderMap::new()));
    }

    fn post(body: Vec<u8>, content_type: &str) -> Request {
        Request::post("/").header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
    }

    async fn code<T: FromRequest<(), Rejection = Problem>>(request: Request) -> &'static str {
        T::from_request(request, &()).await.err().map_or("ok", |problem| problem.code().as_str())
    }

    #[tokio::test]
    async fn a_body_is_refused_for_its_size_before_its_type_and_for_its_type_before_its_content() {
        type Body = JsonBody<Wanted>;
        let large = vec![b' '; LIMIT + 1];
        assert_eq!(code::<Body>(post(large.clone(), "application/json")).await, "payload_too_large");
        assert_eq!(code::<Body>(post(large, "text/plain")).await, "payload_too_large");
        assert_eq!(code::<Body>(post(b"{}".to_vec(), "text/plain")).await, "unsupported_media_type");
        assert_eq!(code::<Body>(post(b"{}".to_vec(), "application/json")).await, "validation_error");
        assert_eq!(code::<Body>(post(b"{\"ids\":[]}".to_vec(), "application/json")).await, "ok");
    }

    #[tokio::test]
    async fn an_optional_body_is_nothing_or_what_a_body_must_be() {
        #[derive(Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Wish {
            force: bool,
        }
        type Body = OptionalBody<Wish>;
        assert_eq!(code::<Body>(post(Vec::new(), "text/plain")).await, "ok");
        assert_eq!(code::<Body>(post(b"{}".to_vec(), "application/json")).await, "ok");
        assert_eq!(code::<Body>(post(b"{\"force\":true}".to_vec(), "application/json")).await, "ok");
        assert_eq!(code::<Body>(post(b"{}".to_vec(), "text/plain")).await, "unsupported_media_type");
        assert_eq!(code::<Body>(post(b"{\"a\":1}".to_vec(), "application/json")).await, "validation_error");
    }

    #[tokio::test]
    async fn no_body_is_nothing_or_an_empty_object() {
        assert_eq!(code::<NoBody>(post(Vec::new(), "text/plain")).await, "ok");
        assert_eq!(code::<NoBody>(post(b"{}".to_vec(), "application/json")).await, "ok");
        assert_eq!(code::<NoBody>(post(b"{}".to_vec(), "text/plain")).await, "unsupported_media_type");
        assert_eq!(code::<NoBody>(post(b"[]".to_vec(), "application/json")).await, "validation_error");
        assert_eq!(code::<NoBody>(post(b"{\"a\":1}".to_vec(), "application/json")).await, "validation_error");
    }
}
