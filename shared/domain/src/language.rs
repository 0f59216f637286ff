//! The language a customer writes in: Arabic or English, decided per message, silent when a message says nothing.
//!
//! Arabizi (Arabic in Latin letters and digits: `mar7aba, sho el akhbar`) counts as Arabic. Emoji, numbers, links and
//! addresses say nothing, so they leave a conversation's language as it was (A41).

use serde::{Deserialize, Serialize};

/// A language we answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Arabic, in any script.
    Ar,
    /// English.
    En,
}

impl Language {
    /// The two-letter code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ar => "ar",
            Self::En => "en",
        }
    }

    /// Reads the two-letter code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ar" => Some(Self::Ar),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

/// Words that are Arabic although written in Latin letters, without digits. Short English look-alikes are left out.
const ARABIZI: &[&str] = &[
    "ahlan",
    "akhi",
    "alaikum",
    "alaykum",
    "alhamdulillah",
    "aleikom",
    "aleikum",
    "assalam",
    "assalamu",
    "ayna",
    "bikam",
    "bkam",
    "bokra",
    "bukra",
    "enta",
    "enti",
    "feen",
    "fein",
    "habibi",
    "habibti",
    "hamdulillah",
    "hayati",
    "inshallah",
    "inshalla",
    "kam",
    "kayf",
    "keef",
    "keefak",
    "keif",
    "khair",
    "khalas",
    "kifak",
    "kifik",
    "kteer",
    "lesh",
    "leish",
    "mabrook",
    "mabrouk",
    "marhaba",
    "masha",
    "mashallah",
    "mumkin",
    "momken",
    "mafi",
    "salaam",
    "salam",
    "sabah",
    "shlonak",
    "shlonik",
    "sho",
    "shou",
    "shukran",
    "shokran",
    "shwaya",
    "tamam",
    "tayeb",
    "tayyib",
    "wallah",
    "wayn",
    "wein",
    "wen",
    "yalla",
    "yaani",
    "yani",
    "ya3ni",
    "zain",
    "zein",
];

/// The language of a text, or `None` when it says nothing about one.
#[must_use]
pub fn detect(text: &str) -> Option<Language> {
    let (mut arabic, mut latin) = (0usize, 0usize);
    let (mut arabizi_words, mut latin_words) = (0usize, 0usize);
    let mut words = String::new();
    for word in text.split_whitespace().filter(|word| !is_address(word)) {
        let mut word_latin = 0;
        for c in word.chars() {
            if is_arabic(c) {
                arabic += 1;
            } else if c.is_alphabetic() {
                latin += 1;
                word_latin += 1;
            }
        }
        if word_latin > 0 {
            latin_words += 1;
            if is_arabizi(word) {
                arabizi_words += 1;
            }
            words.push_str(word);
            words.push(' ');
        }
    }
    if arabic == 0 && latin == 0 {
        return None;
    }
    if arabic >= latin {
        return Some(Language::Ar);
    }
    // Mixed scripts: the one with more letters decides; a name in the other script does not flip a sentence.
    if arabizi_words * 3 >= latin_words && arabizi_words > 0 {
        return Some(Language::Ar);
    }
    // Other scripts and languages are answered in English unless the trigrams say Arabic.
    match whatlang::detect_script(&words) {
        Some(whatlang::Script::Arabic) => Some(Language::Ar),
        _ => Some(Language::En),
    }
}

fn is_arabic(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{064A}' | '\u{066E}'..='\u{06D3}' | '\u{06FA}'..='\u{06FC}'
        | '\u{0750}'..='\u{077F}' | '\u{08A0}'..='\u{08FF}' | '\u{FB50}'..='\u{FDFB}' | '\u{FE70}'..='\u{FEFC}')
}

/// Links, e-mail addresses, handles and codes such as `DXB-1234` name things; they are not speech.
fn is_address(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.contains("://")
        || lower.starts_with("www.")
        || word.contains('@')
        || word.starts_with('#')
        || lower.ends_with(".com")
        || lower.ends_with(".ae")
        || lower.contains(".com/")
        || lower.contains(".ae/")
}

/// A word with an Arabizi digit between letters (`7abibi`, `3ala`, `ma3`), or one of the known words.
fn is_arabizi(word: &str) -> bool {
    let word: String = word
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '\'')
        .collect::<String>()
        .to_ascii_lowercase();
    if ARABIZI.contains(&word.as_str()) {
        return true;
    }
    let digits: Vec<char> = word.chars().filter(char::is_ascii_digit).collect();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    // `3bhk`, `2br`, `5pm`, `b2b`, `4u` and model numbers are English; Arabizi digits stand for letters inside words.
    letters >= 2
        && digits.len() <= 2
        && digits.iter().all(|d| matches!(d, '2' | '3' | '5' | '7' | '8' | '9'))
        && !digits.is_empty()
        && !UNITS.iter().any(|unit| word.trim_start_matches(|c: char| c.is_ascii_digit()) == *unit)
        && !word.ends_with(|c: char| c.is_ascii_digit() && c != '3' && c != '7' && c != '2')
        && word.chars().any(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u'))
}

/// What follows a number in English.
const UNITS: &[&str] = &[
    "am", "pm", "br", "bhk", "bed", "beds", "bedroom", "bedrooms", "bath", "baths", "st", "nd", "rd", "th",
    "k", "m", "mn", "million", "sqft", "sqm", "aed", "min", "mins", "hr", "hrs", "hour", "hours", "day",
    "days", "week", "weeks", "year", "years", "x", "d", "g", "gb", "mb", "km", "cm", "mm", "kg", "usd",
    "percent", "oclock", "people", "star",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::arabic("السلام عليكم، هل الشقة متاحة؟", Some(Language::Ar))]
    #[case::english("Is the 2 bedroom in Dubai Marina still available?", Some(Language::En))]
    #[case::english_with_units("3bhk for 120k, can I come at 5pm or 7pm on the 2nd?", Some(Language::En))]
    #[case::arabizi_word("marhaba, sho el akhbar", Some(Language::Ar))]
    #[case::arabizi_digits("mar7aba keef 7alak", Some(Language::Ar))]
    #[case::arabizi_3("3ndi so2al law sama7t", Some(Language::Ar))]
    #[case::arabizi_greeting("salam alaikum", Some(Language::Ar))]
    #[case::arabic_with_an_english_name("أريد زيارة Marina Vista غدا إن أمكن", Some(Language::Ar))]
    #[case::english_with_an_arabic_word("I would like to visit the villa tomorrow, شكرا", Some(Language::En))]
    #[case::emoji("👍👍 ❤️", None)]
    #[case::numbers("1200000", None)]
    #[case::arabic_digits("١٢٣٤", None)]
    #[case::a_link("https://www.bayut.com/property/details-1234.html", None)]
    #[case::a_mail_address("omar@example.com", None)]
    #[case::punctuation("?!...", None)]
    #[case::empty("", None)]
    #[case::short_yes("ok thanks", Some(Language::En))]
    #[case::arabic_yes("نعم", Some(Language::Ar))]
    #[case::tatweel_and_marks("مَرْحَــبًا", Some(Language::Ar))]
    #[case::a_link_with_arabic("شوف https://bayut.com/x", Some(Language::Ar))]
    fn the_language_of_a_message(#[case] text: &str, #[case] expected: Option<Language>) {
        assert_eq!(detect(text), expected, "{text}");
    }
}
