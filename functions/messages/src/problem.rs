//! From what the use case says to what the API answers.

use crm::desk::Lock;
use crm::ingest::IngestError;
use crm::send::{Reason, SendError};
use crm::templates::SyncError;
use domain::time::Millis;
use platform::http::{Code, Problem, Refused};
use serde_json::json;

/// The answer to a message that was not accepted. A closed window is answered with the templates that may be sent.
pub(crate) fn problem(error: SendError) -> Problem {
    let (reasons, instead) = match error {
        SendError::Invalid(error) => return Problem::invalid(error.field, error.message),
        SendError::NotFound => return Problem::NotFound,
        SendError::NotYet { field } => {
            let message = format!("The message that `{field}` names has not been taken by the provider yet.");
            return Problem::Conflict { message, retry_after_s: Some(2) };
        }
        SendError::Store(error) | SendError::Templates(SyncError::Store(error)) => return error.into(),
        SendError::Contact(IngestError::Transient { reason }) => return Problem::unavailable(reason),
        SendError::Contact(IngestError::Permanent { reason }) => return Problem::internal(reason),
        SendError::Contact(error @ IngestError::Erased) => return Problem::internal(error),
        SendError::Templates(error) => return unread(error),
        SendError::Refused { reasons, instead } => (reasons, instead),
    };
    let Some(gravest) = reasons.first() else { return Problem::internal("a refusal without a reason") };
    let mut refused = refused(gravest);
    if refused.code == Code::Outside24hWindow {
        let mut names: Vec<String> = instead.into_iter().map(|template| template.name).collect();
        names.dedup();
        refused.details.insert("templates_allowed".to_owned(), json!(names));
    }
    refused.into()
}

/// The answer while somebody else answers the conversation.
pub(crate) fn locked(lock: &Lock, now: Millis) -> Problem {
    let message =
        "Somebody else answers this conversation; repeat with \"override_lock\": true to send all the same.";
    let mut refused = Problem::refused(Code::ConversationLocked, message);
    refused.retry_after_s = u32::try_from(lock.until.since(now).div_ceil(1000)).ok();
    refused.details.insert("lock".to_owned(), json!(lock));
    refused.into()
}

fn refused(reason: &Reason) -> Refused {
    let code = Code::ALL.into_iter().find(|code| code.as_str() == reason.code());
    Refused {
        code: code.unwrap_or(Code::ValidationError),
        message: reason.message(),
        field: reason.field(),
        details: reason.details(),
        retry_after_s: None,
    }
}

/// The answer when the template's list was never read and cannot be now: whether it exists is not known.
fn unread(error: SyncError) -> Problem {
    let Some(provider) = error.provider() else { return Problem::unavailable(error) };
    tracing::warn!(%provider, "the templates could not be read for a send: {error}");
    let message = format!(
        "The templates have not been read from {provider} yet, and it does not show them; try again in a moment, or \
         check the connection under Integrations > WhatsApp."
    );
    let mut refused = Problem::refused(Code::ServiceUnavailable, message);
    refused.retry_after_s = error.retry_after_s();
    let details = [("source", "provider"), ("provider", provider.as_str())];
    refused.details.extend(details.map(|(name, value)| (name.to_owned(), value.into())));
    refused.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::permit::{Barred, Refusal};

    #[test]
    fn every_refusal_has_a_code_of_the_api() {
        for refusal in [
            Refusal::NotConfigured,
            Refusal::DoNotContact(Barred::Channel),
            Refusal::TemplateNotApproved(None),
            Refusal::Outside24hWindow { closed_at: None },
        ] {
            let reason = Reason::Rule { refusal, words: None };
            assert_eq!(refused(&reason).code.as_str(), reason.code());
        }
    }
}
