//! The codes of the API's errors, each with its status.

use axum::http::StatusCode;

/// An error code of the API. `docs/errors.md` has a section for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request says something that cannot be.
    ValidationError,
    /// No key, or something that is no key.
    Unauthorized,
    /// A key that opens nothing.
    InvalidApiKey,
    /// A key whose role may not do this.
    Forbidden,
    /// Nothing here for this tenant.
    NotFound,
    /// The path exists, for other methods.
    MethodNotAllowed,
    /// It cannot be done in the state things are in.
    Conflict,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not JSON by its own account.
    UnsupportedMediaType,
    /// Free-form text to somebody who has not written in 24 hours.
    Outside24hWindow,
    /// The contact withdrew, or never agreed.
    DoNotContact,
    /// The template cannot be filled with what was given.
    TemplateParamMismatch,
    /// No such template, or it may not be sent now.
    TemplateNotApproved,
    /// The review would refuse the template, or the provider did.
    TemplateInvalid,
    /// The number's provider cannot carry this kind of message.
    UnsupportedByProvider,
    /// The template speaks another language than the customer.
    LanguageMismatch,
    /// Somebody else answers the conversation at the moment.
    ConversationLocked,
    /// Too many requests in this minute.
    RateLimited,
    /// A fault of ours.
    InternalError,
    /// A part of ours does not answer.
    ServiceUnavailable,
    /// There is no number to send from.
    NotConfigured,
    /// There is no assistant, or it is not to do this.
    AssistantNotConnected,
    /// The assistant's model does not answer, or not with anything that can be used.
    AssistantUnavailable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::ValidationError,
        Self::Unauthorized,
        Self::InvalidApiKey,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Outside24hWindow,
        Self::DoNotContact,
        Self::TemplateParamMismatch,
        Self::TemplateNotApproved,
        Self::TemplateInvalid,
        Self::UnsupportedByProvider,
        Self::LanguageMismatch,
        Self::ConversationLocked,
        Self::RateLimited,
        Self::InternalError,
        Self::ServiceUnavailable,
        Self::NotConfigured,
        Self::AssistantNotConnected,
        Self::AssistantUnavailable,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ValidationError => "validation_error",
            Self::Unauthorized => "unauthorized",
            Self::InvalidApiKey => "invalid_api_key",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Outside24hWindow => "outside_24h_window",
            Self::DoNotContact => "do_not_contact",
            Self::TemplateParamMismatch => "template_param_mismatch",
            Self::TemplateNotApproved => "template_not_approved",
            Self::TemplateInvalid => "template_invalid",
            Self::UnsupportedByProvider => "unsupported_by_provider",
            Self::LanguageMismatch => "language_mismatch",
            Self::ConversationLocked => "conversation_locked",
            Self::RateLimited => "rate_limited",
            Self::InternalError => "internal_error",
            Self::ServiceUnavailable => "service_unavailable",
            Self::NotConfigured => "not_configured",
            Self::AssistantNotConnected => "assistant_not_connected",
            Self::AssistantUnavailable => "assistant_unavailable",
        }
    }

    /// The status it comes with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::InvalidApiKey => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::LanguageMismatch | Self::ConversationLocked => StatusCode::CONFLICT,
            Self::Outside24hWindow
            | Self::DoNotContact
            | Self::TemplateParamMismatch
            | Self::TemplateNotApproved
            | Self::TemplateInvalid
            | Self::UnsupportedByProvider => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable
            | Self::NotConfigured
            | Self::AssistantNotConnected
            | Self::AssistantUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_its_section_in_the_error_reference_and_every_section_a_code() {
        let reference = include_str!("../../../../docs/errors.md");
        let sections: Vec<&str> =
            reference.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
        let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(sections.iter().copied().collect::<BTreeSet<_>>(), known);
        assert_eq!(sections.len(), Code::ALL.len(), "a section is there twice");
        for (code, section) in Code::ALL.iter().zip(&sections) {
            assert_eq!(code.as_str(), *section, "the sections are in the order of the table");
            let body = reference.split(&format!("## `{section}`")).nth(1).unwrap();
            let body = body.split("\n## ").next().unwrap();
            let status = format!("Status {}.", code.status().as_u16());
            for part in [status.as_str(), "**Cause.**", "**Fix.**"] {
                assert!(body.contains(part), "`{section}` lacks {part}");
            }
        }
    }
}
