//! The assistant's rules: when it answers by itself, what it is told, what of its answers may be sent, when it gives up.

mod answer;
mod settings;
mod turns;

pub use answer::{Unusable, usable};
pub use settings::{
    Connect, LONGEST_INSTRUCTIONS, LONGEST_NAME, MOST_REPLIES, USUAL_REPLIES, holding_words, objection,
};
pub use turns::{MOST_TURNS, Turn, instructions, rolling, translation_instructions};

use crate::time::Millis;
use crate::window::WINDOW_MS;

/// How long a customer must have been quiet before they are answered, in milliseconds.
pub const QUIET_MS: u64 = 3_000;
/// How long a burst of messages may be waited for, in milliseconds.
pub const LONGEST_BURST_MS: u64 = 15_000;
/// The waits after failures in a row, in milliseconds; the last one again and again.
const WAITS_MS: [u64; 7] = [5_000, 15_000, 45_000, 120_000, 300_000, 600_000, 900_000];
/// How many unusable answers to one message are enough.
const MOST_UNUSABLE: u32 = 4;

/// Whether a burst is over: the customer is quiet since `last`, or has been writing for too long since `first`.
#[must_use]
pub fn burst_is_over(first: Millis, due: Millis, now: Millis) -> bool {
    now >= due || now.since(first) + QUIET_MS > LONGEST_BURST_MS
}

/// What is known when a customer waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whether the tenant wants answers by the assistant.
    pub wanted: bool,
    /// Whether a person answers, or is answering at this moment, or nobody does any more.
    pub with_a_person: bool,
    /// Whether the service window is open.
    pub window_open: bool,
    /// Whether nothing may be sent: the channel was withdrawn, or the use of the data is restricted.
    pub barred: bool,
    /// Whether one of the messages is nothing but a word that stops messages.
    pub stopped: bool,
    /// Whether somebody wrote to the customer since.
    pub answered: bool,
    /// How often the assistant answered in this conversation's window.
    pub replies: u32,
    /// How often it may.
    pub most_replies: u32,
}

/// What to do for a customer who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Answer.
    Answer,
    /// Say nothing.
    Silence,
    /// Leave it to a person: it went back and forth too often.
    EnoughReplies,
}

/// Decides what to do for a customer who waits.
#[must_use]
pub const fn decide(waiting: &Waiting) -> Decision {
    let Waiting { wanted, with_a_person, window_open, barred, stopped, answered, replies, most_replies } =
        *waiting;
    if !wanted || with_a_person || !window_open || barred || stopped || answered {
        return Decision::Silence;
    }
    if replies >= most_replies { Decision::EnoughReplies } else { Decision::Answer }
}

/// How often the assistant answered in the window that a message stands in: what was before a pause of a window's length,
/// or before a person gave the conversation back, does not count.
#[must_use]
pub fn replies_in_window(
    replies: u32,
    last_reply: Option<Millis>,
    message: Millis,
    given_back: Option<Millis>,
) -> u32 {
    let Some(last) = last_reply else { return 0 };
    if message.since(last) >= WINDOW_MS || given_back.is_some_and(|at| at > last) { 0 } else { replies }
}

/// How asking for an answer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Nobody answered, or not in time, or with an error.
    Unavailable,
    /// The answer cannot be sent.
    Unusable,
}

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask again after this long.
    Again {
        /// In milliseconds.
        wait_ms: u64,
    },
    /// Leave it to a person.
    GiveUp,
}

