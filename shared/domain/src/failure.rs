//! Why a provider did not take a message: a stable code, a sentence to act on, and what it means for the next step.

use serde::{Deserialize, Serialize};

/// What a refusal means for the message and for those behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// This message will never be taken.
    Permanent,
    /// The same message may be taken later.
    Retry,
    /// The same message may be taken when it is tried once more; refused a second time, it never will be (131053).
    RetryOnce,
    /// As [`FailureClass::Retry`], but only this recipient has to wait (131056).
    RetryRecipient,
    /// The template is paused: the message waits until it is approved again (132015).
    TemplatePaused,
    /// The number's token or permissions are broken: nothing is sent until a person repairs it.
    IntegrationBroken,
    /// The customer stopped marketing messages; that is written down as a revocation (131050).
    RevokeConsent,
}

/// A provider's refusal, or the reason why none was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// Our stable code, such as `outside_24h_window` or `recipient_undeliverable`.
    pub code: String,
    /// What happened and what to do, for an operator.
    pub message: String,
    /// What it means.
    pub class: FailureClass,
    /// The provider's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_code: Option<i64>,
    /// The provider's own words, cut to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message: Option<String>,
    /// When the provider wants to be asked again, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}
