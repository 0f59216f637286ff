//! Phone numbers as the providers name their users: E.164, complete, compared whole.
//!
//! `+971 50 123 4567` and `+966 50 123 4567` are two people; matching by the last nine digits would merge them (R17).

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A complete E.164 number. `Display` and `Debug` mask it; [`Phone::e164`] does not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// The text is not a complete international number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 phone number")]
pub struct NotAPhone;

impl Phone {
    /// Reads a provider's user id: E.164 digits, with or without the leading `+` (Meta's `wa_id`, UltraMsg's
    /// `9715..@c.us` after the suffix is cut).
    ///
    /// # Errors
    /// Anything but 7 to 15 digits (ITU-T E.164), the first not zero.
    pub fn from_wa_id(text: &str) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plausible = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if plausible { Ok(Self(format!("+{digits}"))) } else { Err(NotAPhone) }
    }

    /// Reads E.164 as a person must write it to be sent to: a plus sign, the country code, the complete number, no
    /// blanks, and a number that its country's plan knows (so `+971 050…` and `+9710501234567` are none).
    ///
    /// # Errors
    /// Anything else.
    pub fn parse_e164(text: &str) -> Result<Self, NotAPhone> {
        if !text.starts_with('+') {
            return Err(NotAPhone);
        }
        let phone = Self::from_wa_id(text)?;
        let known = phonenumber::parse(None, text).map_err(|_| NotAPhone)?;
        let same = known.format().mode(phonenumber::Mode::E164).to_string() == text;
        if same && phonenumber::is_valid(&known) { Ok(phone) } else { Err(NotAPhone) }
    }

    /// Reads a number as people and portals write it: with blanks and punctuation, in Arabic-Indic digits, with `+`, with
    /// `00`, or as it is dialled at home, which is `home` (an ISO 3166 code such as `AE`).
    ///
    /// # Errors
    /// Anything that is no complete number of its country's plan, and a `home` that is no country.
    pub fn normalise(text: &str, home: &str) -> Result<Self, NotAPhone> {
        let home = home.parse::<phonenumber::country::Id>().map_err(|_| NotAPhone)?;
        let written = dialled(text).ok_or(NotAPhone)?;
        let international = written.strip_prefix('+').or_else(|| written.strip_prefix("00"));
        let found = match international {
            Some(digits) => of_its_plan(None, &format!("+{digits}")),
            // Providers write a complete number without its plus.
            None => of_its_plan(Some(home), &written).or_else(|| of_its_plan(None, &format!("+{written}"))),
        };
        found.ok_or(NotAPhone)
    }

    /// The number in full, with its `+`.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// The country whose plan the number belongs to (ISO 3166), if one knows it.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        let known = phonenumber::parse(None, &self.0).ok()?;
        known.country().id().map(|country| country.as_ref().to_owned())
    }

    /// The digits of the number in every way that people and programs write it: complete, with `00`, and as it is dialled at
    /// home, with and without what is dialled before it. Short ones are left out: they could be anything.
    #[must_use]
    pub fn spellings(&self) -> Vec<String> {
        let mut all = vec![self.wa_id().to_owned(), format!("00{}", self.wa_id())];
        if let Ok(known) = phonenumber::parse(None, &self.0) {
            let national = known.format().mode(phonenumber::Mode::National).to_string();
            all.push(national.chars().filter(char::is_ascii_digit).collect());
            all.push(known.national().value().to_string());
        }
        all.retain(|digits| digits.len() >= SHORTEST_SPELLING);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The digits without the `+`, as the providers write them.
    #[must_use]
    pub fn wa_id(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }
}

/// Digits fewer than these name nobody by themselves.
const SHORTEST_SPELLING: usize = 8;
/// The longest spelling of a number, in characters.
const LONGEST: usize = 40;

