//! What a provider says about a number of ours, and how its connection stands.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// How a number's connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// It works.
    Live,
    /// A sandbox: what is sent is recorded, nothing leaves.
    Demo,
    /// A send was refused for the sake of the number; an admin must repair it.
    Broken,
    /// No number is connected.
    NotConfigured,
    /// The provider refuses the key or token.
    Unauthorized,
    /// The provider does not know the number.
    NotProvisioned,
    /// The provider takes no more calls for now.
    RateLimited,
    /// The provider does not answer.
    Unreachable,
    /// The provider answers something else.
    Error,
}

impl ConnectionStatus {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Demo => "demo",
            Self::Broken => "broken",
            Self::NotConfigured => "not_configured",
            Self::Unauthorized => "unauthorized",
            Self::NotProvisioned => "not_provisioned",
            Self::RateLimited => "rate_limited",
            Self::Unreachable => "unreachable",
            Self::Error => "error",
        }
    }
}

/// What a provider reports about a number; whatever it does not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberFacts {
    /// The number as people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_phone_number: Option<String>,
    /// The name that customers see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
    /// Where the review of that name stands, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_status: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_rating: Option<String>,
    /// How many people a day may be written to first, such as `TIER_2K`; shared by all numbers of the portfolio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_limit: Option<String>,
    /// How fast messages may leave, such as `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<String>,
    /// Whether the number is registered, such as `CONNECTED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Whether the number was proven to be the business's, such as `VERIFIED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
    /// Where Meta's verification of the business behind it stands, such as `verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_verification: Option<String>,
}

impl NumberFacts {
    /// The same facts, with those of `newer` where it tells any.
    #[must_use]
    pub fn joined(self, newer: Self) -> Self {
        Self {
            display_phone_number: newer.display_phone_number.or(self.display_phone_number),
            verified_name: newer.verified_name.or(self.verified_name),
            name_status: newer.name_status.or(self.name_status),
            quality_rating: newer.quality_rating.or(self.quality_rating),
            messaging_limit: newer.messaging_limit.or(self.messaging_limit),
            throughput: newer.throughput.or(self.throughput),
            connection: newer.connection.or(self.connection),
            verification: newer.verification.or(self.verification),
            business_verification: newer.business_verification.or(self.business_verification),
        }
    }

    /// What keeps the number from working although its credentials are right (D12), one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let is = |value: &Option<String>, names: &[&str]| {
            value.as_deref().is_some_and(|value| names.iter().any(|name| value.eq_ignore_ascii_case(name)))
        };
        if is(&self.name_status, &["PENDING_REVIEW", "DECLINED", "EXPIRED", "NONE", "NON_EXISTS"]) {
            warnings.push(
                "The display name is not approved yet: sends may be refused until it is, in WhatsApp Manager."
                    .to_owned(),
            );
        }
        if is(&self.verification, &["NOT_VERIFIED", "EXPIRED"]) {
            warnings.push("The number is not verified: verify it in WhatsApp Manager.".to_owned());
        }
        if self.connection.is_some() && !is(&self.connection, &["CONNECTED"]) {
            let state = self.connection.as_deref().unwrap_or_default();
            warnings.push(format!(
                "The number is {state} at the provider, not CONNECTED: register it in WhatsApp Manager."
            ));
        }
        warnings
    }
}

/// What the last look at a number found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastCheck {
    /// When.
    pub at: Millis,
    /// How the connection stood.
    pub status: ConnectionStatus,
    /// In a sentence.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_that_are_not_told_again_stay() {
        let told =
            |name: &str| NumberFacts { verified_name: Some(name.to_owned()), ..NumberFacts::default() };
        let old = NumberFacts { quality_rating: Some("GREEN".into()), ..told("a") };
        let joined = old.joined(told("b"));
        assert_eq!(joined.verified_name.as_deref(), Some("b"));
        assert_eq!(joined.quality_rating.as_deref(), Some("GREEN"));
    }

    #[test]
    fn a_number_that_cannot_send_yet_says_why() {
        assert_eq!(NumberFacts::default().warnings(), Vec::<String>::new());
        let good = NumberFacts {
            name_status: Some("APPROVED".into()),
            verification: Some("VERIFIED".into()),
            connection: Some("CONNECTED".into()),
            ..NumberFacts::default()
        };
        assert_eq!(good.warnings().len(), 0);
        let bad = NumberFacts {
            name_status: Some("DECLINED".into()),
            verification: Some("NOT_VERIFIED".into()),
            connection: Some("DISCONNECTED".into()),
            ..good
        };
        assert_eq!(bad.warnings().len(), 3);
    }

    #[test]
    fn the_name_on_the_wire_is_the_name_in_the_tables() {
        for status in [ConnectionStatus::Live, ConnectionStatus::NotConfigured, ConnectionStatus::RateLimited]
        {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
