//! The shapes in which the Cloud API, 360dialog's gateway and HTTP itself say no (providers.md 2.2 and 3).

use super::answer::Verdict;
use super::failures::{Certainty, known, plain, refused, words};
use bytes::Bytes;
use domain::failure::{Failure, FailureClass};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use serde_json::Value;

/// The longest wait a provider can ask for: a day.
const LONGEST_WAIT_S: u32 = 86_400;

/// The template errors of Graph, which come as a subcode of 100.
const TEMPLATE_SUBCODES: std::ops::RangeInclusive<i64> = 2_388_000..=2_388_999;

/// What a body says went wrong.
#[derive(Default)]
struct Reported {
    code: Option<i64>,
    title: Option<String>,
    details: Option<String>,
    transient: bool,
    /// The HTTP status that the gateway writes into its body.
    status: Option<StatusCode>,
}

/// What an answer that is no success means.
pub(crate) fn cloud_api(answer: &Response<Bytes>) -> Verdict {
    let reported = reported(answer.body()).unwrap_or_default();
    let (title, details) = (reported.title.as_deref(), reported.details.as_deref());
    let Some(code) = reported.code else {
        let said = words(title, details);
        return by_status(reported.status.unwrap_or(answer.status()), answer, said);
    };
    if let Some((failure, certainty)) = known(code, title, details) {
        return Verdict { failure: with_wait(failure, answer), certainty };
    }
    let said = words(title, details);
    let status = answer.status();
    let Verdict { failure, certainty } = if reported.transient {
        unavailable(said)
    } else if status.is_client_error() && !matches!(status.as_u16(), 401 | 408 | 429) {
        // A code we do not know says more than 403 or 404, which would break the integration.
        not_taken(refused("The provider refused the message.", said))
    } else {
        by_status(status, answer, said)
    };
    Verdict { failure: Failure { provider_code: Some(code), ..failure }, certainty }
}

/// What the HTTP status alone means, for answers without a code.
pub(crate) fn by_status(status: StatusCode, answer: &Response<Bytes>, said: Option<String>) -> Verdict {
    use FailureClass::{IntegrationBroken, Retry};
    match status.as_u16() {
        401 | 403 => not_taken(plain(
            "integration_unauthorized",
            IntegrationBroken,
            "The provider refused the key or token of this number. An admin has to enter a new one in the settings.",
            said,
        )),
        402 => not_taken(plain(
            "payment_problem",
            IntegrationBroken,
            "The provider's account is not paid. An admin has to settle it with the provider.",
            said,
        )),
        404 => not_taken(plain(
            "integration_not_provisioned",
            IntegrationBroken,
            "The provider does not know this number. An admin has to check its id and that it is connected.",
            said,
        )),
        429 => {
            let message = "The provider takes no more messages for now. It is tried again later.";
            not_taken(with_wait(plain("provider_rate_limited", Retry, message, said), answer))
        }
        // The provider gave up waiting for us: it may have read the whole message.
        408 => unavailable(said),
        400..=499 if said.is_some() => not_taken(refused("The provider refused the message.", said)),
        400..=499 => not_taken(refused(
            "The provider refused the message without a reason. The number may not be verified, or the customer last \
             wrote more than 24 hours ago: then send an approved template.",
            None,
        )),
        _ => unavailable(said),
    }
}

fn not_taken(failure: Failure) -> Verdict {
    Verdict { failure, certainty: Certainty::NotTaken }
}

fn unavailable(said: Option<String>) -> Verdict {
    let message =
        "The provider did not give a proper answer. Look whether it took effect before trying again.";
    let failure = plain("provider_unavailable", FailureClass::Retry, message, said);
    Verdict { failure, certainty: Certainty::Open }
}

/// The wait that a refusal asks for: the longer of its own and that of the header `Retry-After`, in seconds. A date in
/// that header is not read, for lack of a clock here.
fn with_wait(failure: Failure, answer: &Response<Bytes>) -> Failure {
    match failure.class {
        FailureClass::Retry | FailureClass::RetryOnce | FailureClass::RetryRecipient => {
            let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let asked = header.and_then(|text| text.trim().parse::<u32>().ok());
            let asked = asked.map(|seconds| seconds.min(LONGEST_WAIT_S));
            Failure { retry_after_s: failure.retry_after_s.max(asked), ..failure }
        }
        FailureClass::Permanent
        | FailureClass::TemplatePaused
        | FailureClass::IntegrationBroken
        | FailureClass::RevokeConsent => failure,
    }
}

fn reported(body: &[u8]) -> Option<Reported> {
    let body: Value = serde_json::from_slice(body).ok()?;
    for key in ["error", "errors"] {
        match body.get(key) {
            Some(Value::Object(_)) => return body.get(key).map(one),
            Some(Value::Array(list)) if !list.is_empty() => return list.first().map(one),
            Some(Value::String(text)) if !text.is_empty() => {
                return Some(Reported { details: Some(text.clone()), ..Reported::default() });
            }
            _ => {}
        }
    }
    if let Some(meta) = body.get("meta") {
        let refused = meta.get("success").and_then(Value::as_bool) == Some(false);
        let status = whole(meta.get("http_code")).and_then(|code| u16::try_from(code).ok());
        let status = status.filter(|code| (400..=599).contains(code));
        if refused || status.is_some() {
            let status = status.and_then(|code| StatusCode::from_u16(code).ok());
            return Some(Reported {
                details: text(meta, "developer_message"),
                status,
                ..Reported::default()
            });
        }
    }
    let details = text(&body, "detail").or_else(|| text(&body, "message"))?;
    Some(Reported { details: Some(details), ..Reported::default() })
}

/// One error object, of Graph or of the On-Premise API.
fn one(error: &Value) -> Reported {
    if let Value::String(details) = error {
        return Reported { details: Some(details.clone()), ..Reported::default() };
    }
    let subcode = whole(error.get("error_subcode")).filter(|code| TEMPLATE_SUBCODES.contains(code));
    let data = error.get("error_data").and_then(|data| text(data, "details"));
    Reported {
        code: subcode.or_else(|| whole(error.get("code"))),
        title: text(error, "message").or_else(|| text(error, "title")),
        details: data.or_else(|| text(error, "details")).or_else(|| text(error, "error_user_msg")),
        transient: error.get("is_transient").and_then(Value::as_bool) == Some(true),
        status: None,
    }
}

fn text(of: &Value, key: &str) -> Option<String> {
    of.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A whole number, with or without quotes.
fn whole(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
