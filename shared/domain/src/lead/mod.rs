//! Leads: where they come from, where they stand, and how promising they are.

mod feed;
mod fields;
mod score;
mod source;

pub use feed::FeedKind;
pub use fields::{Attributes, FieldError, MOST_BEDROOMS, Utm, area, assignee, budget, horizon, merged, name};
pub use score::{Score, ScoreFacts, ScoreReason, score};
pub use source::LeadSource;

use serde::{Deserialize, Serialize};

/// What people made of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Nobody has looked at it.
    New,
    /// Somebody wrote or called.
    Contacted,
    /// It is worth the work.
    Qualified,
    /// A viewing is arranged or done.
    Viewing,
    /// A price is talked about.
    Negotiation,
    /// It became a deal.
    Won,
    /// It came to nothing.
    Lost,
}

impl LeadStatus {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Contacted,
        Self::Qualified,
        Self::Viewing,
        Self::Negotiation,
        Self::Won,
        Self::Lost,
    ];

    /// The name in the API and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Contacted => "contacted",
            Self::Qualified => "qualified",
            Self::Viewing => "viewing",
            Self::Negotiation => "negotiation",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether somebody still works on it: an enquiry of the same person belongs to it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::New | Self::Contacted | Self::Qualified | Self::Viewing | Self::Negotiation => true,
            Self::Won | Self::Lost => false,
        }
    }
}
