//! What Meta would refuse about a template, found before it is asked (providers.md 2.2 and 2.4), and whether the
//! languages of one name agree (F6).

mod buttons;
mod languages;
mod parity;
mod text;

#[cfg(test)]
mod tests;

pub use parity::parity;

use super::draft::{HeaderWords, Words};
use super::{Category, ParameterFormat};
use serde::Serialize;
use std::collections::BTreeSet;
use text::Scan;

/// The longest name, in characters.
const LONGEST_NAME: usize = 512;
/// The longest body, in characters, before and after its variables are filled.
const LONGEST_BODY: usize = 1_024;
/// The longest line on top or below, in characters.
const LONGEST_LINE: usize = 60;
/// The longest handle of a sample, in characters.
const LONGEST_HANDLE: usize = 4_096;

/// Something about a template that would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The field, such as `body` or `buttons[0].url`.
    pub field: String,
    /// What kind of fault it is.
    pub code: Fault,
    /// What is wrong and what would be right, as a sentence.
    pub message: String,
}

/// The kinds of faults; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The name has other characters than `a-z`, `0-9` and `_`, or too many.
    NameInvalid,
    /// Templates have no such language.
    LanguageUnknown,
    /// Templates of this category cannot be written here.
    CategoryUnsupported,
    /// Something is missing.
    Empty,
    /// Something is longer than it may be.
    TooLong,
    /// Tabs, too many line breaks or spaces.
    Spacing,
    /// Line breaks, emojis or formatting where only plain words may stand.
    NotPlain,
    /// Braces that are no variable.
    VariableMalformed,
    /// Variables with numbers beside variables with names.
    VariablesMixed,
    /// Numbers that do not count from 1 without a gap.
    VariablesNotCounted,
    /// A variable before the first word.
    VariableLeading,
    /// A variable after the last word.
    VariableTrailing,
    /// Two variables with nothing between them.
    VariablesAdjacent,
    /// A variable where none may be, or one too many.
    VariableNotAllowed,
    /// Too few words for so many variables.
    TooManyVariables,
    /// A variable, file, link or code without an example.
    ExampleMissing,
    /// An example that the review would not take.
    ExampleInvalid,
    /// An example of a variable that is not there.
    ExampleUnknown,
    /// More buttons, or more of one kind, than there may be.
    TooManyButtons,
    /// Quick replies between other buttons.
    ButtonsNotGrouped,
    /// Two buttons that say the same.
    ButtonRepeated,
    /// An address that is none, or that may not stand in a template.
    UrlInvalid,
    /// A phone number that is none.
    PhoneInvalid,
    /// The languages of the name have different variables.
    ParityVariables,
    /// The languages of the name have different things on top.
    ParityHeader,
    /// The languages of the name have different buttons.
    ParityButtons,
    /// The languages of the name have different categories.
    ParityCategory,
    /// The provider found it.
    RefusedByProvider,
}

impl Finding {
    /// A fault in a field.
    pub fn new(field: impl Into<String>, code: Fault, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

/// Everything about a template that would be refused, in the order of its parts; nothing when it may be submitted.
#[must_use]
pub fn lint(name: &str, language: &str, category: Category, words: &Words) -> Vec<Finding> {
    let mut found = lint_name(name);
    found.extend(lint_language(language));
    if category == Category::Authentication {
        found.push(Finding::new(
            "category",
            Fault::CategoryUnsupported,
            "WhatsApp writes authentication templates itself; make one in the WhatsApp Manager and sync.",
        ));
    }
    let mut linter = Linter { words, named: words.parameter_format() == ParameterFormat::Named, found };
    linter.header();
    linter.body();
    linter.footer();
    linter.mixture();
    linter.examples();
    buttons::lint(&words.buttons, &mut linter.found);
    linter.found
}

/// What is wrong with a name.
#[must_use]
pub fn lint_name(name: &str) -> Vec<Finding> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if plain && (1..=LONGEST_NAME).contains(&name.len()) {
        return Vec::new();
    }
    let message = "A name has 1 to 512 characters out of a-z, 0-9 and `_`.";
    vec![Finding::new("name", Fault::NameInvalid, message)]
}

/// What is wrong with a language code.
#[must_use]
pub fn lint_language(code: &str) -> Vec<Finding> {
    if languages::CODES.contains(&code) {
        return Vec::new();
    }
    let message = "Templates have no such language; expected a code such as `ar`, `en` or `en_US`.";
    vec![Finding::new("language", Fault::LanguageUnknown, message)]
}

struct Linter<'a> {
    words: &'a Words,
    named: bool,
    found: Vec<Finding>,
}

