//! Faults on demand: rules that make a call fail, hang, vanish or come late, as the real services sometimes
//! do.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The service a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// The tables.
    DynamoDb,
    /// The queues.
    Sqs,
    /// The keys.
    Kms,
    /// The secrets.
    SecretsManager,
    /// The buckets.
    S3,
    /// A WhatsApp provider, asked by the provider simulator.
    Provider,
    /// The language model, asked by the provider simulator.
    Llm,
}

impl Service {
    /// Its name in rules and counts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Kms => "kms",
            Self::SecretsManager => "secretsmanager",
            Self::S3 => "s3",
            Self::Provider => "provider",
            Self::Llm => "llm",
        }
    }
}

/// What happens to a call that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An internal error of the service, HTTP `status` (500 unless told), without effect.
    Error,
    /// The service's own throttling error, without effect.
    Throttle,
    /// No effect and no answer: the connection is held until the client leaves, 120 s at most.
    Timeout,
    /// The connection is closed before anything happened.
    DropBefore,
    /// The call takes effect, then the connection is closed without an answer: a lost acknowledgement.
    DropAfter,
    /// The call waits `ms`, then goes on.
    Latency,
    /// The caller's process dies: the crash callback runs with its name, and the connection closes without
    /// effect.
    Crash,
    /// The call takes effect, then the caller's process dies as with `crash`. The providers only close the
    /// connection.
    CrashAfter,
}

/// One rule. Rules are tried in order; the first that decides ends the search, `latency` only adds to the
/// wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The service.
    pub service: Service,
    /// An operation's name, or `*` for all.
    pub operation: String,
    /// A DynamoDB table (for SQS: a queue's name, for S3 a bucket's) the call must touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A substring the request's body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The function that calls, such as `sender`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// What happens.
    pub action: Action,
    /// HTTP status of `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Wait of `latency`, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Share of matching calls that are hit, 0 to 1; all unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How many matching calls are spared before the rule strikes; counted down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How many calls are hit before the rule is spent; unlimited unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

/// A call as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The service called.
    pub service: Service,
    /// The operation called.
    pub operation: &'a str,
    /// The tables (or the queue) it touches.
    pub tables: &'a [String],
    /// The request's body.
    pub body: &'a [u8],
    /// The calling function, from `User-Agent: hadar/<function>`.
    pub caller: Option<&'a str>,
}

/// What the rules say about a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Wait this long first.
    pub delay: Duration,
    /// Then do this instead of serving the call; `None` serves it.
    pub effect: Option<Effect>,
}

/// How a call ends that is not served normally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer with an internal error of this HTTP status.
    Error {
        /// The HTTP status.
        status: u16,
    },
    /// Answer with the service's throttling error.
    Throttle,
    /// Never answer.
    Timeout,
    /// Close the connection, do nothing.
    DropBefore,
    /// Do it, then close the connection.
    DropAfter,
    /// Do it, say so with [`Faults::crash`], then close the connection.
    CrashAfter,
}

type CrashCallback = Arc<dyn Fn(&str) + Send + Sync>;

/// The rules in force. Clones share them.
#[derive(Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    armed: AtomicBool,
    rules: Mutex<Vec<Rule>>,
    on_crash: Mutex<Option<CrashCallback>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("rules", &self.rules()).finish()
    }
}

impl Faults {
    /// No rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces all rules.
    pub fn set(&self, rules: Vec<Rule>) {
        let mut current = self.locked();
        self.shared.armed.store(!rules.is_empty(), Ordering::Release);
        *current = rules;
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.set(Vec::new());
    }

    /// The rules in force, `times` counted down.
    pub fn rules(&self) -> Vec<Rule> {
        self.locked().clone()
    }

    /// Whether any rule is in force; without one `decide` need not be asked.
    pub fn is_armed(&self) -> bool {
        self.shared.armed.load(Ordering::Acquire)
    }

