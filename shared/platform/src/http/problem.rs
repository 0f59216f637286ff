//! Every "no" of the API, and the one table that gives it a status, a code and public words.

use super::code::Code;
use crate::bucket::BucketError;
use crate::dynamo::StoreError;
use axum::response::{IntoResponse, Response};
use domain::access::Role;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

/// How long a client should wait when a part of ours does not answer, in seconds.
const TRY_AGAIN_S: u32 = 2;

/// The same when a provider does not answer as it should and says nothing about it, in seconds.
const PROVIDER_AGAIN_S: u32 = 10;

/// A "no". What is private about it (a source) goes to the log, never into the answer.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A parameter or a field of the body cannot be what it is.
    #[error("{field}: {message}")]
    Validation {
        /// The parameter, or the path of the field.
        field: Cow<'static, str>,
        /// What is wrong, for the caller.
        message: String,
    },
    /// No key was presented, or something that is no key.
    #[error("no well-formed API key")]
    Unauthorized,
    /// The key is unknown, revoked or expired.
    #[error("the API key opens nothing")]
    InvalidApiKey,
    /// The key's role may not do this.
    #[error("the role is too low")]
    Forbidden {
        /// The role that may.
        required: Role,
    },
    /// The key may not be used from the caller's address.
    #[error("the address is not on the key's list")]
    ForbiddenAddress,
    /// There is no such thing in this tenant, or no such path.
    #[error("not found")]
    NotFound,
    /// The path does not answer this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// It cannot be done in the state things are in.
    #[error("conflict: {message}")]
    Conflict {
        /// Why, for the caller.
        message: String,
        /// When it may work, in seconds.
        retry_after_s: Option<u32>,
    },
    /// The body is too large.
    #[error("payload too large")]
    PayloadTooLarge {
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// The body is not JSON by its own account.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// Too many requests in this minute.
    #[error("rate limited")]
    RateLimited {
        /// When the next minute begins, in seconds.
        retry_after_s: u32,
        /// How many requests a minute holds.
        limit: u32,
        /// Whether it is the limit of all keys of the tenant together.
        whole_tenant: bool,
    },
    /// A rule of WhatsApp, of the law or of the provider says no.
    #[error("refused: {}", .0.code.as_str())]
    Refused(Box<Refused>),
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
    /// A part of ours does not answer; the same request may work in a moment.
    #[error("a part of ours does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// A rule's "no", with what a program needs to act on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Which rule.
    pub code: Code,
    /// Why and what to do, for a person.
    pub message: String,
    /// The field of the body it is about.
    pub field: Option<String>,
    /// Facts for a program, by the code's section in `docs/errors.md`.
    pub details: serde_json::Map<String, serde_json::Value>,
    /// When it may work, in seconds; without it, soon where the code says that somebody does not answer.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// A rule's "no".
    #[must_use]
    pub fn refused(code: Code, message: impl Into<String>) -> Refused {
        Refused {
            code,
            message: message.into(),
            field: None,
            details: serde_json::Map::new(),
            retry_after_s: None,
        }
    }

    /// Facts for a program that come with the error.
    #[must_use]
    pub fn details(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
        match self {
            Self::Refused(refused) => Some(&refused.details).filter(|details| !details.is_empty()),
            Self::Validation { .. }
            | Self::Unauthorized
            | Self::InvalidApiKey
            | Self::Forbidden { .. }
            | Self::ForbiddenAddress
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict { .. }
            | Self::PayloadTooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::RateLimited { .. }
            | Self::Internal(_)
            | Self::Unavailable(_) => None,
        }
    }

    /// A parameter or field that cannot be what it is.
    #[must_use]
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Validation { field: field.into(), message: message.into() }
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// A part of ours that does not answer.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// The code, and with it the status.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused(refused) => refused.code,
            Self::Validation { .. } => Code::ValidationError,
            Self::Unauthorized => Code::Unauthorized,
            Self::InvalidApiKey => Code::InvalidApiKey,
            Self::Forbidden { .. } | Self::ForbiddenAddress => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::Conflict { .. } => Code::Conflict,
            Self::PayloadTooLarge { .. } => Code::PayloadTooLarge,
            Self::UnsupportedMediaType => Code::UnsupportedMediaType,
            Self::Internal(_) => Code::InternalError,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Unavailable(_) => Code::ServiceUnavailable,
        }
    }

    /// The words for the caller.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Validation { message, .. } | Self::Conflict { message, .. } => message.into(),
            Self::Refused(refused) => refused.message.as_str().into(),
            Self::Unauthorized => "Send your API key as `Authorization: Bearer hdr_live_...`.".into(),
            Self::InvalidApiKey => "This API key is unknown, revoked or expired.".into(),
            Self::Forbidden { required } => {
                format!("This needs a key with the role `{}`.", role_name(*required)).into()
            }
            Self::ForbiddenAddress => "This key may not be used from this address.".into(),
            Self::NotFound => "There is nothing here.".into(),
            Self::MethodNotAllowed => "This path does not answer this method; see the header `Allow`.".into(),
            Self::PayloadTooLarge { limit } => format!("The body may have at most {limit} bytes.").into(),
            Self::UnsupportedMediaType => "Send JSON with `Content-Type: application/json`.".into(),
            Self::RateLimited { limit, whole_tenant: false, .. } => {
                format!("This key may make {limit} requests a minute; wait for the next one.").into()
            }
            Self::RateLimited { limit, whole_tenant: true, .. } => format!(
                "The keys of this tenant may make {limit} requests a minute together; wait for the next one."
            )
            .into(),
            Self::Internal(_) => "Something went wrong on our side; quote the trace id to support.".into(),
            Self::Unavailable(_) => "A part of the service does not answer; try again in a moment.".into(),
        }
    }

    /// The parameter or field the error is about.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Validation { field, .. } => Some(field),
            Self::Refused(refused) => refused.field.as_deref(),
            Self::Unauthorized
            | Self::InvalidApiKey
            | Self::Forbidden { .. }
            | Self::ForbiddenAddress
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict { .. }
            | Self::PayloadTooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::RateLimited { .. }
            | Self::Internal(_)
            | Self::Unavailable(_) => None,
        }
    }

    /// When to try again, in seconds, where that helps.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Conflict { retry_after_s, .. } => *retry_after_s,
            Self::RateLimited { retry_after_s, .. } => Some(*retry_after_s),
            Self::Unavailable(_) => Some(TRY_AGAIN_S),
            Self::Refused(refused) => match (refused.retry_after_s, refused.code) {
                (Some(seconds), _) => Some(seconds),
                (None, Code::ServiceUnavailable) => Some(PROVIDER_AGAIN_S),
                (None, _) => None,
            },
            Self::Validation { .. }
            | Self::Unauthorized
            | Self::InvalidApiKey
            | Self::Forbidden { .. }
            | Self::ForbiddenAddress
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::PayloadTooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::Internal(_) => None,
        }
    }

    /// The `WWW-Authenticate` challenge (RFC 6750), where one is due.
    #[must_use]
    pub const fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized => Some("Bearer realm=\"hadar\""),
            Self::InvalidApiKey => Some("Bearer realm=\"hadar\", error=\"invalid_token\""),
            Self::Validation { .. }
            | Self::Refused(_)
            | Self::Forbidden { .. }
            | Self::ForbiddenAddress
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Conflict { .. }
            | Self::PayloadTooLarge { .. }
            | Self::UnsupportedMediaType
            | Self::RateLimited { .. }
            | Self::Internal(_)
            | Self::Unavailable(_) => None,
        }
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Agent => "agent",
        Role::Admin => "admin",
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_transient() { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<BucketError> for Problem {
    fn from(error: BucketError) -> Self {
        if error.is_transient() { Self::unavailable(error) } else { Self::internal(error) }
    }
}

/// Carries the problem to the edge, which knows the trace id and writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[test]
    fn what_a_dependency_said_stays_out_of_the_answer() {
        let problem = Problem::internal("AccessDenied on table hadar-prod-crm");
        assert_eq!(problem.code().status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!problem.message().contains("hadar-prod-crm"));
        let problem = Problem::unavailable("connection refused");
        assert_eq!((problem.code().as_str(), problem.retry_after_s()), ("service_unavailable", Some(2)));
        assert!(!problem.message().contains("refused"));
    }

    #[test]
    fn only_a_401_challenges_for_a_key() {
        assert!(
            Problem::Unauthorized.challenge().is_some_and(|challenge| !challenge.contains("invalid_token"))
        );
        assert!(
            Problem::InvalidApiKey.challenge().is_some_and(|challenge| challenge.contains("invalid_token"))
        );
        assert_eq!(Problem::Forbidden { required: Role::Admin }.challenge(), None);
        assert_eq!(Problem::NotFound.challenge(), None);
    }
}
