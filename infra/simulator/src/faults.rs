//! Faults of the surrounding stack, which act on the simulator's API as on every other service.

use std::sync::Arc;
use std::time::Duration;

/// A call as the stack's faults see it.
#[derive(Debug, Clone, Copy)]
pub struct ApiCall<'a> {
    /// The language model was called, not a provider.
    pub is_llm: bool,
    /// `send`, `read`, `media`, `templates`, `status`, `account`, `chat`, `transcription`.
    pub operation: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Who calls, from `User-Agent: hadar/..`.
    pub caller: Option<&'a str>,
}

/// What the stack's faults say about a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Wait this long first.
    pub delay: Duration,
    /// Then do this in place of serving the call.
    pub effect: Option<Effect>,
}

/// How a call ends that is not served normally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A refusal with this HTTP status.
    Error {
        /// The HTTP status.
        status: u16,
    },
    /// Too many calls.
    Throttle,
    /// No answer.
    Timeout,
    /// The connection is cut, nothing happened.
    DropBefore,
    /// It happens, then the connection is cut.
    DropAfter,
}

/// Asked about every API call.
pub type Judge = Arc<dyn Fn(&ApiCall<'_>) -> Verdict + Send + Sync>;
