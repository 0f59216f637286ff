//! Words by which a customer stops messages: the whole message, in Arabic or English, however it is typed.

use crate::consent::Purpose;
use unicode_normalization::UnicodeNormalization as _;

/// Longer messages are conversation, not a keyword.
const LONGEST: usize = 64;

/// Whole messages that stop marketing.
const STOP: &[&str] = &[
    "stop",
    "stop it",
    "stop please",
    "please stop",
    "pls stop",
    "stop messages",
    "stop messaging me",
    "stop sending",
    "stop promotions",
    "stop marketing",
    "unsubscribe",
    "unsubscribe me",
    "please unsubscribe",
    "opt out",
    "optout",
    "opt-out",
    "cancel subscription",
    "remove me",
    "الغا",
    "الغا الاشتراك",
    "الغي الاشتراك",
    "الغ الاشتراك",
    "الغا اشتراك",
    "ايقاف",
    "ايقاف الرسايل",
    "اوقف",
    "اوقف الرسايل",
    "اوقفوا الرسايل",
    "وقف",
    "توقف",
    "قف",
    "لا ترسل",
    "لا ترسلوا",
    "لا ترسلون",
    "بس رسايل",
];

/// Whole messages that stop everything.
const STOP_ALL: &[&str] = &[
    "stop all",
    "stopall",
    "stop everything",
    "block",
    "do not contact me",
    "dont contact me",
    "do not message me",
    "dont message me",
    "never contact me",
    "ايقاف الكل",
    "ايقاف كل الرسايل",
    "لا تتواصل معي",
    "لا تتواصلوا معي",
    "لا تراسلني",
    "لا تراسلوني",
];

/// Whole messages that agree, when something was asked.
const YES: &[&str] = &[
    "yes",
    "yes please",
    "yes pls",
    "yes i agree",
    "yes i do",
    "yes agree",
    "yes sure",
    "yeah",
    "yep",
    "yup",
    "y",
    "agree",
    "agreed",
    "i agree",
    "i accept",
    "accept",
    "subscribe",
    "subscribe me",
    "opt in",
    "optin",
    "نعم",
    "نعم موافق",
    "نعم موافقه",
    "نعم اوافق",
    "نعم من فضلك",
    "نعم لو سمحت",
    "موافق",
    "موافقه",
    "انا موافق",
    "انا موافقه",
    "اوافق",
    "اقبل",
    "اي نعم",
    "ايوا",
    "ايوه",
    "اجل",
    "اشتراك",
    "اشترك",
];

/// Whether all that a message says is yes. "Yes but no" does not.
///
/// Compared as [`revocation`] compares. It agrees to something only where something was asked.
#[must_use]
pub fn agrees(text: &str) -> bool {
    text.chars().count() <= LONGEST && YES.contains(&folded(text).as_str())
}

/// What a message withdraws, when all it says is a keyword.
///
/// Compared after compatibility normalisation, without diacritics, tatweel, direction marks, punctuation and emoji,
/// in lower case, with the forms of alef, ya and ta marbuta folded. "Stop, he isn't coming" is no keyword.
#[must_use]
pub fn revocation(text: &str) -> Option<Purpose> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let said = folded(text);
    if STOP_ALL.contains(&said.as_str()) {
        Some(Purpose::Channel)
    } else if STOP.contains(&said.as_str()) {
        Some(Purpose::Marketing)
    } else {
        None
    }
}

