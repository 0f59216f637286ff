//! The customers of one number: who they are, and when they last wrote.

use crate::ids;
use crate::memory::digest;
use std::collections::HashMap;

/// How long a customer's message lets the business write freely.
pub(crate) const WINDOW_MS: i64 = 24 * 3600 * 1000;

/// A customer as WhatsApp knows one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    /// The phone number's digits.
    pub(crate) phone: Option<String>,
    /// The business-scoped user id.
    pub(crate) user_id: Option<String>,
    /// The name of the profile.
    pub(crate) name: String,
    /// The business does not see the phone number.
    pub(crate) hidden: bool,
    /// When the person last wrote, by the message's own time.
    pub(crate) wrote_ms: Option<i64>,
}

/// All customers of a number.
#[derive(Debug, Default)]
pub(crate) struct People {
    all: HashMap<usize, Person>,
    /// By digits and by user id.
    index: HashMap<String, usize>,
    /// When people wrote before the last restart, by the digest of number or user id.
    before: HashMap<String, i64>,
}

impl People {
    /// The person with this number or user id.
    pub(crate) fn find(&self, key: &str) -> Option<&Person> {
        self.all.get(self.index.get(key)?)
    }

    /// The person with this number, or this user id, who is made if nobody has either. A user id that is new for a
    /// known number replaces the old one.
    pub(crate) fn meet(&mut self, digits: Option<&str>, user_id: Option<&str>) -> &mut Person {
        let known = [user_id, digits].into_iter().flatten().find_map(|key| self.index.get(key).copied());
        let at = known.unwrap_or(self.all.len());
        for key in [digits, user_id].into_iter().flatten() {
            self.index.insert(key.to_owned(), at);
        }
        let person = self.all.entry(at).or_default();
        person.phone = digits.map(str::to_owned).or(person.phone.take());
        person.user_id = user_id.map(str::to_owned).or(person.user_id.take());
        person
    }

    /// Notes that a person wrote at this time.
    pub(crate) fn wrote(&mut self, digits: Option<&str>, user_id: Option<&str>, at_ms: i64) {
        let person = self.meet(digits, user_id);
        person.wrote_ms = person.wrote_ms.max(Some(at_ms));
    }

    /// Notes that somebody wrote before the last restart.
    pub(crate) fn remember(&mut self, who: String, at_ms: i64) {
        let known = self.before.entry(who).or_insert(at_ms);
        *known = at_ms.max(*known);
    }

    /// Whether the business may write freely to this number or user id.
    pub(crate) fn window_open(&self, key: &str, now_ms: i64) -> bool {
        let before = self.before.get(&digest(key)).copied();
        let wrote = self.find(key).and_then(|person| person.wrote_ms).max(before);
        wrote.is_some_and(|wrote| now_ms < wrote.saturating_add(WINDOW_MS))
    }
}

/// The digits of a number in any of the spellings that the providers take.
pub(crate) fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Whether a text is a number as the providers take it.
pub(crate) fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let plain = rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')'));
    plain && (7..=15).contains(&digits(rest).len())
}

/// Whether a text is a business-scoped user id: `AE.1349..` or `AE.ENT.1181..`.
pub(crate) fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The user id of whoever has a number, unless one is known.
pub(crate) fn user_id_of(people: &People, portfolio: &str, digits: &str) -> String {
    let known = people.find(digits).and_then(|person| person.user_id.clone());
    known.unwrap_or_else(|| ids::user_id(portfolio, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_open_for_exactly_a_day() {
        let mut people = People::default();
        people.wrote(Some("971501234567"), Some("AE.1"), 1_000);
        assert!(people.window_open("971501234567", 1_000 + WINDOW_MS - 1));
        assert!(people.window_open("AE.1", 1_000 + WINDOW_MS - 1));
        assert!(!people.window_open("AE.1", 1_000 + WINDOW_MS));
        assert!(!people.window_open("971500000000", 1_000));
    }

    #[test]
    fn an_older_message_does_not_shorten_the_window() {
        let mut people = People::default();
        people.wrote(Some("1"), None, 5_000);
        people.wrote(Some("1"), None, 2_000);
        assert!(people.window_open("1", 5_000 + WINDOW_MS - 1));
    }

    #[test]
    fn user_ids_and_numbers_are_told_apart() {
        assert!(is_user_id("AE.13491208655302741918") && is_user_id("US.ENT.1181"));
        assert!(!is_user_id("971501234567") && !is_user_id("ae.1") && !is_user_id("AE."));
        assert!(is_phone("+971 50 123 4567") && !is_phone("+971x") && !is_phone("12345"));
    }
}
