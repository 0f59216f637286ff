//! How a number stands with its customers: the provider's rating of it, and what we do about a bad one.
//!
//! A rating that stays Red for [`SUSTAINED_MS`] puts the number into conservative mode: it sends slowly, and every new
//! template waits for a person. A Green rating ends the mode at once. Yellow and Unknown neither begin nor end it: Yellow
//! is where a number passes through on its way in both directions. A provider that refuses a message because people
//! reported earlier ones (Meta's 131048) begins the mode at once; it ends when that was [`SPAM_QUIET_MS`] ago.

mod limit;
mod opt_out;

pub use limit::{BUCKET_MS, MessagingLimit, REACH_MS, Reach};
pub use opt_out::{OptOuts, PERIOD_DAYS, day_of};

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// How long a rating must be Red before a number sends conservatively, in milliseconds.
pub const SUSTAINED_MS: u64 = 60 * 60 * 1000;
/// In conservative mode a number sends one message in this time, in milliseconds: six a minute.
pub const PACE_MS: u64 = 10_000;
/// A turn that was missed by more than this is lost and a new one is taken, in milliseconds: longer than the sweeper is
/// late, short enough that what was held up does not leave in a burst.
pub const TURN_KEPT_MS: u64 = 60_000;
/// How long no message must have been refused as spam before a number sends normally again, in milliseconds.
pub const SPAM_QUIET_MS: u64 = 24 * 60 * 60 * 1000;
/// How often the provider is asked about a number, in milliseconds: webhooks tell of changes, this is for lost ones.
pub const LOOK_MS: u64 = 6 * 60 * 60 * 1000;
/// How often it is asked about a number whose rating is bad, in milliseconds.
pub const LOOK_CLOSELY_MS: u64 = 10 * 60 * 1000;
/// After a change of mode what it means for waiting messages is done again for this long, in milliseconds: a message
/// that was being looked at by a sender, or that an index did not show yet, must not be forgotten.
pub const SETTLE_MS: u64 = 5 * 60 * 1000;

/// The provider's rating of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = QualityRating))]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// Not rated yet, or in a word that we do not know.
    Unknown,
    /// High.
    Green,
    /// Medium.
    Yellow,
    /// Low.
    Red,
}

impl Quality {
    /// Reads what a provider reports.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let is = |names: [&str; 2]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        if is(["GREEN", "HIGH"]) {
            Self::Green
        } else if is(["YELLOW", "MEDIUM"]) {
            Self::Yellow
        } else if is(["RED", "LOW"]) {
            Self::Red
        } else {
            Self::Unknown
        }
    }

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// How a number sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NumberMode))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As fast as its provider takes messages.
    #[default]
    Normal,
    /// Slowly, and templates wait for a person.
    Conservative,
}

impl Mode {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Conservative => "conservative",
        }
    }
}

/// Something that was told, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told<T> {
    /// What.
    pub value: T,
    /// When it was so, by the provider's clock where it says.
    pub at: Millis,
}

/// What one webhook, poll or check says about a number; whatever it does not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Its rating.
    pub quality: Option<Quality>,
    /// Where the review of its name stands.
    pub name_status: Option<String>,
    /// How fast messages may leave.
    pub throughput: Option<String>,
    /// Whether a message was refused because people reported earlier ones.
    pub spam_limited: bool,
}

impl Report {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.quality.is_none()
            && self.name_status.is_none()
            && self.throughput.is_none()
            && !self.spam_limited
    }
}

/// What is known of a number's health.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NumberHealth {
    /// Its rating as last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Told<Quality>>,
    /// Since when the rating is this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_since: Option<Millis>,
    /// Where the review of its name stands, as last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_status: Option<Told<String>>,
    /// How fast messages may leave, as last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Told<String>>,
    /// When the latest message was refused because people reported earlier ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spam_limited_at: Option<Millis>,
    /// How it sends.
    pub mode: Mode,
    /// Whether a Red rating is why it sends conservatively: then only a Green one ends it.
    pub red: bool,
    /// Since when; absent while it never sent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_since: Option<Millis>,
}

impl NumberHealth {
    /// The rating, if one was told.
    #[must_use]
    pub fn rating(&self) -> Quality {
        self.quality.as_ref().map_or(Quality::Unknown, |told| told.value)
    }

    /// What is known after a report of `at`. What is older than what is known changes nothing, whenever it comes; of two
    /// ratings of the same moment the worse stays.
    #[must_use]
    pub fn heard(mut self, report: &Report, at: Millis) -> Self {
        if let Some(quality) = report.quality {
            let known = self.quality.as_ref().map(|told| (told.at, told.value));
            if known.is_none_or(|known| (at, quality) > known) {
                if known.is_none_or(|(_, before)| before != quality) {
                    self.quality_since = Some(at);
                }
                self.quality = Some(Told { value: quality, at });
            }
        }
        newer(&mut self.name_status, report.name_status.as_ref(), at);
        newer(&mut self.throughput, report.throughput.as_ref(), at);
        if report.spam_limited {
            self.spam_limited_at = self.spam_limited_at.max(Some(at));
        }
        self
    }

