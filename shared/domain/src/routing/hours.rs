//! Hours of the day where the tenant is: when nobody is written to first.

use crate::time::Millis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A minute in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// The minutes of a day.
const DAY: u16 = 24 * 60;
/// Offers leave from nine on (Cabinet Resolution 56 of 2024).
const OFFERS_FROM: TimeOfDay = TimeOfDay(9 * 60);
/// Offers leave until six in the evening.
const OFFERS_UNTIL: TimeOfDay = TimeOfDay(18 * 60);

/// A time zone of the Gulf. None of them knows summer time, so an offset is all there is to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TimeZone))]
pub enum Zone {
    /// The Emirates.
    #[default]
    #[serde(rename = "Asia/Dubai")]
    Dubai,
    /// Oman.
    #[serde(rename = "Asia/Muscat")]
    Muscat,
    /// Saudi Arabia.
    #[serde(rename = "Asia/Riyadh")]
    Riyadh,
    /// Qatar.
    #[serde(rename = "Asia/Qatar")]
    Qatar,
    /// Kuwait.
    #[serde(rename = "Asia/Kuwait")]
    Kuwait,
    /// Bahrain.
    #[serde(rename = "Asia/Bahrain")]
    Bahrain,
}

impl Zone {
    const fn offset_minutes(self) -> u64 {
        match self {
            Self::Dubai | Self::Muscat => 4 * 60,
            Self::Riyadh | Self::Qatar | Self::Kuwait | Self::Bahrain => 3 * 60,
        }
    }

    /// The time of day there.
    #[must_use]
    pub fn time_of_day(self, at: Millis) -> TimeOfDay {
        let minutes = at.unix_ms() / MINUTE_MS + self.offset_minutes();
        TimeOfDay(u16::try_from(minutes % u64::from(DAY)).unwrap_or(0))
    }
}

/// A time of day to the minute, `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Reads `HH:MM`, `00:00` to `23:59`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u16>().ok() } else { None }
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        (hours < 24 && minutes < 60).then_some(Self(hours * 60 + minutes))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a time of day such as `22:00`"))
    }
}

/// Hours in which nobody is written to first; over midnight when they end before they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The first quiet minute.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "22:00"))]
    pub from: TimeOfDay,
    /// The first minute that is not quiet any more.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "08:00"))]
    pub to: TimeOfDay,
}

impl QuietHours {
    fn holds(self, time: TimeOfDay) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

/// The first moment from `at` on at which somebody may be written to: outside of the quiet hours, and an offer between
/// nine and six. `None` when no minute of a day is left.
#[must_use]
pub fn next_allowed(zone: Zone, quiet: Option<QuietHours>, offer: bool, at: Millis) -> Option<Millis> {
    let allowed = |moment: Millis| {
        let time = zone.time_of_day(moment);
        !quiet.is_some_and(|quiet| quiet.holds(time))
            && (!offer || (OFFERS_FROM..OFFERS_UNTIL).contains(&time))
    };
    if allowed(at) {
        return Some(at);
    }
    let minute = at.unix_ms() / MINUTE_MS;
    let later = (1..=u64::from(DAY)).map(|n| Millis::from_unix_ms((minute + n) * MINUTE_MS));
    later.into_iter().find(|moment| allowed(*moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    fn quiet(from: &str, to: &str) -> Option<QuietHours> {
        Some(QuietHours { from: TimeOfDay::parse(from).unwrap(), to: TimeOfDay::parse(to).unwrap() })
    }

    #[test]
    fn a_time_of_day_has_one_spelling() {
        for good in ["00:00", "09:05", "23:59"] {
            assert_eq!(TimeOfDay::parse(good).unwrap().to_string(), good);
        }
        for bad in ["24:00", "9:00", "09:60", "0900", "09:00:00", "+9:00", "", "ab:cd"] {
            assert_eq!(TimeOfDay::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn quiet_hours_end_on_their_minute_in_the_tenants_zone_also_over_midnight() {
        let night = quiet("22:00", "08:00");
        for (zone, quiet, now, then) in [
            // 18:00 UTC is ten at night in Dubai and nine in Riyadh.
            (Zone::Dubai, night, "2026-03-02T17:59:59.999Z", "2026-03-02T17:59:59.999Z"),
            (Zone::Dubai, night, "2026-03-02T18:00:00.000Z", "2026-03-03T04:00:00.000Z"),
            (Zone::Riyadh, night, "2026-03-02T18:00:00.000Z", "2026-03-02T18:00:00.000Z"),
            (Zone::Dubai, night, "2026-03-03T03:59:59.000Z", "2026-03-03T04:00:00.000Z"),
            (Zone::Dubai, night, "2026-03-03T04:00:00.000Z", "2026-03-03T04:00:00.000Z"),
            (Zone::Dubai, quiet("13:00", "14:00"), "2026-03-02T09:30:00.000Z", "2026-03-02T10:00:00.000Z"),
            (Zone::Dubai, None, "2026-03-02T22:00:00.000Z", "2026-03-02T22:00:00.000Z"),
        ] {
            assert_eq!(next_allowed(zone, quiet, false, at(now)), Some(at(then)), "{zone:?} {now}");
        }
    }

    #[test]
    fn an_offer_leaves_between_nine_and_six_and_not_in_quiet_hours_either() {
        for (quiet, now, then) in [
            (None, "2026-03-02T05:00:00.000Z", Some("2026-03-02T05:00:00.000Z")),
            (None, "2026-03-02T04:59:59.999Z", Some("2026-03-02T05:00:00.000Z")),
            (None, "2026-03-02T13:59:59.999Z", Some("2026-03-02T13:59:59.999Z")),
            (None, "2026-03-02T14:00:00.000Z", Some("2026-03-03T05:00:00.000Z")),
            (quiet("12:00", "10:00"), "2026-03-02T14:00:00.000Z", Some("2026-03-03T06:00:00.000Z")),
            (quiet("08:00", "19:00"), "2026-03-02T14:00:00.000Z", None),
        ] {
            assert_eq!(next_allowed(Zone::Dubai, quiet, true, at(now)), then.map(at), "{now}");
        }
    }
}
