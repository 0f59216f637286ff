//! How often a key may ask: fixed windows of one minute, a limit per key by the tenant's plan, a ceiling for all keys of
//! a tenant together (I-14).

use crate::tenant::Plan;
use crate::time::Millis;

/// The length of a window, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// How many times the limit of one key all keys of a tenant may use together.
const TENANT_SHARE: u32 = 5;

/// How many requests a minute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one key.
    pub key: u32,
    /// For all keys of a tenant together.
    pub tenant: u32,
}

impl Limits {
    /// What a plan allows.
    #[must_use]
    pub const fn of(plan: Plan) -> Self {
        Self::for_key(match plan {
            Plan::Starter => 60,
            Plan::Growth | Plan::GrowthWithMeta => 300,
            Plan::Enterprise => 1_000,
        })
    }

    /// What follows from the limit of a key.
    #[must_use]
    pub const fn for_key(per_minute: u32) -> Self {
        Self { key: per_minute, tenant: per_minute.saturating_mul(TENANT_SHARE) }
    }
}

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(u64);

impl Window {
    /// The window that an instant lies in.
    #[must_use]
    pub const fn of(now: Millis) -> Self {
        Self(now.unix_ms() / WINDOW_MS)
    }

    /// Its number, counted from 1970.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// When the next one begins.
    #[must_use]
    pub const fn ends_at(self) -> Millis {
        Millis::from_unix_ms(self.0.saturating_add(1).saturating_mul(WINDOW_MS))
    }

    /// Whole seconds until the next one begins, at least one.
    #[must_use]
    pub fn seconds_left(self, now: Millis) -> u32 {
        u32::try_from(self.ends_at().since(now).div_ceil(1_000)).unwrap_or(60).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_gives_the_documented_limits() {
        let limits = [Plan::Starter, Plan::Growth, Plan::GrowthWithMeta, Plan::Enterprise].map(Limits::of);
        assert_eq!(limits.map(|limits| limits.key), [60, 300, 300, 1_000]);
        assert_eq!(limits.map(|limits| limits.tenant), [300, 1_500, 1_500, 5_000]);
    }

    #[test]
    fn a_window_is_a_minute_of_the_clock_and_its_end_is_never_zero_seconds_away() {
        let at = |ms| Millis::from_unix_ms(ms);
        assert_eq!(Window::of(at(0)), Window::of(at(59_999)));
        assert_ne!(Window::of(at(59_999)), Window::of(at(60_000)));
        assert_eq!(Window::of(at(60_000)).ends_at(), at(120_000));
        for (now, left) in [(60_000, 60), (60_001, 60), (118_999, 2), (119_000, 1), (119_999, 1)] {
            assert_eq!(Window::of(at(now)).seconds_left(at(now)), left, "{now}");
        }
    }
}
