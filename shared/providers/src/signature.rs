//! Where a webhook body came from: HMACs over the bytes as received, and the shared secrets of providers that sign
//! nothing.
//!
//! One rule for all: the strongest credential that was presented and that we have a secret for decides alone. A wrong
//! one is never made good by a weaker one beside it, an empty secret matches nothing, and without a configured secret
//! nothing gets in.

use domain::lead::FeedKind;
use domain::provider::{AuthStrength, Provider};
use domain::redacted::Redacted;
use domain::time::Millis;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How far a relay's clock may be from ours.
const RELAY_TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// More signatures than a rotation needs are an attack on our time.
const MAX_RELAY_SIGNATURES: usize = 4;

/// A shared secret. `Debug` hides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret(Redacted<Vec<u8>>);

impl Secret {
    /// Wraps the secret's bytes; an app secret's bytes are its text.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Redacted::new(bytes.into()))
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The credentials a request carries. Not `Debug`: most of them are secrets.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    /// `X-Hub-Signature-256`.
    pub hub_signature: Option<&'a str>,
    /// `x-360dialog-signature`.
    pub dialog360_signature: Option<&'a str>,
    /// `x-hadar-webhook-secret` (or its older name).
    pub header_secret: Option<&'a str>,
    /// The token of the path or of `?token=`.
    pub url_token: Option<&'a str>,
    /// `X-Hadar-Signature`.
    pub hadar_signature: Option<&'a str>,
}

/// The credentials we accept; each list holds the current one and, during a rotation, the previous one.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Meta app secrets.
    pub app_secrets: Vec<Secret>,
    /// 360dialog platform (partner) secrets.
    pub dialog360_secrets: Vec<Secret>,
    /// Secrets we asked the provider to send in a header.
    pub header_secrets: Vec<Secret>,
    /// Tokens of the webhook's URL.
    pub url_tokens: Vec<Secret>,
    /// Keys of relays that sign in UltraMsg's place.
    pub relay_secrets: Vec<Secret>,
}

/// The request did not prove where it came from. One answer for every reason, so that it teaches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("webhook credential refused")]
pub struct BadCredential;

/// A body whose origin is proven; only [`verify`] makes one.
#[derive(Clone, Copy)]
pub struct VerifiedBody<'a> {
    bytes: &'a [u8],
    strength: AuthStrength,
}

impl<'a> VerifiedBody<'a> {
    /// The bytes as received.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How the origin was proven.
    #[must_use]
    pub const fn strength(&self) -> AuthStrength {
        self.strength
    }
}

/// Checks a request's credentials by its provider's rules.
///
/// # Errors
/// Nothing presented proves the origin.
pub fn verify<'b>(
    provider: Provider,
    presented: &Presented<'_>,
    accepted: &Accepted,
    body: &'b [u8],
    now: Millis,
) -> Result<VerifiedBody<'b>, BadCredential> {
    let strength = match provider {
        Provider::Meta => verify_meta(&accepted.app_secrets, presented.hub_signature, body),
        Provider::Dialog360 => verify_dialog360(presented, accepted, body),
        Provider::Ultramsg => verify_ultramsg(presented, accepted, body, now),
        Provider::Sandbox => Err(BadCredential),
    }?;
    Ok(VerifiedBody { bytes: body, strength })
}

