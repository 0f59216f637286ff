//! What the webhook puts into the inbound queue: one verified body, or a part of one, and how it was verified.
//!
//! The body travels byte for byte. Text goes as it is; what SQS would refuse goes as base64; what is large goes
//! deflated, so that all but the largest bodies fit one message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{EventId, TenantId};
use domain::lead::FeedKind;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// The envelope's version. A processor refuses what it does not know instead of guessing.
pub const VERSION: u8 = 1;
/// Bodies above this are deflated.
const DEFLATE_ABOVE: usize = 200 << 10;
/// Fast: JSON shrinks to a tenth at any level, and the webhook has to answer within seconds.
const DEFLATE_LEVEL: u8 = 3;
/// What a body may unfold to. The webhook takes 3.5 MB at most; the rest is room for a redrive of older mail.
const DECODED_LIMIT: usize = 8 << 20;

/// A verified webhook body on its way to the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundEnvelope<'a> {
    /// Whose mail it is.
    pub tenant: TenantId,
    /// Which provider's language the body speaks: the one whose credential verified.
    pub provider: Provider,
    /// The source of leads whose language the body speaks, in place of a provider.
    pub feed: Option<FeedKind>,
    /// Whether the body is Chatwoot's, in place of a provider's.
    pub chatwoot: bool,
    /// How the sender proved itself.
    pub auth_strength: AuthStrength,
    /// When the webhook took it.
    pub received_at: Millis,
    /// The id in the webhook's answer; it follows the event everywhere.
    pub trace_id: Uuid,
    /// The body, or a part of it.
    pub body: Body<'a>,
    /// Set when the body did not fit one message and could not be split by its own structure.
    pub part: Option<Part>,
    /// Set when this is a replay of an event of the event log.
    pub replay_of: Option<EventId>,
}

/// Which part of a body that was cut into byte ranges; all parts carry the same trace id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// This part, counted from zero.
    pub i: u16,
    /// How many there are.
    pub n: u16,
}

/// A body as it is written into the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<'a> {
    encoding: Encoding,
    text: Cow<'a, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Utf8,
    B64,
    Deflate,
}

/// The message in the queue is not one of ours, or not one that this version can read.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not JSON, or not of this shape.
    #[error("malformed envelope")]
    Malformed(#[source] serde_json::Error),
    /// From another version of the webhook.
    #[error("envelope version {0}, expected {VERSION}")]
    Version(u8),
    /// The body is not the base64 or deflate it says it is.
    #[error("the body does not decode")]
    Undecodable,
    /// The body unfolds to more than a webhook can have taken.
    #[error("the body unfolds to more than {DECODED_LIMIT} bytes")]
    TooLarge,
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    v: u8,
    tenant: TenantId,
    provider: Provider,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feed: Option<FeedKind>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    chatwoot: bool,
    auth_strength: AuthStrength,
    received_at: Millis,
    trace_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay_of: Option<EventId>,
    #[serde(default, skip_serializing_if = "Encoding::is_plain")]
    enc: Encoding,
    #[serde(borrow)]
    body: Cow<'a, str>,
}

impl Encoding {
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Utf8)
    }
}

impl InboundEnvelope<'_> {
    /// Writes the message's text.
    #[must_use]
    pub fn encode(&self) -> String {
        let wire = Wire {
            v: VERSION,
            tenant: self.tenant,
            provider: self.provider,
            feed: self.feed,
            chatwoot: self.chatwoot,
            auth_strength: self.auth_strength,
            received_at: self.received_at,
            trace_id: self.trace_id,
            part: self.part,
            replay_of: self.replay_of,
            enc: self.body.encoding,
            body: Cow::Borrowed(&self.body.text),
        };
        // A quarter on top is what the quotation marks of a JSON body need when they are escaped.
        let mut text = Vec::with_capacity(384 + self.body.text.len() + self.body.text.len() / 4);
        let _cannot_fail = serde_json::to_writer(&mut text, &wire);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Reads a message's text.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`] and [`EnvelopeError::Version`].
    pub fn parse(text: &str) -> Result<InboundEnvelope<'_>, EnvelopeError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u8,
        }
        let wire: Wire<'_> = match serde_json::from_str(text) {
            Ok(wire) => wire,
            // Another version may well have another shape.
            Err(error) => {
                return Err(match serde_json::from_str(text) {
                    Ok(Versioned { v }) if v != VERSION => EnvelopeError::Version(v),
                    _ => EnvelopeError::Malformed(error),
                });
            }
        };
        if wire.v != VERSION {
            return Err(EnvelopeError::Version(wire.v));
        }
        Ok(InboundEnvelope {
            tenant: wire.tenant,
            provider: wire.provider,
            feed: wire.feed,
            chatwoot: wire.chatwoot,
            auth_strength: wire.auth_strength,
            received_at: wire.received_at,
            trace_id: wire.trace_id,
            body: Body { encoding: wire.enc, text: wire.body },
            part: wire.part,
            replay_of: wire.replay_of,
        })
    }
}

