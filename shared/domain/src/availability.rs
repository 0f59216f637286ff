//! How a provider is doing for everybody: what share of the latest calls to it came to nothing.

use serde::Serialize;

/// The calls that count: those of the last five minutes, in milliseconds.
pub const WINDOW_MS: u64 = 5 * 60 * 1000;
/// Fewer failures than this say nothing about a provider.
const FEWEST: u32 = 3;

/// Calls of a provider, and how many of them it did not answer: no connection, no answer in time, or a 5xx. That it
/// refuses a message or a token is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// All of them.
    pub made: u32,
    /// Those that came to nothing.
    pub failed: u32,
}

impl Calls {
    /// These and others.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { made: self.made.saturating_add(other.made), failed: self.failed.saturating_add(other.failed) }
    }

    /// What they say.
    #[must_use]
    pub const fn availability(self) -> Availability {
        let (made, failed) = (self.made as u64, self.failed as u64);
        if self.failed < FEWEST || failed * 5 < made {
            Availability::Operational
        } else if failed * 5 < made * 4 {
            Availability::Degraded
        } else {
            Availability::Down
        }
    }
}

/// How something is doing, the worse the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// As it should.
    Operational,
    /// At least a fifth of the latest calls came to nothing.
    Degraded,
    /// At least four fifths did.
    Down,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_degraded_four_fifths_are_down_and_two_failures_are_nothing() {
        use Availability::{Degraded, Down, Operational};
        for (made, failed, expected) in [
            (0, 0, Operational),
            (2, 2, Operational),
            (3, 3, Down),
            (100, 19, Operational),
            (100, 20, Degraded),
            (100, 79, Degraded),
            (100, 80, Down),
            (u32::MAX, u32::MAX, Down),
        ] {
            assert_eq!(Calls { made, failed }.availability(), expected, "{failed} of {made}");
        }
    }
}
