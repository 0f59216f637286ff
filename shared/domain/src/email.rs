//! E-mail addresses: read leniently, compared without regard to case.

use serde::{Serialize, Serializer};
use std::fmt;

/// The longest address, in bytes (RFC 5321).
const LONGEST: usize = 254;
/// The longest part before the `@`, in bytes.
const LONGEST_LOCAL: usize = 64;

/// An address in lower case. `Display` and `Debug` mask it; [`Email::as_str`] does not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

impl Email {
    /// Reads an address as people type it; `mailto:` and blanks around it do not count.
    ///
    /// # Errors
    /// No `@`, no dotted domain, blanks or control characters inside, or too long.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let local_fits = (1..=LONGEST_LOCAL).contains(&local.len())
            && local.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"@<>()[],;:\\\"".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let label_fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_fits = domain.contains('.')
            && domain.split('.').all(label_fits)
            && domain.rsplit('.').next().is_some_and(|last| !last.chars().all(|c| c.is_ascii_digit()));
        if text.len() <= LONGEST && local_fits && domain_fits {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(NotAnEmail)
        }
    }

    /// The address in full.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.split_once('@').unwrap_or_default();
        write!(f, "{}…@{domain}", local.chars().next().unwrap_or('…'))
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (written, expected) in [
            ("aisha@example.com", "aisha@example.com"),
            (" Aisha.Khan+portal@Example.COM ", "aisha.khan+portal@example.com"),
            ("mailto:a@b.ae", "a@b.ae"),
            ("o'neil@mail.example.co.uk", "o'neil@mail.example.co.uk"),
            ("علي@مثال.امارات", "علي@مثال.امارات"),
        ] {
            assert_eq!(Email::parse(written).as_ref().map(Email::as_str), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@b.com",
            "a@b",
            "a b@c.com",
            "a@b..com",
            "a@-b.com",
            "a@@b.com",
            ".a@b.com",
            "a..b@c.com",
            "a@1.2.3.4",
            "<a@b.com>",
            "a@b.com,c@d.com",
            long.as_str(),
        ] {
            assert_eq!(Email::parse(bad), Err(NotAnEmail), "{bad}");
        }
    }

    #[test]
    fn printing_an_address_masks_it() {
        let email = Email::parse("aisha@example.com").unwrap();
        assert_eq!(format!("{email} {email:?}"), "a…@example.com a…@example.com");
    }
}