/// Checks the credentials of a source of leads. Meta signs as for WhatsApp; Property Finder signs the raw body, in hex,
/// in a header that was agreed on (`signature`); the others bring a token, and the tenant's own site may sign as a relay
/// does.
///
/// # Errors
/// Nothing presented proves the origin.
pub fn verify_feed<'b>(
    kind: FeedKind,
    presented: &Presented<'_>,
    signature: Option<&str>,
    accepted: &Accepted,
    body: &'b [u8],
    now: Millis,
) -> Result<VerifiedBody<'b>, BadCredential> {
    let by_token = || match presented.header_secret {
        Some(given) => check_token(given, &accepted.header_secrets, AuthStrength::Header),
        None => check_token(presented.url_token.unwrap_or(""), &accepted.url_tokens, AuthStrength::UrlToken),
    };
    let strength = match kind {
        FeedKind::MetaLeadAds => verify_meta(&accepted.app_secrets, presented.hub_signature, body),
        FeedKind::PropertyFinder => {
            let hex = signature.ok_or(BadCredential)?;
            let hex = hex.strip_prefix("sha256=").unwrap_or(hex).to_ascii_lowercase();
            check_hmac(&accepted.relay_secrets, &hex, &[body])
        }
        FeedKind::Bayut | FeedKind::Dubizzle => by_token(),
        FeedKind::Website => match presented.hadar_signature {
            Some(header) => verify_relay(&accepted.relay_secrets, header, body, now),
            None => by_token(),
        },
    }?;
    Ok(VerifiedBody { bytes: body, strength })
}

/// Checks the credentials of Chatwoot. Recent versions sign `"{X-Chatwoot-Timestamp}." + body` with the webhook's secret,
/// `sha256=` and hex; older ones sign nothing, so that a token in the URL speaks for them.
///
/// # Errors
/// Nothing presented proves the origin.
pub fn verify_chatwoot<'b>(
    signature: Option<&str>,
    timestamp: Option<&str>,
    url_token: Option<&str>,
    accepted: &Accepted,
    body: &'b [u8],
    now: Millis,
) -> Result<VerifiedBody<'b>, BadCredential> {
    let strength = match signature.filter(|_| configured(&accepted.relay_secrets)) {
        Some(header) => {
            let hex = header.strip_prefix("sha256=").ok_or(BadCredential)?;
            let stamp = timestamp.filter(|text| (1..=12).contains(&text.len())).ok_or(BadCredential)?;
            if !stamp.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(BadCredential);
            }
            let signed_at = stamp.parse::<u64>().map_err(|_| BadCredential)?.saturating_mul(1000);
            if now.unix_ms().abs_diff(signed_at) > RELAY_TOLERANCE_MS {
                return Err(BadCredential);
            }
            check_hmac(&accepted.relay_secrets, hex, &[stamp.as_bytes(), b".", body])
        }
        None => check_token(url_token.unwrap_or(""), &accepted.url_tokens, AuthStrength::UrlToken),
    }?;
    Ok(VerifiedBody { bytes: body, strength })
}

/// Meta signs the raw body with the app secret: `sha256=` and 64 lower-case hex digits, nothing else (Meta webhooks
/// reference, 2026). The SHA-1 header `X-Hub-Signature` is not a credential.
///
/// # Errors
/// No header, another form, or no secret that made it.
pub fn verify_meta<S: AsRef<[u8]>>(
    secrets: &[S],
    header: Option<&str>,
    body: &[u8],
) -> Result<AuthStrength, BadCredential> {
    let hex = header.and_then(|text| text.strip_prefix("sha256=")).ok_or(BadCredential)?;
    check_hmac(secrets, hex, &[body])
}

/// 360dialog never forwards Meta's signature. Partner accounts get `x-360dialog-signature`, bare hex; direct clients
/// get only what we asked it to send: a header, or a token in the URL (360dialog documentation, signature validation).
///
/// # Errors
/// Nothing presented proves the origin.
pub fn verify_dialog360(
    presented: &Presented<'_>,
    accepted: &Accepted,
    body: &[u8],
) -> Result<AuthStrength, BadCredential> {
    if let Some(header) = presented.dialog360_signature.filter(|_| configured(&accepted.dialog360_secrets)) {
        let hex = header.strip_prefix("sha256=").unwrap_or(header);
        return check_hmac(&accepted.dialog360_secrets, hex, &[body]);
    }
    if let Some(given) = presented.header_secret.filter(|_| configured(&accepted.header_secrets)) {
        return check_token(given, &accepted.header_secrets, AuthStrength::Header);
    }
    check_token(presented.url_token.unwrap_or(""), &accepted.url_tokens, AuthStrength::UrlToken)
}

