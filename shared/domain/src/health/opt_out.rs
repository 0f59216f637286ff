//! How many of those who were written to want to hear no more.

use crate::time::Millis;

/// How many days are looked at, today included.
pub const PERIOD_DAYS: u64 = 7;
/// More opt-outs than this among a thousand sends are a warning (A60).
const PER_THOUSAND: u64 = 5;

/// The day that an instant lies in, counted from 1970, in UTC.
#[must_use]
pub const fn day_of(at: Millis) -> u64 {
    at.unix_ms() / (24 * 60 * 60 * 1000)
}

/// Messages that the provider took, and people who then withdrew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OptOuts {
    /// Messages.
    pub sends: u32,
    /// People.
    pub opt_outs: u32,
}

impl OptOuts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            sends: self.sends.saturating_add(other.sends),
            opt_outs: self.opt_outs.saturating_add(other.opt_outs),
        }
    }

    /// Their share; nothing while nothing was sent.
    #[must_use]
    pub fn rate(self) -> f64 {
        if self.sends == 0 { 0.0 } else { f64::from(self.opt_outs) / f64::from(self.sends) }
    }

    /// Whether they are more than 0.5 %.
    #[must_use]
    pub const fn is_too_many(self) -> bool {
        self.sends > 0 && self.opt_outs as u64 * 1_000 > self.sends as u64 * PER_THOUSAND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_a_percent_is_a_warning() {
        for (sends, opt_outs, warns) in [
            (1_000, 5, false),
            (1_000, 6, true),
            (0, 3, false),
            (199, 1, true),
            (200, 1, false),
            (u32::MAX, u32::MAX, true),
        ] {
            assert_eq!(OptOuts { sends, opt_outs }.is_too_many(), warns, "{opt_outs} of {sends}");
        }
        assert!((OptOuts { sends: 1_000, opt_outs: 6 }.rate() - 0.006).abs() < 1e-12);
        assert!(OptOuts::default().rate().abs() < 1e-12);
    }
}
