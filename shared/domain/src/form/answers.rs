//! What a visitor filled in, read against the form that was shown.

use super::Definition;
use super::check::{OWN, wrong};
use crate::email::Email;
use crate::language::Language;
use crate::lead::{self, Attributes, FieldError, MOST_BEDROOMS, Utm};
use crate::phone::Phone;
use serde_json::{Map, Value};

/// A field that people do not see and programs that fill in everything do.
pub const TRAP: &str = "website";
/// Where a number without a country code is dialled.
const HOME: &str = "AE";
/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 4_096;
/// The longest answer to a field of the form's own, in characters.
const LONGEST_ANSWER: usize = 512;
/// The tags of campaigns.
const TAGS: [&str; 6] = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id"];

/// What was filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Their name.
    pub name: String,
    /// Their number; it or the address is there.
    pub phone: Option<Phone>,
    /// Their address.
    pub email: Option<Email>,
    /// What they would spend, in fils.
    pub budget_fils: Option<u64>,
    /// How many bedrooms.
    pub bedrooms: Option<u8>,
    /// Where they look.
    pub area: Option<String>,
    /// When they want the keys.
    pub handover_horizon: Option<String>,
    /// What they wrote.
    pub message: Option<String>,
    /// The form's own fields.
    pub attributes: Attributes,
    /// How they came.
    pub utm: Utm,
    /// The language they were shown.
    pub language: Language,
    /// The box, if they ticked it.
    pub agreed: Option<Agreed>,
}

/// A ticked box: the words beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The words.
    pub wording: String,
    /// Which version of them.
    pub version: String,
    /// Their language.
    pub language: Language,
}

/// Why a submission is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// A field cannot be what it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The page showed another version of the words beside the box.
    #[error("the form's consent wording is version {0} now")]
    Outdated(String),
}

/// Reads a submission; `None` when the trap is filled. Empty texts are fields that were left empty, as browsers send
/// them.
///
/// # Errors
/// [`NotTaken`].
pub fn read(form: &Definition, mut given: Map<String, Value>) -> Result<Option<Answers>, NotTaken> {
    if let Some(Value::Object(own)) = given.remove("attributes") {
        given.extend(own.into_iter().map(|(name, value)| (format!("{OWN}{name}"), value)));
    }
    if text(&mut given, TRAP, LONGEST_MESSAGE)?.is_some() {
        return Ok(None);
    }
    let language = match text(&mut given, "language", 16)? {
        None => form.default_language,
        Some(text) => Language::parse(&text).ok_or_else(|| wrong("language", "Expected `ar` or `en`."))?,
    };
    let agreed = consent(form, &mut given, language)?;
    let mut tags = TAGS.map(|_| None);
    for (slot, name) in tags.iter_mut().zip(TAGS) {
        *slot = text(&mut given, name, LONGEST_ANSWER)?;
    }
    let [source, medium, campaign, term, content, id] = tags;
    let utm = Utm { source, medium, campaign, term, content, id }.normalised()?;
    if let Some(unknown) = given.keys().find(|name| !form.fields.iter().any(|field| field.name == **name)) {
        let shown: String = unknown.chars().take(64).collect();
        return Err(wrong(shown, "This form has no such field.").into());
    }
    for field in form.fields.iter().filter(|field| field.required) {
        if given.get(&field.name).is_none_or(is_empty) {
            return Err(wrong(&field.name, "This field must be filled.").into());
        }
    }
    let name = text(&mut given, "name", LONGEST_ANSWER)?;
    let name = lead::name(&name.ok_or_else(|| wrong("name", "This field must be filled."))?)?;
    let phone = text(&mut given, "phone", LONGEST_ANSWER)?.map(|text| phone(&text)).transpose()?;
    let email = text(&mut given, "email", LONGEST_ANSWER)?.map(|text| email(&text)).transpose()?;
    if phone.is_none() && email.is_none() {
        let field = if form.fields.iter().any(|field| field.name == "phone") { "phone" } else { "email" };
        return Err(wrong(field, "A phone number or an e-mail address is needed to answer.").into());
    }
    let budget_fils = number(&mut given, "budget_aed")?.map(lead::budget).transpose()?;
    let bedrooms = number(&mut given, "bedrooms")?.map(bedrooms).transpose()?;
    let area = text(&mut given, "area", LONGEST_ANSWER)?.map(|text| lead::area(&text)).transpose()?;
    let horizon = text(&mut given, "handover_horizon", LONGEST_ANSWER)?;
    let handover_horizon = horizon.map(|text| lead::horizon(&text)).transpose()?;
    let message = text(&mut given, "message", LONGEST_MESSAGE)?;
    let attributes = attributes(given)?;
    Ok(Some(Answers {
        name,
        phone,
        email,
        budget_fils,
        bedrooms,
        area,
        handover_horizon,
        message,
        attributes,
        utm,
        language,
        agreed,
    }))
}

