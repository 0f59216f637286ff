//! What became of a message, by the provider's answer.
//!
//! A well-formed refusal is a refusal. Whatever leaves it open whether the message was taken is `Uncertain`: there is
//! no idempotency key on these APIs, so asking again could send it twice (I-12).

use super::failures::Certainty;
use crate::channel::channel;
use bytes::Bytes;
use domain::failure::Failure;
use domain::provider::Provider;
use http::Response;
use serde_json::Value;
use std::fmt;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it; that is not yet a delivery.
    Accepted(Accepted),
    /// The provider did not take it.
    Refused(Failure),
    /// It is open whether the provider took it.
    Uncertain {
        /// Why it is open, for an operator.
        reason: String,
    },
}

/// What the provider said when it took a message.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// The provider's id of it (`wamid…`); UltraMsg gives it later, in a webhook.
    pub provider_message_id: Option<String>,
    /// UltraMsg's number in its queue.
    pub queue_id: Option<String>,
    /// The customer's WhatsApp number, digits only, which may differ from the one written to.
    pub wa_id: Option<String>,
    /// The customer's business-scoped user id.
    pub user_id: Option<String>,
    /// The template is being tried out or paused: the message waits at the provider and may still fail.
    pub held_for_quality: bool,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("provider_message_id", &self.provider_message_id)
            .field("queue_id", &self.queue_id)
            .field("held_for_quality", &self.held_for_quality)
            .finish_non_exhaustive()
    }
}

/// A call that was not answered with success.
pub(crate) struct Verdict {
    /// What it means.
    pub(crate) failure: Failure,
    /// Whether the call may have had its effect all the same.
    pub(super) certainty: Certainty,
}

/// What became of a message.
#[must_use]
pub fn outcome(provider: Provider, answer: &Response<Bytes>) -> Outcome {
    channel(provider).outcome(answer)
}

/// Why a call other than a send was not answered with success: such a call may be made again, so an answer that leaves
/// its effect open is simply to be retried.
#[must_use]
pub fn refusal(provider: Provider, answer: &Response<Bytes>) -> Failure {
    channel(provider).refusal(answer)
}

/// What became of a message that was not accepted.
pub(crate) fn not_accepted(verdict: Verdict, answer: &Response<Bytes>) -> Outcome {
    let Verdict { failure, certainty } = verdict;
    match certainty {
        Certainty::NotTaken => Outcome::Refused(failure),
        Certainty::Open => Outcome::Uncertain { reason: open_reason(answer, failure.provider_message) },
    }
}

fn open_reason(answer: &Response<Bytes>, said: Option<String>) -> String {
    let status = answer.status().as_u16();
    let how = match said {
        Some(said) => format!("HTTP {status}: {said}"),
        None if answer.body().is_empty() => format!("HTTP {status} and nothing else"),
        None => format!("HTTP {status} and something that is no answer to a message"),
    };
    format!("The provider answered {how}. Whether it took the message is open.")
}

/// What the Cloud API says when it takes a message.
pub(crate) fn accepted_by_cloud_api(answer: &Response<Bytes>) -> Option<Accepted> {
    if !answer.status().is_success() {
        return None;
    }
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let text = |path: &str| {
        let text = body.pointer(path).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let id = text("/messages/0/id")?;
    let status = text("/messages/0/message_status");
    Some(Accepted {
        provider_message_id: Some(id),
        queue_id: None,
        wa_id: text("/contacts/0/wa_id"),
        user_id: text("/contacts/0/user_id"),
        held_for_quality: matches!(status.as_deref(), Some("held_for_quality_assessment" | "paused")),
    })
}
