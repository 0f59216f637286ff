//! UltraMsg's answers: success says `"sent":"true"` with a number in its queue; a refusal is a text in `error`, often
//! with HTTP 200 (providers.md 4.1). There are no codes, so here the words have to decide.

use super::answer::{Accepted, Verdict};
use super::failures::{Certainty, plain, refused, words};
use super::refusals::by_status;
use bytes::Bytes;
use domain::failure::{Failure, FailureClass};
use http::Response;
use serde_json::Value;

/// What the texts of `error` mean, by what they contain in lower case.
const TEXTS: &[(&[&str], &str, &str)] = &[
    (
        &["wrong token", "invalid token", "provide token"],
        "integration_unauthorized",
        "UltraMsg refused the instance's token. An admin has to enter a new one in the settings.",
    ),
    (
        &["non-payment", "payment"],
        "payment_problem",
        "UltraMsg stopped the instance because it is not paid. An admin has to renew the subscription.",
    ),
    (
        &["instance not found", "instance is pending"],
        "integration_not_provisioned",
        "UltraMsg does not know this instance. An admin has to check the instance id in the settings.",
    ),
    (
        &["stopped", "not authenticated", "disconnected"],
        "integration_disconnected",
        "The UltraMsg instance is not connected to a phone. An admin has to start it and scan its QR code.",
    ),
];

pub(crate) fn accepted(answer: &Response<Bytes>) -> Option<Accepted> {
    if !answer.status().is_success() {
        return None;
    }
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let queue_id = match body.get("id")? {
        Value::Number(number) => number.to_string(),
        Value::String(text) if !text.is_empty() => text.clone(),
        _ => return None,
    };
    let sent = is_sent(&body) && error_of(&body).is_none();
    sent.then(|| Accepted { queue_id: Some(queue_id), ..Accepted::default() })
}

pub(crate) fn verdict(answer: &Response<Bytes>) -> Verdict {
    let status = answer.status();
    let body = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    // A body that says both yes and no leaves it open.
    let contradiction = is_sent(&body);
    let error = error_of(&body).filter(|_| !contradiction);
    let known = error.as_ref().and_then(|error| match error {
        Error::Text(text) => meaning(text),
        Error::Fields(_) => None,
    });
    if let Some(failure) = known {
        return Verdict { failure, certainty: Certainty::NotTaken };
    }
    let no = body.get("sent").is_some() && !contradiction;
    let said = error.map(|error| match error {
        Error::Text(text) | Error::Fields(text) => text,
    });
    let said = said.or_else(|| body.get("message").and_then(Value::as_str).map(str::to_owned).filter(|_| no));
    let said = words(said.as_deref(), None);
    if status.is_success() && (said.is_some() || no) {
        let failure = refused("UltraMsg refused the message.", said);
        return Verdict { failure, certainty: Certainty::NotTaken };
    }
    by_status(status, answer, said)
}

/// What `error` holds.
enum Error {
    /// A sentence.
    Text(String),
    /// What is wrong with which field, as `field: what` per line.
    Fields(String),
}

fn is_sent(body: &Value) -> bool {
    match body.get("sent") {
        Some(Value::Bool(sent)) => *sent,
        Some(Value::String(sent)) => sent == "true",
        _ => false,
    }
}

fn error_of(body: &Value) -> Option<Error> {
    match body.get("error")? {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => (!text.is_empty()).then(|| Error::Text(text.clone())),
        fields => {
            let mut lines = Vec::new();
            collect(fields, &mut lines);
            Some(Error::Fields(lines.join("; ")))
        }
    }
}

/// The texts of `[{"to":"..."}]`, each with its field.
fn collect(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, lines)),
        Value::Object(fields) => lines.extend(fields.iter().map(|(field, what)| {
            let what = what.as_str().map_or_else(|| what.to_string(), str::to_owned);
            format!("{field}: {what}")
        })),
        Value::String(text) => lines.push(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => lines.push(value.to_string()),
    }
}

fn meaning(text: &str) -> Option<Failure> {
    let lower = text.to_lowercase();
    let (_, code, message) =
        TEXTS.iter().find(|(phrases, _, _)| phrases.iter().any(|phrase| lower.contains(phrase)))?;
    Some(plain(code, FailureClass::IntegrationBroken, message, words(Some(text), None)))
}

/// The codes that the texts mean.
#[cfg(test)]
pub(super) fn codes() -> impl Iterator<Item = (&'static str, FailureClass)> {
    TEXTS.iter().map(|(_, code, _)| (*code, FailureClass::IntegrationBroken))
}
