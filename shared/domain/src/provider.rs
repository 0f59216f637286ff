//! The providers, as a business fact.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who carries a tenant's WhatsApp traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Meta WhatsApp Cloud API.
    Meta,
    /// 360dialog, which hosts the Cloud API.
    Dialog360,
    /// UltraMsg, which drives WhatsApp Web.
    Ultramsg,
    /// Nobody: what a test key or a sandbox twin sends is recorded and leaves for nowhere.
    Sandbox,
}

impl Provider {
    /// Those that a tenant can connect, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Meta, Self::Dialog360, Self::Ultramsg];

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Dialog360 => "dialog360",
            Self::Ultramsg => "ultramsg",
            Self::Sandbox => "sandbox",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Sandbox]).find(|provider| provider.as_str() == text)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a webhook proved where it came from, weakest last; kept with every event so that an action that needs more
/// than a shared token can ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuthStrength {
    /// An HMAC over the raw body.
    Signature,
    /// A shared secret in a header.
    Header,
    /// A shared secret in the URL.
    UrlToken,
}