/// What comes after a failure; `failures` in a row, this one included, `unusable` of them because of the answer. Somebody
/// who does not answer is asked until the window closes; somebody who answers nonsense is not.
#[must_use]
pub fn after(failed: Failed, failures: u32, unusable: u32) -> Next {
    if failed == Failed::Unusable && unusable >= MOST_UNUSABLE {
        return Next::GiveUp;
    }
    let nth = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(WAITS_MS.len() - 1);
    Next::Again { wait_ms: WAITS_MS.get(nth).copied().unwrap_or(QUIET_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis::from_unix_ms(1_700_000_000_000);

    fn waiting() -> Waiting {
        Waiting {
            wanted: true,
            with_a_person: false,
            window_open: true,
            barred: false,
            stopped: false,
            answered: false,
            replies: 0,
            most_replies: 3,
        }
    }

    #[rstest::rstest]
    #[case::a_customer_who_waits(waiting(), Decision::Answer)]
    #[case::one_below_the_cap(Waiting { replies: 2, ..waiting() }, Decision::Answer)]
    #[case::at_the_cap(Waiting { replies: 3, ..waiting() }, Decision::EnoughReplies)]
    #[case::over_the_cap(Waiting { replies: 9, ..waiting() }, Decision::EnoughReplies)]
    #[case::switched_off(Waiting { wanted: false, ..waiting() }, Decision::Silence)]
    #[case::a_person_has_it(Waiting { with_a_person: true, ..waiting() }, Decision::Silence)]
    #[case::a_person_has_it_at_the_cap(Waiting { with_a_person: true, replies: 3, ..waiting() }, Decision::Silence)]
    #[case::the_window_is_closed(Waiting { window_open: false, ..waiting() }, Decision::Silence)]
    #[case::nothing_may_be_sent(Waiting { barred: true, ..waiting() }, Decision::Silence)]
    #[case::they_said_stop(Waiting { stopped: true, ..waiting() }, Decision::Silence)]
    #[case::somebody_answered(Waiting { answered: true, ..waiting() }, Decision::Silence)]
    fn who_waits_is_answered_only_where_everything_allows_it(
        #[case] waiting: Waiting,
        #[case] expected: Decision,
    ) {
        assert_eq!(decide(&waiting), expected);
    }

    #[rstest::rstest]
    #[case::still_writing(0, 3_000, 2_999, false)]
    #[case::quiet(0, 3_000, 3_000, true)]
    #[case::wrote_again(0, 5_000, 4_000, false)]
    #[case::writing_for_too_long(0, 15_500, 12_600, true)]
    #[case::almost_too_long(0, 14_000, 12_000, false)]
    fn a_burst_is_over_when_the_customer_is_quiet_or_writes_for_too_long(
        #[case] first: u64,
        #[case] due: u64,
        #[case] now: u64,
        #[case] over: bool,
    ) {
        assert_eq!(burst_is_over(NOW.plus_ms(first), NOW.plus_ms(due), NOW.plus_ms(now)), over);
    }

    #[test]
    fn replies_count_until_the_window_was_closed_or_a_person_gave_the_conversation_back() {
        let later = |ms| NOW.plus_ms(ms);
        assert_eq!(replies_in_window(5, None, NOW, None), 0);
        assert_eq!(replies_in_window(5, Some(NOW), later(WINDOW_MS - 1), None), 5);
        assert_eq!(replies_in_window(5, Some(NOW), later(WINDOW_MS), None), 0);
        assert_eq!(replies_in_window(5, Some(NOW), later(10), Some(later(5))), 0);
        assert_eq!(replies_in_window(5, Some(later(5)), later(10), Some(NOW)), 5);
    }

    #[test]
    fn the_waits_grow_and_nonsense_is_not_asked_for_forever() {
        let waits: Vec<u64> = (1..=9)
            .map(|failures| match after(Failed::Unavailable, failures, 0) {
                Next::Again { wait_ms } => wait_ms,
                Next::GiveUp => 0,
            })
            .collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert_eq!((waits[0], waits[8]), (5_000, 900_000));
        assert!(matches!(after(Failed::Unusable, 3, 3), Next::Again { .. }));
        assert_eq!(after(Failed::Unusable, 4, 4), Next::GiveUp);
        assert!(matches!(after(Failed::Unavailable, 40, 3), Next::Again { .. }));
    }
}
