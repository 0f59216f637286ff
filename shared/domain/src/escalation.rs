//! When a customer is to talk to a person: words of four categories, how often they are said, who may answer.

use crate::keywords::folded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most words of one category.
pub const MOST_WORDS: usize = 200;
/// The longest word or phrase, in characters.
pub const LONGEST_WORD: usize = 64;
/// The most messages that a category can ask for.
pub const HIGHEST_THRESHOLD: u8 = 20;
/// How far back earlier messages count, in milliseconds: as long as a service window.
pub const COUNTED_MS: u64 = 24 * 60 * 60 * 1000;
/// Longer texts are looked at up to here, in characters: the longest that WhatsApp carries.
const LOOKED_AT: usize = 4_096;

/// What a customer's words are about; the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EscalationCategory))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Somebody may be in danger.
    Medical,
    /// A lawyer, a court, the police.
    Legal,
    /// Somebody asks for a person.
    Person,
    /// Somebody is dissatisfied.
    Complaint,
}

impl Category {
    /// All of them, the gravest first.
    pub const ALL: [Self; 4] = [Self::Medical, Self::Legal, Self::Person, Self::Complaint];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medical => "medical",
            Self::Legal => "legal",
            Self::Person => "person",
            Self::Complaint => "complaint",
        }
    }

    /// How many messages with a word of it move a conversation, unless the tenant says otherwise.
    #[must_use]
    pub const fn threshold(self) -> u8 {
        match self {
            Self::Medical | Self::Legal | Self::Person => 1,
            Self::Complaint => 2,
        }
    }

    /// Its words, unless the tenant gives its own.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Medical => &[
                "emergency",
                "ambulance",
                "chest pain",
                "bleeding",
                "overdose",
                "heart attack",
                "stroke",
                "cannot breathe",
                "cant breathe",
                "suicide",
                "unconscious",
                "طوارئ",
                "إسعاف",
                "نزيف",
                "ألم في الصدر",
                "ضيق تنفس",
                "جلطة",
                "انتحار",
                "جرعة زائدة",
                "فاقد الوعي",
            ],
            Self::Legal => &[
                "lawyer",
                "attorney",
                "legal action",
                "legal notice",
                "lawsuit",
                "will sue",
                "sue you",
                "suing",
                "go to court",
                "take you to court",
                "court case",
                "police",
                "rental dispute",
                "محامي",
                "محكمة",
                "قضية",
                "دعوى",
                "شرطة",
                "بلاغ رسمي",
                "إجراء قانوني",
                "إنذار قانوني",
                "سأقاضيكم",
            ],
            Self::Person => &[
                "human",
                "real person",
                "live agent",
                "human agent",
                "talk to a person",
                "speak to a person",
                "talk to someone",
                "speak to someone",
                "speak with someone",
                "talk to an agent",
                "speak to an agent",
                "talk to a human",
                "customer service",
                "call me",
                "شخص حقيقي",
                "أكلم موظف",
                "اكلم شخص",
                "أتحدث مع موظف",
                "التحدث مع موظف",
                "أتكلم مع موظف",
                "موظف حقيقي",
                "خدمة العملاء",
                "اتصلوا بي",
                "إنسان",
            ],
            Self::Complaint => &[
                "complaint",
                "complain",
                "refund",
                "unacceptable",
                "terrible service",
                "bad service",
                "worst service",
                "scam",
                "fraud",
                "cheated",
                "disappointed",
                "شكوى",
                "أشتكي",
                "استرداد",
                "غير مقبول",
                "خدمة سيئة",
                "احتيال",
                "نصب",
                "نصابين",
                "أسوأ خدمة",
            ],
        }
    }
}

/// What a tenant says about one category; what is absent is as Hadar has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choice {
    /// Its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<Vec<String>>,
    /// How many messages move a conversation; 0 switches the category off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u8>,
}

/// What a tenant says about escalation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Escalation {
    /// Whether it is switched off altogether.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// What it says about each category.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<Category, Choice>,
}

impl Escalation {
    /// How many messages of a category move a conversation; 0 is never.
    #[must_use]
    pub fn threshold(&self, category: Category) -> u8 {
        let chosen = self.choices.get(&category).and_then(|choice| choice.threshold);
        chosen.unwrap_or_else(|| category.threshold())
    }

