//! What a form's definition may hold.

use super::{ConsentBox, Definition, FormField, TRAP, Texts};
use crate::consent::Purpose;
use crate::lead::{FieldError, LeadSource};

/// The longest name of a form or version of a wording, in characters.
const LONGEST_NAME: usize = 100;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 200;
/// The longest wording, in characters.
const LONGEST_WORDING: usize = 4_096;
/// The longest address, in bytes.
const LONGEST_URL: usize = 2_048;
/// The most fields.
const MOST_FIELDS: usize = 30;
/// The most origins.
const MOST_ORIGINS: usize = 20;
/// The fields of a lead that a form may ask.
const KNOWN: [&str; 8] =
    ["name", "phone", "email", "budget_aed", "bedrooms", "area", "handover_horizon", "message"];
/// What the names of a form's own fields begin with.
pub(super) const OWN: &str = "attributes.";

impl Definition {
    /// The definition as it is kept: blanks around texts gone, origins in lower case.
    ///
    /// # Errors
    /// The field that cannot be what it is.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        self.name = line("name", &self.name, LONGEST_NAME)?;
        self.allowed_origins = origins(&self.allowed_origins)?;
        fields(&mut self.fields)?;
        if let Some(consent) = &mut self.consent {
            check_consent(consent)?;
            if consent.wording.get(self.default_language).is_none() {
                let field = format!("consent.wording.{}", self.default_language.as_str());
                return Err(wrong(field, "The box has words in the form's default language."));
            }
        }
        let source = LeadSource::parse(&self.source);
        self.source = source.ok_or_else(|| wrong("source", "Expected 1 to 64 characters."))?.to_string();
        if self.redirect_url.as_deref().is_some_and(|url| !is_page(url)) {
            return Err(wrong("redirect_url", "Expected an address that begins with `https://`."));
        }
        Ok(self)
    }
}

pub(super) fn wrong(field: impl Into<String>, message: impl Into<String>) -> FieldError {
    FieldError { field: field.into(), message: message.into() }
}

fn line(field: &str, text: &str, most: usize) -> Result<String, FieldError> {
    let text = text.trim();
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(wrong(field, format!("Expected 1 to {most} characters."))) }
}

fn origins(given: &[String]) -> Result<Vec<String>, FieldError> {
    if !(1..=MOST_ORIGINS).contains(&given.len()) {
        let message = format!("Expected 1 to {MOST_ORIGINS} origins, or `*`.");
        return Err(wrong("allowed_origins", message));
    }
    let mut once: Vec<String> = Vec::with_capacity(given.len());
    for (index, origin) in given.iter().enumerate() {
        let origin = origin.to_ascii_lowercase();
        if !(origin == "*" || origin.strip_prefix("https://").is_some_and(is_authority)) {
            let message = "Expected an origin such as `https://example.ae`, without a path, or `*`.";
            return Err(wrong(format!("allowed_origins[{index}]"), message));
        }
        // Browsers never name the usual port.
        let origin = origin.strip_suffix(":443").map_or_else(|| origin.clone(), str::to_owned);
        if !once.contains(&origin) {
            once.push(origin);
        }
    }
    Ok(once)
}

/// A host, or a host and a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let named = (1..=253).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && host.split('.').all(|label| !label.is_empty());
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_page(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.len() <= LONGEST_URL && url.bytes().all(|b| b.is_ascii_graphic()) && is_authority(authority)
}

fn fields(given: &mut [FormField]) -> Result<(), FieldError> {
    if !(1..=MOST_FIELDS).contains(&given.len()) {
        return Err(wrong("fields", format!("Expected 1 to {MOST_FIELDS} fields.")));
    }
    for index in 0..given.len() {
        let (before, rest) = given.split_at_mut(index);
        let Some(field) = rest.first_mut() else { continue };
        let at = |member: &str| format!("fields[{index}].{member}");
        if !KNOWN.contains(&field.name.as_str()) && !is_own(&field.name) {
            let message = format!("Expected one of {}, or `attributes.<name>`.", KNOWN.join(", "));
            return Err(wrong(at("name"), message));
        }
        if before.iter().any(|other| other.name == field.name) {
            return Err(wrong(at("name"), "This field is asked twice."));
        }
        if let Some(label) = &mut field.label {
            texts(&at("label"), label, LONGEST_LABEL)?;
        }
    }
    let asks = |name: &str| given.iter().any(|field| field.name == name);
    if !asks("name") || !(asks("phone") || asks("email")) {
        return Err(wrong("fields", "A form asks for `name`, and for `phone` or `email`."));
    }
    Ok(())
}

