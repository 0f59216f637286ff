//! A reason not to send, in words and in facts: the same for the API, the preflight and the failed message.

use domain::failure::{Failure, FailureClass};
use domain::permit::{Barred, Refusal};
use domain::template::TemplateState;
use providers::capability::NotCarried;
use serde_json::{Map, Value, json};

/// Why a message is not sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A rule says no.
    Rule {
        /// Which.
        refusal: Refusal,
        /// What is known beyond it, in words.
        words: Option<String>,
    },
    /// The provider cannot carry it.
    NotCarried(NotCarried),
}

impl Reason {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotCarried(_) => "unsupported_by_provider",
            Self::Rule { refusal, .. } => match refusal {
                Refusal::NotConfigured => "not_configured",
                Refusal::DoNotContact(_) => "do_not_contact",
                Refusal::TemplateNotApproved(_) => "template_not_approved",
                Refusal::TemplateParamMismatch(_) => "template_param_mismatch",
                Refusal::Outside24hWindow { .. } => "outside_24h_window",
                Refusal::LanguageMismatch { .. } => "language_mismatch",
            },
        }
    }

    /// What happened and what to do.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NotCarried(why) => format!("{} {}", why.what, why.alternative),
            Self::Rule { refusal, words } => match refusal {
                Refusal::NotConfigured => {
                    "No WhatsApp number is connected: connect one under Integrations > WhatsApp, or use a test key."
                        .to_owned()
                }
                Refusal::DoNotContact(Barred::Channel) => {
                    "The contact withdrew consent to be contacted on WhatsApp; nothing may be sent.".to_owned()
                }
                Refusal::DoNotContact(Barred::MarketingRevoked) => {
                    "The contact withdrew consent to marketing messages.".to_owned()
                }
                Refusal::DoNotContact(Barred::NoOptIn) => {
                    "There is no recorded opt-in to marketing messages for this contact.".to_owned()
                }
                Refusal::DoNotContact(Barred::NumberChanged) => {
                    "The contact agreed to offers from your number before this one; wait until they write to the new \
                     number, or record a new opt-in."
                        .to_owned()
                }
                Refusal::DoNotContact(Barred::Restricted) => {
                    "The use of this contact's data is restricted; nothing may be sent until an admin lifts that."
                        .to_owned()
                }
                Refusal::TemplateNotApproved(None) => words.clone().unwrap_or_else(|| {
                    "There is no template of this name; list them with GET /v1/whatsapp/templates.".to_owned()
                }),
                Refusal::TemplateNotApproved(Some(state)) => {
                    format!("The template may not be sent: it is {}.", state_name(*state).replace('_', " "))
                }
                Refusal::TemplateParamMismatch(mismatch) => {
                    format!("The template's `{}` does not fit: {}", mismatch.parameter, mismatch.message)
                }
                Refusal::Outside24hWindow { closed_at: Some(closed_at) } => format!(
                    "The 24-hour window closed at {closed_at}; send an approved template, or wait until the customer writes."
                ),
                Refusal::Outside24hWindow { closed_at: None } => {
                    "The customer has not written yet; begin with an approved template.".to_owned()
                }
                Refusal::LanguageMismatch { conversation, template } => format!(
                    "The customer writes in `{}`, the template is in `{template}`; send the customer's language, or \
                     repeat with \"confirm_language\": true.",
                    conversation.as_str()
                ),
            },
        }
    }

    /// The field of the send body it is about.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        match self {
            Self::NotCarried(why) => Some(why.field.clone()),
            Self::Rule { refusal, .. } => match refusal {
                Refusal::TemplateParamMismatch(mismatch) => Some(mismatch.field.clone()),
                Refusal::TemplateNotApproved(_) => Some("template.name".to_owned()),
                Refusal::LanguageMismatch { .. } => Some("template.language".to_owned()),
                Refusal::NotConfigured | Refusal::DoNotContact(_) | Refusal::Outside24hWindow { .. } => None,
            },
        }
    }

    /// Facts for a program; see the code's section in `docs/errors.md`.
    #[must_use]
    pub fn details(&self) -> Map<String, Value> {
        let facts = match self {
            Self::NotCarried(why) => json!({"alternative": why.alternative}),
            Self::Rule { refusal, .. } => match refusal {
                Refusal::NotConfigured => json!({}),
                Refusal::DoNotContact(barred) => json!({"reason": match barred {
                    Barred::Channel => "channel_revoked",
                    Barred::MarketingRevoked => "marketing_revoked",
                    Barred::NoOptIn => "no_marketing_opt_in",
                    Barred::NumberChanged => "needs_reoptin",
                    Barred::Restricted => "processing_restricted",
                }}),
                Refusal::TemplateNotApproved(state) => json!({"state": state.map_or("unknown", state_name)}),
                Refusal::TemplateParamMismatch(mismatch) => json!({
                    "legacy_code": "ERROR_TEMPLATE_PARAM_MISMATCH",
                    "parameter": mismatch.parameter,
                }),
                Refusal::Outside24hWindow { closed_at } => json!({
                    "legacy_code": "WINDOW_CLOSED",
                    "window_closed_at": closed_at,
                }),
                Refusal::LanguageMismatch { conversation, template } => json!({
                    "conversation_language": conversation.as_str(),
                    "template_language": template,
                }),
            },
        };
        match facts {
            // What is not known is not there.
            Value::Object(facts) => facts.into_iter().filter(|(_, fact)| !fact.is_null()).collect(),
            _ => Map::new(),
        }
    }

    /// As the failure of a message that was accepted before.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure {
            code: self.code().to_owned(),
            message: self.message(),
            class: FailureClass::Permanent,
            provider_code: None,
            provider_message: None,
            retry_after_s: None,
        }
    }
}

const fn state_name(state: TemplateState) -> &'static str {
    match state {
        TemplateState::Approved => "approved",
        TemplateState::Pending => "pending",
        TemplateState::Rejected => "rejected",
        TemplateState::Paused => "paused",
        TemplateState::Disabled => "disabled",
        TemplateState::InAppeal => "in_appeal",
        TemplateState::Deleted => "deleted",
        TemplateState::Draft => "draft",
    }
}
