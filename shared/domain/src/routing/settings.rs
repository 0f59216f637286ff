//! What a tenant sets for the first touch of its leads.

use super::hours::{QuietHours, Zone};
use super::words;
use crate::consent::Purpose;
use crate::form::Texts;
use crate::language::Language;
use crate::lead::{FieldError, LeadSource};
use crate::outgoing::Variables;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest time for a second look, in seconds: with it a lead still hears in under half a minute (R13).
pub const LONGEST_GRACE_S: u8 = 20;
/// The same unless told.
const GRACE_S: u8 = 10;
/// The most sources with rules of their own.
const MOST_SOURCES: usize = 50;
/// The longest text or wording, in characters.
const LONGEST_TEXT: usize = 4_096;
/// The longest name of a template, in characters.
const LONGEST_NAME: usize = 512;
/// The most variables of a template.
const MOST_VARIABLES: usize = 50;

/// Who lets a first touch go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouchMode))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It goes at once.
    Auto,
    /// It goes by itself after a few seconds, in which people may step in.
    #[default]
    Grace,
    /// A person releases it.
    Manual,
}

/// How leads are first written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouchSettings))]
#[serde(deny_unknown_fields)]
pub struct FirstTouch {
    /// Who lets it go.
    #[serde(default)]
    pub mode: Mode,
    /// How long people have in mode `grace`, in seconds.
    #[serde(default = "grace")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 20))]
    pub grace_seconds: u8,
    /// Where the tenant's clock is.
    #[serde(default)]
    pub time_zone: Zone,
    /// When nobody is written to first; an enquiry may be answered at any hour unless this is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// What is sent while the service window is closed.
    #[serde(default)]
    pub templates: Templates,
    /// What is sent while it is open; the template where there is none.
    #[serde(default)]
    pub texts: Texts,
    /// What differs by source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceRules>,
}

const fn grace() -> u8 {
    GRACE_S
}

/// A template for each language.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouchTemplates))]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// For who is written to in Arabic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ar: Option<TemplateChoice>,
    /// For who is written to in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<TemplateChoice>,
}

impl Templates {
    /// The template of a language.
    #[must_use]
    pub const fn get(&self, language: Language) -> Option<&TemplateChoice> {
        match language {
            Language::Ar => self.ar.as_ref(),
            Language::En => self.en.as_ref(),
        }
    }
}

/// A template and what fills it: texts that may name what is known of the lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouchTemplate))]
#[serde(deny_unknown_fields)]
pub struct TemplateChoice {
    /// Its registered name.
    pub name: String,
    /// What fills its variables, by name or by order, such as `{name|there}`.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
}

/// What differs for leads of one source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouchSource))]
#[serde(deny_unknown_fields)]
pub struct SourceRules {
    /// What its leads speak when nothing else says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// In place of the tenant's.
    #[serde(default)]
    pub templates: Templates,
    /// What everybody agrees to who enquires there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<SourceOptIn>,
}

/// The words that a source shows to everybody who enquires, as the tenant answers for them: with each of its leads they
/// are written to the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SourceOptIn {
    /// The words.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 4096))]
    pub wording: String,
    /// Their language.
    pub language: Language,
    /// What they agree to: to be written to (`channel`) unless told.
    #[serde(default = "channel")]
    pub purpose: Purpose,
    /// Of Meta Lead Ads: the box that must be ticked (`checkbox_key` of a custom disclaimer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub checkbox: Option<String>,
}

const fn channel() -> Purpose {
    Purpose::Channel
}

impl FirstTouch {
    /// Holds the settings to their bounds and gives sources their one spelling.
    ///
    /// # Errors
    /// The first field that cannot be what it is.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        if !(1..=LONGEST_GRACE_S).contains(&self.grace_seconds) {
            let message = format!("Expected 1 to {LONGEST_GRACE_S} seconds.");
            return Err(wrong("first_touch.grace_seconds", message));
        }
        if self.quiet_hours.is_some_and(|quiet| quiet.from == quiet.to) {
            return Err(wrong(
                "first_touch.quiet_hours",
                "They begin and end at the same time; `null` is none.",
            ));
        }
        check_templates("first_touch.templates", &self.templates)?;
        for (language, text) in [("ar", &self.texts.ar), ("en", &self.texts.en)] {
            let Some(text) = text else { continue };
            let field = format!("first_touch.texts.{language}");
            length(&field, text, LONGEST_TEXT)?;
            words::check(&field, text)?;
        }
        if self.sources.len() > MOST_SOURCES {
            return Err(wrong("first_touch.sources", format!("Expected at most {MOST_SOURCES} sources.")));
        }
        let mut sources = BTreeMap::new();
        for (name, rules) in self.sources {
            let field = format!("first_touch.sources.{name}");
            let source =
                LeadSource::parse(&name).ok_or_else(|| wrong(&field, "Expected 1 to 64 characters."))?;
            check_templates(&format!("{field}.templates"), &rules.templates)?;
            if let Some(opt_in) = &rules.opt_in {
                length(&format!("{field}.opt_in.wording"), &opt_in.wording, LONGEST_TEXT)?;
                if let Some(checkbox) = &opt_in.checkbox {
                    let field = format!("{field}.opt_in.checkbox");
                    if source.as_str() != "meta_lead_ads" {
                        return Err(wrong(
                            &field,
                            "Only forms of `meta_lead_ads` tell which boxes were ticked.",
                        ));
                    }
                    length(&field, checkbox, 128)?;
                }
            }
            if sources.insert(source.as_str().to_owned(), rules).is_some() {
                return Err(wrong(&field, "The same source is named twice."));
            }
        }
        self.sources = sources;
        let any = |templates: &Templates| templates.ar.is_some() || templates.en.is_some();
        if !any(&self.templates) && !self.sources.values().any(|rules| any(&rules.templates)) {
            let message = "Name a template for `ar` or `en`: who has not written in the last 24 hours can be sent \
                           nothing else. `null` in place of `first_touch` switches it off.";
            return Err(wrong("first_touch.templates", message));
        }
        Ok(self)
    }

    /// What holds for leads of a source.
    #[must_use]
    pub fn source(&self, source: &str) -> Option<&SourceRules> {
        self.sources.get(source)
    }

    /// The template for a lead of a source in a language.
    #[must_use]
    pub fn template(&self, source: &str, language: Language) -> Option<&TemplateChoice> {
        let own = self.source(source).and_then(|rules| rules.templates.get(language));
        own.or_else(|| self.templates.get(language))
    }
}