fn is_own(name: &str) -> bool {
    name.strip_prefix(OWN).is_some_and(|own| {
        (1..=40).contains(&own.len())
            && own.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && own != TRAP
    })
}

fn texts(field: &str, given: &mut Texts, most: usize) -> Result<(), FieldError> {
    if given.ar.is_none() && given.en.is_none() {
        return Err(wrong(field, "Expected a text as `ar`, `en` or both."));
    }
    for (language, text) in [("ar", &mut given.ar), ("en", &mut given.en)] {
        let Some(text) = text else { continue };
        let trimmed = text.trim();
        if !(1..=most).contains(&trimmed.chars().count()) {
            return Err(wrong(format!("{field}.{language}"), format!("Expected 1 to {most} characters.")));
        }
        *text = trimmed.to_owned();
    }
    Ok(())
}

fn check_consent(consent: &mut ConsentBox) -> Result<(), FieldError> {
    consent.version = line("consent.version", &consent.version, LONGEST_NAME)?;
    if consent.purpose != Purpose::Marketing {
        return Err(wrong("consent.purpose", "Expected `marketing`."));
    }
    texts("consent.wording", &mut consent.wording, LONGEST_WORDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn form(change: Value) -> Result<Definition, FieldError> {
        let mut form = json!({"name": " Marina ", "allowed_origins": ["https://Example.ae:443"]});
        for (name, value) in change.as_object().unwrap() {
            form[name] = value.clone();
        }
        serde_json::from_value::<Definition>(form).unwrap().checked()
    }

    #[test]
    fn a_form_with_a_name_and_an_origin_asks_the_usual() {
        let form = form(json!({})).unwrap();
        assert_eq!((form.name.as_str(), form.source.as_str()), ("Marina", "website"));
        assert_eq!(form.allowed_origins, ["https://example.ae"]);
        let names: Vec<_> = form.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["name", "phone", "email"]);
        assert!(form.admits("https://example.ae") && !form.admits("https://evil.example"));
        assert!(!form.admits("https://example.ae.evil.example") && !form.admits("null"));
    }

    #[test]
    fn what_a_form_cannot_be_is_named() {
        let asks = |names: &[&str]| json!(names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>());
        let consent = |wording: Value| json!({"version": "1", "wording": wording});
        for (change, field) in [
            (json!({"name": " "}), "name"),
            (json!({"allowed_origins": []}), "allowed_origins"),
            (json!({"allowed_origins": ["http://example.ae"]}), "allowed_origins[0]"),
            (json!({"allowed_origins": ["*", "https://example.ae/x"]}), "allowed_origins[1]"),
            (json!({"allowed_origins": ["https://a@b.ae"]}), "allowed_origins[0]"),
            (json!({"allowed_origins": ["https://a..ae"]}), "allowed_origins[0]"),
            (json!({"allowed_origins": ["null"]}), "allowed_origins[0]"),
            (json!({"fields": []}), "fields"),
            (json!({"fields": asks(&["phone"])}), "fields"),
            (json!({"fields": asks(&["name"])}), "fields"),
            (json!({"fields": asks(&["name", "phone", "name"])}), "fields[2].name"),
            (json!({"fields": asks(&["name", "phone", "status"])}), "fields[2].name"),
            (json!({"fields": asks(&["name", "phone", "attributes.A b"])}), "fields[2].name"),
            (json!({"fields": asks(&["name", "phone", "attributes.website"])}), "fields[2].name"),
            (json!({"consent": consent(json!({}))}), "consent.wording"),
            (json!({"consent": consent(json!({"en": " "}))}), "consent.wording.en"),
            (json!({"consent": consent(json!({"ar": "أوافق"}))}), "consent.wording.en"),
            (json!({"consent": {"version": "", "wording": {"en": "Yes"}}}), "consent.version"),
            (
                json!({"consent": {"version": "1", "purpose": "channel", "wording": {"en": "Y"}}}),
                "consent.purpose",
            ),
            (json!({"source": ""}), "source"),
            (json!({"redirect_url": "javascript:alert(1)"}), "redirect_url"),
            (json!({"redirect_url": "https://"}), "redirect_url"),
        ] {
            let shown = change.to_string();
            assert_eq!(form(change).unwrap_err().field, field, "{shown}");
        }
    }
}
