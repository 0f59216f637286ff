//! Pure translation: the providers' bytes into our events, the proof that they came from the provider, our messages
//! into the providers' requests, and their answers into ours.
//!
//! No runtime, no client, no clock. What a fact means for a tenant is `crm`'s business.

pub mod account;
pub mod capability;
pub mod channel;
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

use crate::channel::channel;
use crate::event::{MessageBody, NotUnderstood, Parsed};
use domain::provider::Provider;

/// Reads one webhook body into everything it reports. A part that cannot be read never loses its neighbours.
///
/// # Errors
/// The body as a whole is not what this provider sends.
pub fn parse(provider: Provider, body: &[u8]) -> Result<Parsed, NotUnderstood> {
    channel(provider).parse(body)
}

/// Reads the stored `raw` of a message or echo event again, for display.
///
/// # Errors
/// The text is not a message of this provider.
pub fn message_body(provider: Provider, raw: &str) -> Result<MessageBody, NotUnderstood> {
    channel(provider).message_body(raw)
}