    /// The words of a category.
    #[must_use]
    pub fn words(&self, category: Category) -> Vec<String> {
        match self.choices.get(&category).and_then(|choice| choice.words.as_ref()) {
            Some(words) => words.clone(),
            None => category.words().iter().map(|word| (*word).to_owned()).collect(),
        }
    }
}

/// Whether a word can be looked for: something must be left of it once it is folded.
#[must_use]
pub fn is_word(text: &str) -> bool {
    text.chars().count() <= LONGEST_WORD && !text.chars().any(char::is_control) && !folded(text).is_empty()
}

/// A tenant's rules, made ready once for many messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    categories: Vec<(Category, u8, Vec<Phrase>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Phrase {
    /// As the tenant wrote it.
    written: String,
    tokens: Vec<String>,
}

/// A category that a text has a word of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub category: Category,
    /// The word, as the rules have it.
    pub word: String,
    /// How many messages it takes.
    pub threshold: u8,
}

/// A reason to move a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The category.
    pub category: Category,
    /// The word of the message that moved it.
    pub word: String,
    /// How many messages had one.
    pub count: u32,
}

impl Rules {
    /// Makes a tenant's rules ready.
    #[must_use]
    pub fn of(escalation: &Escalation) -> Self {
        if escalation.off {
            return Self::default();
        }
        let on = Category::ALL.into_iter().filter(|category| escalation.threshold(*category) > 0);
        let categories = on.map(|category| {
            let words = escalation.words(category).into_iter();
            let phrases = words.map(|written| Phrase { tokens: tokens(&written), written });
            let phrases = phrases.filter(|phrase| !phrase.tokens.is_empty()).collect();
            (category, escalation.threshold(category), phrases)
        });
        Self { categories: categories.collect() }
    }

    /// The categories that a text has a word of, the gravest first.
    #[must_use]
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        if self.categories.is_empty() {
            return Vec::new();
        }
        let looked_at: String = text.chars().take(LOOKED_AT).collect();
        let said = tokens(&looked_at);
        let found = self.categories.iter().filter_map(|(category, threshold, phrases)| {
            let phrase = phrases.iter().find(|phrase| holds(&said, &phrase.tokens))?;
            Some(Hit { category: *category, word: phrase.written.clone(), threshold: *threshold })
        });
        found.collect()
    }

    /// What a message with these hits comes to, given what the customer said before it within [`COUNTED_MS`].
    #[must_use]
    pub fn decide(&self, hits: &[Hit], earlier: &[&str]) -> Option<Trigger> {
        let earlier: Vec<Vec<Hit>> = earlier.iter().map(|text| self.hits(text)).collect();
        hits.iter().find_map(|hit| {
            let same = |hits: &&Vec<Hit>| hits.iter().any(|other| other.category == hit.category);
            let count =
                u32::try_from(earlier.iter().filter(same).count()).unwrap_or(u32::MAX).saturating_add(1);
            (count >= u32::from(hit.threshold)).then(|| Trigger {
                category: hit.category,
                word: hit.word.clone(),
                count,
            })
        })
    }
}

/// Whether a decision on these hits needs to know what was said before.
#[must_use]
pub fn needs_history(hits: &[Hit]) -> bool {
    !hits.is_empty() && hits.iter().all(|hit| hit.threshold > 1)
}

/// The words of a text as they are compared: folded as keywords are, the Arabic article and what is written together with
/// it taken off.
fn tokens(text: &str) -> Vec<String> {
    folded(text).split(' ').filter(|word| !word.is_empty()).map(|word| bare(word).to_owned()).collect()
}

/// An Arabic word without its article: `والمحامي`, `للمحامي` and `محامي` are one word.
fn bare(word: &str) -> &str {
    const ARTICLES: [&str; 10] = ["وال", "فال", "بال", "كال", "وبال", "ولل", "لل", "ال", "هال", "عال"];
    let rest = ARTICLES.iter().filter_map(|article| word.strip_prefix(article));
    // Three letters are a root: less would be another word.
    rest.filter(|rest| rest.chars().count() >= 3).min_by_key(|rest| rest.len()).unwrap_or(word)
}

