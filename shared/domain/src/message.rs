//! Messages without a vendor: what was said, to what it answers, where it came from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// From the business.
    Outbound,
}

/// The kinds of a message that carries a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A sound file.
    Audio,
    /// A voice note.
    Voice,
    /// Any other file.
    Document,
    /// A sticker.
    Sticker,
}

impl MediaKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Image, Self::Video, Self::Audio, Self::Voice, Self::Document, Self::Sticker];

    /// Reads the name the API uses; `None` for every other kind of message.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The name the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Voice => "voice",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// What the provider says about a file; the file itself is fetched on request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Media {
    /// The provider's media id; absent for files it has not fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the provider keeps it, when the body says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The MIME type as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// SHA-256 as reported (base64 in webhooks).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The text under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The file name as reported: a label, never a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Whether a sticker moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub animated: Option<bool>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Location {
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// The place's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The place's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// A link to the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The answer to an interactive message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct InteractiveReply {
    /// `button_reply`, `list_reply`, `nfm_reply`, `call_permission_reply`, … as reported; absent when the body was cut.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub reply_type: Option<String>,
    /// The id of the button or row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The text of the button or row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The second line of a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The whole reply object as reported, for the types that carry more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Value>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Words.
    Text {
        /// The words.
        body: String,
    },
    /// A file.
    Media(MediaKind, Media),
    /// A place.
    Location(Location),
    /// Contact cards, as reported.
    Contacts(Value),
    /// The answer to an interactive message.
    Interactive(InteractiveReply),
    /// A template's quick-reply button.
    Button {
        /// The button's text.
        text: Option<String>,
        /// The developer's payload.
        payload: Option<String>,
    },
    /// An emoji on another message; `None` takes it away.
    Reaction {
        /// The provider's id of the message reacted to.
        target: String,
        /// The emoji.
        emoji: Option<String>,
    },
    /// A catalogue order, as reported.
    Order(Value),
    /// A new version of an earlier message.
    Edit {
        /// The provider's id of the edited message.
        target: String,
        /// What it says now.
        content: Box<Content>,
    },
    /// An earlier message was taken back.
    Revoke {
        /// The provider's id of the message taken back.
        target: String,
    },
    /// WhatsApp itself tells something (a changed number, a changed identity).
    System {
        /// `user_changed_number`, `user_changed_user_id`, `customer_identity_changed`, … as reported.
        system_type: Option<String>,
        /// The text for people.
        body: Option<String>,
    },
    /// A type the provider does not carry; its errors say why.
    Unsupported {
        /// The type that was not carried (`poll`, `edit`, …), when known.
        original_type: Option<String>,
    },
    /// A type we do not know yet; the raw message is kept.
    Unknown {
        /// The type as reported.
        message_type: String,
    },
}

impl Content {
    /// The kind as the API names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Media(kind, _) => kind.as_str(),
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Interactive(_) => "interactive",
            Self::Button { .. } => "button",
            Self::Reaction { .. } => "reaction",
            Self::Order(_) => "order",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::System { .. } => "system",
            Self::Unsupported { .. } => "unsupported",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The words a person wrote, for language and keywords: text, captions; not button titles, which are ours.
    #[must_use]
    pub fn written_text(&self) -> Option<&str> {
        match self {
            Self::Text { body } => Some(body),
            Self::Media(_, media) => media.caption.as_deref(),
            Self::Edit { content, .. } => content.written_text(),
            Self::Location(_)
            | Self::Contacts(_)
            | Self::Interactive(_)
            | Self::Button { .. }
            | Self::Reaction { .. }
            | Self::Order(_)
            | Self::Revoke { .. }
            | Self::System { .. }
            | Self::Unsupported { .. }
            | Self::Unknown { .. } => None,
        }
    }

    /// Whether a customer's message of this kind opens the service window: everything a person sends does, also
    /// reactions and what WhatsApp could not carry; edits, revocations and system notes do not (providers.md 8).
    #[must_use]
    pub const fn opens_window(&self) -> bool {
        match self {
            Self::Text { .. }
            | Self::Media(..)
            | Self::Location(_)
            | Self::Contacts(_)
            | Self::Interactive(_)
            | Self::Button { .. }
            | Self::Reaction { .. }
            | Self::Order(_)
            | Self::Unsupported { .. }
            | Self::Unknown { .. } => true,
            Self::Edit { .. } | Self::Revoke { .. } | Self::System { .. } => false,
        }
    }

    /// The provider's id of the message this one changes, for edits, revocations and reactions.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Reaction { target, .. } | Self::Edit { target, .. } | Self::Revoke { target } => {
                Some(target)
            }
            Self::Text { .. }
            | Self::Media(..)
            | Self::Location(_)
            | Self::Contacts(_)
            | Self::Interactive(_)
            | Self::Button { .. }
            | Self::Order(_)
            | Self::System { .. }
            | Self::Unsupported { .. }
            | Self::Unknown { .. } => None,
        }
    }
}

/// What a message answers or passes on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplyContext {
    /// The provider's id of the message answered; absent for forwarded ones.
    #[serde(rename = "provider_message_id", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who wrote the message answered, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Passed on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// Passed on many times.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frequently_forwarded: bool,
    /// The catalogue product asked about, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred_product: Option<Value>,
}

/// The advertisement or post that led here (click-to-WhatsApp).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Referral {
    /// The ad's or post's link.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_url: Option<String>,
    /// The ad's or post's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_id: Option<String>,
    /// `ad` or `post`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_type: Option<String>,
    /// The ad's headline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub headline: Option<String>,
    /// The ad's text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
    /// `image` or `video`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    /// Picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image_url: Option<String>,
    /// Film.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub video_url: Option<String>,
    /// Small picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thumbnail_url: Option<String>,
    /// Meta's click id; absent for some.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ctwa_clid: Option<String>,
}

/// An error as a provider reports it inside a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedError {
    /// The provider's code.
    pub code: i64,
    /// The short text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// The longer text, from either shape (`error_data.details` or `details`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub details: Option<String>,
}
