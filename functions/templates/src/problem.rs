//! From what the use cases say to what the API answers.

use crm::templates::{SyncError, WriteError};
use domain::access::Role;
use platform::http::{Code, Problem};
use serde_json::json;

/// The answer to a template that was not written.
pub(crate) fn unwritten(error: WriteError) -> Problem {
    match error {
        WriteError::NotFound => Problem::NotFound,
        WriteError::NeedsAdmin => Problem::Forbidden { required: Role::Admin },
        WriteError::Forbidden { message, retry_after_s } => Problem::Conflict { message, retry_after_s },
        WriteError::Invalid(findings) => {
            let first = findings.first();
            let message = first.map(|first| first.message.clone()).unwrap_or_default();
            let mut refused = Problem::refused(Code::TemplateInvalid, message);
            refused.field = first.map(|first| first.field.clone());
            refused.details.insert("findings".to_owned(), json!(findings));
            refused.into()
        }
        WriteError::Sync(SyncError::NotConfigured) => {
            not_configured("No number is connected that templates could be written for.".to_owned())
        }
        WriteError::Sync(error) => unsynced(error, "does not take the template"),
    }
}

/// The answer when a provider's templates could not be read.
pub(crate) fn unread(error: SyncError) -> Problem {
    match error {
        SyncError::NotConfigured => not_configured(
            "Only Meta and 360dialog have templates, and no number of theirs is connected.".to_owned(),
        ),
        SyncError::Unusable { .. }
        | SyncError::Store(_)
        | SyncError::Vault(_)
        | SyncError::Unreachable { .. }
        | SyncError::Refused { .. }
        | SyncError::Unreadable { .. }
        | SyncError::JustFailed
        | SyncError::Contended => unsynced(error, "does not show its templates"),
    }
}

fn unsynced(error: SyncError, what: &str) -> Problem {
    let retry_after_s = error.retry_after_s();
    match error {
        SyncError::Unusable { provider } => not_configured(format!(
            "The account id or the secret of the {provider} number is missing; connect the number again."
        )),
        SyncError::Store(error) => error.into(),
        SyncError::Refused { provider, status, code, message } => {
            let mut refused =
                Problem::refused(Code::ServiceUnavailable, format!("{provider} {what}: {message}"));
            refused.retry_after_s = retry_after_s;
            let details = [
                ("source", "provider".into()),
                ("provider", provider.as_str().into()),
                ("provider_status", status.into()),
                ("provider_code", code.into()),
            ];
            refused.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
            refused.into()
        }
        SyncError::Unreachable { provider, .. } | SyncError::Unreadable { provider, .. } => {
            tracing::warn!(%provider, "templates: {error}");
            let message = format!("{provider} did not answer as it should; try again in a moment.");
            let mut refused = Problem::refused(Code::ServiceUnavailable, message);
            let details = [("source", "provider"), ("provider", provider.as_str())];
            refused.details.extend(details.map(|(name, value)| (name.to_owned(), value.into())));
            refused.into()
        }
        SyncError::NotConfigured | SyncError::Vault(_) | SyncError::JustFailed | SyncError::Contended => {
            Problem::unavailable(error)
        }
    }
}

fn not_configured(message: String) -> Problem {
    Problem::refused(Code::NotConfigured, message).into()
}
