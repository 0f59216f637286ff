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

    /// The number in full, with its `+`.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// The digits without the `+`, as the providers write them.
    #[must_use]
    pub fn wa_id(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }
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
    fn printing_a_phone_masks_it() {
        let phone = Phone::from_wa_id("971501234567").unwrap();
        assert_eq!(format!("{phone} {phone:?}"), "+971…67 +971…67");
    }
}
