//! What cannot be had or taken, in the API's words.

use crm::media::{MediaError, UploadError};
use domain::failure::FailureClass;
use domain::file::NotTaken;
use domain::provider::Provider;
use platform::http::{Code, Problem};

/// A download's "no".
pub(crate) fn of_media(error: MediaError) -> Problem {
    match error {
        MediaError::NotFound => Problem::NotFound,
        MediaError::Gone => told(
            Code::NotFound,
            "The file is no longer there: WhatsApp keeps what a customer sends for 7 days, and nobody asked for this \
             file in that time.",
            None,
        ),
        MediaError::TooLarge { limit } => {
            let message = format!("The file has more than {limit} bytes and is not fetched.");
            told(Code::NotFound, &message, None)
        }
        MediaError::Altered { provider } => {
            tracing::warn!(%provider, "a file is not the one that its message announced");
            let message = format!(
                "{provider} gave another file than the one that the customer's message announced; it was not kept. \
                 Try again later."
            );
            told(Code::ServiceUnavailable, &message, Some(provider))
        }
        MediaError::ForeignAddress { provider } => {
            tracing::warn!(%provider, "a file lies at an address that is not fetched");
            let message = format!("{provider} gave an address for the file that is not one of its own.");
            told(Code::ServiceUnavailable, &message, Some(provider))
        }
        MediaError::NotConnected { provider } => {
            let message = format!("The {provider} number that the file goes through is not connected.");
            told(Code::NotConfigured, &message, Some(provider))
        }
        MediaError::Refused { provider, failure } => {
            let code = match failure.class {
                FailureClass::IntegrationBroken => Code::NotConfigured,
                FailureClass::Permanent
                | FailureClass::Retry
                | FailureClass::RetryOnce
                | FailureClass::TemplatePaused
                | FailureClass::RetryRecipient
                | FailureClass::RevokeConsent => Code::ServiceUnavailable,
            };
            told(code, &failure.message, Some(provider))
        }
        MediaError::Unreachable { provider, reason } => {
            tracing::warn!(%provider, "no file: {reason}");
            let message = format!("{provider} did not answer as it should; try again in a moment.");
            told(Code::ServiceUnavailable, &message, Some(provider))
        }
        MediaError::Store(error) => error.into(),
        MediaError::Bucket(error) => error.into(),
        MediaError::Vault(error) => Problem::unavailable(error),
    }
}

/// An upload's "no"; `field` is where the file came from.
pub(crate) fn of_upload(error: UploadError, field: &'static str) -> Problem {
    match error {
        UploadError::NotTaken(NotTaken::Type) => {
            let field = if field == "file" { "content_type" } else { field };
            let message = "WhatsApp takes no files of this type: it takes JPEG, PNG, WebP, MP4, 3GPP, AAC, AMR, MP3, \
                           Ogg with Opus, PDF, Office documents, plain text and, as a document, \
                           application/octet-stream.";
            about(Code::UnsupportedMediaType, message, field)
        }
        UploadError::NotTaken(NotTaken::Content(why)) => about(Code::UnsupportedMediaType, why, field),
        UploadError::NotTaken(NotTaken::TooLarge { limit }) => {
            let message = format!("A file of this type may have at most {limit} bytes.");
            about(Code::PayloadTooLarge, &message, field)
        }
        UploadError::NotTaken(NotTaken::Empty) => Problem::invalid(field, "The file is empty."),
        UploadError::Address(why) => Problem::invalid(field, format!("The address is not fetched: {why}.")),
        UploadError::NotFetched(why) => Problem::invalid(field, why),
        UploadError::NoNumber => {
            told(Code::NotConfigured, "No number is connected that could send the file.", None)
        }
        // A file that the provider will never take is the caller's to mend.
        UploadError::Media(MediaError::Refused { failure, .. })
            if failure.class == FailureClass::Permanent =>
        {
            Problem::invalid(field, failure.message)
        }
        UploadError::Media(error) => of_media(error),
    }
}

fn told(code: Code, message: &str, provider: Option<Provider>) -> Problem {
    let mut refused = Problem::refused(code, message);
    if let Some(provider) = provider {
        let details = [("source", "provider"), ("provider", provider.as_str())];
        refused.details.extend(details.map(|(name, value)| (name.to_owned(), value.into())));
    }
    refused.into()
}

fn about(code: Code, message: &str, field: &str) -> Problem {
    let mut refused = Problem::refused(code, message);
    refused.field = Some(field.to_owned());
    refused.into()
}
