//! What fills a template's buttons.

use super::Mismatch;
use super::text::variables;
use crate::outgoing::ButtonValue;
use crate::template::{Button, ButtonParameter, Category, FilledButton, Template};

/// The longest code a button copies, in characters (Meta).
const LONGEST_CODE: usize = 15;
/// The longest address, in characters.
const LONGEST_URL: usize = 2_000;

/// What a button does with a value.
enum Takes {
    /// It needs one.
    Needs(ButtonParameter),
    /// It takes one.
    May(ButtonParameter),
    /// It takes the one-time code of the body.
    Code,
    /// It takes none.
    Nothing,
}

fn takes(template: &Template, button: &Button) -> Takes {
    match button {
        Button::QuickReply { .. } => Takes::May(ButtonParameter::QuickReply),
        Button::Flow { .. } => Takes::May(ButtonParameter::Flow),
        Button::CopyCode => Takes::Needs(ButtonParameter::CopyCode),
        Button::Otp => Takes::Code,
        Button::Url { url, .. } if variables(url).is_empty() => Takes::Nothing,
        // Meta lists the button of a one-time code as a link that ends in the code.
        Button::Url { .. } if template.category == Category::Authentication => Takes::Code,
        Button::Url { .. } => Takes::Needs(ButtonParameter::Url),
        Button::PhoneNumber { .. } | Button::Other { .. } => Takes::Nothing,
    }
}

/// Fills the buttons; `code` is the one-time code in the body, where there is one.
pub(super) fn fill(
    template: &Template,
    given: &[ButtonValue],
    code: Option<&str>,
) -> Result<Vec<FilledButton>, Mismatch> {
    for (at, value) in given.iter().enumerate() {
        let field = format!("template.buttons[{at}].index");
        if usize::from(value.index) >= template.buttons.len() {
            let count = template.buttons.len();
            return Err(wrong(value.index, field, format!("The template has {count} buttons, from 0.")));
        }
        if given.iter().take(at).any(|earlier| earlier.index == value.index) {
            return Err(wrong(value.index, field, "This button is filled twice."));
        }
    }
    let mut filled = Vec::new();
    for (index, button) in (0..=u8::MAX).zip(&template.buttons) {
        let at = given.iter().position(|value| value.index == index);
        let value = at.and_then(|at| given.get(at)).map(|given| given.value.as_str());
        let field =
            at.map_or_else(|| "template.buttons".to_owned(), |at| format!("template.buttons[{at}].value"));
        let (sub_type, value) = match (takes(template, button), value) {
            (Takes::Nothing, None) | (Takes::May(_), None) => continue,
            (Takes::Nothing, Some(_)) => return Err(wrong(index, field, "This button takes no value.")),
            (Takes::May(sub_type) | Takes::Needs(sub_type), Some(value)) => (sub_type, value),
            (Takes::Needs(_), None) => {
                return Err(wrong(index, field, format!("This button needs a value: {}.", wanted(button))));
            }
            (Takes::Code, given) => match (code, given) {
                (Some(code), Some(given)) if code != given => {
                    return Err(wrong(index, field, "It is not the code that is in the body."));
                }
                (Some(code), _) | (None, Some(code)) => (ButtonParameter::Url, code),
                (None, None) => return Err(wrong(index, field, "This button needs the one-time code.")),
            },
        };
        if let Some(message) = refusal(button, value) {
            return Err(wrong(index, field, message));
        }
        filled.push(FilledButton { index, sub_type, value: value.to_owned() });
    }
    Ok(filled)
}

const fn wanted(button: &Button) -> &'static str {
    match button {
        Button::Url { .. } => "the end of its address",
        Button::CopyCode | Button::Otp => "the code to copy",
        Button::QuickReply { .. } => "its payload",
        Button::Flow { .. } => "its token",
        Button::PhoneNumber { .. } | Button::Other { .. } => "nothing",
    }
}

fn refusal(button: &Button, value: &str) -> Option<String> {
    if value.trim().is_empty() {
        return Some("It is empty.".to_owned());
    }
    if value.chars().any(char::is_control) {
        return Some("It holds line breaks or other control characters.".to_owned());
    }
    let long = value.chars().count();
    match button {
        Button::CopyCode | Button::Otp if long > LONGEST_CODE => {
            Some(format!("A code has at most {LONGEST_CODE} characters; this one has {long}."))
        }
        Button::Url { .. } if value.contains(char::is_whitespace) => {
            Some("The end of an address holds no spaces.".to_owned())
        }
        Button::Url { url, .. } if url.chars().count() + long > LONGEST_URL => {
            Some(format!("The address would be longer than {LONGEST_URL} characters."))
        }
        Button::Url { .. }
        | Button::CopyCode
        | Button::Otp
        | Button::QuickReply { .. }
        | Button::Flow { .. }
        | Button::PhoneNumber { .. }
        | Button::Other { .. } => None,
    }
}

fn wrong(index: u8, field: impl Into<String>, message: impl Into<String>) -> Mismatch {
    Mismatch { parameter: format!("buttons[{index}]"), field: field.into(), message: message.into() }
}
