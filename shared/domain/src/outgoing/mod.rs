//! What the business says: the content of a message we send, as it is stored and as every provider translates it.
//!
//! [`check`] holds it to the limits of the Cloud API (providers.md 2.1 and 2.3), which are the tightest; what a
//! provider cannot carry at all is `providers::capability`'s table.

mod check;
mod interactive;

pub use check::{FieldError, check};
pub(crate) use check::{check_document_name, check_media_source};
pub use interactive::{Interactive, ListRow, ListSection, ReplyButton};

use crate::ids::ObjectId;
use crate::message::MediaKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a message we send says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Outgoing {
    /// Words.
    Text {
        /// The words; 1 to 4,096 characters.
        body: String,
        /// Whether the first link is shown as a card.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        preview_url: bool,
    },
    /// An approved template.
    Template(TemplateUse),
    /// A file.
    Media(OutgoingMedia),
    /// Buttons, a list, a link button or a flow.
    Interactive {
        /// Which.
        interactive: Interactive,
    },
    /// A place.
    Location(OutgoingLocation),
    /// Contact cards, in the Cloud API's shape: at least one, each with `name.formatted_name`.
    Contacts {
        /// The cards.
        contacts: Vec<Value>,
    },
    /// An emoji on another message; `None` takes it away.
    Reaction {
        /// The provider's id of the message reacted to.
        target: String,
        /// The emoji.
        emoji: Option<String>,
    },
}

/// A file to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMedia {
    /// What it is.
    pub media_kind: MediaKind,
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// The text under it; at most 1,024 characters; not for sounds and stickers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The name a document is shown with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MediaSource {
    /// A public `https` address that the provider fetches.
    Url(String),
    /// A media id from an upload: the provider's, or `obj_...` of a file that we keep.
    Id(String),
}

impl MediaSource {
    /// Whether it is a file that we keep (`obj_...`), which the provider gets by an address.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Id(id) => ObjectId::parse(id).is_ok(),
            Self::Url(_) => false,
        }
    }
}

/// A place to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OutgoingLocation {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// The place's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The place's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A template with what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TemplateUse {
    /// The template's registered name.
    pub name: String,
    /// The language asked for (`ar`, `en`, `en_US`); absent when the conversation decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What fills the variables of header text and body, by name or by order.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
    /// The file or place of a media header; the text of a positional text header's one variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderValue>,
    /// What fills the buttons that take something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonValue>,
}

/// What fills a template's variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Variables {
    /// By name.
    Named(std::collections::BTreeMap<String, String>),
    /// By order.
    Positional(Vec<String>),
}

impl Default for Variables {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}

impl Variables {
    /// Whether there is nothing to fill in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Named(named) => named.is_empty(),
            Self::Positional(list) => list.is_empty(),
        }
    }
}

/// What a template's header is filled with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateHeaderValue))]
#[serde(rename_all = "lowercase")]
pub enum HeaderValue {
    /// The text of its one positional variable.
    Text(String),
    /// A picture.
    Image(MediaSource),
    /// A film.
    Video(MediaSource),
    /// A document, with the name it is shown with.
    Document {
        /// Where it is.
        #[serde(flatten)]
        source: MediaSource,
        /// The name it is shown with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
    },
}

/// What one of a template's buttons is filled with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ButtonValue {
    /// Which button, from 0.
    pub index: u8,
    /// The end of a URL button's address, a quick reply's payload, the code to copy, a flow's token.
    pub value: String,
}

impl Outgoing {
    /// The kind as the API names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Template(_) => "template",
            Self::Media(media) => media.media_kind.as_str(),
            Self::Interactive { .. } => "interactive",
            Self::Location(_) => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction { .. } => "reaction",
        }
    }

    /// The words a person will read, for the language guard; a template's language is its own.
    #[must_use]
    pub fn written_text(&self) -> Option<&str> {
        match self {
            Self::Text { body, .. } => Some(body),
            Self::Media(media) => media.caption.as_deref(),
            Self::Interactive { interactive } => Some(interactive.body()),
            Self::Template(_) | Self::Location(_) | Self::Contacts { .. } | Self::Reaction { .. } => None,
        }
    }
}