    /// Registers what stands for killing a function's process; called with the function's name.
    pub fn on_crash(&self, callback: impl Fn(&str) + Send + Sync + 'static) {
        let mut current = self.shared.on_crash.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Arc::new(callback));
    }

    /// What happens to this call. Counts down `times` and runs the crash callback.
    pub fn decide(&self, call: &Call<'_>) -> Verdict {
        if !self.is_armed() {
            return Verdict::default();
        }
        let (verdict, crashed) = self.judge(call);
        if crashed {
            self.crash(call.caller);
        }
        verdict
    }

    /// Runs the crash callback with the caller's name.
    pub fn crash(&self, caller: Option<&str>) {
        let callback = self.shared.on_crash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(callback) = callback {
            callback(caller.unwrap_or_default());
        }
    }

    fn judge(&self, call: &Call<'_>) -> (Verdict, bool) {
        let mut verdict = Verdict::default();
        for rule in self.locked().iter_mut() {
            if rule.times == Some(0) || !rule.matches(call) || !rule.strikes() {
                continue;
            }
            if let Some(after @ 1..) = &mut rule.after {
                *after -= 1;
                continue;
            }
            if let Some(times) = &mut rule.times {
                *times -= 1;
            }
            verdict.effect = match rule.action {
                Action::Latency => {
                    verdict.delay += Duration::from_millis(rule.ms.unwrap_or_default());
                    continue;
                }
                Action::Error => Some(Effect::Error { status: rule.status.unwrap_or(500) }),
                Action::Throttle => Some(Effect::Throttle),
                Action::Timeout => Some(Effect::Timeout),
                Action::DropBefore => Some(Effect::DropBefore),
                Action::DropAfter => Some(Effect::DropAfter),
                Action::CrashAfter => Some(Effect::CrashAfter),
                Action::Crash => {
                    verdict.effect = Some(Effect::DropBefore);
                    return (verdict, true);
                }
            };
            break;
        }
        (verdict, false)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn matches(&self, call: &Call<'_>) -> bool {
        self.service == call.service
            && (self.operation == "*" || self.operation == call.operation)
            && self.table.as_ref().is_none_or(|table| call.tables.contains(table))
            && self.caller.as_deref().is_none_or(|caller| call.caller == Some(caller))
            && self.contains.as_ref().is_none_or(|part| contains(call.body, part.as_bytes()))
    }

    fn strikes(&self) -> bool {
        self.probability.is_none_or(|probability| fraction() < probability)
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

/// A number in 0..1; 0 when the system has no randomness, so that rules still strike.
fn fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Faults {
        let faults = Faults::new();
        faults.set(serde_json::from_str(json).unwrap());
        faults
    }

    fn put<'a>(tables: &'a [String], body: &'a [u8]) -> Call<'a> {
        Call { service: Service::DynamoDb, operation: "PutItem", tables, body, caller: Some("sender") }
    }

    #[test]
    fn a_rule_counts_down_and_is_then_spent() {
        let faults = rules(r#"[{"service":"dynamodb","operation":"PutItem","action":"throttle","times":2}]"#);
        let hits = (0..5).filter(|_| faults.decide(&put(&[], b"{}")).effect.is_some()).count();
        assert_eq!(hits, 2);
    }

    #[test]
    fn table_and_body_narrow_a_rule() {
        let faults = rules(
            r#"[{"service":"dynamodb","operation":"*","table":"crm","contains":"MSG#1","action":"drop_after"}]"#,
        );
        let crm = ["crm".to_owned()];
        assert_eq!(faults.decide(&put(&crm, b"xxMSG#1xx")).effect, Some(Effect::DropAfter));
        assert_eq!(faults.decide(&put(&crm, b"xxMSG#2xx")).effect, None);
        assert_eq!(faults.decide(&put(&["consents".to_owned()], b"MSG#1")).effect, None);
    }

    #[test]
    fn latency_adds_up_and_lets_later_rules_decide() {
        let faults = rules(
            r#"[{"service":"dynamodb","operation":"*","action":"latency","ms":20},
                {"service":"dynamodb","operation":"*","action":"latency","ms":30},
                {"service":"dynamodb","operation":"*","action":"error","status":503}]"#,
        );
        let verdict = faults.decide(&put(&[], b""));
        assert_eq!(
            verdict,
            Verdict { delay: Duration::from_millis(50), effect: Some(Effect::Error { status: 503 }) }
        );
    }

    #[test]
    fn a_probability_of_zero_never_strikes_and_of_one_always() {
        let never = rules(r#"[{"service":"dynamodb","operation":"*","action":"error","probability":0}]"#);
        let always = rules(r#"[{"service":"dynamodb","operation":"*","action":"error","probability":1}]"#);
        assert!((0..100).all(|_| never.decide(&put(&[], b"")).effect.is_none()));
        assert!((0..100).all(|_| always.decide(&put(&[], b"")).effect.is_some()));
    }

    #[test]
    fn a_crash_names_the_calling_function() {
        let faults = rules(r#"[{"service":"dynamodb","operation":"*","action":"crash","times":1}]"#);
        let seen = Arc::new(Mutex::new(Vec::new()));
        faults.on_crash({
            let seen = seen.clone();
            move |name| seen.lock().unwrap().push(name.to_owned())
        });
        assert_eq!(faults.decide(&put(&[], b"")).effect, Some(Effect::DropBefore));
        assert_eq!(*seen.lock().unwrap(), ["sender"]);
    }

    #[test]
    fn a_rule_can_spare_the_first_calls_and_those_of_other_callers() {
        let faults = rules(
            r#"[{"service":"dynamodb","operation":"*","caller":"sender","action":"crash_after","after":2,"times":1}]"#,
        );
        let other = Call { caller: Some("processor"), ..put(&[], b"") };
        assert!((0..5).all(|_| faults.decide(&other).effect.is_none()));
        let hits: Vec<_> = (0..5).map(|_| faults.decide(&put(&[], b"")).effect).collect();
        assert_eq!(hits, [None, None, Some(Effect::CrashAfter), None, None]);
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let rule = r#"{"service":"sqs","operation":"*","action":"error","tims":1}"#;
        assert!(serde_json::from_str::<Rule>(rule).is_err());
    }
}
