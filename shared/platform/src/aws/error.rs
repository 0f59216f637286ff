//! What can go wrong with a call, sorted by what to do about it.

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use std::borrow::Cow;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The service answered, and it was a no.
    #[error("{code} ({status}): {message}")]
    Service {
        /// The HTTP status.
        status: u16,
        /// The error's name without its namespace, such as `ConditionalCheckFailedException`.
        code: String,
        /// The service's words. May name tables and keys, never a payload.
        message: String,
        /// The whole answer, for details such as the old item or the reasons of a cancelled transaction.
        body: Bytes,
    },
    /// No connection, or none that lasted until the answer.
    #[error("AWS is unreachable")]
    Unreachable(#[source] Source),
    /// No answer in time. The call may have taken effect.
    #[error("AWS did not answer in time")]
    TimedOut,
    /// The answer, or the question, is not what the protocol says.
    #[error("malformed AWS message")]
    Malformed(#[source] Source),
    /// The configuration cannot be used.
    #[error("AWS configuration: {0}")]
    Config(String),
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    AfterAPause,
    WithTheRightTime,
}

const THROTTLED: [&str; 16] = [
    "ThrottlingException",
    "Throttling",
    "ThrottlingError",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "TransactionConflictException",
    "KmsThrottled",
    // Of S3; the second when a body came too slowly, the third to a condition that another write of the same key crossed.
    "SlowDown",
    "RequestTimeout",
    "ConditionalRequestConflict",
];
const TIME: [&str; 6] = [
    "RequestTimeTooSkewed",
    "RequestExpired",
    "RequestInTheFuture",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
];
/// Reasons for which a cancelled transaction may be tried again as it is.
const PASSING_REASONS: [&str; 4] =
    ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

impl AwsError {
    pub(crate) fn malformed(source: impl Into<Source>) -> Self {
        Self::Malformed(source.into())
    }

    pub(super) fn unreachable(source: impl Into<Source>) -> Self {
        Self::Unreachable(source.into())
    }

    /// Reads an error answer of the JSON protocols: the name is in the body, or at least in a header.
    pub(super) fn from_answer(status: u16, headers: &HeaderMap, body: Bytes) -> Self {
        #[derive(Deserialize, Default)]
        struct Told<'a> {
            #[serde(borrow, rename = "__type", alias = "code", default)]
            code: Option<Cow<'a, str>>,
            #[serde(borrow, alias = "Message", default)]
            message: Option<Cow<'a, str>>,
        }
        let told: Told<'_> = serde_json::from_slice(&body).unwrap_or_default();
        let header = || headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let code = told.code.as_deref().or_else(header).unwrap_or("");
        // `com.amazonaws.sqs#QueueDoesNotExist`, `ThrottlingException:http://internal.amazon.com/..`
        let code = code.rsplit('#').next().unwrap_or(code);
        let code = code.split(':').next().unwrap_or(code).to_owned();
        let message = told.message.map(Cow::into_owned).unwrap_or_default();
        Self::Service { status, code, message, body }
    }

    /// From an answer of S3, whose errors are XML. The answer to a `HEAD` has a status only.
    pub(super) fn from_xml(status: u16, body: Bytes) -> Self {
        let text = String::from_utf8_lossy(&body);
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once('<').map(|(part, _)| part.to_owned())
        };
        let (code, message) = (part("Code").unwrap_or_default(), part("Message").unwrap_or_default());
        Self::Service { status, code, message, body }
    }

    /// The error's name, when the service gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Service { code, .. } => Some(code),
            Self::Unreachable(_) | Self::TimedOut | Self::Malformed(_) | Self::Config(_) => None,
        }
    }

    /// Whether a single conditional write was refused for its condition. For transactions see
    /// [`AwsError::cancellation_codes`].
    #[must_use]
    pub fn is_condition_failed(&self) -> bool {
        self.code() == Some("ConditionalCheckFailedException")
    }

    /// Whether S3 did not store an object because there is one already.
    pub(crate) fn is_there_already(&self) -> bool {
        matches!(self, Self::Service { status: 412, code, .. } if code == "PreconditionFailed")
    }

    /// Why each action of a cancelled transaction was refused, in the order of the actions (`None` for those that
    /// were not); empty for every other error.
    #[must_use]
    pub fn cancellation_codes(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Cancelled {
            #[serde(rename = "CancellationReasons", default)]
            reasons: Vec<Reason>,
        }
        #[derive(Deserialize)]
        struct Reason {
            #[serde(rename = "Code", default)]
            code: Option<String>,
        }
        match self {
            Self::Service { code, body, .. } if code == "TransactionCanceledException" => {
                let cancelled = serde_json::from_slice(body).unwrap_or(Cancelled { reasons: Vec::new() });
                cancelled
                    .reasons
                    .into_iter()
                    .map(|reason| reason.code.unwrap_or_else(|| "None".into()))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the same call may succeed later: outages, throttling, conflicts, timeouts.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut => true,
            Self::Malformed(_) | Self::Config(_) => false,
            Self::Service { status, code, .. } => {
                *status >= 500 || *status == 429 || is_throttling(code) || self.is_passing_cancellation()
            }
        }
    }

    pub(super) fn complains_about_time(&self) -> bool {
        self.code().is_some_and(|code| TIME.contains(&code))
    }

    pub(super) fn again(&self) -> Again {
        if self.complains_about_time() {
            Again::WithTheRightTime
        } else if self.is_transient() {
            Again::AfterAPause
        } else {
            Again::Never
        }
    }

    fn is_passing_cancellation(&self) -> bool {
        let codes = self.cancellation_codes();
        !codes.is_empty() && codes.iter().all(|code| PASSING_REASONS.contains(&code.as_str()))
    }
}

