//! Who a message is from: the identities WhatsApp knows people by, strongest first.

use crate::email::Email;
use crate::phone::Phone;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A business-scoped user id (`CC.` and up to 128 alphanumerics): opaque, kept exactly as received.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bsuid(String);

impl Bsuid {
    /// Reads a business-scoped user id such as `US.13491208655302741918` or `US.ENT.1181`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let well_formed = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_alphabetic())
            && (1..=140).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The id as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bsuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..3).unwrap_or(""))?;
        f.write_str("…")
    }
}

/// One way to name a person, as it is looked up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Identity {
    /// By business-scoped user id.
    Bsuid(Bsuid),
    /// By complete phone number.
    Phone(Phone),
    /// By a provider's own opaque id (UltraMsg's `@lid`), lower-cased.
    Opaque(String),
    /// By e-mail address: how people are known who left no number.
    Email(Email),
}

impl Identity {
    /// As one text that [`Identity::parse_spelled`] reads again: the kind, a colon, the identity in full.
    #[must_use]
    pub fn spelled(&self) -> String {
        match self {
            Self::Bsuid(bsuid) => format!("bsuid:{}", bsuid.as_str()),
            Self::Phone(phone) => format!("phone:{}", phone.e164()),
            Self::Opaque(text) => format!("opaque:{text}"),
            Self::Email(email) => format!("email:{}", email.as_str()),
        }
    }

    /// Reads what [`Identity::spelled`] wrote.
    #[must_use]
    pub fn parse_spelled(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "bsuid" => Bsuid::parse(rest).map(Self::Bsuid),
            "phone" => Phone::from_wa_id(rest).ok().map(Self::Phone),
            "opaque" => Some(Self::Opaque(rest.to_owned())),
            "email" => Email::parse(rest).ok().map(Self::Email),
            _ => None,
        }
    }
}

/// Everything a body says about one person. At least one of `bsuid`, `phone`, `opaque` is there when the person can
/// be told apart.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    /// The business-scoped user id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bsuid: Option<Bsuid>,
    /// The id in the linked portfolio.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent_bsuid: Option<Bsuid>,
    /// The complete phone number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Phone>,
    /// A provider's opaque id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opaque: Option<String>,
    /// The WhatsApp user name, without `@`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<String>,
    /// The name the person chose to show.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

impl Person {
    /// The identities to look the contact up by, strongest first.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let mut all = Vec::with_capacity(2);
        all.extend(self.bsuid.clone().map(Identity::Bsuid));
        all.extend(self.phone.clone().map(Identity::Phone));
        if all.is_empty() {
            all.extend(self.opaque.clone().map(Identity::Opaque));
        }
        all
    }
}

/// A person's identity changed; both sides name the same contact from now on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityChange {
    /// As the person was known.
    pub previous: Person,
    /// As the person is known now.
    pub current: Person,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bsuid_is_kept_exactly_and_never_confused_with_a_phone() {
        assert_eq!(Bsuid::parse("US.13491208655302741918").unwrap().as_str(), "US.13491208655302741918");
        assert_eq!(Bsuid::parse("US.ENT.1181").unwrap().as_str(), "US.ENT.1181");
        for bad in ["", "971501234567", "US", "US.", "U.1", "USA.1", "US.a b", "<BSUID>", "US.#"] {
            assert_eq!(Bsuid::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_identity_that_was_spelled_is_read_again() {
        for identity in [
            Identity::Bsuid(Bsuid::parse("AE.1").unwrap()),
            Identity::Phone(Phone::from_wa_id("971501234567").unwrap()),
            Identity::Opaque("12:3@lid".to_owned()),
            Identity::Email(Email::parse("a@example.com").unwrap()),
        ] {
            assert_eq!(Identity::parse_spelled(&identity.spelled()), Some(identity));
        }
        for bad in ["", "phone", "phone:", "bsuid:x", "name:Omar", "email:x"] {
            assert_eq!(Identity::parse_spelled(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_bsuid_is_looked_up_before_the_phone() {
        let person = Person {
            bsuid: Bsuid::parse("AE.1"),
            phone: Phone::from_wa_id("971501234567").ok(),
            ..Person::default()
        };
        let kinds = person.identities();
        assert!(matches!(kinds.as_slice(), [Identity::Bsuid(_), Identity::Phone(_)]), "{kinds:?}");
    }
}