impl Linter<'_> {
    fn add(&mut self, field: &str, code: Fault, message: impl Into<String>) {
        self.found.push(Finding::new(field, code, message));
    }

    fn header(&mut self) {
        let words = self.words;
        let Some(header) = &words.header else { return };
        let (text, example) = match header {
            HeaderWords::Text { text, example } => (text, example.as_deref()),
            HeaderWords::Image { header_handle }
            | HeaderWords::Video { header_handle }
            | HeaderWords::Document { header_handle } => {
                let handle = header_handle.as_deref().unwrap_or_default();
                let long = handle.chars().count();
                let field = "header.header_handle";
                if handle.trim().is_empty() {
                    let message = "A file on top needs a sample: give the handle of the provider's upload.";
                    self.add(field, Fault::ExampleMissing, message);
                } else if long > LONGEST_HANDLE || handle.chars().any(|c| c.is_control() || c == ' ') {
                    self.add(field, Fault::ExampleInvalid, "This is no handle of an uploaded sample.");
                }
                return;
            }
            HeaderWords::Location {} => return,
        };
        self.line("header.text", text);
        let scan = Scan::of(text);
        self.malformed("header.text", &scan);
        if scan.occurrences > 1 {
            self.add("header.text", Fault::VariableNotAllowed, "The line on top takes at most one variable.");
        }
        if !self.named && scan.names.iter().any(|name| name != "1") {
            let message = "The variable on top is counted by itself: it is `{{1}}`.";
            self.add("header.text", Fault::VariablesNotCounted, message);
        }
        let own = !scan.names.is_empty() && !self.named;
        match example {
            None if own => {
                self.add("header.example", Fault::ExampleMissing, "Give an example of the variable on top.");
            }
            Some(example) if own => self.example("header.example", example),
            Some(_) => {
                let message =
                    "Only a `{{1}}` on top takes an example here; that of a name stands in `examples`.";
                self.add("header.example", Fault::ExampleUnknown, message);
            }
            None => {}
        }
    }

    fn body(&mut self) {
        let words = self.words;
        let body = words.body.as_str();
        if body.trim().is_empty() {
            self.add("body", Fault::Empty, "The body has no words.");
            return;
        }
        let long = body.chars().count();
        if long > LONGEST_BODY {
            let message = format!("The body has {long} characters; at most {LONGEST_BODY} are taken.");
            self.add("body", Fault::TooLong, message);
        }
        if text::is_badly_spaced(body) {
            let message =
                "The body takes no tabs, no more than two line breaks and no more than four spaces in a row.";
            self.add("body", Fault::Spacing, message);
        }
        let scan = Scan::of(body);
        self.malformed("body", &scan);
        if !self.named && !text::counts(&scan.names) {
            let message = "Numbered variables count from `{{1}}` on, without a gap.";
            self.add("body", Fault::VariablesNotCounted, message);
        }
        if scan.leading {
            self.add("body", Fault::VariableLeading, "The body begins with a variable; begin with a word.");
        }
        if scan.trailing {
            self.add("body", Fault::VariableTrailing, "The body ends with a variable; end with a word.");
        }
        if scan.adjacent {
            let message = "Two variables stand next to each other; put words between them.";
            self.add("body", Fault::VariablesAdjacent, message);
        }
        let needed = scan.occurrences * 2 + 1;
        if scan.occurrences > 0 && scan.words < needed {
            let message = format!(
                "The body has {} words beside its {} variables; it needs {needed}.",
                scan.words, scan.occurrences
            );
            self.add("body", Fault::TooManyVariables, message);
        }
        let filled = text::filled_length(body, &words.examples);
        if filled > LONGEST_BODY && long <= LONGEST_BODY {
            let message = format!(
                "With its examples the body has {filled} characters; at most {LONGEST_BODY} are taken."
            );
            self.add("body", Fault::TooLong, message);
        }
    }

    fn footer(&mut self) {
        let words = self.words;
        let Some(footer) = words.footer.as_deref() else { return };
        self.line("footer", footer);
        if footer.contains("{{") || footer.contains("}}") {
            self.add("footer", Fault::VariableNotAllowed, "The line below takes no variables.");
        }
    }

    /// A line on top or below: short and plain.
    fn line(&mut self, field: &str, line: &str) {
        if line.trim().is_empty() {
            self.add(field, Fault::Empty, "The line has no words; leave it out instead.");
        }
        let long = line.chars().count();
        if long > LONGEST_LINE {
            let message = format!("The line has {long} characters; at most {LONGEST_LINE} are taken.");
            self.add(field, Fault::TooLong, message);
        }
        if !text::is_plain(line) {
            self.add(field, Fault::NotPlain, "The line takes no line breaks, no emojis and no formatting.");
        }
    }

    fn malformed(&mut self, field: &str, scan: &Scan) {
        for name in &scan.malformed {
            let message = format!(
                "`{name}` is no variable; one is written `{{{{1}}}}` or `{{{{agent_name}}}}`, in small letters."
            );
            self.add(field, Fault::VariableMalformed, message);
        }
    }

    fn mixture(&mut self) {
        let words = self.words;
        let mut names = Scan::of(&words.body).names;
        if let Some(HeaderWords::Text { text, .. }) = &words.header {
            names.extend(Scan::of(text).names);
        }
        if self.named && names.iter().any(|name| super::draft::is_number(name)) {
            let message = "Variables have numbers or names, not both; header and body agree.";
            self.add("body", Fault::VariablesMixed, message);
        }
    }

    fn examples(&mut self) {
        let words = self.words;
        let mut needed: BTreeSet<String> = Scan::of(&words.body).names.into_iter().collect();
        if let (true, Some(HeaderWords::Text { text, .. })) = (self.named, &words.header) {
            needed.extend(Scan::of(text).names);
        }
        for name in &needed {
            let field = format!("examples.{name}");
            match words.examples.get(name) {
                Some(example) => self.example(&field, example),
                None => {
                    let message =
                        format!("Give an example of the variable `{name}`; the review asks for it.");
                    self.add(&field, Fault::ExampleMissing, message);
                }
            }
        }
        for name in words.examples.keys().filter(|name| !needed.contains(*name)) {
            let shown: String = name.chars().take(64).collect();
            let message = format!("The template has no variable `{shown}`.");
            self.add(&format!("examples.{shown}"), Fault::ExampleUnknown, message);
        }
    }

    /// An example is what a send could give.
    fn example(&mut self, field: &str, example: &str) {
        let variables = example.contains("{{") || example.contains("}}");
        if variables || super::contract::refusal(example).is_some() {
            let message =
                "An example is a text as a send would give it: not empty, on one line, without variables.";
            self.add(field, Fault::ExampleInvalid, message);
        }
    }
}
