//! A receiver of customer webhooks, put to the test: what it must take, and what it must refuse (F14).

use super::signature::headers;
use bytes::Bytes;
use domain::ids::{DeliveryId, EventId, derived_ulid};
use domain::time::Millis;
use http::{HeaderMap, HeaderValue};
use platform::courier::Courier;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// The longest a receiver should take: it is cut off at three times that.
pub const PROMPT: Duration = Duration::from_secs(5);
/// How far a clock may be off, in seconds; deliveries further off are refused.
const APART_S: u64 = 600;
/// The two headers that sign, one of which a receiver looks at.
const SIGNED_BY: [&str; 2] = ["x-hadar-signature", "webhook-signature"];

/// What a receiver must do with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// Answer 2xx.
    Take,
    /// Answer 4xx.
    Refuse,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was sent.
    pub name: &'static str,
    /// Whether the receiver did as it must.
    pub passed: bool,
    /// What it must do, and what it did.
    pub seen: String,
}

/// One delivery, and what must come of it.
struct Check {
    name: &'static str,
    must: Must,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Who attacks: the time, what is random about this run, and the receiver's secret.
struct Attack<'a> {
    now: Millis,
    mark: &'a str,
    secret: &'a str,
}

/// Sends a receiver good and bad deliveries, one after the other, and says for each what it did. `mark` tells this run
/// from others: their deliveries are not repeats of each other. Whatever takes longer than `prompt` fails.
///
/// The receiver sees events of the type `ping` and of a type that does not exist, with ids of nothing.
pub async fn check_receiver(
    courier: &Courier,
    url: &str,
    secret: &str,
    now: Millis,
    mark: &str,
    prompt: Duration,
) -> Vec<Finding> {
    let attack = Attack { now, mark, secret };
    let mut findings = Vec::new();
    for Check { name, must, headers, body } in attack.checks() {
        let begun = Instant::now();
        let answer = courier.post(url, headers, Bytes::from(body)).await;
        let took = begun.elapsed();
        let status = answer.as_ref().map(|answer| answer.status).map_err(ToString::to_string);
        let did = match must {
            Must::Take => status.as_ref().is_ok_and(|status| (200..300).contains(status)),
            Must::Refuse => status.as_ref().is_ok_and(|status| (400..500).contains(status)),
        };
        let expected = match must {
            Must::Take => "expected 2xx",
            Must::Refuse => "expected 4xx",
        };
        let said = status.map_or_else(|why| why, |status| status.to_string());
        let late = took > prompt;
        let seen = if late {
            format!("{expected}, got {said} after {took:.1?}")
        } else {
            format!("{expected}, got {said}")
        };
        findings.push(Finding { name, passed: did && !late, seen });
    }
    findings
}

