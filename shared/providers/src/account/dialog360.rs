//! 360dialog: whether a key opens a channel, which number that is, and where its webhooks go.

use super::{Unusable, build, get, json, meta, text};
use bytes::Bytes;
use domain::number::NumberFacts;
use domain::provider::Provider;
use http::{HeaderName, Method, Request, Response};
use serde_json::{Map, Value, json as object};

const KEY: HeaderName = HeaderName::from_static("d360-api-key");
/// The header in which our webhook secret comes back.
pub const SECRET_HEADER: &str = "X-Hadar-Webhook-Secret";
/// The path that is asked unless the deployment names another: which one an account answers varies.
pub const PROBE_PATH: &str = "/health_status";

const UNUSABLE: Unusable = Unusable(Provider::Dialog360);

/// Asks whether a key opens a channel.
///
/// # Errors
/// No request can hold the key, or the path is none.
pub fn probe_request(path: &str, key: &str) -> Result<Request<Bytes>, Unusable> {
    let path = path.starts_with('/').then_some(path).ok_or(UNUSABLE)?;
    get(path, Some((KEY, key))).ok_or(UNUSABLE)
}

/// What the probe says about a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelFacts {
    /// Meta's id of the number, where the probe names it.
    pub phone_number_id: Option<String>,
    /// Meta's id of the business account, where the probe names it.
    pub waba_id: Option<String>,
    /// What it says about the number.
    pub facts: NumberFacts,
    /// Why the channel cannot send, if it says so.
    pub blocked: bool,
}

/// Reads what the probe says.
#[must_use]
pub fn channel_facts(answer: &Response<Bytes>) -> ChannelFacts {
    let body = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    let entities = body.pointer("/health_status/entities").and_then(Value::as_array);
    let entity = |kind: &str| {
        let mut all = entities.into_iter().flatten();
        let one = all.find(|one| one.get("entity_type").and_then(Value::as_str) == Some(kind))?;
        text(one, "/id").filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let first = body.pointer("/data/0").filter(|first| first.is_object()).unwrap_or(&body);
    let can_send = text(&body, "/health_status/can_send_message");
    ChannelFacts {
        phone_number_id: entity("PHONE_NUMBER"),
        waba_id: entity("WABA"),
        facts: meta::facts(first),
        blocked: can_send.as_deref() == Some("BLOCKED"),
    }
}

/// Asks where a channel's webhooks go.
///
/// # Errors
/// No request can hold the key.
pub fn webhook_request(key: &str) -> Result<Request<Bytes>, Unusable> {
    get("/v1/configs/webhook", Some((KEY, key))).ok_or(UNUSABLE)
}

/// Where a channel's webhooks go.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSetting {
    /// The address.
    pub url: String,
    /// The headers that come along; they may be secrets.
    pub headers: Map<String, Value>,
}

impl std::fmt::Debug for WebhookSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSetting").finish_non_exhaustive()
    }
}

/// Reads where a channel's webhooks go; `None` when nowhere yet.
#[must_use]
pub fn webhook_setting(answer: &Response<Bytes>) -> Option<WebhookSetting> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let url = body.get("url")?.as_str()?.to_owned();
    let headers = body.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
    (answer.status().is_success() && !url.is_empty()).then_some(WebhookSetting { url, headers })
}

/// Sends a channel's webhooks to an address, with headers that come along.
///
/// # Errors
/// No request can hold the key.
pub fn set_webhook_request(key: &str, setting: &WebhookSetting) -> Result<Request<Bytes>, Unusable> {
    let body = json(&object!({"url": setting.url, "headers": setting.headers}));
    build(Method::POST, "/v1/configs/webhook", Some((KEY, key)), body).ok_or(UNUSABLE)
}

/// The setting that makes a channel's webhooks ours: our address and our secret in a header.
#[must_use]
pub fn our_setting(url: &str, secret: &str) -> WebhookSetting {
    let headers = [(SECRET_HEADER.to_owned(), Value::String(secret.to_owned()))].into_iter().collect();
    WebhookSetting { url: url.to_owned(), headers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_names_the_number_where_it_can() {
        let health = r#"{"health_status":{"can_send_message":"BLOCKED","entities":[
            {"entity_type":"PHONE_NUMBER","id":"12"},{"entity_type":"WABA","id":"34"}]}}"#;
        let found = channel_facts(&Response::new(Bytes::from_static(health.as_bytes())));
        assert_eq!((found.phone_number_id.as_deref(), found.waba_id.as_deref()), (Some("12"), Some("34")));
        assert!(found.blocked);
        let profile = r#"{"data":[{"about":"x","verified_name":"Marina"}]}"#;
        let found = channel_facts(&Response::new(Bytes::from_static(profile.as_bytes())));
        assert_eq!((found.phone_number_id, found.facts.verified_name.as_deref()), (None, Some("Marina")));
        for odd in ["", "[]", "null", r#"{"health_status":{"entities":{"a":1}}}"#] {
            let found = channel_facts(&Response::new(Bytes::from_static(odd.as_bytes())));
            assert_eq!(found, ChannelFacts::default(), "{odd}");
        }
    }

    #[test]
    fn a_setting_holds_the_secret_and_does_not_show_it() {
        let setting = our_setting("https://x.example/", "s3cret");
        assert!(!format!("{setting:?}").contains("s3cret"));
        let request = set_webhook_request("key", &setting).unwrap();
        assert!(String::from_utf8_lossy(request.body()).contains("\"X-Hadar-Webhook-Secret\":\"s3cret\""));
        assert!(set_webhook_request("a\nb", &setting).is_err());
        assert!(probe_request("health", "key").is_err());
    }
}
