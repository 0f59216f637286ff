//! One call of a provider about an account, and what it means when the answer is no.

use super::{Outside, Rejection, name};
use crate::credentials::secret_name;
use bytes::Bytes;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use http::{Request, Response};
use platform::transport::CallError;
use providers::account::{Refused, Unusable, refused};

/// A call was not answered with a yes.
#[derive(Debug)]
pub(super) struct No {
    /// How the connection stands.
    pub(super) status: ConnectionStatus,
    /// The HTTP status, where there was an answer.
    pub(super) http_status: Option<u16>,
    /// The provider's code.
    pub(super) code: Option<i64>,
    /// The provider's words.
    pub(super) words: Option<String>,
    /// Whether the call may have had its effect all the same.
    pub(super) open: bool,
}

impl No {
    pub(super) fn late() -> Self {
        Self { status: ConnectionStatus::Unreachable, http_status: None, code: None, words: None, open: true }
    }

    pub(super) fn odd(http_status: u16) -> Self {
        let status = ConnectionStatus::Error;
        Self { status, http_status: Some(http_status), code: None, words: None, open: true }
    }

    /// What is wrong and what to do, in a sentence or two.
    pub(super) fn sentence(&self, provider: Provider) -> String {
        let who = name(provider);
        let http = self.http_status.map(|status| format!(" (HTTP {status})")).unwrap_or_default();
        let what = match provider {
            Provider::Meta => "access token",
            Provider::Dialog360 => "API key",
            Provider::Ultramsg | Provider::Sandbox => "token",
        };
        let sentence = match self.status {
            ConnectionStatus::Live => format!("{who} accepts the {what}."),
            ConnectionStatus::Unauthorized => {
                format!("{who} refuses the {what}{http}. Make a new one there and save it here.")
            }
            ConnectionStatus::NotProvisioned => format!(
                "{who} does not know the number, or not for this {what}{http}. Check the ids and that the number is \
                 set up there."
            ),
            ConnectionStatus::RateLimited => {
                format!("{who} takes no more calls for now{http}. Wait a few minutes and try again.")
            }
            ConnectionStatus::Unreachable => {
                format!("{who} could not be reached within 10 seconds. Try again in a moment.")
            }
            ConnectionStatus::Error
            | ConnectionStatus::Demo
            | ConnectionStatus::Broken
            | ConnectionStatus::NotConfigured => {
                format!("{who} answered something unexpected{http}. Try again in a moment.")
            }
        };
        match &self.words {
            Some(words) if self.status == ConnectionStatus::Error => format!("{sentence} It says: {words}"),
            _ => sentence,
        }
    }

    pub(super) fn reject(self, provider: Provider, field: &'static str) -> Rejection {
        Rejection {
            field,
            message: self.sentence(provider),
            status: self.status,
            http_status: self.http_status,
            code: self.code,
            setup: Vec::new(),
        }
    }
}

/// Makes a call; a yes in JSON is the answer. `secret` is taken out of whatever the provider says.
pub(super) async fn call(
    outside: Outside<'_>,
    provider: Provider,
    secret: &str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, No> {
    let answer = match outside.transport.call(provider, request).await {
        Ok(answer) => answer,
        Err(CallError::NotSent(reason)) => {
            tracing::warn!(%provider, "a provider could not be reached: {reason}");
            return Err(No { open: false, ..No::late() });
        }
        Err(CallError::Unknown(reason)) => {
            tracing::warn!(%provider, "a provider did not answer: {reason}");
            return Err(No::late());
        }
    };
    match refused(provider, &answer) {
        None => Ok(answer),
        Some(Refused { status, http_status, code, words }) => Err(No {
            status,
            http_status: Some(http_status),
            code,
            words: words.map(|words| if secret.is_empty() { words } else { words.replace(secret, "…") }),
            // A refusal took no effect; a server's fault may have.
            open: http_status >= 500,
        }),
    }
}

/// What no request can hold is the admin's to correct.
pub(super) fn unusable(Unusable(provider): Unusable) -> Rejection {
    let message = format!("{} cannot be called with these values; enter them again.", name(provider));
    Rejection::said(secret_name(provider), message)
}
