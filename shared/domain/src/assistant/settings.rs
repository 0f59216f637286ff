//! What a tenant sets about its assistant.

use crate::form::Texts;
use crate::language::Language;
use serde::{Deserialize, Serialize};

/// How often the assistant answers in one conversation's window, unless told.
pub const USUAL_REPLIES: u32 = 10;
/// How often it can be told to at most.
pub const MOST_REPLIES: u32 = 50;
/// The longest words of a tenant about itself, in characters.
pub const LONGEST_INSTRUCTIONS: usize = 8_000;
/// The longest name of a model, a region or a legal basis, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest holding message, in characters.
const LONGEST_HOLDING: usize = 1_024;

/// What an admin says about the assistant; what is absent is off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Connect {
    /// The root of an OpenAI-compatible service; absent, the deployment's own.
    pub base_url: Option<String>,
    /// The model.
    pub model: String,
    /// Where it runs.
    pub region: String,
    /// By what the law allows it.
    pub legal_basis: String,
    /// Whether it may draft.
    #[serde(default)]
    pub suggestions: bool,
    /// Whether it may translate.
    #[serde(default)]
    pub translate: bool,
    /// Whether it answers by itself.
    #[serde(default)]
    pub auto_reply: bool,
    /// How often it answers in one conversation's window.
    pub max_replies: u32,
    /// What the customer is told while it does not answer; where there is nothing, ours.
    #[serde(default)]
    pub holding: Texts,
    /// What the business says about itself.
    #[serde(default)]
    pub instructions: Option<String>,
}

/// What a customer is told while nobody can answer.
#[must_use]
pub fn holding_words(own: &Texts, language: Language) -> &str {
    own.get(language).unwrap_or(match language {
        Language::Ar => "شكرا لرسالتك. سنرد عليك بعد قليل.",
        Language::En => "Thank you for your message. We will answer you shortly.",
    })
}

/// What cannot be as it is: the field, and why.
#[must_use]
pub fn objection(settings: &Connect) -> Option<(&'static str, String)> {
    let named = |text: &str| {
        let length = text.trim().chars().count();
        (1..=LONGEST_NAME).contains(&length) && !text.chars().any(char::is_control)
    };
    let fields =
        [("model", &settings.model), ("region", &settings.region), ("legal_basis", &settings.legal_basis)];
    for (field, text) in fields {
        if !named(text) {
            return Some((field, format!("Expected 1 to {LONGEST_NAME} characters on one line.")));
        }
    }
    if !(1..=MOST_REPLIES).contains(&settings.max_replies) {
        return Some(("max_replies", format!("Expected 1 to {MOST_REPLIES}.")));
    }
    let Texts { ar, en } = &settings.holding;
    for (field, words) in [("holding.ar", ar), ("holding.en", en)] {
        let fits = |words: &String| !words.trim().is_empty() && words.chars().count() <= LONGEST_HOLDING;
        if words.as_ref().is_some_and(|words| !fits(words)) {
            return Some((field, format!("Expected 1 to {LONGEST_HOLDING} characters, or null for ours.")));
        }
    }
    if settings.instructions.as_ref().is_some_and(|own| own.chars().count() > LONGEST_INSTRUCTIONS) {
        return Some(("instructions", format!("Expected at most {LONGEST_INSTRUCTIONS} characters.")));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Connect {
        Connect {
            model: "m".into(),
            region: "me-central-1".into(),
            legal_basis: "contract".into(),
            max_replies: USUAL_REPLIES,
            ..Connect::default()
        }
    }

    #[test]
    fn what_cannot_be_is_named_by_its_field() {
        assert_eq!(objection(&settings()), None);
        let long = "x".repeat(LONGEST_INSTRUCTIONS + 1);
        let empty = Texts { ar: Some(" ".into()), en: None };
        for (field, settings) in [
            ("model", Connect { model: String::new(), ..settings() }),
            ("region", Connect { region: "a\nb".into(), ..settings() }),
            ("legal_basis", Connect { legal_basis: "  ".into(), ..settings() }),
            ("max_replies", Connect { max_replies: 0, ..settings() }),
            ("max_replies", Connect { max_replies: MOST_REPLIES + 1, ..settings() }),
            ("holding.ar", Connect { holding: empty, ..settings() }),
            ("instructions", Connect { instructions: Some(long), ..settings() }),
        ] {
            assert_eq!(objection(&settings).map(|(field, _)| field), Some(field));
        }
    }

    #[test]
    fn who_wrote_no_holding_message_has_ours_in_both_languages() {
        let own = Texts { ar: Some("لحظة".into()), en: None };
        assert_eq!(holding_words(&own, Language::Ar), "لحظة");
        assert!(holding_words(&own, Language::En).starts_with("Thank you"));
        assert_ne!(holding_words(&Texts::default(), Language::Ar), holding_words(&own, Language::En));
    }
}