fn consent(
    form: &Definition,
    given: &mut Map<String, Value>,
    language: Language,
) -> Result<Option<Agreed>, NotTaken> {
    let ticked = match given.remove("consent") {
        None => false,
        Some(value) => is_ticked(&value).ok_or_else(|| wrong("consent", "Expected `true` or `false`."))?,
    };
    let version = text(given, "consent_version", LONGEST_ANSWER)?;
    let Some(shown) = &form.consent else {
        if ticked {
            return Err(wrong("consent", "This form asks for no consent.").into());
        }
        return Ok(None);
    };
    if !ticked {
        if shown.required {
            return Err(wrong("consent", "This box must be ticked.").into());
        }
        return Ok(None);
    }
    if version.is_some_and(|version| version != shown.version) {
        return Err(NotTaken::Outdated(shown.version.clone()));
    }
    // What was not shown was not agreed to.
    let wording = shown.wording.get(language);
    let wording = wording.ok_or_else(|| wrong("language", "The box has no words in this language."))?;
    Ok(Some(Agreed { wording: wording.to_owned(), version: shown.version.clone(), language }))
}

/// A box: `true`, or what browsers send of a ticked one.
fn is_ticked(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Bool(ticked) => Some(*ticked),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "on" | "true" | "1" | "yes" => Some(true),
            "" | "off" | "false" | "0" | "no" => Some(false),
            _ => None,
        },
        Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn text(given: &mut Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, FieldError> {
    match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.trim().to_owned())),
        Some(Value::String(_)) => Err(wrong(name, format!("Expected at most {most} characters."))),
        Some(_) => Err(wrong(name, "Expected a text.")),
    }
}

fn number(given: &mut Map<String, Value>, name: &str) -> Result<Option<u64>, FieldError> {
    let expected = || wrong(name, "Expected a whole number.");
    match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.as_u64().map(Some).ok_or_else(expected),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| expected()),
        Some(_) => Err(expected()),
    }
}

fn phone(text: &str) -> Result<Phone, FieldError> {
    let expected = "Expected a complete phone number, such as `+971501110001` or, in the UAE, `0501110001`.";
    Phone::normalise(text, HOME).map_err(|_| wrong("phone", expected))
}

fn email(text: &str) -> Result<Email, FieldError> {
    Email::parse(text).map_err(|_| wrong("email", "Expected an e-mail address."))
}

fn bedrooms(count: u64) -> Result<u8, FieldError> {
    let count = u8::try_from(count).ok().filter(|count| *count <= MOST_BEDROOMS);
    count.ok_or_else(|| wrong("bedrooms", format!("Expected 0 to {MOST_BEDROOMS}; 0 is a studio.")))
}

