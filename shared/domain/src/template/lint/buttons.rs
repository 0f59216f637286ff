//! Buttons: how many, in which order, and what each may say.

use super::text::is_plain;
use super::{Fault, Finding};
use crate::phone::Phone;
use crate::template::draft::ButtonWords;

/// How many buttons a template may have.
const MOST: usize = 10;
/// How many links.
const MOST_LINKS: usize = 2;
/// The longest text of a button, in characters.
const LONGEST_TEXT: usize = 25;
/// The longest link, in characters.
const LONGEST_LINK: usize = 2_000;
/// The longest code that a button copies, in characters.
const LONGEST_CODE: usize = 15;

pub(super) fn lint(buttons: &[ButtonWords], found: &mut Vec<Finding>) {
    numbers(buttons, found);
    let replies: Vec<bool> =
        buttons.iter().map(|button| matches!(button, ButtonWords::QuickReply { .. })).collect();
    if replies.windows(2).filter(|pair| matches!(pair, [one, other] if one != other)).count() > 1 {
        let message = "Quick replies stand together: all before the other buttons, or all after them.";
        found.push(Finding::new("buttons", Fault::ButtonsNotGrouped, message));
    }
    for (at, button) in buttons.iter().enumerate() {
        let mut add = |part: &str, code: Fault, message: String| {
            found.push(Finding::new(format!("buttons[{at}].{part}"), code, message));
        };
        if let Some(text) = button.text() {
            let long = text.chars().count();
            if text.trim().is_empty() {
                add("text", Fault::Empty, "The button says nothing.".to_owned());
            } else if long > LONGEST_TEXT {
                let message = format!("The button has {long} characters; at most {LONGEST_TEXT} are taken.");
                add("text", Fault::TooLong, message);
            }
            if text.contains("{{") || text.contains("}}") {
                add("text", Fault::VariableNotAllowed, "A button's text takes no variables.".to_owned());
            } else if !is_plain(text) {
                let message = "A button's text takes no line breaks, no emojis and no formatting.";
                add("text", Fault::NotPlain, message.to_owned());
            }
            let same = |other: &ButtonWords| other.text().is_some_and(|other| other.trim() == text.trim());
            if buttons.iter().take(at).any(same) {
                add("text", Fault::ButtonRepeated, "Another button says the same.".to_owned());
            }
        }
        match button {
            ButtonWords::Url { url, example, .. } => link(url, example.as_deref(), &mut add),
            ButtonWords::PhoneNumber { phone_number, .. } => {
                if Phone::parse_e164(phone_number.expose()).is_err() {
                    let message =
                        "Expected a complete number in E.164, such as +97143334444, without blanks.";
                    add("phone_number", Fault::PhoneInvalid, message.to_owned());
                }
            }
            ButtonWords::CopyCode { example } => code(example, &mut add),
            ButtonWords::QuickReply { .. } | ButtonWords::RequestContactInfo {} => {}
        }
    }
}

fn numbers(buttons: &[ButtonWords], found: &mut Vec<Finding>) {
    let mut most = |count: usize, limit: usize, what: &str| {
        if count > limit {
            let message = format!("There are {count} {what}; a template takes {limit}.");
            found.push(Finding::new("buttons", Fault::TooManyButtons, message));
        }
    };
    let count = |wanted: fn(&ButtonWords) -> bool| buttons.iter().filter(|button| wanted(button)).count();
    most(buttons.len(), MOST, "buttons");
    most(count(|button| matches!(button, ButtonWords::Url { .. })), MOST_LINKS, "buttons with a link");
    most(count(|button| matches!(button, ButtonWords::PhoneNumber { .. })), 1, "buttons that call");
    most(count(|button| matches!(button, ButtonWords::CopyCode { .. })), 1, "buttons that copy a code");
    most(
        count(|button| matches!(button, ButtonWords::RequestContactInfo {})),
        1,
        "buttons that ask for the phone number",
    );
}

fn link(url: &str, example: Option<&str>, add: &mut impl FnMut(&str, Fault, String)) {
    let long = url.chars().count();
    if long > LONGEST_LINK {
        add(
            "url",
            Fault::TooLong,
            format!("The link has {long} characters; at most {LONGEST_LINK} are taken."),
        );
    }
    let fixed = url.strip_suffix("{{1}}").unwrap_or(url);
    let with_variable = fixed.len() < url.len();
    if fixed.contains("{{") || fixed.contains("}}") {
        let message = "A link takes one variable, `{{1}}`, at its end.";
        add("url", Fault::VariableNotAllowed, message.to_owned());
        return;
    }
    let Some(host) = host_of(fixed) else {
        let message = "Expected an address that begins with https:// and a host, without blanks.";
        add("url", Fault::UrlInvalid, message.to_owned());
        return;
    };
    let of_whatsapp =
        ["wa.me", "whatsapp.com"].iter().any(|own| host == *own || host.ends_with(&format!(".{own}")));
    if of_whatsapp {
        add("url", Fault::UrlInvalid, "WhatsApp refuses links to WhatsApp itself.".to_owned());
    }
    match example {
        None if with_variable => {
            add("example", Fault::ExampleMissing, "Give an example of the whole link.".to_owned());
        }
        Some(example) if with_variable => {
            let end = example.strip_prefix(fixed).unwrap_or_default();
            if end.is_empty() || end.contains("{{") || end.contains(char::is_whitespace) {
                let message = "The example is the whole link, with an end in the place of `{{1}}`.";
                add("example", Fault::ExampleInvalid, message.to_owned());
            }
        }
        Some(_) => {
            add("example", Fault::ExampleUnknown, "A link without a variable takes no example.".to_owned());
        }
        None => {}
    }
}

/// The host of an address, in small letters; `None` for what is no address.
fn host_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    if url.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\')) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return None;
    }
    let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let whole = host.split('.').count() >= 2 && host.split('.').all(|label| !label.is_empty());
    whole.then_some(host)
}

fn code(example: &str, add: &mut impl FnMut(&str, Fault, String)) {
    let long = example.chars().count();
    if example.trim().is_empty() {
        add("example", Fault::ExampleMissing, "Give an example of the code.".to_owned());
    } else if long > LONGEST_CODE
        || !example.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    {
        let message = format!("A code has at most {LONGEST_CODE} letters and digits.");
        add("example", Fault::ExampleInvalid, message);
    }
}
