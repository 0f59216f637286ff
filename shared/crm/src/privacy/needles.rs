//! Finding a person in bodies that were kept, and taking out no more than what is about them: a body may be about many.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::identity::Identity;
use serde_json::Value;

/// How WhatsApp's ids of messages begin: what follows is Base 64, and holds the customer's number.
const WAMID: &str = "wamid.";

/// What a person is found by.
#[derive(Debug, Clone, Default)]
pub(super) struct Needles {
    /// Ids of ours, as they stand in our own bodies.
    ids: Vec<String>,
    /// Digits of numbers, in every spelling.
    digits: Vec<String>,
    /// Anything else, in lower case.
    texts: Vec<String>,
}

/// What is left of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// All: it is not about the person.
    All,
    /// What is about others.
    Some(Vec<u8>),
    /// Nothing.
    Nothing,
}

impl Needles {
    pub(super) fn new(identities: &[Identity], ids: Vec<String>) -> Self {
        let mut needles = Self { ids, ..Self::default() };
        for identity in identities {
            match identity {
                Identity::Phone(phone) => needles.digits.extend(phone.spellings()),
                Identity::Bsuid(bsuid) => needles.texts.push(bsuid.as_str().to_lowercase()),
                Identity::Opaque(text) => needles.texts.push(text.to_lowercase()),
                Identity::Email(email) => needles.texts.push(email.as_str().to_lowercase()),
            }
        }
        needles
    }

    /// Whether a text of any kind names the person.
    pub(super) fn are_in(&self, text: &str) -> bool {
        self.ids.iter().any(|id| text.contains(id.as_str()))
            || self.names_them(text)
            || text.match_indices(WAMID).any(|(at, _)| self.is_in_wamid(text.get(at..).unwrap_or_default()))
    }

    fn names_them(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.texts.iter().any(|needle| whole_word(&lower, needle)) || self.dialled_in(text)
    }

    /// Whether one of the numbers stands in a text, as one run of digits or with blanks and punctuation within.
    fn dialled_in(&self, text: &str) -> bool {
        if self.digits.is_empty() {
            return false;
        }
        let (mut run, mut spaced, mut gap) = (String::new(), String::new(), 0);
        let is = |digits: &String| self.digits.contains(digits);
        for c in text.chars().chain(['\n']) {
            match digit(c) {
                Some(digit) => {
                    run.push(digit);
                    spaced.push(digit);
                    gap = 0;
                }
                None => {
                    if is(&run) {
                        return true;
                    }
                    run.clear();
                    gap += 1;
                    let within = matches!(c, ' ' | '\u{A0}' | '-' | '(' | ')' | '.' | '/') && gap <= 2;
                    if !within {
                        if is(&spaced) {
                            return true;
                        }
                        spaced.clear();
                    }
                }
            }
        }
        false
    }

    fn is_in_wamid(&self, text: &str) -> bool {
        let rest = text.strip_prefix(WAMID).unwrap_or_default();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
        let packed = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let Ok(bytes) = STANDARD.decode(packed) else { return false };
        let text = String::from_utf8_lossy(&bytes);
        self.dialled_in(&text)
    }

