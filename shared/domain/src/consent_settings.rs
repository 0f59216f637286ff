//! What a tenant sets about consent: how ticked boxes are confirmed, and how withdrawals are.

use crate::form::Texts;
use crate::language::Language;
use serde::{Deserialize, Serialize};

/// The longest words of a confirmation, in characters.
pub const LONGEST_WORDING: usize = 1_024;

/// What a tenant sets about consent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ConsentSettings {
    /// The name of the approved template, per language, by which who ticked a form's box is asked to confirm it; it takes
    /// no variables. Absent: nobody is asked.
    pub opt_in_request: Option<Texts>,
    /// What who withdraws by a message is answered.
    pub opt_out_confirmation: OptOutConfirmation,
}

/// What who withdraws by a message is answered, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct OptOutConfirmation {
    /// Whether they are answered.
    pub enabled: bool,
    /// The words, per language; where there are none, ours.
    pub wording: Texts,
}

impl Default for OptOutConfirmation {
    fn default() -> Self {
        Self { enabled: true, wording: Texts::default() }
    }
}

impl OptOutConfirmation {
    /// The words in a language.
    #[must_use]
    pub fn words(&self, language: Language) -> &str {
        self.wording.get(language).unwrap_or(match language {
            Language::Ar => "تم إلغاء اشتراكك: لن نرسل إليك عروضا عبر واتساب بعد الآن. يمكنك مراسلتنا هنا في أي وقت.",
            Language::En => {
                "You are unsubscribed: we will send you no more offers on WhatsApp. You can write to us here at any time."
            }
        })
    }
}

impl ConsentSettings {
    /// The template that asks in a language, and the language it speaks: the person's own, else the tenant's, else any.
    #[must_use]
    pub fn opt_in_template(&self, own: Language, default: Language) -> Option<(&str, Language)> {
        let names = self.opt_in_request.as_ref()?;
        let in_order = [own, default, Language::En, Language::Ar];
        in_order.into_iter().find_map(|language| Some((names.get(language)?, language)))
    }

    /// What cannot be as it is: the field's path within the settings, and why.
    #[must_use]
    pub fn objection(&self) -> Option<(&'static str, String)> {
        let named = |name: &Option<String>| {
            name.as_ref().is_none_or(|name| {
                let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
                (1..=512).contains(&name.len()) && name.bytes().all(legal)
            })
        };
        if let Some(names) = &self.opt_in_request {
            if names.ar.is_none() && names.en.is_none() {
                let why = "Expected a template's name for `en`, `ar` or both, or null for none.";
                return Some(("opt_in_request", why.to_owned()));
            }
            if !named(&names.en) || !named(&names.ar) {
                let why = "Expected a template's name: lower-case letters, digits and underscores.";
                return Some(("opt_in_request", why.to_owned()));
            }
        }
        let Texts { ar, en } = &self.opt_out_confirmation.wording;
        let fits = |text: &Option<String>| {
            text.as_ref()
                .is_none_or(|text| !text.trim().is_empty() && text.chars().count() <= LONGEST_WORDING)
        };
        let why = || format!("Expected 1 to {LONGEST_WORDING} characters.");
        if fits(ar) && fits(en) { None } else { Some(("opt_out_confirmation.wording", why())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(en: Option<&str>, ar: Option<&str>) -> Texts {
        Texts { en: en.map(str::to_owned), ar: ar.map(str::to_owned) }
    }

    #[test]
    fn a_person_is_asked_in_their_language_where_there_is_a_template_for_it() {
        use Language::{Ar, En};
        let with = |names| ConsentSettings { opt_in_request: names, ..ConsentSettings::default() };
        assert_eq!(with(None).opt_in_template(En, En), None);
        let both = with(Some(texts(Some("ask"), Some("ask_ar"))));
        assert_eq!(both.opt_in_template(Ar, En), Some(("ask_ar", Ar)));
        assert_eq!(both.opt_in_template(En, Ar), Some(("ask", En)));
        assert_eq!(with(Some(texts(Some("ask"), None))).opt_in_template(Ar, Ar), Some(("ask", En)));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let request = |names| ConsentSettings { opt_in_request: Some(names), ..ConsentSettings::default() };
        let wording = |words| ConsentSettings {
            opt_out_confirmation: OptOutConfirmation { enabled: true, wording: words },
            ..ConsentSettings::default()
        };
        let long = "x".repeat(LONGEST_WORDING + 1);
        for (settings, field) in [
            (ConsentSettings::default(), None),
            (request(texts(Some("opt_in_request"), None)), None),
            (request(texts(None, None)), Some("opt_in_request")),
            (request(texts(Some("Opt in"), None)), Some("opt_in_request")),
            (wording(texts(Some("Bye."), None)), None),
            (wording(texts(Some(" "), None)), Some("opt_out_confirmation.wording")),
            (wording(texts(None, Some(&long))), Some("opt_out_confirmation.wording")),
        ] {
            assert_eq!(settings.objection().map(|(field, _)| field), field, "{settings:?}");
        }
        for language in [Language::Ar, Language::En] {
            assert!(!OptOutConfirmation::default().words(language).is_empty());
        }
    }
}