/// The form's own fields, all that is left.
fn attributes(given: Map<String, Value>) -> Result<Attributes, FieldError> {
    let mut own = Attributes::new();
    for (name, value) in given {
        if is_empty(&value) {
            continue;
        }
        let fits = match &value {
            Value::String(text) => text.chars().count() <= LONGEST_ANSWER,
            Value::Bool(_) | Value::Number(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !fits {
            let message = format!("Expected a number, a yes or no, or at most {LONGEST_ANSWER} characters.");
            return Err(wrong(name, message));
        }
        own.insert(name.strip_prefix(OWN).unwrap_or(&name).to_owned(), value);
    }
    lead::merged(&Attributes::new(), &own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form() -> Definition {
        let form = json!({
            "name": "F", "allowed_origins": ["*"],
            "fields": [
                {"name": "name", "required": true}, {"name": "phone"}, {"name": "email"},
                {"name": "budget_aed"}, {"name": "bedrooms"}, {"name": "attributes.pets"},
            ],
            "consent": {"version": "2", "wording": {"en": "Send me offers"}},
        });
        serde_json::from_value::<Definition>(form).unwrap().checked().unwrap()
    }

    fn fill(change: Value) -> Result<Option<Answers>, NotTaken> {
        let mut given = json!({"name": "Aisha", "phone": "0501234567"});
        for (name, value) in change.as_object().unwrap() {
            given[name] = value.clone();
        }
        read(&form(), given.as_object().unwrap().clone())
    }

    #[test]
    fn what_browsers_send_and_what_programs_send_are_read_alike() {
        let program = json!({
            "budget_aed": 5, "bedrooms": 2, "consent": true, "email": null, "attributes": {"pets": "two"},
        });
        let browser = json!({
            "budget_aed": "5", "bedrooms": " 2", "consent": "on", "email": "", "attributes.pets": "two",
            "website": "",
        });
        let read = fill(program).unwrap().unwrap();
        assert_eq!(read, fill(browser).unwrap().unwrap());
        assert_eq!((read.budget_fils, read.bedrooms, read.email.is_none()), (Some(500), Some(2), true));
        let agreed = read.agreed.unwrap();
        assert_eq!((agreed.wording.as_str(), agreed.version.as_str()), ("Send me offers", "2"));
        assert_eq!(read.attributes, json!({"pets": "two"}).as_object().unwrap().clone());
    }

    #[test]
    fn a_filled_trap_is_no_submission_whatever_else_is_wrong() {
        assert_eq!(fill(json!({"website": "https://spam.example", "phone": "nonsense"})), Ok(None));
    }

    #[test]
    fn an_unticked_box_is_no_consent_and_a_required_one_is_asked_for() {
        for unticked in [json!({}), json!({"consent": false}), json!({"consent": ""})] {
            assert_eq!(fill(unticked).unwrap().unwrap().agreed, None);
        }
        let mut form = form();
        form.consent.as_mut().unwrap().required = true;
        let given = json!({"name": "A", "phone": "0501234567"});
        let refused = read(&form, given.as_object().unwrap().clone()).unwrap_err();
        assert!(matches!(refused, NotTaken::Field(error) if error.field == "consent"));
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        for (change, field) in [
            (json!({"name": ""}), "name"),
            (json!({"name": 5}), "name"),
            (json!({"phone": "050"}), "phone"),
            (json!({"phone": ""}), "phone"),
            (json!({"email": "a@b"}), "email"),
            (json!({"budget_aed": "much"}), "budget_aed"),
            (json!({"budget_aed": -1}), "budget_aed"),
            (json!({"bedrooms": 300}), "bedrooms"),
            (json!({"area": "Marina"}), "area"),
            (json!({"status": "won"}), "status"),
            (json!({"attributes": {"cats": 1}}), "attributes.cats"),
            (json!({"attributes": {"pets": [1]}}), "attributes.pets"),
            (json!({"language": "fr"}), "language"),
            (json!({"consent": "maybe"}), "consent"),
            (json!({"consent": true, "language": "ar"}), "language"),
        ] {
            let shown = change.to_string();
            let refused = fill(change).unwrap_err();
            assert!(matches!(&refused, NotTaken::Field(error) if error.field == field), "{shown}: {refused}");
        }
        let outdated = fill(json!({"consent": true, "consent_version": "1"})).unwrap_err();
        assert_eq!(outdated, NotTaken::Outdated("2".into()));
    }
}
