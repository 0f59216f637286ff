//! The parts of a message that only some kinds have.

use domain::message::Direction;
use domain::time::Millis;
use serde::Serialize;

/// The answer to a template's button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ButtonAnswer))]
pub struct Button {
    /// The button's text.
    pub text: Option<String>,
    /// The developer's payload.
    pub payload: Option<String>,
}

/// A reaction as a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// The provider's id of the message reacted to.
    pub provider_message_id: String,
    /// The emoji; absent when it was taken away.
    pub emoji: Option<String>,
}

/// A reaction on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReactionBy {
    /// Whose: `inbound` is the customer's.
    pub direction: Direction,
    /// The emoji.
    pub emoji: String,
    /// When.
    pub at: Millis,
}

/// What WhatsApp itself tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SystemMessage))]
pub struct System {
    /// What happened, as reported.
    #[serde(rename = "type")]
    pub system_type: Option<String>,
    /// The words for people.
    pub body: Option<String>,
}

/// What could not be carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UnsupportedMessage))]
pub struct Unsupported {
    /// The type as reported.
    #[serde(rename = "type")]
    pub original_type: Option<String>,
}

/// Another message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MessageTarget))]
pub struct Target {
    /// The provider's id of it.
    pub provider_message_id: String,
}