/// UltraMsg signs nothing, so its secret travels in the URL; a relay in between may sign with `X-Hadar-Signature`.
///
/// # Errors
/// Nothing presented proves the origin.
pub fn verify_ultramsg(
    presented: &Presented<'_>,
    accepted: &Accepted,
    body: &[u8],
    now: Millis,
) -> Result<AuthStrength, BadCredential> {
    if let Some(header) = presented.hadar_signature.filter(|_| configured(&accepted.relay_secrets)) {
        return verify_relay(&accepted.relay_secrets, header, body, now);
    }
    check_token(presented.url_token.unwrap_or(""), &accepted.url_tokens, AuthStrength::UrlToken)
}

/// Whether the text is one of the accepted secrets, in a time that tells neither their content nor their length.
#[must_use]
pub fn token_matches<S: AsRef<[u8]>>(given: &str, accepted: &[S]) -> bool {
    let given_digest = Sha256::digest(given.as_bytes());
    let mut found = Choice::from(0);
    for secret in accepted.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty()) {
        found |= Sha256::digest(secret).as_slice().ct_eq(given_digest.as_slice());
    }
    found.into()
}

fn configured(secrets: &[Secret]) -> bool {
    secrets.iter().any(|secret| !secret.as_ref().is_empty())
}

fn check_token(
    given: &str,
    accepted: &[Secret],
    strength: AuthStrength,
) -> Result<AuthStrength, BadCredential> {
    if token_matches(given, accepted) { Ok(strength) } else { Err(BadCredential) }
}

/// `t=<Unix seconds>,v1=<hex>[,v1=<hex>]` over `"{t}.{raw body}"`, the form of our own outbound webhooks.
fn verify_relay(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: Millis,
) -> Result<AuthStrength, BadCredential> {
    let mut stamp = None;
    let mut signatures = [""; MAX_RELAY_SIGNATURES];
    let mut slots = signatures.iter_mut();
    for part in header.split(',') {
        match part.trim_matches(' ').split_once('=') {
            Some(("t", text)) if stamp.is_none() => stamp = Some(text),
            Some(("v1", hex)) => *slots.next().ok_or(BadCredential)? = hex,
            // Schemes to come stand beside `v1`; a second `t` or a part without `=` is no header of ours.
            Some((scheme, _)) if scheme.starts_with('v') => {}
            _ => return Err(BadCredential),
        }
    }
    let stamp = stamp.ok_or(BadCredential)?;
    if !(1..=12).contains(&stamp.len()) || !stamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadCredential);
    }
    let signed_at = stamp.parse::<u64>().map_err(|_| BadCredential)?.saturating_mul(1000);
    if now.unix_ms().abs_diff(signed_at) > RELAY_TOLERANCE_MS {
        return Err(BadCredential);
    }
    let signed: [&[u8]; 3] = [stamp.as_bytes(), b".", body];
    let given = signatures.iter().filter(|hex| !hex.is_empty());
    given.map(|hex| check_hmac(secrets, hex, &signed)).fold(Err(BadCredential), Result::or)
}

/// Compares a hex digest with the HMAC of every secret; all of them are tried, whichever matches.
fn check_hmac<S: AsRef<[u8]>>(
    secrets: &[S],
    hex: &str,
    parts: &[&[u8]],
) -> Result<AuthStrength, BadCredential> {
    let given = lower_hex(hex).ok_or(BadCredential)?;
    let mut found = Choice::from(0);
    for secret in secrets.iter().map(AsRef::as_ref).filter(|secret| !secret.is_empty()) {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| BadCredential)?;
        for part in parts {
            mac.update(part);
        }
        found |= mac.finalize().into_bytes().as_slice().ct_eq(&given);
    }
    if bool::from(found) { Ok(AuthStrength::Signature) } else { Err(BadCredential) }
}

/// Exactly 64 lower-case hex digits.
fn lower_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != out.len() || !rest.is_empty() {
        return None;
    }
    for (slot, [high, low]) in out.iter_mut().zip(pairs) {
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}
