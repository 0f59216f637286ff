//! Instants with the one spelling the API uses: RFC 3339, UTC, milliseconds, `Z`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An instant in Unix milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(u64);

/// The provider's clock reading cannot be an instant of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timestamp out of range")]
pub struct TimestampOutOfRange;

/// 1 January 9999: beyond it nothing was sent, whatever the body says.
const END_OF_TIME_MS: u64 = 253_370_764_800_000;

impl Millis {
    /// Wraps Unix milliseconds.
    #[must_use]
    pub const fn from_unix_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Unix milliseconds.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// Reads a provider's timestamp, documented as Unix seconds; values above 10^11 are milliseconds (some gateways
    /// send those).
    ///
    /// # Errors
    /// Zero, negative, or beyond the year 9998.
    pub fn from_provider(value: i64) -> Result<Self, TimestampOutOfRange> {
        let value = u64::try_from(value).map_err(|_| TimestampOutOfRange)?;
        let ms = if value > 100_000_000_000 { value } else { value.saturating_mul(1000) };
        if ms == 0 || ms >= END_OF_TIME_MS { Err(TimestampOutOfRange) } else { Ok(Self(ms)) }
    }

    /// This instant plus `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; zero when it lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// Anything else, and instants before 1970.
    pub fn parse(text: &str) -> Result<Self, TimestampOutOfRange> {
        let at: jiff::Timestamp = text.parse().map_err(|_| TimestampOutOfRange)?;
        u64::try_from(at.as_millisecond()).map(Self).map_err(|_| TimestampOutOfRange)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(ms) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => f.write_str("9998-12-31T23:59:59.999Z"),
        }
    }
}

impl fmt::Debug for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_three_decimals_and_z() {
        assert_eq!(Millis::from_unix_ms(1_747_298_531_103).to_string(), "2025-05-15T08:42:11.103Z");
        assert_eq!(Millis::from_unix_ms(1_747_298_531_000).to_string(), "2025-05-15T08:42:11.000Z");
    }

    #[test]
    fn provider_seconds_and_milliseconds_both_read() {
        assert_eq!(Millis::from_provider(1_700_000_000), Ok(Millis::from_unix_ms(1_700_000_000_000)));
        assert_eq!(Millis::from_provider(1_700_000_000_123), Ok(Millis::from_unix_ms(1_700_000_000_123)));
        for bad in [0, -1, i64::MIN, i64::MAX, 1_000_000_000_000_000_000] {
            assert_eq!(Millis::from_provider(bad), Err(TimestampOutOfRange), "{bad}");
        }
    }
}