    /// How the number sends from `now` on.
    #[must_use]
    pub fn decided(mut self, now: Millis) -> Self {
        self.red = match self.rating() {
            Quality::Red => {
                self.red || self.mode == Mode::Conservative || self.turns_at().is_some_and(|at| at <= now)
            }
            Quality::Green => false,
            Quality::Yellow | Quality::Unknown => self.red,
        };
        let spam = self.spam_ends_at().is_some_and(|at| at > now);
        let mode = if self.red || spam { Mode::Conservative } else { Mode::Normal };
        if mode != self.mode {
            self.mode = mode;
            self.mode_since = Some(now);
        }
        self
    }

    /// When a Red rating has lasted long enough, while nothing was done about it.
    fn turns_at(&self) -> Option<Millis> {
        let red = self.mode == Mode::Normal && self.rating() == Quality::Red;
        self.quality_since.filter(|_| red).map(|since| since.plus_ms(SUSTAINED_MS))
    }

    /// When it will have been quiet for long enough, if a message was ever refused as spam.
    fn spam_ends_at(&self) -> Option<Millis> {
        self.spam_limited_at.map(|at| at.plus_ms(SPAM_QUIET_MS))
    }

    /// When to look at the number again, after a look at `now`.
    #[must_use]
    pub fn look_again_at(&self, now: Millis) -> Millis {
        let close = self.mode == Mode::Conservative || self.rating() == Quality::Red;
        let usual = now.plus_ms(if close { LOOK_CLOSELY_MS } else { LOOK_MS });
        self.turns_at().map_or(usual, |turns| usual.min(turns.max(now)))
    }

    /// Why the number sends as it does, for an operator; nothing while it sends normally.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        if self.mode == Mode::Normal {
            return None;
        }
        if !self.red {
            let (at, until) = (self.spam_limited_at?, self.spam_ends_at()?);
            return Some(format!(
                "The provider refused a message at {at} because people reported earlier ones (131048). The number sends \
                 six messages a minute and every template waits for a release, until {until} if no other is refused."
            ));
        }
        let since = self.quality_since?;
        Some(match self.rating() {
            Quality::Red => format!(
                "The number's quality rating has been Red since {since}: customers block or report it. It sends six \
                 messages a minute and every template waits for a release, until the rating is Green again."
            ),
            rating => format!(
                "The number's quality rating was Red and is {} since {since}; it sends slowly and templates wait for a \
                 release until the rating is Green.",
                rating.as_str()
            ),
        })
    }
}

