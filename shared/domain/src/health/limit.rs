//! The messaging limit: how many people may be written to first within 24 hours, by all numbers of a business portfolio
//! together, and how many of them are used up.
//!
//! People are counted in buckets of a quarter of an hour, and a bucket counts until its last moment is 24 hours ago: our
//! count is never lower than the provider's, and at most a quarter of an hour behind when it sinks.

use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How long a person counts, in milliseconds.
pub const REACH_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a bucket is, in milliseconds.
pub const BUCKET_MS: u64 = 15 * 60 * 1000;

/// How many people may be written to first within 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessagingLimit {
    /// As many as one likes.
    Unlimited,
    /// This many.
    People(u32),
}

impl MessagingLimit {
    /// Reads what a provider reports: `TIER_2K`, `TIER_UNLIMITED`, `2000`, `-1`. `None` for what says nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("TIER_").unwrap_or(&text);
        if matches!(text, "UNLIMITED" | "-1") {
            return Some(Self::Unlimited);
        }
        let (digits, times) = match text.strip_suffix('K') {
            Some(digits) => (digits, 1_000),
            None => (text, 1),
        };
        digits.parse::<u32>().ok()?.checked_mul(times).map(Self::People)
    }

    /// How many; `None` without an end.
    #[must_use]
    pub const fn cap(self) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::People(cap) => Some(cap),
        }
    }
}

impl fmt::Display for MessagingLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("TIER_UNLIMITED"),
            Self::People(cap) if *cap >= 1_000 && cap % 1_000 == 0 => write!(f, "TIER_{}K", cap / 1_000),
            Self::People(cap) => write!(f, "TIER_{cap}"),
        }
    }
}

/// How many people were written to first, by the quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach(BTreeMap<u64, u32>);

impl Reach {
    /// The number of the bucket that an instant lies in.
    #[must_use]
    pub const fn bucket(at: Millis) -> u64 {
        at.unix_ms() / BUCKET_MS
    }

    /// When the last person of a bucket stops to count.
    #[must_use]
    pub const fn over_at(bucket: u64) -> Millis {
        Millis::from_unix_ms((bucket + 1) * BUCKET_MS + REACH_MS)
    }

    /// How many count at `now`.
    #[must_use]
    pub fn used(&self, now: Millis) -> u32 {
        self.living(now).map(|(_, people)| people).fold(0, u32::saturating_add)
    }

    /// When the first of those that count at `now` stop to.
    #[must_use]
    pub fn frees_at(&self, now: Millis) -> Option<Millis> {
        self.living(now).next().map(|(bucket, _)| Self::over_at(bucket))
    }

    /// The buckets that do not count any more at `now`, with their people.
    #[must_use]
    pub fn over(&self, now: Millis) -> Vec<(u64, u32)> {
        let over = self.0.iter().filter(|(bucket, _)| Self::over_at(**bucket) <= now);
        over.map(|(bucket, people)| (*bucket, *people)).collect()
    }

    fn living(&self, now: Millis) -> impl Iterator<Item = (u64, u32)> {
        let living =
            self.0.iter().filter(move |(bucket, people)| **people > 0 && Self::over_at(**bucket) > now);
        living.map(|(bucket, people)| (*bucket, *people))
    }
}

impl FromIterator<(u64, u32)> for Reach {
    fn from_iter<I: IntoIterator<Item = (u64, u32)>>(buckets: I) -> Self {
        Self(buckets.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_limit_is_read() {
        for (text, limit) in [
            ("TIER_250", Some(MessagingLimit::People(250))),
            ("TIER_2K", Some(MessagingLimit::People(2_000))),
            ("TIER_10K", Some(MessagingLimit::People(10_000))),
            ("TIER_100K", Some(MessagingLimit::People(100_000))),
            ("tier_unlimited", Some(MessagingLimit::Unlimited)),
            ("TIER_50", Some(MessagingLimit::People(50))),
            ("2000", Some(MessagingLimit::People(2_000))),
            ("-1", Some(MessagingLimit::Unlimited)),
            ("TIER_NOT_SET", None),
            ("", None),
            ("-5", None),
            ("99999999999K", None),
        ] {
            assert_eq!(MessagingLimit::parse(text), limit, "{text}");
        }
        for text in ["TIER_250", "TIER_2K", "TIER_100K", "TIER_UNLIMITED"] {
            assert_eq!(MessagingLimit::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_person_counts_for_a_day_and_at_most_a_quarter_of_an_hour_longer() {
        let first = Millis::from_unix_ms(1_800_000_000_000);
        let bucket = Reach::bucket(first);
        let reach: Reach = [(bucket, 3), (bucket + 2, 4)].into_iter().collect();
        assert_eq!(reach.used(first), 7);
        assert_eq!(reach.used(first.plus_ms(REACH_MS)), 7, "a day later it may still count there");
        let over = reach.frees_at(first).unwrap();
        assert!(over.since(first) > REACH_MS && over.since(first) <= REACH_MS + BUCKET_MS);
        assert_eq!(reach.used(Millis::from_unix_ms(over.unix_ms() - 1)), 7);
        assert_eq!((reach.used(over), reach.over(over)), (4, vec![(bucket, 3)]));
        assert_eq!(reach.frees_at(over.plus_ms(2 * BUCKET_MS)), None);
        assert_eq!(Reach::default().frees_at(first), None);
    }
}
