//! What each provider can carry: the one table that sending, preflight and the settings page read. Each channel answers
//! for itself ([`crate::channel`]); what follows from the answer is decided here.

use crate::channel::channel;
use domain::message::MediaKind;
use domain::outgoing::{Interactive, MediaSource, Outgoing};
use domain::provider::Provider;
use serde::Serialize;

/// How a provider carries templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TemplateSupport {
    /// By registered name.
    Native,
    /// As the words it renders to.
    RenderedAsText,
}

/// What a provider can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capabilities {
    /// Words.
    pub text: bool,
    /// Templates.
    pub template: TemplateSupport,
    /// Pictures.
    pub image: bool,
    /// Films.
    pub video: bool,
    /// Sound files.
    pub audio: bool,
    /// Voice notes.
    pub voice: bool,
    /// Other files.
    pub document: bool,
    /// Stickers.
    pub sticker: bool,
    /// Places.
    pub location: bool,
    /// The most contact cards in one message.
    pub contact_cards: usize,
    /// Reply buttons.
    pub interactive_buttons: bool,
    /// Lists.
    pub interactive_list: bool,
    /// One button that opens a link.
    pub interactive_cta_url: bool,
    /// Flows.
    pub interactive_flow: bool,
    /// An emoji on a message.
    pub reaction: bool,
    /// A message that quotes another.
    pub reply: bool,
    /// Telling the customer that a message was read.
    pub mark_as_read: bool,
    /// Showing the customer that an answer is being written.
    pub typing: bool,
    /// Files by the id of an upload.
    pub media_by_id: bool,
    /// Files by address.
    pub media_by_url: bool,
    /// Customers whose phone number is hidden behind a user name.
    pub bsuid_recipients: bool,
}

/// What a provider can carry. The sandbox takes whatever the Cloud API takes.
#[must_use]
pub fn capabilities(provider: Provider) -> &'static Capabilities {
    channel(provider).capabilities()
}

/// A message that this provider cannot carry, and what can be sent instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{what} {alternative}")]
pub struct NotCarried {
    /// What cannot be carried, as a sentence.
    pub what: String,
    /// The path of the field in the send body, such as `interactive.type`.
    pub field: String,
    /// What to do instead, as a sentence.
    pub alternative: String,
}

impl NotCarried {
    pub(crate) fn new(
        what: impl Into<String>,
        field: impl Into<String>,
        alternative: impl Into<String>,
    ) -> Self {
        Self { what: what.into(), field: field.into(), alternative: alternative.into() }
    }
}

/// Whether a provider carries a message, before anything is stored.
///
/// # Errors
/// What it cannot carry, the field that asks for it, and what can be sent instead.
pub fn carries(
    provider: Provider,
    content: &Outgoing,
    reply_to: bool,
    has_phone: bool,
) -> Result<(), NotCarried> {
    channel(provider).carries(content, reply_to, has_phone)
}

/// Whether what a channel can carry allows a message: the one rule for all of them.
pub(crate) fn carried(
    name: &str,
    can: &Capabilities,
    content: &Outgoing,
    reply_to: bool,
    has_phone: bool,
) -> Result<(), NotCarried> {
    let no = |carried: bool, what: &str, field: &str, alternative: &str| {
        if carried {
            return Ok(());
        }
        let what = format!("{name} cannot carry {what}.");
        Err(NotCarried::new(what, field, alternative))
    };
    no(
        has_phone || can.bsuid_recipients,
        "messages to a customer whose phone number is not known",
        "to",
        "Ask the customer for the number, or write through a number connected to the Cloud API.",
    )?;
    // A quoted reaction is no fault: what it reacts to is its quotation.
    let quotes = reply_to && !matches!(content, Outgoing::Reaction { .. });
    no(can.reply || !quotes, "replies that quote a message", "reply_to", "Send it without `reply_to`.")?;
    match content {
        Outgoing::Text { .. } => no(can.text, "texts", "text", "Connect another provider."),
        Outgoing::Template(_) => match can.template {
            TemplateSupport::Native | TemplateSupport::RenderedAsText => Ok(()),
        },
        Outgoing::Media(media) => {
            let (carried, what) = match media.media_kind {
                MediaKind::Image => (can.image, "pictures"),
                MediaKind::Video => (can.video, "films"),
                MediaKind::Audio => (can.audio, "sound files"),
                MediaKind::Voice => (can.voice, "voice notes"),
                MediaKind::Document => (can.document, "documents"),
                MediaKind::Sticker => (can.sticker, "stickers"),
            };
            no(carried, what, "media.kind", "Send a text with a link to the file.")?;
            match &media.source {
                MediaSource::Id(_) if !media.source.is_ours() => no(
                    can.media_by_id,
                    "a file by its id",
                    "media.id",
                    "Upload the file with `POST /v1/whatsapp/media`, or give its public https address in `media.url`.",
                ),
                MediaSource::Id(_) | MediaSource::Url(_) => no(
                    can.media_by_url,
                    "a file by its address",
                    "media.url",
                    "Upload the file and give its id in `media.id`.",
                ),
            }
        }
        Outgoing::Interactive { interactive } => {
            let (carried, what, alternative) = match interactive {
                Interactive::Buttons { .. } => {
                    (can.interactive_buttons, "reply buttons", "Send a text that lists the choices.")
                }
                Interactive::List { .. } => {
                    (can.interactive_list, "lists", "Send a text that lists the choices.")
                }
                Interactive::CtaUrl { .. } => {
                    (can.interactive_cta_url, "link buttons", "Send a text that holds the link.")
                }
                Interactive::Flow { .. } => {
                    (can.interactive_flow, "flows", "Send a text that asks the questions or links to a form.")
                }
            };
            no(carried, what, "interactive.type", alternative)
        }
        Outgoing::Location(_) => {
            no(can.location, "places", "location", "Send a text with a link to the map.")
        }
        Outgoing::Contacts { .. } if can.contact_cards == 0 => {
            no(false, "contact cards", "contacts", "Send a text with the name and the number.")
        }
        Outgoing::Contacts { contacts } => no(
            contacts.len() <= can.contact_cards,
            "that many contact cards in one message",
            "contacts",
            "Send each contact card in a message of its own.",
        ),
        Outgoing::Reaction { .. } => {
            no(can.reaction, "reactions", "reaction", "Send a text that holds the emoji.")
        }
    }
}
