//! What the providers were asked to send, in order.

use crate::account::Kind;
use crate::wire::Call;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// The most requests that are kept; older ones are forgotten.
const KEPT: usize = 100_000;

/// One request to send something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sent {
    /// `meta`, `dialog360` or `ultramsg`.
    pub provider: String,
    /// Whose number it was; absent when the credentials opened none.
    pub tenant_id: Option<String>,
    /// The path under the provider's root, with its query.
    pub path: String,
    /// The digits of the recipient, or its user id.
    pub to: Option<String>,
    /// The body: JSON as it came, or a form as an object.
    pub body: Value,
    /// Whether the credentials and the content type were right.
    pub headers_ok: bool,
    /// When it came, by the stack's clock.
    pub at: String,
    /// What was answered; absent while it is open, and when there was no answer.
    pub answer: Option<Answered>,
    /// Whether the provider took it, whatever the caller saw of the answer.
    pub accepted: bool,
    /// The id it got if it was taken: a wamid, or UltraMsg's queue id.
    pub provider_message_id: Option<String>,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body; a text when it is not JSON.
    pub body: Value,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    items: VecDeque<(u64, Sent)>,
    next: u64,
}

impl Journal {
    /// Notes a request when it comes; gives the number to complete it with.
    pub(crate) fn note(&mut self, call: &Call, tenant_id: Option<String>, to: Option<String>) -> u64 {
        let number = self.next;
        self.next += 1;
        let sent = Sent {
            provider: call.kind.name().to_owned(),
            tenant_id,
            path: call.target.clone(),
            to,
            body: if call.kind == Kind::Ultramsg { call.form_as_json() } else { call.json_or_text() },
            headers_ok: false,
            at: instant(call.now_ms),
            answer: None,
            accepted: false,
            provider_message_id: None,
        };
        self.items.push_back((number, sent));
        if self.items.len() > KEPT {
            self.items.pop_front();
        }
        number
    }

    /// Changes a request that was noted; nothing when it was forgotten since.
    pub(crate) fn complete(&mut self, number: u64, change: impl FnOnce(&mut Sent)) {
        if let Ok(at) = self.items.binary_search_by_key(&number, |(number, _)| *number)
            && let Some((_, sent)) = self.items.get_mut(at)
        {
            change(sent);
        }
    }

    pub(crate) fn all(&self) -> Vec<Sent> {
        self.items.iter().map(|(_, sent)| sent.clone()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }
}

/// The most questions that are kept; older ones are forgotten.
const KEPT_QUESTIONS: usize = 10_000;

/// What the language model was asked, in order.
#[derive(Debug, Default)]
pub(crate) struct Questions(VecDeque<Value>);

impl Questions {
    /// Notes a question when it comes, whatever becomes of it.
    pub(crate) fn note(&mut self, call: &Call) {
        let question = json!({"at": instant(call.now_ms), "key": call.bearer(), "body": call.json_or_text()});
        self.0.push_back(question);
        if self.0.len() > KEPT_QUESTIONS {
            self.0.pop_front();
        }
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// An instant in RFC 3339, with milliseconds.
pub(crate) fn instant(ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{instant:.3}")
}
