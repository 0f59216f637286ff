//! What an answer tells about the key it was asked with: how much of its minute is left, and when it ends.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::rate::{Limits, Window};
use domain::time::Millis;
use std::sync::{Arc, OnceLock};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const EXPIRES: HeaderName = HeaderName::from_static("x-api-key-expires-in-days");
/// From how many days before its end on a key's answers say so.
const WARNED_DAYS: u64 = 14;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How a key stands after one request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many requests its minute holds.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When the next minute begins.
    pub resets_at: Millis,
    /// In how many days the key ends, if it does.
    pub expires_in_days: Option<u64>,
}

/// How many days are left of a key, rounded up: 1 on its last day.
#[must_use]
pub fn days_left(expires_at: Millis, now: Millis) -> u64 {
    expires_at.since(now).div_ceil(DAY_MS)
}

impl Standing {
    /// A key that may ask again: `by_key` and `by_tenant` passed in this window.
    pub(super) fn after(limits: Limits, window: Window, by_key: u32, by_tenant: u32) -> Self {
        let remaining = limits.key.saturating_sub(by_key).min(limits.tenant.saturating_sub(by_tenant));
        Self { limit: limits.key, remaining, resets_at: window.ends_at(), expires_in_days: None }
    }

    /// A key that must wait.
    pub(super) fn used_up(limits: Limits, window: Window) -> Self {
        Self { limit: limits.key, remaining: 0, resets_at: window.ends_at(), expires_in_days: None }
    }

    /// The same key, which ends then.
    pub(super) fn until(self, expires_at: Option<Millis>, now: Millis) -> Self {
        Self { expires_in_days: expires_at.map(|at| days_left(at, now)), ..self }
    }
}

/// Where the authenticator leaves how the key stands and the edge finds it: extractors see no answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<OnceLock<Standing>>);

impl Told {
    /// Leaves it; what was left first stays.
    pub(super) fn tell(&self, standing: Standing) {
        let _told_before = self.0.set(standing);
    }

    /// Writes the headers, if anybody was authenticated.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Some(standing) = self.0.get() else { return };
        headers.insert(LIMIT, HeaderValue::from(standing.limit));
        headers.insert(REMAINING, HeaderValue::from(standing.remaining));
        headers.insert(RESET, HeaderValue::from(standing.resets_at.unix_ms() / 1_000));
        if let Some(days) = standing.expires_in_days.filter(|days| *days <= WARNED_DAYS) {
            headers.insert(EXPIRES, HeaderValue::from(days));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(standing: Option<Standing>) -> Vec<String> {
        let told = Told::default();
        if let Some(standing) = standing {
            told.tell(standing);
        }
        let mut headers = HeaderMap::new();
        told.write(&mut headers);
        [LIMIT, REMAINING, RESET]
            .iter()
            .filter_map(|name| Some(headers.get(name)?.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn what_is_left_is_the_smaller_of_the_keys_and_the_tenants_rest() {
        let (limits, window) = (Limits::for_key(60), Window::of(Millis::from_unix_ms(120_000)));
        assert_eq!(written(Some(Standing::after(limits, window, 1, 1))), ["60", "59", "180"]);
        assert_eq!(written(Some(Standing::after(limits, window, 10, 298))), ["60", "2", "180"]);
        assert_eq!(written(Some(Standing::after(limits, window, 99, 999))), ["60", "0", "180"]);
        assert_eq!(written(Some(Standing::used_up(limits, window))), ["60", "0", "180"]);
    }

    #[test]
    fn the_last_fourteen_days_of_a_key_are_counted_down() {
        let now = Millis::from_unix_ms(1_700_000_000_000);
        let standing = Standing::used_up(Limits::for_key(60), Window::of(now));
        let warned = |left_ms: u64| {
            let told = Told::default();
            told.tell(standing.until(Some(now.plus_ms(left_ms)), now));
            let mut headers = HeaderMap::new();
            told.write(&mut headers);
            headers.get(EXPIRES).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(warned(14 * DAY_MS + 1), None);
        assert_eq!(warned(14 * DAY_MS).as_deref(), Some("14"));
        assert_eq!(warned(7 * DAY_MS).as_deref(), Some("7"));
        assert_eq!(warned(7 * DAY_MS - 1).as_deref(), Some("7"));
        assert_eq!(warned(DAY_MS).as_deref(), Some("1"));
        assert_eq!(warned(1).as_deref(), Some("1"));
        assert_eq!(standing.until(None, now).expires_in_days, None);
    }

    #[test]
    fn nobody_authenticated_nothing_told() {
        assert!(written(None).is_empty());
    }
}
