//! UltraMsg: whether an instance is linked to a phone, which phone that is, and where its webhooks go.

use super::{Unusable, build, get, path_part, text};
use bytes::Bytes;
use domain::provider::Provider;
use http::{HeaderValue, Method, Request, Response};
use serde_json::Value;

const UNUSABLE: Unusable = Unusable(Provider::Ultramsg);
/// What must be told for an inbox to be whole: messages from both sides and their receipts.
const EVENTS: [&str; 5] = [
    "webhook_message_received",
    "webhook_message_create",
    "webhook_message_ack",
    "webhook_message_download_media",
    "webhook_message_reaction",
];

/// The instance's id without the prefix that the set-up page shows.
#[must_use]
pub fn plain_instance(text: &str) -> &str {
    text.strip_prefix("instance").unwrap_or(text)
}

fn ask(instance: &str, what: &str, token: &str) -> Option<Request<Bytes>> {
    let instance = path_part(plain_instance(instance))?;
    let query = serde_urlencoded::to_string([("token", token)]).ok()?;
    get(&format!("/instance{instance}/instance/{what}?{query}"), None)
}

/// Asks whether an instance is linked to a phone.
///
/// # Errors
/// No request can hold the instance's id.
pub fn status_request(instance: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    ask(instance, "status", token).ok_or(UNUSABLE)
}

/// Asks which phone an instance is linked to.
///
/// # Errors
/// As [`status_request`].
pub fn me_request(instance: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    ask(instance, "me", token).ok_or(UNUSABLE)
}

/// Asks for an instance's settings.
///
/// # Errors
/// As [`status_request`].
pub fn settings_request(instance: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    ask(instance, "settings", token).ok_or(UNUSABLE)
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceState {
    /// Such as `authenticated`.
    pub status: String,
    /// Such as `connected`.
    pub substatus: String,
}

/// Reads how an instance stands; `None` when the answer does not say.
#[must_use]
pub fn instance_state(answer: &Response<Bytes>) -> Option<InstanceState> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let account = body.pointer("/status/accountStatus")?;
    let status = text(account, "/status")?.to_lowercase();
    Some(InstanceState { status, substatus: text(account, "/substatus").unwrap_or_default().to_lowercase() })
}

impl InstanceState {
    /// Why the instance cannot be used now, and what to do; `None` when it can.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let sentence = match (self.status.as_str(), self.substatus.as_str()) {
            ("authenticated", "connected") => return None,
            ("authenticated", _) => {
                "The phone of this UltraMsg instance is linked but not connected. Open WhatsApp on the phone, check \
                 its internet connection and save again."
            }
            ("qr", _) => {
                "This UltraMsg instance waits for its QR code. Scan it with the phone (WhatsApp, Linked devices) on \
                 the instance's page and save again."
            }
            ("standby", _) => {
                "This UltraMsg instance is on standby: WhatsApp Web is open elsewhere. Take it over on the \
                 instance's page and save again."
            }
            ("loading", _) => "This UltraMsg instance is loading its chats. Wait a minute and save again.",
            ("initialize" | "initializing", _) => {
                "This UltraMsg instance is starting. Wait a minute and save again."
            }
            ("retrying", _) => {
                "This UltraMsg instance is trying to reach its phone again. Check the phone's internet connection, \
                 wait a minute and save again."
            }
            ("disconnected", _) => {
                "This UltraMsg instance lost its phone. Restart it on its page, scan the QR code and save again."
            }
            ("stopped" | "expired", _) => {
                "This UltraMsg instance is stopped. Renew or start it on its page and save again."
            }
            _ => {
                let shown = format!(
                    "This UltraMsg instance reports the state `{}`. It must be authenticated and connected: look at \
                     the instance's page and save again.",
                    self.name()
                );
                return Some(shown);
            }
        };
        Some(sentence.to_owned())
    }

    /// Whether the instance comes back by itself, given a minute.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self.status.as_str(), "loading" | "initialize" | "initializing" | "retrying")
    }

    /// Both words, for a person: only harmless characters of them.
    #[must_use]
    pub fn name(&self) -> String {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(32).collect()
        };
        format!("{}/{}", plain(&self.status), plain(&self.substatus))
    }
}

/// The phone an instance is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedPhone {
    /// The number's digits.
    pub digits: String,
    /// The name on it.
    pub name: Option<String>,
}

