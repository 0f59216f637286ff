//! Which of a template's languages is sent.

use super::{Template, TemplateState};
use crate::language::Language;

/// No language of the template fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// There is no template of this name.
    #[error("There is no template of this name.")]
    Unknown,
    /// It is not registered in the language that was asked for.
    #[error("The template is not registered in `{asked}`; it is in {}.", listed(.available))]
    NotInLanguage {
        /// The language code that was asked for.
        asked: String,
        /// The language codes it is registered in, sorted.
        available: Vec<String>,
    },
    /// No language was asked for, and neither the conversation's nor the tenant's is among several.
    #[error("Say which language: the template is registered in {}.", listed(.available))]
    Undecided {
        /// The language codes it is registered in, sorted.
        available: Vec<String>,
    },
}

/// Picks the row to send among the rows of one name. The language asked for is taken exactly, else by its first part
/// (`en_US` for `en`); when none is asked for, the conversation's decides, then the tenant's, then the only one.
///
/// # Errors
/// No row fits.
pub fn choose<'a>(
    rows: &'a [Template],
    asked: Option<&str>,
    conversation: Option<Language>,
    default: Language,
) -> Result<&'a Template, NoChoice> {
    if rows.is_empty() {
        return Err(NoChoice::Unknown);
    }
    if let Some(asked) = asked {
        return in_language(rows, asked)
            .ok_or_else(|| NoChoice::NotInLanguage { asked: asked.to_owned(), available: languages(rows) });
    }
    let wanted = [conversation, Some(default)].into_iter().flatten();
    if let Some(row) = wanted.into_iter().find_map(|language| in_language(rows, language.as_str())) {
        return Ok(row);
    }
    let first = rows.iter().map(|row| base(&row.language)).next().unwrap_or_default();
    let only = rows.iter().all(|row| base(&row.language) == first);
    only.then(|| in_language(rows, &first))
        .flatten()
        .ok_or_else(|| NoChoice::Undecided { available: languages(rows) })
}

/// The name and language that a name with a language at its end may stand for: `viewing_confirmation_en` is
/// `viewing_confirmation` in English when nothing is registered under the whole name.
#[must_use]
pub fn without_language(name: &str) -> Option<(&str, Language)> {
    let (rest, suffix) = name.rsplit_once('_')?;
    let language = Language::parse(suffix)?;
    (!rest.is_empty()).then_some((rest, language))
}

/// Whether a registered language code is this language, in any region.
#[must_use]
pub fn is_in(code: &str, language: Language) -> bool {
    base(code) == language.as_str()
}

fn in_language<'a>(rows: &'a [Template], asked: &str) -> Option<&'a Template> {
    // Two numbers may both have the template; then the one that can be sent is meant.
    let best = |fits: &dyn Fn(&Template) -> bool| {
        let fitting = rows.iter().filter(|row| fits(row));
        fitting.min_by_key(|row| (row.state != TemplateState::Approved, &row.language, row.id))
    };
    let exact = spelled(asked);
    let first = base(asked);
    best(&|row| spelled(&row.language) == exact).or_else(|| best(&|row| base(&row.language) == first))
}

/// One spelling for `en_US`, `en-us` and `EN_US`.
fn spelled(code: &str) -> String {
    code.trim().replace('-', "_").to_ascii_lowercase()
}

fn base(code: &str) -> String {
    let spelled = spelled(code);
    spelled.split('_').next().unwrap_or_default().to_owned()
}

fn languages(rows: &[Template]) -> Vec<String> {
    let mut codes: Vec<String> = rows.iter().map(|row| row.language.clone()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn listed(codes: &[String]) -> String {
    codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::sample::template;

    fn rows(codes: &[&str]) -> Vec<Template> {
        codes.iter().map(|code| Template { language: (*code).to_owned(), ..template("Hi") }).collect()
    }

    fn chosen(
        codes: &[&str],
        asked: Option<&str>,
        conversation: Option<Language>,
    ) -> Result<String, NoChoice> {
        choose(&rows(codes), asked, conversation, Language::En).map(|row| row.language.clone())
    }

    #[rstest::rstest]
    #[case::exact(&["ar", "en", "en_US"], Some("en"), None, "en")]
    #[case::exact_region(&["en", "en_US"], Some("en_US"), None, "en_US")]
    #[case::another_spelling(&["en", "en_US"], Some("EN-us"), None, "en_US")]
    #[case::same_base(&["ar", "en_US"], Some("en"), None, "en_US")]
    #[case::base_for_a_region(&["ar", "en"], Some("en_GB"), None, "en")]
    #[case::the_question_beats_the_conversation(&["ar", "en"], Some("en"), Some(Language::Ar), "en")]
    #[case::the_conversation(&["ar", "en"], None, Some(Language::Ar), "ar")]
    #[case::the_tenant(&["ar", "en"], None, None, "en")]
    #[case::the_tenant_when_the_conversation_has_none(&["en", "fr"], None, Some(Language::Ar), "en")]
    #[case::the_only_one(&["fr"], None, Some(Language::Ar), "fr")]
    #[case::the_only_language(&["fr_FR", "fr_CA"], None, None, "fr_CA")]
    fn a_language_is_chosen(
        #[case] codes: &[&str],
        #[case] asked: Option<&str>,
        #[case] conversation: Option<Language>,
        #[case] expected: &str,
    ) {
        assert_eq!(chosen(codes, asked, conversation).as_deref(), Ok(expected));
    }

    #[test]
    fn what_was_not_found_is_named() {
        assert_eq!(chosen(&[], Some("en"), None), Err(NoChoice::Unknown));
        let missing = chosen(&["en_US", "ar"], Some("fr"), None).unwrap_err();
        assert_eq!(missing.to_string(), "The template is not registered in `fr`; it is in `ar`, `en_US`.");
        let undecided = chosen(&["fr", "de"], None, Some(Language::Ar)).unwrap_err();
        assert_eq!(undecided, NoChoice::Undecided { available: vec!["de".into(), "fr".into()] });
    }

    #[test]
    fn of_two_regions_the_approved_one_is_sent() {
        let mut rows = rows(&["en_GB", "en_US"]);
        rows[0].state = TemplateState::Rejected;
        assert_eq!(choose(&rows, Some("en"), None, Language::En).unwrap().language, "en_US");
        assert_eq!(choose(&rows, Some("en_GB"), None, Language::En).unwrap().language, "en_GB");
    }

    #[test]
    fn a_name_may_end_in_its_language() {
        assert_eq!(without_language("viewing_confirmation_en"), Some(("viewing_confirmation", Language::En)));
        assert_eq!(without_language("viewing_confirmation_ar"), Some(("viewing_confirmation", Language::Ar)));
        assert_eq!(without_language("viewing_confirmation"), None);
        assert_eq!(without_language("_en"), None);
        assert!(is_in("en_US", Language::En) && is_in("EN", Language::En) && !is_in("ar", Language::En));
    }
}