/// A text as keywords are compared.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(char::to_lowercase) {
        match c {
            // Combining marks (Latin and Arabic), tatweel, apostrophes: no letter of their own.
            '\u{0300}'..='\u{036F}'
            | '\u{0610}'..='\u{061A}'
            | '\u{064B}'..='\u{065F}'
            | '\u{0670}'
            | '\u{06D6}'..='\u{06ED}'
            | '\u{0640}'
            // The lone hamza: many type `الغا` for `إلغاء`.
            | 'ء'
            | '\''
            | '\u{2019}'
            | '\u{2018}'
            | '`' => {}
            'أ' | 'إ' | 'آ' | 'ٱ' => words.push('ا'),
            'ى' | 'ئ' => words.push('ي'),
            'ؤ' => words.push('و'),
            'ة' => words.push('ه'),
            c if c.is_alphanumeric() => words.push(c),
            // Punctuation, blanks, marks of direction, emoji.
            _ if words.ends_with(' ') => {}
            _ => words.push(' '),
        }
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_of_the_tables_is_written_as_it_is_compared() {
        for (list, purpose) in [(STOP, Purpose::Marketing), (STOP_ALL, Purpose::Channel)] {
            for word in list {
                assert_eq!(revocation(word), Some(purpose), "{word} folds to {}", folded(word));
            }
        }
    }

    #[rstest::rstest]
    #[case::plain("STOP")]
    #[case::trailing_dot("Stop.")]
    #[case::emoji("stop 🙏")]
    #[case::blanks("  stop \n")]
    #[case::full_width("ＳＴＯＰ")]
    #[case::bold("𝗦𝗧𝗢𝗣")]
    #[case::direction_marks("\u{200f}STOP\u{200e}")]
    #[case::unsubscribe("Unsubscribe!")]
    #[case::arabic("إلغاء")]
    #[case::arabic_without_hamza("الغاء")]
    #[case::arabic_diacritics("إِلْغَاء")]
    #[case::tatweel("إلغـــاء")]
    #[case::stop_in_arabic("إيقاف")]
    #[case::stop_in_arabic_with_dot("ايقاف.")]
    #[case::cancel_the_subscription("إلغاء الاشتراك")]
    #[case::presentation_forms("ﺇﻳﻘﺎﻑ")]
    fn a_message_that_is_only_a_stop_word_withdraws_marketing(#[case] text: &str) {
        assert_eq!(revocation(text), Some(Purpose::Marketing), "{}", folded(text));
    }

    #[rstest::rstest]
    #[case::words_around("stop, he isn't coming")]
    #[case::inside("please stop by tomorrow")]
    #[case::bus_stop("bus stop")]
    #[case::arabic_sentence("إلغاء الموعد غدا")]
    #[case::nonstop("nonstop")]
    #[case::empty("")]
    #[case::emoji_only("🛑")]
    #[case::yes("نعم")]
    fn a_sentence_that_holds_the_word_withdraws_nothing(#[case] text: &str) {
        assert_eq!(revocation(text), None);
    }

    #[test]
    fn every_yes_of_the_table_is_written_as_it_is_compared_and_withdraws_nothing() {
        for word in YES {
            assert!(agrees(word), "{word} folds to {}", folded(word));
            assert_eq!(revocation(word), None, "{word}");
        }
    }

    #[rstest::rstest]
    #[case::blank_behind("yes ", true)]
    #[case::upper_case("YES", true)]
    #[case::dot_and_emoji("Yes! 👍", true)]
    #[case::full_width("ＹＥＳ", true)]
    #[case::arabic("نعم", true)]
    #[case::arabic_diacritics("نَعَم", true)]
    #[case::tatweel("نعـــم.", true)]
    #[case::direction_marks("\u{200f}نعم\u{200e}", true)]
    #[case::agreed("أوافق", true)]
    #[case::agreed_feminine("موافقة", true)]
    #[case::yes_but_no("yes but no", false)]
    #[case::arabic_but("نعم ولكن لا", false)]
    #[case::question("yes?who is this", false)]
    #[case::no("no", false)]
    #[case::arabic_no("لا", false)]
    #[case::negated("I do not agree", false)]
    #[case::stop("stop", false)]
    #[case::empty("", false)]
    #[case::emoji_only("👍", false)]
    fn a_message_agrees_when_yes_is_all_it_says(#[case] text: &str, #[case] yes: bool) {
        assert_eq!(agrees(text), yes, "{}", folded(text));
    }

    #[test]
    fn stop_all_withdraws_the_channel() {
        for text in ["STOP ALL", "Stop all!", "Don’t contact me", "لا تراسلني"] {
            assert_eq!(revocation(text), Some(Purpose::Channel), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_trouble(text in "\\PC*") {
            let _either = revocation(&text);
        }
    }
}