/// Whether a text holds a phrase, word by word.
fn holds(said: &[String], phrase: &[String]) -> bool {
    let same = |(said, wanted): (&String, &String)| {
        said == wanted || said.strip_prefix('و').is_some_and(|rest| rest == wanted.as_str())
    };
    said.windows(phrase.len()).any(|window| window.iter().zip(phrase).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn categories(text: &str) -> Vec<Category> {
        Rules::of(&Escalation::default()).hits(text).into_iter().map(|hit| hit.category).collect()
    }

    #[rstest::rstest]
    #[case::legal("I will call my LAWYER!", Category::Legal)]
    #[case::court("we take you to court", Category::Legal)]
    #[case::arabic_lawyer("سأكلم المحامي", Category::Legal)]
    #[case::arabic_and_the_lawyer("والمحامي سيتصل", Category::Legal)]
    #[case::arabic_to_the_lawyer("ذهبت للمحامي", Category::Legal)]
    #[case::arabic_diacritics("مُحَامِي", Category::Legal)]
    #[case::arabic_ta_marbuta("المحكمه", Category::Legal)]
    #[case::complaint("This is a complaint.", Category::Complaint)]
    #[case::arabic_complaint("عندي شكوى", Category::Complaint)]
    #[case::medical("chest  pain since morning", Category::Medical)]
    #[case::arabic_medical("حالة طوارئ", Category::Medical)]
    #[case::person("Can I speak to someone please", Category::Person)]
    #[case::apostrophe("I can’t breathe", Category::Medical)]
    #[case::arabic_person("اريد أكلم موظف", Category::Person)]
    #[case::arabic_and("وشكوى", Category::Complaint)]
    fn words_of_a_category_are_found_however_they_are_typed(#[case] text: &str, #[case] category: Category) {
        assert_eq!(categories(text), [category], "{text}");
    }

    #[rstest::rstest]
    #[case::empty("")]
    #[case::emoji("🙏")]
    #[case::tennis_court("Is there a tennis court?")]
    #[case::inside_a_word("humanity is great")]
    #[case::plain("Is the apartment in Marina available?")]
    #[case::name("My name is Sue")]
    #[case::arabic_plain("هل الشقة متاحة؟")]
    #[case::phrase_with_a_gap("speak slowly to the someone")]
    fn other_texts_have_none(#[case] text: &str) {
        assert_eq!(categories(text), []);
    }

    #[test]
    fn the_gravest_category_decides_and_a_count_is_reached_by_messages_not_by_words() {
        let rules = Rules::of(&Escalation::default());
        let hits = rules.hits("My lawyer says this is a medical emergency, I complain");
        assert_eq!(rules.decide(&hits, &[]).unwrap().category, Category::Medical);
        let hits = rules.hits("complaint complaint refund");
        assert!(needs_history(&hits));
        assert_eq!(rules.decide(&hits, &[]), None);
        assert_eq!(rules.decide(&hits, &["hello", "my lawyer"]), None);
        let trigger = rules.decide(&hits, &["hello", "I want a refund"]).unwrap();
        assert_eq!(
            (trigger.category, trigger.word.as_str(), trigger.count),
            (Category::Complaint, "complaint", 2)
        );
        assert!(!needs_history(&rules.hits("a complaint to my lawyer")));
        assert!(!needs_history(&[]));
    }

    #[test]
    fn a_tenant_chooses_words_and_thresholds_and_switches_off() {
        let mut escalation = Escalation::default();
        let words = Some(vec!["Snagging list".to_owned(), "؟".to_owned()]);
        escalation.choices.insert(Category::Complaint, Choice { words, threshold: Some(1) });
        escalation.choices.insert(Category::Legal, Choice { words: None, threshold: Some(0) });
        let rules = Rules::of(&escalation);
        assert_eq!(rules.hits("the SNAGGING-LIST again")[0].category, Category::Complaint);
        assert!(rules.hits("complaint").is_empty(), "its own words take the place of ours");
        assert!(rules.hits("my lawyer").is_empty());
        assert!(rules.hits("؟").is_empty(), "nothing is left of it");
        escalation.off = true;
        assert!(Rules::of(&escalation).hits("emergency").is_empty());
    }

    #[test]
    fn every_word_of_ours_is_one_and_is_found_in_itself() {
        for category in Category::ALL {
            for word in category.words() {
                assert!(is_word(word), "{word}");
                assert!(categories(word).contains(&category), "{word}");
            }
        }
        for bad in ["", "؟!", "a\nb", &"x".repeat(65)] {
            assert!(!is_word(bad), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_looked_at_without_trouble(text in "\\PC*") {
            let rules = Rules::of(&Escalation::default());
            let hits = rules.hits(&text);
            let decided = rules.decide(&hits, &[&text]);
            proptest::prop_assert_eq!(decided.is_some(), !hits.is_empty());
        }
    }
}
