//! Receivers as the API shows them.

use domain::ids::EndpointId;
use domain::redacted::Redacted;
use domain::time::Millis;
use platform::dynamo::{Endpoint, EndpointHealth};
use serde::Serialize;

/// A receiver as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Endpoint))]
pub struct EndpointView {
    /// Its id.
    pub id: EndpointId,
    /// Where it is.
    pub url: String,
    /// What it wants.
    pub events: Vec<String>,
    /// What people call it.
    pub description: Option<String>,
    /// `enabled` or `disabled`.
    pub status: &'static str,
    /// Why it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// When it was switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Millis>,
    /// Until when the secret before the last rotation signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<Millis>,
    /// Failures since its last success.
    pub consecutive_failures: u32,
    /// When the first of them was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Millis>,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// A receiver with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EndpointWithSecret))]
pub struct WithSecret {
    /// The receiver.
    #[serde(flatten)]
    pub endpoint: EndpointView,
    /// `whsec_` and 32 random bytes in base 64; absent where the answer is given again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub secret: Option<Redacted<String>>,
}

impl WithSecret {
    /// The same without the secret: what may be kept.
    #[must_use]
    pub fn without(&self) -> Self {
        Self { endpoint: self.endpoint.clone(), secret: None }
    }
}

pub(super) fn view(endpoint: Endpoint, health: EndpointHealth, now: Millis) -> EndpointView {
    EndpointView {
        id: endpoint.id,
        url: endpoint.url,
        events: endpoint.events,
        description: endpoint.description,
        status: if endpoint.enabled { "enabled" } else { "disabled" },
        disabled_reason: endpoint.disabled_reason,
        disabled_at: endpoint.disabled_at,
        previous_secret_until: endpoint.before_until.filter(|until| *until > now),
        consecutive_failures: health.failures,
        failing_since: health.failing_since,
        created_at: endpoint.created_at,
        updated_at: endpoint.updated_at,
    }
}