    /// A body without what is about the person. In a body of many, the smallest member of a list that names them goes;
    /// what names them outside of every list takes everything with it, and so does a body that nobody can read.
    pub(super) fn taken_out_of(&self, body: &[u8]) -> Left {
        let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
            let found = self.are_in(&String::from_utf8_lossy(body));
            return if found { Left::Nothing } else { Left::All };
        };
        let before = value.clone();
        if self.prune(&mut value) {
            return Left::Nothing;
        }
        if value == before { Left::All } else { Left::Some(value.to_string().into_bytes()) }
    }

    /// Removes members of lists that name the person; true when what is left still does.
    fn prune(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(members) => {
                members.retain_mut(|member| !self.prune(member));
                false
            }
            Value::Object(fields) => {
                let mut named = false;
                for (name, field) in fields.iter_mut() {
                    named |= self.prune(field) || self.are_in(name);
                }
                named
            }
            Value::String(text) => self.are_in(text),
            Value::Number(number) => self.digits.contains(&number.to_string()),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

/// The digit that a character is, in western, Arabic or Persian script.
fn digit(c: char) -> Option<char> {
    let from = |zero: u32| char::from_digit(u32::from(c).checked_sub(zero).filter(|value| *value < 10)?, 10);
    c.is_ascii_digit().then_some(c).or_else(|| from(0x660)).or_else(|| from(0x6F0))
}

/// Whether a needle stands in a text by itself and not as a part of a longer name.
fn whole_word(text: &str, needle: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(needle).any(|(at, _)| {
        let before = text.get(..at).and_then(|rest| rest.chars().next_back());
        let after = text.get(at + needle.len()..).and_then(|rest| rest.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::email::Email;
    use domain::identity::Bsuid;
    use domain::phone::Phone;
    use serde_json::json;

    fn needles() -> Needles {
        let phone = Phone::from_wa_id("971501234567").unwrap();
        let identities = [
            Identity::Phone(phone),
            Identity::Bsuid(Bsuid::parse("AE.77").unwrap()),
            Identity::Email(Email::parse("omar@example.com").unwrap()),
        ];
        Needles::new(&identities, vec!["01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()])
    }

    #[test]
    fn a_number_is_found_in_every_spelling() {
        for text in [
            "971501234567",
            "call +971 50 123 4567 now",
            "00971501234567",
            "050-123-4567",
            "(050) 123.4567",
            "501234567",
            "٠٥٠١٢٣٤٥٦٧",
            "971501234567@c.us",
        ] {
            assert!(needles().are_in(text), "{text}");
        }
        let packed = format!("wamid.{}", STANDARD.encode(b"\x1d\x0c971501234567\x15\x02\x00"));
        assert!(needles().are_in(&packed));
    }

    #[test]
    fn a_number_that_ends_or_begins_alike_is_another_one() {
        for text in
            ["966501234567", "9715012345678", "15012345670", "97150123456", "5012345", "AE.778", "xAE.77"]
        {
            assert!(!needles().are_in(text), "{text}");
        }
    }

    #[test]
    fn addresses_and_ids_are_found_whole() {
        assert!(needles().are_in("From: Omar@Example.com;"));
        assert!(!needles().are_in("tomar@example.com"));
        assert!(needles().are_in("{\"contact_id\":\"ctc_01ARZ3NDEKTSV4RRFFQ69G5FAV\"}"));
    }

    #[test]
    fn of_a_body_about_many_only_their_part_goes() {
        let body = json!({"entry": [{"changes": [{"value": {
            "contacts": [{"wa_id": "971501234567", "profile": {"name": "Omar"}}, {"wa_id": "971507654321"}],
            "messages": [{"from": "971507654321", "text": {"body": "hi"}}, {"from": "971501234567", "text": {"body": "secret"}}],
            "statuses": [{"recipient_id": "971501234567"}],
        }}]}]});
        let Left::Some(left) = needles().taken_out_of(body.to_string().as_bytes()) else {
            panic!("not a part")
        };
        let left: Value = serde_json::from_slice(&left).unwrap();
        let value = &left["entry"][0]["changes"][0]["value"];
        assert_eq!(value["messages"], json!([{"from": "971507654321", "text": {"body": "hi"}}]));
        assert_eq!(value["contacts"], json!([{"wa_id": "971507654321"}]));
        assert_eq!(value["statuses"], json!([]));
    }

    #[test]
    fn what_names_them_outside_of_every_list_and_what_cannot_be_read_goes_as_a_whole() {
        let body =
            json!({"event_type": "message_received", "data": {"from": "971501234567@c.us", "body": "x"}});
        assert_eq!(needles().taken_out_of(body.to_string().as_bytes()), Left::Nothing);
        assert_eq!(needles().taken_out_of(b"{\"data\": \"Omar 971501234567\", "), Left::Nothing);
        assert_eq!(needles().taken_out_of(b"{\"data\": \"Sara\", "), Left::All);
        assert_eq!(
            needles().taken_out_of(json!({"phone": 971_501_234_567_u64}).to_string().as_bytes()),
            Left::Nothing
        );
        assert_eq!(needles().taken_out_of(b"[]"), Left::All);
    }
}
