//! What every channel of messages does: the port at which Meta, 360dialog, UltraMsg and the sandbox dock.
//!
//! A channel says what it carries, reads what comes, writes what goes and reads the answers. What only WhatsApp knows
//! is no part of it and lies beside it, by provider: templates and their approval, accounts and profiles, quality,
//! files by id, the webhook's handshake. So does the proof of origin ([`crate::signature`]), which is asked before a
//! channel reads a word. ARCHITECTURE.md says how a channel is added.

mod cloud_api;
mod sandbox;
mod ultramsg;

use crate::capability::{Capabilities, NotCarried, carried};
use crate::event::{MessageBody, NotUnderstood, Parsed};
use crate::outbound::cloud_api::Host;
use crate::outbound::{Outcome, Send};
use bytes::Bytes;
use cloud_api::CloudApi;
use domain::failure::Failure;
use domain::outgoing::Outgoing;
use domain::provider::Provider;
use http::{Request, Response};
use sandbox::Sandbox;
use std::fmt;
use ultramsg::Ultramsg;

/// What every channel answers for itself; what follows from it for all of them alike is implemented on `dyn Channel`.
pub trait Channel: Sync {
    /// The name a person knows it by, as it begins a sentence.
    fn name(&self) -> &'static str;

    /// What it carries.
    fn capabilities(&self) -> &'static Capabilities;

    /// Reads the text of one webhook body, trimmed and not empty, into everything it reports (`parse` takes the bytes).
    /// A part that cannot be read never loses its neighbours.
    ///
    /// # Errors
    /// The body as a whole is not what this channel sends.
    fn events(&self, text: &str) -> Result<Parsed, NotUnderstood>;

    /// Reads the stored `raw` of a message or echo event again, for display.
    ///
    /// # Errors
    /// The text is not a message of this channel.
    fn message_body(&self, raw: &str) -> Result<MessageBody, NotUnderstood>;

    /// The request for one message that the capabilities allow (`request` asks them first).
    ///
    /// # Errors
    /// A template that is not filled in, nobody to send to, and a number's id or secret that no request can hold.
    fn compose(&self, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried>;

    /// The request that tells a customer their message was read, and, if asked, that an answer is being written.
    /// `None` where the channel cannot.
    fn mark_read(&self, line: &Line<'_>, provider_message_id: &str, typing: bool) -> Option<Request<Bytes>>;

    /// What became of a message. What leaves that open is [`Outcome::Uncertain`], never a guess (I-12).
    fn outcome(&self, answer: &Response<Bytes>) -> Outcome;

    /// Why a call other than a send was not answered with success.
    fn refusal(&self, answer: &Response<Bytes>) -> Failure;
}

impl dyn Channel {
    /// Reads one webhook body into everything it reports.
    ///
    /// # Errors
    /// The body is no text or is empty, or as a whole not what this channel sends.
    pub fn parse(&self, body: &[u8]) -> Result<Parsed, NotUnderstood> {
        let text = std::str::from_utf8(body)
            .map_err(|e| NotUnderstood(format!("the body is not UTF-8 text (byte {})", e.valid_up_to())))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(NotUnderstood("the body is empty".to_owned()));
        }
        self.events(text)
    }

    /// Whether it carries a message, before anything is stored.
    ///
    /// # Errors
    /// What it cannot carry, the field that asks for it, and what can be sent instead.
    pub fn carries(&self, content: &Outgoing, reply_to: bool, has_phone: bool) -> Result<(), NotCarried> {
        carried(self.name(), self.capabilities(), content, reply_to, has_phone)
    }

    /// The request for one message.
    ///
    /// # Errors
    /// What the channel cannot carry, and the errors of [`Channel::compose`].
    pub fn request(&self, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
        self.carries(send.content, send.reply_to.is_some(), send.recipient.phone.is_some())?;
        self.compose(line, send)
    }
}

/// The channel of a provider.
#[must_use]
pub const fn channel(provider: Provider) -> &'static dyn Channel {
    match provider {
        Provider::Meta => &CloudApi(Host::Meta),
        Provider::Dialog360 => &CloudApi(Host::Dialog360),
        Provider::Ultramsg => &Ultramsg,
        Provider::Sandbox => &Sandbox,
    }
}

/// One of the tenant's numbers as its channel knows it, and what opens the door there.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// The number's own id: Meta's phone number id; where a number has no id beside itself, the number.
    pub number_id: Option<&'a str>,
    /// The id of the account or instance it belongs to, where requests name one: UltraMsg's instance id, with or
    /// without the prefix `instance`.
    pub account_id: Option<&'a str>,
    /// The access token, key or token.
    pub secret: &'a str,
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("number_id", &self.number_id)
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}
