//! The variables in a template's words: `{{agent_name}}`, `{{1}}`.

use std::fmt::Write as _;

/// A part of a template's words.
enum Part<'a> {
    Words(&'a str),
    Variable(&'a str),
}

/// The parts of a text in order. Braces around anything that cannot be a variable's name are words.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut words = 0;
    while let Some(open) = rest.get(words..).and_then(|from| from.find("{{")).map(|at| at + words) {
        let after = rest.get(open + 2..).unwrap_or_default();
        let named = after.find("}}").and_then(|end| {
            let name = after.get(..end)?.trim();
            is_name(name).then_some((name, open + 2 + end + 2))
        });
        let Some((name, next)) = named else {
            // `{{{1}}` holds a variable one brace later.
            words = open + 1;
            continue;
        };
        if let Some(before) = rest.get(..open).filter(|before| !before.is_empty()) {
            parts.push(Part::Words(before));
        }
        parts.push(Part::Variable(name));
        rest = rest.get(next..).unwrap_or_default();
        words = 0;
    }
    if !rest.is_empty() {
        parts.push(Part::Words(rest));
    }
    parts
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The names of the variables in a text, each once, in the order in which they first appear.
#[must_use]
pub fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts(text) {
        if let Part::Variable(name) = part
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// The text with its variables replaced, once: a value that looks like a variable stays as it is. A variable without
/// a value stays too.
pub(super) fn filled<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Words(words) => out.push_str(words),
            Part::Variable(name) => match value(name) {
                Some(value) => out.push_str(value),
                None => {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "{{{{{name}}}}}");
                }
            },
        }
    }
    out
}

/// Why a text cannot fill a variable: Meta refuses empty ones, line breaks, tabs, and more than four spaces in a row.
pub(in crate::template) fn refusal(value: &str) -> Option<&'static str> {
    if value.trim().is_empty() {
        return Some("It is empty.");
    }
    if value.contains(['\n', '\r', '\t', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        return Some("WhatsApp takes no line breaks and no tabs here.");
    }
    value.contains("     ").then_some("WhatsApp takes at most four spaces in a row here.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::none("Hello", &[])]
    #[case::named("Hi {{agent_name}}, at {{time}}", &["agent_name", "time"])]
    #[case::each_once("{{1}} {{2}} {{1}}", &["1", "2"])]
    #[case::first_appearance("{{2}} {{1}}", &["2", "1"])]
    #[case::spaces_inside("{{ name }}", &["name"])]
    #[case::arabic_around("مرحبا {{name}}، الموعد {{time}}", &["name", "time"])]
    #[case::one_brace_more("{{{1}}}", &["1"])]
    #[case::open("{{name", &[])]
    #[case::empty("{{}}", &[])]
    #[case::a_sentence("{{not a name}} {{a}}", &["a"])]
    #[case::open_then_closed("{{a {{b}}", &["b"])]
    fn the_variables_of_a_text(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(variables(text), expected, "{text}");
    }

    #[test]
    fn a_value_that_looks_like_a_variable_is_not_filled_again() {
        let text = "{{a}} and {{b}}, {{{a}}}";
        let filled = filled(text, |name| Some(if name == "a" { "{{b}}" } else { "B" }));
        assert_eq!(filled, "{{b}} and B, {{{b}}}");
    }
}