fn check_templates(field: &str, templates: &Templates) -> Result<(), FieldError> {
    for (language, choice) in [("ar", &templates.ar), ("en", &templates.en)] {
        let Some(choice) = choice else { continue };
        let field = format!("{field}.{language}");
        length(&format!("{field}.name"), &choice.name, LONGEST_NAME)?;
        let texts: Vec<(String, &String)> = match &choice.variables {
            Variables::Named(named) => named.iter().map(|(name, text)| (name.clone(), text)).collect(),
            Variables::Positional(list) => {
                list.iter().enumerate().map(|(n, text)| (n.to_string(), text)).collect()
            }
        };
        if texts.len() > MOST_VARIABLES {
            let message = format!("Expected at most {MOST_VARIABLES} variables.");
            return Err(wrong(&format!("{field}.variables"), message));
        }
        for (name, text) in texts {
            let field = format!("{field}.variables.{name}");
            length(&field, text, LONGEST_TEXT)?;
            words::check(&field, text)?;
        }
    }
    Ok(())
}

fn length(field: &str, text: &str, most: usize) -> Result<(), FieldError> {
    let fits = (1..=most).contains(&text.trim().chars().count()) && text.chars().count() <= most;
    if fits { Ok(()) } else { Err(wrong(field, format!("Expected 1 to {most} characters."))) }
}

pub(super) fn wrong(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<FirstTouch, String> {
        let read: FirstTouch = serde_json::from_value(value).map_err(|error| error.to_string())?;
        read.checked().map_err(|error| error.field)
    }

    #[test]
    fn what_is_left_out_has_a_value_and_sources_have_one_spelling() {
        let read = read(json!({
            "templates": {"en": {"name": "welcome", "variables": {"who": "{first_name|there}"}}},
            "sources": {"Bayut.com": {"language": "ar"}}
        }))
        .unwrap();
        assert_eq!((read.mode, read.grace_seconds, read.time_zone), (Mode::Grace, 10, Zone::Dubai));
        assert_eq!(read.source("bayut").and_then(|rules| rules.language), Some(Language::Ar));
        assert!(read.template("bayut", Language::En).is_some());
        assert!(read.template("bayut", Language::Ar).is_none());
        let back = serde_json::from_value::<FirstTouch>(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(back, read);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let with = |name: &str, value: Value| {
            let mut all = json!({"templates": {"en": {"name": "welcome"}}});
            all[name] = value;
            read(all).unwrap_err()
        };
        for (name, value, field) in [
            ("grace_seconds", json!(0), "first_touch.grace_seconds"),
            ("grace_seconds", json!(21), "first_touch.grace_seconds"),
            ("quiet_hours", json!({"from": "08:00", "to": "08:00"}), "first_touch.quiet_hours"),
            ("templates", json!({}), "first_touch.templates"),
            ("templates", json!({"en": {"name": " "}}), "first_touch.templates.en.name"),
            (
                "templates",
                json!({"en": {"name": "w", "variables": ["{nobody|x}"]}}),
                "first_touch.templates.en.variables.0",
            ),
            ("texts", json!({"ar": "مرحبا {name}"}), "first_touch.texts.ar"),
            ("sources", json!({"": {}}), "first_touch.sources."),
            (
                "sources",
                json!({"bayut": {"opt_in": {"wording": "", "language": "en"}}}),
                "first_touch.sources.bayut.opt_in.wording",
            ),
            (
                "sources",
                json!({"bayut": {"opt_in": {"wording": "w", "language": "en", "checkbox": "c"}}}),
                "first_touch.sources.bayut.opt_in.checkbox",
            ),
            ("sources", json!({"bayut": {}, "bayut.com": {}}), "first_touch.sources.bayut.com"),
        ] {
            assert_eq!(with(name, value.clone()), field, "{value}");
        }
        for (name, value) in [
            ("mode", json!("sometimes")),
            ("time_zone", json!("Europe/Berlin")),
            ("quiet_hours", json!({"from": "8:00", "to": "09:00"})),
            ("colour", json!("red")),
        ] {
            assert!(with(name, value.clone()).contains("expected"), "{value}");
        }
    }
}