impl Attack<'_> {
    fn delivery(&self, name: &str) -> DeliveryId {
        DeliveryId::from_ulid(derived_ulid(self.now.unix_ms(), &[self.mark, name]))
    }

    /// An event as we tell it.
    fn event(&self, name: &str, kind: &str, data: &Value) -> Vec<u8> {
        let id = EventId::from_ulid(derived_ulid(self.now.unix_ms(), &[self.mark, name, "event"]));
        json!({
            "id": id, "type": kind, "created_at": self.now, "tenant_id": "tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "trace_id": "01890a5d-ac96-774b-bcce-b302099a8057", "data": data,
        })
        .to_string()
        .into_bytes()
    }

    fn signed(&self, name: &str, kind: &str, t: u64, body: &[u8], secrets: &[&str]) -> HeaderMap {
        let secrets: Vec<_> = secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect();
        headers(self.delivery(name), kind, t, body, &secrets).unwrap_or_default()
    }

    fn checks(&self) -> Vec<Check> {
        use Must::{Refuse, Take};
        let t = self.now.unix_ms() / 1_000;
        let (own, other) = (self.secret, "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=");
        let good = |name: &'static str, must, body: Vec<u8>, t, secrets: &[&str]| {
            let headers = self.signed(name, "ping", t, &body, secrets);
            Check { name, must, headers, body }
        };
        let ping = |name: &str| self.event(name, "ping", &json!({}));
        let spoiled = |name: &'static str, spoil: &dyn Fn(&str) -> Option<String>| {
            let body = ping(name);
            let mut headers = self.signed(name, "ping", t, &body, &[own]);
            for header in SIGNED_BY {
                let old = headers.get(header).and_then(|value| value.to_str().ok()).unwrap_or_default();
                match spoil(old).and_then(|text| HeaderValue::try_from(text).ok()) {
                    Some(value) => drop(headers.insert(header, value)),
                    None => drop(headers.remove(header)),
                }
            }
            Check { name, must: Refuse, headers, body }
        };
        let mut checks = vec![good("a good delivery", Take, ping("a good delivery"), t, &[own])];
        let repeated = good("a good delivery", Take, ping("a good delivery"), t, &[own]);
        checks.push(Check { name: "the same delivery again", ..repeated });
        for (name, secrets) in [
            ("two signatures, the first is good", [own, other]),
            ("two signatures, the second is good", [other, own]),
        ] {
            checks.push(good(name, Take, ping(name), t, &secrets));
        }
        for (name, data) in [
            ("bytes that no JSON library would write", json!({})),
            ("Arabic and an emoji, as they are", json!({"text": "مرحبا 👋"})),
            ("a field that did not exist before", json!({"brand_new": {"deep": [1, 2]}})),
            ("a hundred thousand characters", json!({"text": "x".repeat(100_000)})),
        ] {
            let mut body = self.event(name, "ping", &data);
            if name.starts_with("bytes") {
                body = [b"{ ".as_slice(), body.get(1..).unwrap_or_default(), b"\n"].concat();
            }
            checks.push(good(name, Take, body, t, &[own]));
        }
        for (name, kind, step) in [
            ("an event type that it does not know", "something.new", "-"),
            ("a message that was read", "message.status", "read"),
            ("that it was delivered, afterwards", "message.status", "delivered"),
        ] {
            let body =
                self.event(name, kind, &json!({"id": "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", "status": step}));
            let headers = self.signed(name, kind, t, &body, &[own]);
            checks.push(Check { name, must: Take, headers, body });
        }
        checks.push(good("another secret", Refuse, ping("another secret"), t, &[other]));
        let name = "signed ten minutes ago";
        checks.push(good(name, Refuse, ping(name), t.saturating_sub(APART_S), &[own]));
        let name = "signed ten minutes ahead";
        checks.push(good(name, Refuse, ping(name), t + APART_S, &[own]));
        let mut tampered = good("a changed byte", Refuse, ping("a changed byte"), t, &[own]);
        if let Some(byte) = tampered.body.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
            *byte = if *byte == b'1' { b'2' } else { b'1' };
        }
        checks.push(tampered);
        let mut moved =
            good("a fresh time over an old signature", Refuse, ping("moved"), t - APART_S, &[own]);
        let old =
            |name: &str| moved.headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned));
        let fresh = old("x-hadar-signature")
            .map(|text| text.replace(&format!("t={}", t - APART_S), &format!("t={t}")))
            .and_then(|text| HeaderValue::try_from(text).ok());
        if let Some(value) = fresh {
            moved.headers.insert("x-hadar-signature", value);
        }
        moved.headers.insert("webhook-timestamp", HeaderValue::from(t));
        checks.push(moved);
        checks.push(spoiled("no signature", &|_| None));
        checks.push(spoiled("an empty signature", &|_| Some(String::new())));
        checks.push(spoiled("a signature that is none", &|_| Some("t=now,v1=zz,,=".to_owned())));
        checks.push(spoiled("half a signature", &|text| {
            text.get(..text.len().saturating_sub(20)).map(str::to_owned)
        }));
        checks.push(spoiled("a signature without content", &|text| {
            let content = text.rfind("v1").map(|at| at + 3);
            content.and_then(|at| text.get(..at)).map(str::to_owned)
        }));
        checks.push(spoiled("a scheme of another version", &|text| Some(text.replace("v1", "v0"))));
        checks
    }
}
