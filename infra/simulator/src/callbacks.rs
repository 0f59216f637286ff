//! Webhooks on their way to the business: signed as the provider signs, posted, tried again.

use crate::Simulator;
use crate::account::{Line, Provider};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use sha2::Sha256;
use std::fmt::Write as _;
use std::time::Duration;

/// How often a webhook is posted that is not answered with 200.
const ATTEMPTS: u32 = 4;
/// The wait before the second attempt; each further one waits four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// How long a provider waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl Simulator {
    /// Posts a webhook of a number until it is answered with 200, a few times at most; gives the last status, 0 when
    /// nobody answered.
    pub(crate) async fn post(&self, line: &Line, body: &Value) -> u16 {
        let text = escaped(body);
        // An override takes the messages; what is about the account goes to the app.
        let about_messages = body.pointer("/entry/0/changes/0/field").is_none_or(|field| field == "messages");
        let mut wait = FIRST_WAIT;
        let mut status = 0;
        for attempt in 1..=ATTEMPTS {
            status = self.post_once(line, &text, about_messages).await;
            if status == 200 || self.is_stopped() {
                break;
            }
            tracing::debug!(status, attempt, tenant = %line.account.tenant_id, "a webhook was not taken");
            if attempt < ATTEMPTS {
                tokio::time::sleep(wait).await;
                wait *= 4;
            }
        }
        status
    }

    async fn post_once(&self, line: &Line, text: &str, about_messages: bool) -> u16 {
        let mut request = Request::builder().method(Method::POST).header(CONTENT_TYPE, "application/json");
        let url = match &line.account.provider {
            Provider::Meta { app_secret, .. } => {
                let signature = format!("sha256={}", hmac_hex(app_secret, text.as_bytes()));
                request = request.header("X-Hub-Signature-256", signature);
                request = request.header(USER_AGENT, "facebookexternalua");
                let other = line.desk().override_url.as_ref().map(|(url, _)| url.clone());
                let other = other.filter(|_| about_messages);
                other.unwrap_or_else(|| self.webhook_url(line))
            }
            Provider::Dialog360 { webhook_token, .. } => {
                let set = line.desk().webhook.clone();
                for (name, value) in set.iter().filter_map(|set| set.get("headers")?.as_object()).flatten() {
                    request = request.header(name, value.as_str().unwrap_or_default());
                }
                let other = set.as_ref().and_then(|set| set.get("url")?.as_str()).map(str::to_owned);
                other.unwrap_or_else(|| with_token(&self.webhook_url(line), webhook_token))
            }
            Provider::Ultramsg { webhook_token, .. } => {
                let other = line.desk().settings.get("webhook_url").filter(|url| !url.is_empty()).cloned();
                other.unwrap_or_else(|| with_token(&self.webhook_url(line), webhook_token))
            }
        };
        let Ok(request) = request.uri(url).body(Full::new(Bytes::from(text.to_owned()))) else { return 0 };
        self.exchange(request).await.map_or(0, |(status, _)| status)
    }

    /// Meta's handshake: the other side must know the verify token and give the bare challenge back.
    pub(crate) async fn handshake(&self, url: &str, verify_token: &str) -> bool {
        let challenge = crate::ids::number();
        let query =
            [("hub.mode", "subscribe"), ("hub.challenge", &*challenge), ("hub.verify_token", verify_token)];
        let Ok(query) = serde_urlencoded::to_string(query) else { return false };
        let join = if url.contains('?') { '&' } else { '?' };
        let Ok(request) = Request::get(format!("{url}{join}{query}")).body(Full::default()) else {
            return false;
        };
        self.exchange(request)
            .await
            .is_some_and(|(status, body)| status == 200 && body == challenge.as_bytes())
    }

    /// One exchange over plain HTTP. The simulator never leaves this machine.
    pub(crate) async fn exchange(&self, request: Request<Full<Bytes>>) -> Option<(u16, Bytes)> {
        if !is_loopback(request.uri()) {
            tracing::warn!(
                host = request.uri().host(),
                "the simulator posts to this machine only, over http"
            );
            return None;
        }
        let exchange = async {
            let response = self.client().request(request).await.ok()?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            Some((status, body))
        };
        tokio::time::timeout(PATIENCE, exchange).await.ok().flatten()
    }
}

/// Whether a URL can be reached by the simulator.
pub(crate) fn is_loopback(uri: &http::Uri) -> bool {
    uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

fn with_token(url: &str, token: &str) -> String {
    let join = if url.contains('?') { '&' } else { '?' };
    format!("{url}{join}token={token}")
}

/// HMAC-SHA256 in lower-case hex.
pub(crate) fn hmac_hex(secret: &str, bytes: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(bytes);
    hex::encode(mac.finalize().into_bytes())
}

/// JSON as the providers write it: `\u0645` for all that is not ASCII, `\/` for a slash.
pub(crate) fn escaped(value: &Value) -> String {
    let plain = value.to_string();
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c == '/' {
            out.push_str("\\/");
        } else if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies_are_escaped_as_meta_escapes_them_and_mean_the_same() {
        let body = json!({"text": "مرحبا/🙂", "n": 1});
        let text = escaped(&body);
        assert!(
            text.is_ascii() && text.contains("\\u0645\\u0631") && text.contains("\\/\\ud83d\\ude42"),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body);
    }

    #[test]
    fn a_signature_is_the_published_one() {
        let known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(hmac_hex("key", b"The quick brown fox jumps over the lazy dog"), known);
    }

    #[test]
    fn only_this_machine_is_called() {
        for (url, here) in [
            ("http://127.0.0.1:8787/x", true),
            ("http://localhost/x", true),
            ("https://127.0.0.1/x", false),
            ("http://example.com/x", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), here, "{url}");
        }
    }
}
