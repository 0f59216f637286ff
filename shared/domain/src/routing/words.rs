//! What the tenant wrote, with the lead's own words in it: `Hello {name|there}, you asked about {area|our homes}.`

use crate::lead::FieldError;

/// What a text may name. All but the business may be unknown.
const NAMES: [&str; 6] = ["name", "first_name", "area", "source", "agent", "business"];

/// What is known of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'a> {
    /// The person's name.
    pub name: Option<&'a str>,
    /// Where they look.
    pub area: Option<&'a str>,
    /// Where they came from.
    pub source: &'a str,
    /// Who works on the lead.
    pub agent: Option<&'a str>,
    /// What the tenant calls itself.
    pub business: &'a str,
}

impl<'a> Words<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let found = match name {
            "name" => self.name,
            "first_name" => self.name.and_then(|name| name.split_whitespace().next()),
            "area" => self.area,
            "source" => Some(self.source),
            "agent" => self.agent,
            "business" => Some(self.business),
            _ => None,
        };
        found.map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text with the lead's words in it. A text that was checked has no name that is left without words.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        for part in parts(text) {
            match part {
                Part::Plain(plain) => filled.push_str(plain),
                Part::Name { name, otherwise } => {
                    filled.push_str(self.get(name).or(otherwise).unwrap_or_default());
                }
                Part::Open(rest) => filled.push_str(rest),
            }
        }
        filled
    }
}

/// Holds a text to what can always be filled: names that are known, each with words for the case that it is not.
///
/// # Errors
/// The first that cannot, with `field`.
pub(super) fn check(field: &str, text: &str) -> Result<(), FieldError> {
    let wrong = |message: String| Err(FieldError { field: field.to_owned(), message });
    for part in parts(text) {
        match part {
            Part::Plain(_) => {}
            Part::Open(_) => return wrong("A `{` has no `}`.".to_owned()),
            Part::Name { name, .. } if !NAMES.contains(&name) => {
                return wrong(format!("`{{{name}}}` is not known; expected one of {}.", NAMES.join(", ")));
            }
            Part::Name { name: "business" | "source", .. } => {}
            Part::Name { name, otherwise } => {
                if otherwise.is_none_or(str::is_empty) {
                    let message = format!(
                        "`{name}` may be unknown: say what stands there then, as in `{{{name}|there}}`."
                    );
                    return wrong(message);
                }
            }
        }
    }
    Ok(())
}

enum Part<'t> {
    Plain(&'t str),
    Name {
        name: &'t str,
        otherwise: Option<&'t str>,
    },
    /// A brace that is never closed.
    Open(&'t str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('{') {
        if !plain.is_empty() {
            parts.push(Part::Plain(plain));
        }
        let Some((inner, behind)) = after.split_once('}') else {
            parts.push(Part::Open(after));
            return parts;
        };
        let (name, otherwise) = match inner.split_once('|') {
            Some((name, words)) => (name.trim(), Some(words.trim())),
            None => (inner.trim(), None),
        };
        parts.push(Part::Name { name, otherwise });
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Words<'_> = Words {
        name: Some("Aisha Khan"),
        area: Some("Dubai Marina"),
        source: "bayut",
        agent: None,
        business: "Marina Gate Realty",
    };

    #[test]
    fn a_lead_is_greeted_by_what_is_known_and_by_other_words_where_nothing_is() {
        let text =
            "Hello {first_name|there}, {agent|we} of {business} saw your enquiry on { area | our homes}.";
        assert_eq!(check("texts.en", text), Ok(()));
        assert_eq!(
            KNOWN.fill(text),
            "Hello Aisha, we of Marina Gate Realty saw your enquiry on Dubai Marina."
        );
        let nobody = Words { name: Some("  "), area: None, ..KNOWN };
        assert_eq!(nobody.fill(text), "Hello there, we of Marina Gate Realty saw your enquiry on our homes.");
        // What a person calls themselves is never read as a name of ours.
        let odd = Words { name: Some("{business}"), ..KNOWN };
        assert_eq!(odd.fill("Hello {name|you}"), "Hello {business}");
        assert_eq!(KNOWN.fill("مرحبا {name|بكم}"), "مرحبا Aisha Khan");
    }

    #[test]
    fn a_text_that_could_stay_empty_somewhere_is_refused() {
        for (text, says) in [
            ("Hello {name}", "may be unknown"),
            ("Hello {name|}", "may be unknown"),
            ("Hello {nmae|you}", "is not known"),
            ("Hello {}", "is not known"),
            ("Hello {name|you", "no `}`"),
        ] {
            let error = check("texts.en", text).unwrap_err();
            assert!(error.message.contains(says) && error.field == "texts.en", "{text}: {error}");
        }
    }
}
