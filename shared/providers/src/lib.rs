//! Pure translation: the providers' bytes into our events, the proof that they came from the provider, our messages
//! into the providers' requests, and their answers into ours.
//!
//! No runtime, no client, no clock. What a fact means for a tenant is `crm`'s business.

pub mod account;
pub mod capability;
pub mod chatwoot;
mod cloud_api;
pub mod event;
pub mod handshake;
pub mod health;
pub mod leads;
pub mod llm;
pub mod outbound;
pub mod signature;
pub mod templates;
mod ultramsg;
mod wire;

use crate::event::{MessageBody, NotUnderstood, Parsed};
use domain::provider::Provider;

/// Reads one webhook body into everything it reports. A part that cannot be read never loses its neighbours.
///
/// # Errors
/// The body as a whole is not what this provider sends.
pub fn parse(provider: Provider, body: &[u8]) -> Result<Parsed, NotUnderstood> {
    let text = std::str::from_utf8(body)
        .map_err(|e| NotUnderstood(format!("the body is not UTF-8 text (byte {})", e.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(NotUnderstood("the body is empty".to_owned()));
    }
    match provider {
        Provider::Meta => cloud_api::parse(text, cloud_api::Root::Envelope),
        Provider::Dialog360 => cloud_api::parse(text, cloud_api::Root::EnvelopeOrLegacy),
        Provider::Ultramsg => ultramsg::parse(text),
        Provider::Sandbox => Err(NotUnderstood("the sandbox sends no webhooks".to_owned())),
    }
}

/// Reads the stored `raw` of a message or echo event again, for display.
///
/// # Errors
/// The text is not a message of this provider.
pub fn message_body(provider: Provider, raw: &str) -> Result<MessageBody, NotUnderstood> {
    let body = match provider {
        Provider::Meta | Provider::Dialog360 => cloud_api::message_body(raw),
        Provider::Ultramsg => ultramsg::message_body(raw),
        Provider::Sandbox => return Err(NotUnderstood("the sandbox receives no messages".to_owned())),
    };
    body.map_err(|why| NotUnderstood(why.into_reason()))
}
