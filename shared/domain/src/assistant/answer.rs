//! What of a model's answer may be shown to anybody.

use crate::language::{Language, detect};
use whatlang::Lang;

/// The longest answer, in characters.
const LONGEST: usize = 2_000;
/// With fewer letters nobody can tell one language from another of the same script.
const TELLING_LETTERS: usize = 40;
/// How sure that must be.
const TELLING_CONFIDENCE: f64 = 0.9;

/// Why an answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It says nothing.
    #[error("the answer is empty")]
    Empty,
    /// It is too long for a message.
    #[error("the answer is longer than {LONGEST} characters")]
    TooLong,
    /// It is a page, not words.
    #[error("the answer is HTML")]
    Markup,
    /// It is written in another language.
    #[error("the answer is in another language")]
    OtherLanguage,
    /// It breaks off.
    #[error("the answer breaks off")]
    Cut,
}

/// An answer as it may be sent, without what the model thought aloud.
///
/// # Errors
/// Why nothing of it can be used.
pub fn usable(answer: &str, language: Language) -> Result<String, Unusable> {
    let said = without_thoughts(answer).trim();
    if !said.chars().any(char::is_alphanumeric) {
        return Err(Unusable::Empty);
    }
    if said.chars().count() > LONGEST {
        return Err(Unusable::TooLong);
    }
    if is_markup(said) {
        return Err(Unusable::Markup);
    }
    if !speaks(said, language) {
        return Err(Unusable::OtherLanguage);
    }
    let kept = |c: &char| !c.is_control() || *c == '\n';
    Ok(said.replace("\r\n", "\n").chars().filter(kept).collect())
}

/// Models that reason put it before the answer.
fn without_thoughts(answer: &str) -> &str {
    match answer.trim_start().strip_prefix("<think>").and_then(|rest| rest.split_once("</think>")) {
        Some((_, said)) => said,
        None => answer,
    }
}

/// Whether there is a tag: `<` and a letter, a slash or a mark, and a `>` after it. "Less than <5" has none.
fn is_markup(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        begins && rest.contains('>')
    })
}

/// Whether a text is in a language, as far as it can be told. Numbers alone are in every one.
fn speaks(text: &str, language: Language) -> bool {
    let Some(found) = detect(text) else { return true };
    if found != language {
        return false;
    }
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let latin = letters.iter().filter(|c| is_latin(**c)).count();
    if language == Language::En && latin * 2 < letters.len() {
        return false;
    }
    let Some(told) = whatlang::detect(text) else { return true };
    let sure =
        letters.len() >= TELLING_LETTERS && told.is_reliable() && told.confidence() >= TELLING_CONFIDENCE;
    !sure
        || match language {
            Language::En => told.lang() == Lang::Eng,
            // Arabizi is Arabic, whatever its letters look like.
            Language::Ar => told.lang() == Lang::Ara || latin * 2 > letters.len(),
        }
}

const fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{00C0}'..='\u{024F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRENCH: &str =
        "Merci pour votre message, nous serions heureux d'organiser une visite de l'appartement.";
    const HINDI: &str = "संपर्क करने के लिए धन्यवाद। हम आपकी कैसे मदद कर सकते हैं?";
    const PERSIAN: &str = "با سپاس از پیام شما، خوشحال می‌شویم که برای بازدید از آپارتمان با شما هماهنگ کنیم. چه روزی برای شما مناسب است؟";

    #[rstest::rstest]
    #[case::english("Yes, it is free. When would you like to see it?", Language::En, Ok(()))]
    #[case::arabic("نعم، الشقة متاحة. متى تودون زيارتها؟", Language::Ar, Ok(()))]
    #[case::a_name_in_the_other_script("نعم، شقة Marina Vista متاحة الآن للزيارة", Language::Ar, Ok(()))]
    #[case::a_price("1,200,000", Language::Ar, Ok(()))]
    #[case::less_than("It is <5 minutes from the metro > and cheap", Language::En, Ok(()))]
    #[case::empty("", Language::En, Err(Unusable::Empty))]
    #[case::blank(" \n\t ", Language::En, Err(Unusable::Empty))]
    #[case::marks_only("...!?", Language::Ar, Err(Unusable::Empty))]
    #[case::a_page(
        "<!DOCTYPE html><html><body>Bad gateway</body></html>",
        Language::En,
        Err(Unusable::Markup)
    )]
    #[case::a_tag("We are <b>glad</b> to help", Language::En, Err(Unusable::Markup))]
    #[case::arabic_for_english("شكرا لتواصلكم معنا", Language::En, Err(Unusable::OtherLanguage))]
    #[case::english_for_arabic("Thank you for getting in touch", Language::Ar, Err(Unusable::OtherLanguage))]
    #[case::french(FRENCH, Language::En, Err(Unusable::OtherLanguage))]
    #[case::hindi(HINDI, Language::En, Err(Unusable::OtherLanguage))]
    #[case::russian("Спасибо за обращение. Чем мы можем помочь?", Language::En, Err(Unusable::OtherLanguage))]
    #[case::persian(PERSIAN, Language::Ar, Err(Unusable::OtherLanguage))]
    #[case::only_thoughts("<think>They want a viewing.</think> ", Language::En, Err(Unusable::Empty))]
    fn what_may_be_sent_of_an_answer(
        #[case] answer: &str,
        #[case] language: Language,
        #[case] expected: Result<(), Unusable>,
    ) {
        assert_eq!(usable(answer, language).map(drop), expected, "{answer}");
    }

    #[test]
    fn a_long_answer_is_not_a_message() {
        assert!(usable(&"word ".repeat(400), Language::En).is_ok());
        assert_eq!(usable(&"word ".repeat(20_000), Language::En), Err(Unusable::TooLong));
    }

    #[test]
    fn thoughts_and_control_characters_stay_here() {
        let answer = "<think>They greet.</think>\n\nGood\u{7} morning,\r\nhow can we help?\n";
        assert_eq!(usable(answer, Language::En).as_deref(), Ok("Good morning,\nhow can we help?"));
    }
}
