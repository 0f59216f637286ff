//! How the providers answer next: rules for API calls, and what is played back after a send.

use crate::ids;
use crate::wire::Call;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A rule. The first that matches decides; `delay_ms` only adds to the wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default, rename = "match")]
    calls: Match,
    /// How many calls are hit before the rule is spent; unlimited unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    /// Share of matching calls that are hit, 0 to 1; all unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    action: Action,
}

/// The calls that a rule is about; what is not told matches everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    /// The recipient, in any spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// `meta`, `dialog360`, `ultramsg` or `llm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// `send`, `read`, `media`, `templates`, `status`, `account`, `chat`, `transcription`.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// A refusal, without effect.
    Error(Refusal),
    /// No effect and no answer.
    Hang(bool),
    /// The call waits, then goes on.
    DelayMs(u64),
    /// The connection is cut, without effect.
    ResetBefore(bool),
    /// The call takes effect, then the connection is cut without an answer.
    AcceptThenReset(bool),
    /// The call takes effect; the answer has this status and says nothing.
    AcceptThenStatus(u16),
    /// The call takes effect; no answer.
    AcceptThenHang(bool),
    /// The call takes effect; this many bytes of the answer's body come, then the connection is cut.
    AcceptThenCutAfterBytes(usize),
    /// The call takes effect; the answer's body is this.
    AcceptWithBody(String),
    /// The credentials are refused.
    RejectToken(bool),
}

/// A refusal as a rule words it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Refusal {
    /// The HTTP status; that of the code unless told, else 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<String>,
    /// The whole body, in place of the provider's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}

/// What is played back after a send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Statuses {
    /// `sent`, `delivered`, `read`, `played`, in this order; all but `played` unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) play: Option<Vec<String>>,
    /// How often each is posted.
    pub(crate) copies: usize,
    /// In any order.
    pub(crate) shuffle: bool,
    /// Wait before each.
    pub(crate) delay_ms: u64,
    /// The message fails in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<Failure>,
    /// They are posted before the send is answered.
    pub(crate) before_answer: bool,
}

/// Why a message that was taken failed in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<String>,
}

impl Default for Statuses {
    fn default() -> Self {
        Self { play: None, copies: 1, shuffle: false, delay_ms: 0, failed: None, before_answer: false }
    }
}

impl Statuses {
    /// What is played, in order; `failed` stands last.
    pub(crate) fn names(&self) -> Vec<String> {
        let usual: &[&str] = if self.failed.is_some() { &[] } else { &["sent", "delivered", "read"] };
        let mut names = self.play.clone().unwrap_or_else(|| usual.iter().map(ToString::to_string).collect());
        if self.failed.is_some() {
            names.retain(|name| name != "failed");
            names.push("failed".to_owned());
        }
        names
    }
}

/// How an answer goes wrong after the call took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    Reset,
    Hang,
    Status(u16),
    Cut(usize),
    Body(String),
}

/// What happens to a call that is not simply served.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    Refuse(Refusal),
    RejectToken,
    Hang,
    ResetBefore,
    After(After),
}

/// What the rules say about a call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) effect: Option<Effect>,
}

/// What a call is about, for the rules.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    pub(crate) tenant_id: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) operation: &'static str,
}

/// The rules in force and what is played back.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Behaviour {
    pub(crate) rules: Vec<Rule>,
    pub(crate) statuses: Statuses,
}

impl Behaviour {
    /// What happens to this call. Counts `times` down.
    pub(crate) fn plan(&mut self, call: &Call, subject: &Subject) -> Plan {
        let mut plan = Plan::default();
        for rule in &mut self.rules {
            if rule.times == Some(0) || !rule.calls.matches(call, subject) || !rule.strikes() {
                continue;
            }
            let effect = match rule.action.clone() {
                Action::DelayMs(ms) => {
                    plan.delay += Duration::from_millis(ms);
                    None
                }
                // What is switched off does nothing.
                Action::Hang(false)
                | Action::ResetBefore(false)
                | Action::AcceptThenReset(false)
                | Action::AcceptThenHang(false)
                | Action::RejectToken(false) => continue,
                Action::Error(refusal) => Some(Effect::Refuse(refusal)),
                Action::Hang(true) => Some(Effect::Hang),
                Action::ResetBefore(true) => Some(Effect::ResetBefore),
                Action::RejectToken(true) => Some(Effect::RejectToken),
                Action::AcceptThenReset(true) => Some(Effect::After(After::Reset)),
                Action::AcceptThenHang(true) => Some(Effect::After(After::Hang)),
                Action::AcceptThenStatus(status) => Some(Effect::After(After::Status(status))),
                Action::AcceptThenCutAfterBytes(bytes) => Some(Effect::After(After::Cut(bytes))),
                Action::AcceptWithBody(body) => Some(Effect::After(After::Body(body))),
            };
            if let Some(times) = &mut rule.times {
                *times -= 1;
            }
            if effect.is_some() {
                plan.effect = effect;
                break;
            }
        }
        plan
    }
}

impl Rule {
    fn strikes(&self) -> bool {
        // Parts of a million are fine enough for tests.
        let drawn = u32::try_from(ids::below(1_000_000)).unwrap_or_default();
        self.probability.is_none_or(|probability| f64::from(drawn) / 1_000_000.0 < probability)
    }
}

impl Match {
    fn matches(&self, call: &Call, subject: &Subject) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let to = self.to.as_ref().map(|to| {
            let is_number = to.chars().all(|c| c.is_ascii_digit() || "+ -()".contains(c));
            if is_number { crate::people::digits(to) } else { to.clone() }
        });
        same(&self.tenant_id, subject.tenant_id.as_deref())
            && same(&to, subject.to.as_deref())
            && same(&self.provider, Some(call.kind.name()))
            && same(&self.operation, Some(subject.operation))
    }
}
