//! The headers of a delivery: ours, and those of Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::DeliveryId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The headers of an attempt at `t` (Unix seconds), signed with each of the secrets over exactly these bytes.
///
/// `None` when a value cannot be a header, which none of ours can be.
pub(super) fn headers(
    id: DeliveryId,
    event_type: &str,
    t: u64,
    body: &[u8],
    secrets: &[Zeroizing<String>],
) -> Option<HeaderMap> {
    let ours: Vec<String> = secrets.iter().map(|secret| format!("v1={}", hadar(secret, t, body))).collect();
    let standard: Vec<String> = secrets.iter().map(|secret| standard(secret, id, t, body)).collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("x-hadar-signature", format!("t={t},{}", ours.join(","))),
        ("x-hadar-event", event_type.to_owned()),
        ("x-hadar-delivery", id.to_string()),
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", t.to_string()),
        ("webhook-signature", standard.join(" ")),
    ] {
        headers.insert(name, HeaderValue::try_from(value).ok()?);
    }
    Some(headers)
}

/// HMAC-SHA256 over `{t}.{body}` in hex; the key is the secret as it was shown.
fn hadar(secret: &str, t: u64, body: &[u8]) -> String {
    hex::encode(mac(secret.as_bytes(), &[t.to_string().as_bytes(), b".", body]))
}

/// Standard Webhooks: HMAC-SHA256 over `{id}.{t}.{body}` in base 64; the key is what the secret encodes.
fn standard(secret: &str, id: DeliveryId, t: u64, body: &[u8]) -> String {
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = Zeroizing::new(STANDARD.decode(encoded).unwrap_or_default());
    let (id, t) = (id.to_string(), t.to_string());
    let signed = mac(&key, &[id.as_bytes(), b".", t.as_bytes(), b".", body]);
    format!("v1,{}", STANDARD.encode(signed))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    /// Published in docs/webhooks.md: whoever writes a verifier checks it with these.
    #[test]
    fn the_published_vector_signs_as_documented() {
        let secret = Zeroizing::new("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned());
        let id = DeliveryId::parse("dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let body = br#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"ping"}"#;
        let headers = headers(id, "ping", 1_700_000_000, body, &[secret]).unwrap();
        assert_eq!(
            headers["x-hadar-signature"],
            "t=1700000000,v1=9b0fa459b62642ea0288d5d95928c78962ff37d1f0161d4b2cc530ae74136169"
        );
        assert_eq!(headers["webhook-signature"], "v1,lSXo2y3/NTcqcafOqUrjUNVKqtp0OvMIwwqbK6lRo1I=");
        assert_eq!(headers["x-hadar-event"], "ping");
        assert_eq!(headers["x-hadar-delivery"], headers["webhook-id"]);
    }

    #[test]
    fn during_a_rotation_both_secrets_sign_and_another_second_signs_differently() {
        let secrets = ["whsec_AAAA", "whsec_BBBB"].map(|secret| Zeroizing::new(secret.to_owned()));
        let id = DeliveryId::from_ulid(derived_ulid(1, &["d"]));
        let at = |t| headers(id, "ping", t, b"{}", &secrets).unwrap();
        let (first, second) = (at(5), at(6));
        let text = first["x-hadar-signature"].to_str().unwrap();
        assert_eq!(text.matches("v1=").count(), 2);
        assert_eq!(first["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
        assert_ne!(first["x-hadar-signature"], second["x-hadar-signature"]);
    }
}
