//! Sources that hand leads over by themselves.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A source that hands leads over by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LeadFeed))]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Forms inside Facebook and Instagram: a webhook names the lead, which is then fetched.
    MetaLeadAds,
    /// Property Finder's webhook.
    PropertyFinder,
    /// Bayut: asked every minute; a relay may push.
    Bayut,
    /// Dubizzle: as Bayut.
    Dubizzle,
    /// The tenant's own site.
    Website,
}

impl FeedKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::MetaLeadAds, Self::PropertyFinder, Self::Bayut, Self::Dubizzle, Self::Website];

    /// The name in paths, in the table and as a lead's source.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetaLeadAds => "meta_lead_ads",
            Self::PropertyFinder => "property_finder",
            Self::Bayut => "bayut",
            Self::Dubizzle => "dubizzle",
            Self::Website => "website",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it is asked for leads on a schedule.
    #[must_use]
    pub const fn is_pulled(self) -> bool {
        match self {
            Self::Bayut | Self::Dubizzle => true,
            Self::MetaLeadAds | Self::PropertyFinder | Self::Website => false,
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::LeadSource;

    #[test]
    fn a_feeds_name_is_the_one_name_of_its_source() {
        for kind in FeedKind::ALL {
            assert_eq!(FeedKind::parse(kind.as_str()), Some(kind));
            assert_eq!(LeadSource::parse(kind.as_str()).unwrap().as_str(), kind.as_str());
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(FeedKind::parse("Bayut"), None);
    }
}
