//! Customer webhooks: what can be told, when a delivery is tried again, when a receiver is given up on (I-16).

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Something that a receiver can be told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A lead was made.
    LeadCreated,
    /// A lead was changed.
    LeadUpdated,
    /// The first touch of a lead waits for a person, or for its time.
    LeadFirstTouchDraft,
    /// A customer wrote.
    MessageReceived,
    /// A message of ours came a step further.
    MessageStatus,
    /// A message of ours failed.
    MessageFailed,
    /// Somebody changed who answers a conversation or works on it.
    ConversationUpdated,
    /// A conversation went to a person.
    ConversationHandoff,
    /// A conversation's service window closes within the hour.
    ConversationWindowClosing,
    /// A contact agreed to or withdrew something.
    ConsentChanged,
    /// A template's state changed.
    TemplateStatus,
    /// A number can no longer be used until somebody repairs it.
    IntegrationBroken,
    /// A number's rating changed, or how it sends because of it.
    IntegrationHealth,
    /// A webhook of a provider could not be applied and waits for a person.
    EventParked,
    /// Another receiver was switched off.
    EndpointDisabled,
    /// A test.
    Ping,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::LeadCreated,
        Self::LeadUpdated,
        Self::LeadFirstTouchDraft,
        Self::MessageReceived,
        Self::MessageStatus,
        Self::MessageFailed,
        Self::ConversationUpdated,
        Self::ConversationHandoff,
        Self::ConversationWindowClosing,
        Self::ConsentChanged,
        Self::TemplateStatus,
        Self::IntegrationBroken,
        Self::IntegrationHealth,
        Self::EventParked,
        Self::EndpointDisabled,
        Self::Ping,
    ];

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeadCreated => "lead.created",
            Self::LeadUpdated => "lead.updated",
            Self::LeadFirstTouchDraft => "lead.first_touch.draft",
            Self::MessageReceived => "message.received",
            Self::MessageStatus => "message.status",
            Self::MessageFailed => "message.failed",
            Self::ConversationUpdated => "conversation.updated",
            Self::ConversationHandoff => "conversation.handoff",
            Self::ConversationWindowClosing => "conversation.window_closing",
            Self::ConsentChanged => "consent.changed",
            Self::TemplateStatus => "template.status",
            Self::IntegrationBroken => "integration.broken",
            Self::IntegrationHealth => "integration.health",
            Self::EventParked => "event.parked",
            Self::EndpointDisabled => "endpoint.disabled",
            Self::Ping => "ping",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a receiver subscribes to everything with.
pub const EVERYTHING: &str = "*";

/// Whether a list of names asks for a type.
#[must_use]
pub fn asks_for(names: &[String], kind: EventType) -> bool {
    names.iter().any(|name| name == EVERYTHING || name == kind.as_str())
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Pending,
    /// The receiver answered with 2xx.
    Succeeded,
    /// Every attempt failed; `redeliver` and `recover` begin anew.
    Exhausted,
    /// The receiver was deleted or switched off.
    Cancelled,
}

impl DeliveryStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Succeeded, Self::Exhausted, Self::Cancelled];

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The waits between attempts, in milliseconds: 1 s, 5 s, 30 s, 5 m, 30 m, 2 h, 12 h (C39).
pub const WAITS_MS: [u64; 7] = [1_000, 5_000, 30_000, 300_000, 1_800_000, 7_200_000, 43_200_000];
/// After this long nothing is tried any more, in milliseconds, however late the attempts were (R04).
pub const DEADLINE_MS: u64 = 24 * 60 * 60 * 1000;
/// How long one attempt holds a delivery, in milliseconds: longer than the 15 seconds a receiver has, shorter than the
/// queue's visibility timeout.
pub const LEASE_MS: u64 = 45_000;
/// The queue can hold a delivery back for at most this long, in milliseconds; what waits longer is found by the sweeper.
pub const QUEUE_DELAY_MS: u64 = 900_000;
/// How long after its time the sweeper looks for a delivery that the queue should have brought, in milliseconds.
pub const STALE_MS: u64 = 60_000;
/// A receiver that only failed for this long is switched off, in milliseconds: five days.
pub const GIVE_UP_MS: u64 = 5 * 24 * 60 * 60 * 1000;
/// After this many failures in a row, one delivery at a time is tried and the others wait. Above what the schedule of a
/// handful of deliveries comes to, so that those keep their times.
pub const BREAKER_FAILURES: u32 = 50;
/// How long the others wait then, in milliseconds.
pub const BREAKER_WAIT_MS: u64 = 60_000;
/// How long the secret before the last is good, in milliseconds.
pub const OVERLAP_MS: u64 = 24 * 60 * 60 * 1000;

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx.
    Taken,
    /// 410: the receiver wants no more.
    Gone,
    /// Anything else, or nothing.
    Failed {
        /// How long the receiver asks to be left alone, in seconds.
        retry_after_s: Option<u64>,
    },
}

