//! The part of the settings that says when customers are to talk to a person.

use domain::escalation::{
    Category, Choice, Escalation, HIGHEST_THRESHOLD, LONGEST_WORD, MOST_WORDS, is_word,
};
use platform::http::Problem;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// What changes; what is not named stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeEscalation {
    /// Whether messages are looked through at all.
    enabled: Option<bool>,
    /// Words of danger.
    medical: Option<ChangeCategory>,
    /// Words of the law.
    legal: Option<ChangeCategory>,
    /// Words that ask for a person.
    person: Option<ChangeCategory>,
    /// Words of dissatisfaction.
    complaint: Option<ChangeCategory>,
}

/// One category; what is not named stays, `null` is as Hadar has it.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ChangeEscalationRule))]
#[serde(deny_unknown_fields)]
struct ChangeCategory {
    /// Its words and phrases, in any language.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>, max_items = 200))]
    words: Option<Option<Vec<String>>>,
    /// How many messages of a day with one of them move a conversation; 0 is never.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u8>, maximum = 20))]
    threshold: Option<Option<u8>>,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A change that may be made.
#[derive(Debug)]
pub(crate) struct Checked {
    enabled: Option<bool>,
    choices: BTreeMap<Category, ChangeCategory>,
}

impl ChangeEscalation {
    /// The change, if it may be made.
    ///
    /// # Errors
    /// Words that are none, too many of them, a threshold that is too high, nothing at all.
    pub(crate) fn checked(&self) -> Result<Checked, Problem> {
        let named = [
            (Category::Medical, &self.medical),
            (Category::Legal, &self.legal),
            (Category::Person, &self.person),
            (Category::Complaint, &self.complaint),
        ];
        let mut choices = BTreeMap::new();
        for (category, change) in named {
            let Some(change) = change else { continue };
            let field = |name: &str| format!("escalation.{}.{name}", category.as_str());
            if let Some(Some(words)) = &change.words
                && (words.is_empty() || words.len() > MOST_WORDS || !words.iter().all(|word| is_word(word)))
            {
                let message = format!(
                    "Expected 1 to {MOST_WORDS} words or phrases of letters, at most {LONGEST_WORD} characters each; \
                     \"threshold\": 0 switches the category off."
                );
                return Err(Problem::invalid(field("words"), message));
            }
            if let Some(Some(threshold)) = change.threshold
                && threshold > HIGHEST_THRESHOLD
            {
                return Err(Problem::invalid(
                    field("threshold"),
                    format!("Expected 0 to {HIGHEST_THRESHOLD}."),
                ));
            }
            choices.insert(category, change.clone());
        }
        if self.enabled.is_none() && choices.is_empty() {
            let message = "Expected at least one of `enabled`, `medical`, `legal`, `person`, `complaint`.";
            return Err(Problem::invalid("escalation", message));
        }
        Ok(Checked { enabled: self.enabled, choices })
    }
}

impl Checked {
    /// What the tenant says with this change made.
    pub(crate) fn on(self, mut known: Escalation) -> Escalation {
        if let Some(enabled) = self.enabled {
            known.off = !enabled;
        }
        for (category, ChangeCategory { words, threshold }) in self.choices {
            let choice = known.choices.entry(category).or_default();
            if let Some(words) = words {
                choice.words = words;
            }
            if let Some(threshold) = threshold {
                choice.threshold = threshold;
            }
        }
        known.choices.retain(|_, choice| *choice != Choice::default());
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(body: Value) -> Result<Checked, Problem> {
        serde_json::from_value::<ChangeEscalation>(body).unwrap().checked()
    }

    #[test]
    fn what_is_not_named_stays_and_null_is_as_hadar_has_it() {
        let change = json!({"legal": {"words": ["notary"], "threshold": 2}, "enabled": false});
        let known = checked(change).unwrap().on(Escalation::default());
        assert!(known.off);
        assert_eq!(
            (known.words(Category::Legal), known.threshold(Category::Legal)),
            (vec!["notary".into()], 2)
        );
        let known = checked(json!({"legal": {"words": null}})).unwrap().on(known);
        assert_eq!(known.words(Category::Legal), Category::Legal.words());
        assert_eq!((known.threshold(Category::Legal), known.off), (2, true));
        let known = checked(json!({"legal": {"threshold": null}, "enabled": true})).unwrap().on(known);
        assert_eq!(known, Escalation::default());
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (body, field) in [
            (json!({}), "escalation"),
            (json!({"legal": {"words": []}}), "escalation.legal.words"),
            (json!({"medical": {"words": ["؟!"]}}), "escalation.medical.words"),
            (json!({"person": {"words": vec!["w"; 201]}}), "escalation.person.words"),
            (json!({"complaint": {"threshold": 21}}), "escalation.complaint.threshold"),
        ] {
            assert_eq!(checked(body).unwrap_err().field(), Some(field));
        }
    }
}