fn newer<T: Clone + Ord>(known: &mut Option<Told<T>>, told: Option<&T>, at: Millis) {
    let Some(value) = told else { return };
    if known.as_ref().is_none_or(|known| (at, value) > (known.at, &known.value)) {
        *known = Some(Told { value: value.clone(), at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIN: u64 = 60_000;

    const fn at(minutes: u64) -> Millis {
        Millis::from_unix_ms(1_800_000_000_000 + minutes * MIN)
    }

    fn rated(quality: Quality) -> Report {
        Report { quality: Some(quality), ..Report::default() }
    }

    /// What is told at which minute, and how the number sends then.
    type Step = (u64, Option<Quality>, Mode);

    #[test]
    fn sustained_red_begins_the_mode_and_green_ends_it() {
        use Mode::{Conservative, Normal};
        use Quality::{Green, Red, Unknown, Yellow};
        let stories: [(&str, &[Step]); 7] = [
            ("red for an hour", &[(0, Some(Red), Normal), (59, None, Normal), (60, None, Conservative)]),
            (
                "told again, it is the same red",
                &[(0, Some(Red), Normal), (30, Some(Red), Normal), (60, None, Conservative)],
            ),
            (
                "green in between begins the hour anew",
                &[
                    (0, Some(Red), Normal),
                    (30, Some(Green), Normal),
                    (40, Some(Red), Normal),
                    (99, None, Normal),
                    (100, None, Conservative),
                ],
            ),
            (
                "so does yellow",
                &[
                    (0, Some(Red), Normal),
                    (30, Some(Yellow), Normal),
                    (40, Some(Red), Normal),
                    (90, None, Normal),
                    (100, None, Conservative),
                ],
            ),
            (
                "green ends it at once, yellow and unknown do not",
                &[
                    (0, Some(Red), Normal),
                    (60, None, Conservative),
                    (61, Some(Yellow), Conservative),
                    (900, Some(Unknown), Conservative),
                    (901, Some(Green), Normal),
                ],
            ),
            ("yellow alone never begins it", &[(0, Some(Yellow), Normal), (10_000, None, Normal)]),
            ("not rated", &[(0, None, Normal), (10_000, Some(Unknown), Normal)]),
        ];
        for (story, steps) in stories {
            let mut health = NumberHealth::default();
            for (minute, told, mode) in steps {
                if let Some(quality) = told {
                    health = health.heard(&rated(*quality), at(*minute));
                }
                health = health.decided(at(*minute));
                assert_eq!(health.mode, *mode, "{story}: minute {minute}");
                assert_eq!(health.reason().is_some(), *mode == Conservative, "{story}: minute {minute}");
            }
        }
    }

    #[test]
    fn a_message_refused_as_spam_begins_the_mode_and_a_quiet_day_ends_it() {
        let spam = Report { spam_limited: true, ..Report::default() };
        let hours = |hours: u64| at(hours * 60);
        let slow =
            NumberHealth::default().heard(&rated(Quality::Green), at(0)).heard(&spam, at(1)).decided(at(1));
        assert_eq!(slow.mode, Mode::Conservative, "though it is Green");
        assert!(slow.reason().unwrap().contains("131048"));
        assert_eq!(slow.clone().decided(hours(24)).mode, Mode::Conservative);
        let over = slow.clone().decided(at(24 * 60 + 1));
        assert_eq!((over.mode, over.reason()), (Mode::Normal, None));
        let again = slow.clone().heard(&spam, hours(20)).heard(&spam, hours(3)).decided(hours(30));
        assert_eq!(again.mode, Mode::Conservative, "the latest counts");
        assert_eq!(again.decided(hours(44)).mode, Mode::Normal);
        let red = slow.heard(&rated(Quality::Red), hours(2)).decided(hours(2));
        let red = red.decided(hours(48));
        assert_eq!(red.mode, Mode::Conservative, "it became Red meanwhile: only Green ends it");
        assert_eq!(red.heard(&rated(Quality::Green), hours(49)).decided(hours(49)).mode, Mode::Normal);
    }

    #[test]
    fn what_is_older_than_what_is_known_changes_nothing() {
        let health = NumberHealth::default().heard(&rated(Quality::Red), at(10));
        let late = health.clone().heard(&rated(Quality::Green), at(9));
        assert_eq!(late, health);
        let named = |name: &str| Report { name_status: Some(name.into()), ..Report::default() };
        let health = health.heard(&named("APPROVED"), at(5)).heard(&named("DECLINED"), at(4));
        assert_eq!(health.name_status.unwrap().value, "APPROVED", "each fact has its own time");
    }

    #[test]
    fn a_number_is_looked_at_more_closely_the_worse_it_stands() {
        let look = |health: &NumberHealth, now: Millis| health.look_again_at(now).since(now);
        let green = NumberHealth::default().heard(&rated(Quality::Green), at(0));
        assert_eq!(look(&green, at(0)), LOOK_MS);
        let red = green.heard(&rated(Quality::Red), at(0).plus_ms(1));
        assert_eq!(look(&red, at(0)), LOOK_CLOSELY_MS);
        assert_eq!(look(&red, at(55)), 5 * MIN + 1, "when the hour is over");
        let slow = red.decided(at(61));
        assert_eq!(look(&slow, at(61)), LOOK_CLOSELY_MS);
    }

    #[test]
    fn words_of_every_source_are_read() {
        for (text, quality) in [
            ("GREEN", Quality::Green),
            ("high", Quality::Green),
            ("Medium", Quality::Yellow),
            ("RED", Quality::Red),
            ("UNKNOWN", Quality::Unknown),
            ("NA", Quality::Unknown),
        ] {
            assert_eq!(Quality::parse(text), quality, "{text}");
            assert_eq!(serde_json::to_value(quality).unwrap(), quality.as_str());
        }
    }

    proptest! {
        #[test]
        fn reports_come_in_any_order_and_any_number(
            mut told in prop::collection::vec((0u64..50, 0usize..4), 1..12),
            seed in any::<u64>(),
        ) {
            let all = [Quality::Unknown, Quality::Green, Quality::Yellow, Quality::Red];
            let join = |told: &[(u64, usize)]| told.iter().fold(NumberHealth::default(), |health, (minute, quality)| {
                health.heard(&rated(all[*quality]), at(*minute))
            }).quality;
            let expected = join(&told);
            let turn = usize::try_from(seed % 12).unwrap() % told.len();
            told.rotate_left(turn);
            told.extend_from_within(..);
            told.reverse();
            prop_assert_eq!(join(&told), expected);
        }
    }
}
