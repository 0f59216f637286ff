//! Interactive messages: up to three reply buttons, a list of up to ten rows, one link button, or a flow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An interactive message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Interactive {
    /// One to three reply buttons.
    Buttons {
        /// The words above; 1 to 1,024 characters.
        body: String,
        /// The line on top; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// The small line below; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The buttons.
        buttons: Vec<ReplyButton>,
    },
    /// A list behind one button.
    List {
        /// The words above; 1 to 4,096 characters.
        body: String,
        /// The line on top; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// The small line below; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The text of the button that opens the list; at most 20 characters.
        button: String,
        /// One to ten sections with ten rows in total.
        sections: Vec<ListSection>,
    },
    /// One button that opens a link.
    CtaUrl {
        /// The words above; 1 to 1,024 characters.
        body: String,
        /// The line on top; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// The small line below; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The text of the button; at most 20 characters.
        display_text: String,
        /// The link, `https`.
        url: String,
    },
    /// A flow: a form inside WhatsApp.
    Flow {
        /// The words above; 1 to 1,024 characters.
        body: String,
        /// The line on top; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        /// The small line below; at most 60 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// The flow's id.
        flow_id: String,
        /// The text of the button; at most 20 characters.
        flow_cta: String,
        /// Comes back with the answer.
        flow_token: String,
        /// The screen it starts on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        screen: Option<String>,
        /// What the first screen starts with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
    },
}

/// A reply button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplyButton {
    /// Comes back when it is pressed; 1 to 256 characters, unique in the message.
    pub id: String,
    /// What it says; 1 to 20 characters, unique in the message.
    pub title: String,
}

/// A section of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ListSection {
    /// Its title; at most 24 characters; needed when there are several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its rows.
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ListRow {
    /// Comes back when it is chosen; 1 to 200 characters, unique in the message.
    pub id: String,
    /// What it says; 1 to 24 characters.
    pub title: String,
    /// The second line; at most 72 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Interactive {
    /// The words above the buttons.
    #[must_use]
    pub fn body(&self) -> &str {
        match self {
            Self::Buttons { body, .. }
            | Self::List { body, .. }
            | Self::CtaUrl { body, .. }
            | Self::Flow { body, .. } => body,
        }
    }
}
