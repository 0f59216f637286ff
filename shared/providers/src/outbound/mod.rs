//! Messages we send, as the providers want them, and their answers in our words.
//!
//! A request's URI is a path and query under the provider's root; the root is configuration. Nothing is sent here.

pub(crate) mod answer;
pub(crate) mod cloud_api;
mod cloud_content;
mod cloud_template;
mod failures;
mod media;
pub(crate) mod refusals;
pub(crate) mod ultramsg;
pub(crate) mod ultramsg_answer;
mod vcard;

pub use answer::{Accepted, Outcome, outcome, refusal};
pub use failures::failure_of_code;
pub use media::{
    MediaLink, download_refusal, download_request, media_answer, media_request, upload_request, uploaded,
};

use crate::capability::NotCarried;
use crate::channel::{Line, channel};
use bytes::Bytes;
use domain::identity::Bsuid;
use domain::ids::MessageId;
use domain::outgoing::Outgoing;
use domain::phone::Phone;
use domain::provider::Provider;
use domain::template::Filled;
use http::{HeaderValue, Request};
use std::fmt;

/// The number a message leaves from, and what opens the door there.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// Who carries it.
    pub provider: Provider,
    /// Meta's phone number id.
    pub phone_number_id: Option<&'a str>,
    /// UltraMsg's instance id, with or without the prefix `instance`.
    pub instance_id: Option<&'a str>,
    /// Meta's access token, 360dialog's key or UltraMsg's token.
    pub secret: &'a str,
}

impl<'a> Sender<'a> {
    /// The number as its channel knows it.
    #[must_use]
    pub const fn line(&self) -> Line<'a> {
        Line { number_id: self.phone_number_id, account_id: self.instance_id, secret: self.secret }
    }
}

impl fmt::Debug for Sender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("provider", &self.provider)
            .field("phone_number_id", &self.phone_number_id)
            .field("instance_id", &self.instance_id)
            .finish_non_exhaustive()
    }
}

/// Whom a message is for; at least one of the two.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The complete phone number, which wins.
    pub phone: Option<&'a Phone>,
    /// The business-scoped user id.
    pub bsuid: Option<&'a Bsuid>,
}

/// One message to send.
#[derive(Clone, Copy)]
pub struct Send<'a> {
    /// Our id of it.
    pub message_id: MessageId,
    /// The claim it is sent under: 32 hexadecimal digits, so that a receipt names the attempt it belongs to.
    pub fence: &'a str,
    /// Whom it is for.
    pub recipient: Recipient<'a>,
    /// What it says.
    pub content: &'a Outgoing,
    /// The template filled in, when the content is one.
    pub filled: Option<&'a Filled>,
    /// The provider's id of the message it quotes.
    pub reply_to: Option<&'a str>,
}

impl fmt::Debug for Send<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send")
            .field("message_id", &self.message_id)
            .field("kind", &self.content.kind())
            .finish_non_exhaustive()
    }
}

/// The provider's request for one message.
///
/// # Errors
/// What the provider cannot carry. Also a template that is not filled in, nobody to send to, and a number's id or
/// secret that no request can hold.
pub fn request(sender: &Sender<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
    channel(sender.provider).request(&sender.line(), send)
}

/// The request that tells a customer their message was read, and, if asked, that an answer is being written. `None`
/// where the provider cannot.
#[must_use]
pub fn mark_read(sender: &Sender<'_>, provider_message_id: &str, typing: bool) -> Option<Request<Bytes>> {
    channel(sender.provider).mark_read(&sender.line(), provider_message_id, typing)
}

/// Reads back what a send carried (`biz_opaque_callback_data`, `referenceId`): our id, and the claim it was sent under
/// where the provider carries that too. `None` for what is not ours.
#[must_use]
pub fn our_id(text: &str) -> Option<(MessageId, Option<String>)> {
    let (id, fence) = match text.split_once('.') {
        Some((id, fence)) => (id, Some(fence)),
        None => (text, None),
    };
    let id = MessageId::parse(id).ok()?;
    match fence {
        None => Some((id, None)),
        Some(fence) => {
            let plausible =
                (1..=64).contains(&fence.len()) && fence.bytes().all(|b| b.is_ascii_alphanumeric());
            plausible.then(|| (id, Some(fence.to_owned())))
        }
    }
}

/// A part of a path that came from settings or from a provider: no `/`, no `?`, no `..`.
fn path_part(text: &str) -> Option<&str> {
    let plain = !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    plain.then_some(text)
}

/// A header value that logs do not show.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The settings of the number cannot make a request.
fn unusable(name: &str) -> NotCarried {
    NotCarried::new(
        format!("{name} cannot be called with the stored id and secret of this number."),
        "provider",
        "Ask an admin to enter them again.",
    )
}

/// A template arrived here without what fills it.
fn not_filled() -> NotCarried {
    NotCarried::new("The template is not filled in.", "template", "Send it again with its variables.")
}