fn is_throttling(code: &str) -> bool {
    // KMS says `LimitExceededException` for its request quota and prefixes what it passes on to SQS with `KMS.`.
    let code = code.strip_prefix("KMS.").or_else(|| code.strip_prefix("Kms.")).unwrap_or(code);
    THROTTLED.contains(&code) || code == "LimitExceededException"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &'static str) -> AwsError {
        AwsError::from_answer(status, &HeaderMap::new(), Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn the_name_of_an_error_loses_its_namespace_wherever_it_stands() {
        let error = answered(
            400,
            r##"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no"}"##,
        );
        assert_eq!(error.code(), Some("ConditionalCheckFailedException"));
        assert!(error.is_condition_failed() && !error.is_transient());
        assert_eq!(error.to_string(), "ConditionalCheckFailedException (400): no");

        let mut headers = HeaderMap::new();
        let value = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/";
        headers.insert("x-amzn-errortype", value.parse().unwrap());
        let error = AwsError::from_answer(400, &headers, Bytes::from_static(b"<html>"));
        assert_eq!(error.code(), Some("ThrottlingException"));
        assert!(error.is_transient());
    }

    #[test]
    fn outages_and_throttling_pass_and_refusals_do_not() {
        for body in [r#"{"__type":"KMS.ThrottlingException"}"#, r#"{"__type":"x#LimitExceededException"}"#] {
            assert!(answered(400, body).is_transient(), "{body}");
        }
        assert!(answered(500, "").is_transient());
        assert!(answered(503, "<html>busy</html>").is_transient());
        assert!(AwsError::TimedOut.is_transient());
        for body in
            [r#"{"__type":"ValidationException"}"#, r#"{"__type":"AccessDeniedException"}"#, "", "null", "[]"]
        {
            assert!(!answered(400, body).is_transient(), "{body}");
        }
    }

    #[test]
    fn a_cancelled_transaction_is_transient_only_when_every_reason_is() {
        let conflict = answered(
            400,
            r#"{"__type":"TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}"#,
        );
        assert!(conflict.is_transient());
        assert_eq!(conflict.cancellation_codes(), ["None", "TransactionConflict"]);
        let refused = answered(
            400,
            r#"{"__type":"TransactionCanceledException","CancellationReasons":[{"Code":"ConditionalCheckFailed"},{"Code":"TransactionConflict"}]}"#,
        );
        assert!(!refused.is_transient() && !refused.is_condition_failed());
    }

    #[test]
    fn an_error_is_read_from_its_xml() {
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>";
        let error = AwsError::from_xml(503, Bytes::from_static(body.as_bytes()));
        assert_eq!(error.to_string(), "SlowDown (503): Reduce");
        assert!(error.is_transient());
        for odd in [&b""[..], b"<Code>", b"<Code><", b"\xff", b"<html>"] {
            let error = AwsError::from_xml(404, Bytes::from_static(odd));
            assert_eq!((error.code(), error.is_transient()), (Some(""), false), "{odd:?}");
        }
    }
}