/// Reads which phone an instance is linked to; `None` when the answer does not say.
#[must_use]
pub fn linked_phone(answer: &Response<Bytes>) -> Option<LinkedPhone> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let id = text(&body, "/id")?;
    // A linked device has a part of its own: `9715…:12@c.us`.
    let digits = id.split(['@', ':']).next().unwrap_or_default().to_owned();
    let number = (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| LinkedPhone { digits, name: text(&body, "/name") })
}

/// The address an instance's webhooks go to; empty when nowhere.
#[must_use]
pub fn webhook_url(answer: &Response<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    Some(body.get("webhook_url")?.as_str()?.to_owned())
}

/// Sends an instance's webhooks to an address, or with an empty one nowhere.
///
/// # Errors
/// As [`status_request`].
pub fn set_webhook_request(instance: &str, token: &str, url: &str) -> Result<Request<Bytes>, Unusable> {
    let instance = path_part(plain_instance(instance)).ok_or(UNUSABLE)?;
    let mut fields = vec![("token", token), ("webhook_url", url)];
    if !url.is_empty() {
        fields.extend(EVENTS.map(|name| (name, "true")));
    }
    let body = serde_urlencoded::to_string(fields).map_err(|_| UNUSABLE)?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let path = format!("/instance{instance}/instance/settings");
    build(Method::POST, &path, None, Some((form, Bytes::from(body)))).ok_or(UNUSABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response<Bytes> {
        Response::new(Bytes::from(body.to_owned()))
    }

    #[test]
    fn only_authenticated_and_connected_is_ready_and_every_other_state_has_its_own_sentence() {
        let state = |status: &str, substatus: &str| InstanceState {
            status: status.to_owned(),
            substatus: substatus.to_owned(),
        };
        assert_eq!(state("authenticated", "connected").trouble(), None);
        let mut sentences: Vec<String> = [
            ("authenticated", "normal"),
            ("qr", "normal"),
            ("standby", "normal"),
            ("loading", ""),
            ("initialize", ""),
            ("retrying", ""),
            ("disconnected", ""),
            ("stopped", ""),
            ("something", "new"),
        ]
        .map(|(status, substatus)| state(status, substatus).trouble().unwrap())
        .into();
        assert!(sentences.iter().all(|sentence| sentence.contains("again")), "{sentences:?}");
        assert!(state("retrying", "").passes() && !state("qr", "normal").passes());
        assert!(!state("authenticated", "normal").passes() && !state("something", "new").passes());
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), 9);
    }

    #[test]
    fn a_state_is_read_and_nothing_else_is_one() {
        let body = r#"{"status":{"accountStatus":{"status":"Authenticated","substatus":"connected"}}}"#;
        assert_eq!(instance_state(&answer(body)).unwrap().trouble(), None);
        for odd in ["", "{}", r#"{"error":"Wrong token"}"#, r#"{"status":"ok"}"#] {
            assert_eq!(instance_state(&answer(odd)), None, "{odd}");
        }
    }

    #[test]
    fn the_linked_phone_is_its_digits() {
        let found = linked_phone(&answer(r#"{"id":"971501234567:3@c.us","name":"Marina"}"#)).unwrap();
        assert_eq!((found.digits.as_str(), found.name.as_deref()), ("971501234567", Some("Marina")));
        for odd in ["{}", r#"{"id":""}"#, r#"{"id":"abc@c.us"}"#, r#"{"id":"120363-1@g.us"}"#] {
            assert_eq!(linked_phone(&answer(odd)), None, "{odd}");
        }
    }

    #[test]
    fn requests_take_the_instance_with_or_without_its_prefix_and_nothing_odd() {
        for id in ["41580", "instance41580"] {
            let asked = status_request(id, "t&x").unwrap();
            assert_eq!(asked.uri(), "/instance41580/instance/status?token=t%26x");
        }
        assert!(status_request("../1", "t").is_err());
        let set = set_webhook_request("1", "t", "https://x.example/a").unwrap();
        assert!(String::from_utf8_lossy(set.body()).contains("webhook_message_ack=true"));
        let unset = set_webhook_request("1", "t", "").unwrap();
        assert_eq!(&unset.body()[..], b"token=t&webhook_url=");
    }
}
