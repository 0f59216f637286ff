//! The life of a message we send: at most one call of the provider, or it says `uncertain` (I-12).

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Where a message we send stands, before any receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendState {
    /// A person must release it.
    Held,
    /// It waits for its turn, its time or a repaired number.
    Queued,
    /// One sender is calling the provider.
    Sending,
    /// The provider took it.
    Sent,
    /// It will not be sent; the failure says why.
    Failed,
    /// Whether the provider took it is open.
    Uncertain,
    /// A person took it back before it was sent.
    Cancelled,
}

impl SendState {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Uncertain => "uncertain",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether `Prefer: wait` has waited long enough.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Held | Self::Sent | Self::Failed | Self::Uncertain | Self::Cancelled => true,
            Self::Queued | Self::Sending => false,
        }
    }
}

/// Why a message waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HeldFor {
    /// The caller asked for it (`hold`).
    Caller,
    /// It is a template, and the number sends conservatively; released by itself when the mode ends.
    ConservativeMode,
    /// It is the first touch of a lead; released by itself at `release_at`, where that is set.
    FirstTouch,
}

/// The code of a message that waits for its turn on a number in conservative mode.
pub const WAITS_FOR_TURN: &str = "conservative_mode";
/// The code of a message that waits because the messaging limit is used up.
pub const WAITS_FOR_LIMIT: &str = "messaging_limit_used";

/// The code of a first touch that waits for an hour at which it may leave.
pub const WAITS_FOR_HOUR: &str = "quiet_hours";

/// How long a sender may hold a message, in milliseconds: longer than the provider call, shorter than the queue's
/// visibility timeout.
pub const LEASE_MS: u64 = 30_000;

/// How long a message may be `uncertain` before a person is asked, in milliseconds.
pub const UNCERTAIN_MS: u64 = 24 * 60 * 60 * 1000;

/// How long a queued message may lie before the sweeper puts its conversation on the queue again, in milliseconds.
pub const STALE_MS: u64 = 60_000;

/// The queue can hold a conversation back for at most this long, in milliseconds.
pub const QUEUE_DELAY_MS: u64 = 900_000;

/// When the sweeper must look at a queued message: a while after the queue should have brought its conversation up;
/// of one that waits longer than the queue can hold it back, in time to hand it to the queue.
#[must_use]
pub fn look_again_at(not_before: Option<Millis>, now: Millis) -> Millis {
    let due = not_before.map_or(now, |at| at.max(now));
    if due.since(now) > QUEUE_DELAY_MS {
        Millis::from_unix_ms(due.unix_ms() - QUEUE_DELAY_MS)
    } else {
        due.plus_ms(STALE_MS)
    }
}

/// How long to wait after the `attempt`-th refusal that may pass, in milliseconds: 5 s doubled up to 15 minutes, and
/// never less than the provider asks for.
#[must_use]
pub fn backoff_ms(attempt: u32, retry_after_s: Option<u32>) -> u64 {
    let doubled = 5_000u64.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(900_000);
    doubled.max(u64::from(retry_after_s.unwrap_or(0)) * 1000)
}

/// How often a message whose template is paused looks whether it is approved again, in milliseconds.
pub const PAUSED_AGAIN_MS: u64 = 60 * 60 * 1000;

/// How long a message waits for its paused template before that counts as its failure, in milliseconds: a week, in which
/// Meta's longest pause but the last one is over.
pub const PAUSED_AT_MOST_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// How often a message is tried before a refusal that may pass counts as its failure: with the waits above, a little
/// more than a day.
pub const MAX_ATTEMPTS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweeper_looks_after_the_queue_or_hands_a_distant_message_to_it() {
        let now = Millis::from_unix_ms(10_000_000);
        let at =
            |not_before: Option<u64>| look_again_at(not_before.map(|ms| now.plus_ms(ms)), now).since(now);
        assert_eq!(at(None), STALE_MS);
        assert_eq!(at(Some(5_000)), 5_000 + STALE_MS);
        assert_eq!(at(Some(QUEUE_DELAY_MS)), QUEUE_DELAY_MS + STALE_MS);
        assert_eq!(at(Some(QUEUE_DELAY_MS + 1)), 1);
        assert_eq!(at(Some(86_400_000)), 86_400_000 - QUEUE_DELAY_MS);
        assert_eq!(
            look_again_at(Some(Millis::from_unix_ms(1)), now).since(now),
            STALE_MS,
            "a time that has passed"
        );
    }

    #[test]
    fn waits_grow_and_honour_what_the_provider_asks_for() {
        assert_eq!([1, 2, 3, 9, 40].map(|n| backoff_ms(n, None)), [5_000, 10_000, 20_000, 900_000, 900_000]);
        assert_eq!(backoff_ms(1, Some(60)), 60_000);
        assert_eq!(backoff_ms(9, Some(60)), 900_000);
    }
}