impl Outcome {
    /// Reads an answer's status; `retry_after_s` counts with 429 and 503 only.
    #[must_use]
    pub const fn of_status(status: u16, retry_after_s: Option<u64>) -> Self {
        match status {
            200..=299 => Self::Taken,
            410 => Self::Gone,
            429 | 503 => Self::Failed { retry_after_s },
            _ => Self::Failed { retry_after_s: None },
        }
    }
}

/// Where a delivery goes after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is settled.
    Settled(DeliveryStatus),
    /// It is tried again.
    Again {
        /// How many waits it has had then.
        step: u32,
        /// When.
        at: Millis,
    },
}

/// Decides after the attempt that followed `step` waits of a round that began at `round_at`.
#[must_use]
pub fn after_attempt(outcome: Outcome, step: u32, round_at: Millis, now: Millis) -> Next {
    let retry_after_s = match outcome {
        Outcome::Taken => return Next::Settled(DeliveryStatus::Succeeded),
        Outcome::Gone => return Next::Settled(DeliveryStatus::Cancelled),
        Outcome::Failed { retry_after_s } => retry_after_s,
    };
    let wait = usize::try_from(step).ok().and_then(|step| WAITS_MS.get(step));
    let Some(wait) = wait else { return Next::Settled(DeliveryStatus::Exhausted) };
    let at = now.plus_ms((*wait).max(retry_after_s.unwrap_or(0).saturating_mul(1000)));
    if is_too_late(round_at, at) {
        return Next::Settled(DeliveryStatus::Exhausted);
    }
    Next::Again { step: step + 1, at }
}

/// Whether an attempt at `at` comes after the end of a round.
#[must_use]
pub const fn is_too_late(round_at: Millis, at: Millis) -> bool {
    at.since(round_at) > DEADLINE_MS
}

/// When the sweeper must look at a delivery that is to be tried at `at`: at that time when the queue cannot hold it back
/// so long, else a while after the queue should have brought it.
#[must_use]
pub const fn look_again_at(at: Millis, now: Millis) -> Millis {
    if at.since(now) > QUEUE_DELAY_MS { at } else { at.plus_ms(STALE_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Millis = Millis::from_unix_ms(1_700_000_000_000);

    #[test]
    fn names_read_back_and_are_unique() {
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
        }
        for status in DeliveryStatus::ALL {
            assert_eq!(DeliveryStatus::parse(status.as_str()), Some(status));
        }
        assert!(asks_for(&["*".into()], EventType::Ping));
        assert!(asks_for(&["ping".into()], EventType::Ping));
        assert!(!asks_for(&["lead.created".into()], EventType::Ping));
        assert!(!asks_for(&[], EventType::Ping));
    }

    #[test]
    fn a_receiver_that_always_fails_is_tried_eight_times_at_the_documented_offsets() {
        let failed = Outcome::of_status(500, Some(9));
        let (mut step, mut at, mut offsets) = (0, T0, Vec::new());
        loop {
            offsets.push(at.since(T0) / 1000);
            match after_attempt(failed, step, T0, at) {
                Next::Again { step: next, at: then } => (step, at) = (next, then),
                Next::Settled(status) => {
                    assert_eq!(status, DeliveryStatus::Exhausted);
                    break;
                }
            }
        }
        assert_eq!(offsets, [0, 1, 6, 36, 336, 2_136, 9_336, 52_536]);
    }

    #[test]
    fn only_2xx_is_success_and_410_ends_it() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(Outcome::of_status(status, None), Outcome::Taken, "{status}");
        }
        assert_eq!(Outcome::of_status(410, None), Outcome::Gone);
        for status in [100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 418, 500, 502, 504] {
            assert_eq!(
                Outcome::of_status(status, Some(60)),
                Outcome::Failed { retry_after_s: None },
                "{status}"
            );
        }
        let gone = after_attempt(Outcome::Gone, 0, T0, T0);
        assert_eq!(gone, Next::Settled(DeliveryStatus::Cancelled));
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_but_not_more_than_a_day() {
        for status in [429, 503] {
            let at = |seconds| match after_attempt(Outcome::of_status(status, Some(seconds)), 0, T0, T0) {
                Next::Again { at, .. } => Some(at.since(T0)),
                Next::Settled(_) => None,
            };
            assert_eq!(at(0), Some(1_000));
            assert_eq!(at(120), Some(120_000));
            assert_eq!(at(86_400), Some(86_400_000));
            assert_eq!(at(86_401), None);
            assert_eq!(at(u64::MAX), None);
        }
    }

    #[test]
    fn the_sweeper_brings_what_the_queue_cannot_hold() {
        assert_eq!(look_again_at(T0.plus_ms(900_000), T0), T0.plus_ms(960_000));
        assert_eq!(look_again_at(T0.plus_ms(900_001), T0), T0.plus_ms(900_001));
    }
}
