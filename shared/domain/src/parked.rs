//! The event log's states and the waits between attempts.

use serde::{Deserialize, Serialize};

/// How often a queue message is received before it moves to the dead-letter queue; `template.yaml` says the same.
pub const MAX_RECEIVES: u32 = 5;

/// How long a replay may take before the sweeper gives the event back, in milliseconds (15 minutes).
pub const REPLAY_LEASE_MS: u64 = 15 * 60 * 1000;

/// The longest wait between attempts, in seconds.
const LONGEST_WAIT_S: u32 = 900;

/// Where an event that did not simply apply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EventState {
    /// Failed for a passing reason; the queue tries again at `next_at`.
    Retrying,
    /// Is being tried right now; found so by a later attempt, it killed its process.
    Attempting,
    /// Waits for a person.
    Parked,
    /// A person asked for it to be tried again.
    Replaying,
    /// Was tried again and applied.
    Replayed,
    /// Nothing to apply, on purpose: older than the tenant's retention, or of a kind that is only kept.
    Ignored,
}

impl EventState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Retrying, Self::Attempting, Self::Parked, Self::Replaying, Self::Replayed, Self::Ignored];

    /// The name in the API and in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::Attempting => "attempting",
            Self::Parked => "parked",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Ignored => "ignored",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The wait after the `attempt`-th failure (1 is the first), in seconds: `2^attempt`, between half and all of it by
/// `jitter` (0 to 255), never above 15 minutes.
#[must_use]
pub fn backoff_s(attempt: u32, jitter: u8) -> u32 {
    let full = 2u32.checked_pow(attempt.clamp(1, 16)).unwrap_or(LONGEST_WAIT_S).min(LONGEST_WAIT_S);
    let half = full / 2;
    half + (full - half) * (u32::from(jitter) + 1) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_their_bounds() {
        for attempt in 1..=20 {
            let (low, high) = (backoff_s(attempt, 0), backoff_s(attempt, 255));
            assert!(low >= 1 && low <= high && high <= LONGEST_WAIT_S, "{attempt}: {low}..{high}");
            assert!(backoff_s(attempt + 1, 255) >= high);
        }
        assert_eq!((backoff_s(1, 255), backoff_s(3, 255), backoff_s(12, 255)), (2, 8, 900));
    }
}