/// What is left of a written number when blanks and punctuation are gone; `None` when it holds anything else.
fn dialled(text: &str) -> Option<String> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let mut digits = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '0'..='9' => digits.push(c),
            '\u{660}'..='\u{669}' => digits.push(western(c, '\u{660}')?),
            '\u{6F0}'..='\u{6F9}' => digits.push(western(c, '\u{6F0}')?),
            '+' | '\u{FF0B}' if digits.is_empty() => digits.push('+'),
            // Blanks, punctuation, and the marks that text copied from Arabic pages carries.
            ' ' | '\u{A0}' | '\t' | '-' | '\u{2010}'..='\u{2015}' | '(' | ')' | '.' | '/' => {}
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// The western digit for one that is counted from `zero`.
fn western(digit: char, zero: char) -> Option<char> {
    char::from_digit(u32::from(digit).checked_sub(u32::from(zero))?, 10)
}

fn of_its_plan(home: Option<phonenumber::country::Id>, text: &str) -> Option<Phone> {
    let known = phonenumber::parse(home, text).ok().filter(phonenumber::is_valid)?;
    Phone::from_wa_id(&known.format().mode(phonenumber::Mode::E164).to_string()).ok()
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or("");
        let head = self.0.get(..4).unwrap_or("+");
        write!(f, "{head}…{tail}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.e164())
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::from_wa_id(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gulf_twins_stay_two_numbers() {
        let uae = Phone::from_wa_id("971501234567").unwrap();
        let ksa = Phone::from_wa_id("966501234567").unwrap();
        assert_ne!(uae, ksa);
        assert_eq!(uae.e164(), "+971501234567");
        assert_eq!(uae.wa_id(), "971501234567");
    }

    #[test]
    fn what_is_not_e164_is_refused() {
        for bad in
            ["", "+", "0501234567", "12345", "1234567890123456", "97150x234567", "US.1349", "9715 0123"]
        {
            assert_eq!(Phone::from_wa_id(bad), Err(NotAPhone), "{bad}");
        }
    }

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for (written, home, expected) in [
            ("+971501110001", "AE", "+971501110001"),
            ("+971 50 111 0001", "AE", "+971501110001"),
            ("00971501110001", "AE", "+971501110001"),
            ("00971 50 111 0001", "AE", "+971501110001"),
            ("971501110001", "AE", "+971501110001"),
            ("0501110001", "AE", "+971501110001"),
            ("050 111 0001", "AE", "+971501110001"),
            ("050-111-0001", "AE", "+971501110001"),
            ("(050) 1110001", "AE", "+971501110001"),
            ("501110001", "AE", "+971501110001"),
            ("+971 (0)50 111 0001", "AE", "+971501110001"),
            ("\u{202A}+971 50 111 0001\u{202C}", "AE", "+971501110001"),
            ("\u{660}\u{665}\u{660}\u{661}\u{661}\u{661}\u{660}\u{660}\u{660}\u{661}", "AE", "+971501110001"),
            ("04 423 4567", "AE", "+97144234567"),
            ("+966 50 123 4567", "AE", "+966501234567"),
            ("0501234567", "SA", "+966501234567"),
            ("+44 20 7946 0958", "AE", "+442079460958"),
            ("0044 20 7946 0958", "AE", "+442079460958"),
            ("+1 (650) 253-0000", "AE", "+16502530000"),
            ("+91 98765 43210", "AE", "+919876543210"),
        ] {
            assert_eq!(Phone::normalise(written, home).as_ref().map(Phone::e164), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_number_of_any_plan_is_refused() {
        for bad in [
            "",
            "+",
            "0",
            "00",
            "x",
            "050 111",
            "05011100011",
            "+97105",
            "+971 50 111 000x",
            "call me",
            "+971501110001 ext 5",
            "050111000150111000150111000150111000150111",
            "+9999999999",
            "++971501110001",
            "501110001+",
            "+0501110001",
        ] {
            assert_eq!(Phone::normalise(bad, "AE"), Err(NotAPhone), "{bad}");
        }
        assert_eq!(Phone::normalise("+971501110001", "??"), Err(NotAPhone));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_it_reads_it_reads_again(text in "[-+0-9 ().x\u{660}-\u{669}]{0,24}") {
            if let Ok(phone) = Phone::normalise(&text, "AE") {
                proptest::prop_assert_eq!(Phone::normalise(phone.e164(), "AE"), Ok(phone.clone()));
            }
        }
    }

    #[test]
    fn printing_a_phone_masks_it() {
        let phone = Phone::from_wa_id("971501234567").unwrap();
        assert_eq!(format!("{phone} {phone:?}"), "+971…67 +971…67");
    }
}