impl<'a> Body<'a> {
    /// Chooses how these bytes travel. Short text is borrowed.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Self {
        if bytes.len() > DEFLATE_ABOVE {
            let text = STANDARD.encode(compress_to_vec(bytes, DEFLATE_LEVEL)).into();
            return Self { encoding: Encoding::Deflate, text };
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if sqs_takes(text) => Self { encoding: Encoding::Utf8, text: text.into() },
            Ok(_) | Err(_) => Self { encoding: Encoding::B64, text: STANDARD.encode(bytes).into() },
        }
    }

    /// The bytes that the provider sent.
    ///
    /// # Errors
    /// [`EnvelopeError::Undecodable`] and [`EnvelopeError::TooLarge`].
    pub fn decode(&self) -> Result<Cow<'_, [u8]>, EnvelopeError> {
        let from_base64 = || STANDARD.decode(self.text.as_bytes()).map_err(|_| EnvelopeError::Undecodable);
        let bytes = match self.encoding {
            Encoding::Utf8 => Cow::Borrowed(self.text.as_bytes()),
            Encoding::B64 => Cow::Owned(from_base64()?),
            Encoding::Deflate => {
                let unfolded = decompress_to_vec_with_limit(&from_base64()?, DECODED_LIMIT);
                Cow::Owned(unfolded.map_err(|error| match error.status {
                    miniz_oxide::inflate::TINFLStatus::HasMoreOutput => EnvelopeError::TooLarge,
                    _ => EnvelopeError::Undecodable,
                })?)
            }
        };
        if bytes.len() > DECODED_LIMIT { Err(EnvelopeError::TooLarge) } else { Ok(bytes) }
    }
}

/// SQS refuses the two non-characters of the basic plane. Control characters reach it escaped, inside our JSON.
fn sqs_takes(text: &str) -> bool {
    !text.contains('\u{FFFE}') && !text.contains('\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn envelope(body: &[u8]) -> InboundEnvelope<'_> {
        InboundEnvelope {
            tenant: TenantId::from_ulid(derived_ulid(1_700_000_000_000, &["t"])),
            provider: Provider::Dialog360,
            feed: None,
            chatwoot: false,
            auth_strength: AuthStrength::UrlToken,
            received_at: Millis::from_unix_ms(1_747_298_531_103),
            trace_id: Uuid::from_u128(7),
            body: Body::of(body),
            part: None,
            replay_of: None,
        }
    }

    #[test]
    fn a_text_body_is_legible_in_the_queue() {
        let sent = envelope(br#"{"a":"\u0645"}"#);
        let expected = concat!(
            r#"{"v":1,"tenant":"TENANT","provider":"dialog360","auth_strength":"url_token","#,
            r#""received_at":"2025-05-15T08:42:11.103Z","trace_id":"00000000-0000-0000-0000-000000000007","#,
            r#""body":"{\"a\":\"\\u0645\"}"}"#
        );
        assert_eq!(sent.encode(), expected.replace("TENANT", &sent.tenant.to_string()));
    }

    #[test]
    fn bodies_that_sqs_would_refuse_go_as_base64() {
        for body in
            ["\u{FFFE}".as_bytes(), "a\u{FFFF}".as_bytes(), &[0xFF, 0x00], "\u{feff}{}\r\n\u{0}".as_bytes()]
        {
            let text = envelope(body).encode();
            assert!(text.chars().all(|c| c >= ' ' && c != '\u{FFFE}' && c != '\u{FFFF}'), "{text:?}");
            assert_eq!(InboundEnvelope::parse(&text).unwrap().body.decode().unwrap(), body);
        }
    }

    #[test]
    fn a_large_body_is_deflated_and_comes_back() {
        let body = br#"{"object":"whatsapp_business_account"}"#.repeat(80_000);
        let text = envelope(&body).encode();
        assert!(text.len() < 100_000 && text.contains(r#""enc":"deflate""#), "{}", text.len());
        assert_eq!(InboundEnvelope::parse(&text).unwrap().body.decode().unwrap(), body);
    }

    #[test]
    fn a_decompression_bomb_is_refused() {
        let bomb = STANDARD.encode(compress_to_vec(&vec![0; DECODED_LIMIT + 1], 9));
        let body = Body { encoding: Encoding::Deflate, text: bomb.into() };
        assert!(matches!(body.decode(), Err(EnvelopeError::TooLarge)));
        let body = Body { encoding: Encoding::Deflate, text: "AAAA".into() };
        assert!(matches!(body.decode(), Err(EnvelopeError::Undecodable)));
        let body = Body { encoding: Encoding::B64, text: "=".into() };
        assert!(matches!(body.decode(), Err(EnvelopeError::Undecodable)));
    }

    #[test]
    fn another_version_is_named_and_nonsense_is_malformed() {
        let text = envelope(b"{}").encode().replacen(r#""v":1"#, r#""v":2"#, 1);
        assert!(matches!(InboundEnvelope::parse(&text), Err(EnvelopeError::Version(2))));
        assert!(matches!(InboundEnvelope::parse(r#"{"v":9,"other":1}"#), Err(EnvelopeError::Version(9))));
        for bad in ["", "{}", "[]", r#"{"v":1}"#, "null"] {
            assert!(matches!(InboundEnvelope::parse(bad), Err(EnvelopeError::Malformed(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_body_comes_back_byte_for_byte(
            body in proptest::collection::vec(any::<u8>(), 0..2000),
            part in proptest::option::of(0u16..9),
            replay in any::<bool>(),
        ) {
            let sent = InboundEnvelope {
                part: part.map(|i| Part { i, n: 9 }),
                replay_of: replay.then(|| EventId::from_ulid(derived_ulid(1, &["e"]))),
                ..envelope(&body)
            };
            let text = sent.encode();
            let read = InboundEnvelope::parse(&text).unwrap();
            prop_assert_eq!(&read.body.decode().unwrap()[..], &body[..]);
            prop_assert_eq!(read, sent);
        }
    }
}
