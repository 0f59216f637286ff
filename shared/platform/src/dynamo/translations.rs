//! What messages say in other languages: kept on the message itself, so that it goes when the message goes.

use super::wire::{AttributeValue, Item, Names, StoreError, Values, s};
use super::{Store, keys};
use domain::ids::{ContactId, MessageId, TenantId};
use domain::language::Language;
use domain::time::Millis;
use serde::{Deserialize, Serialize};

/// What a message says in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTranslation {
    /// Which.
    pub language: Language,
    /// Its words.
    pub text: String,
    /// A digest of the words that were translated: an edited message says something else.
    pub of: String,
    /// When.
    pub at: Millis,
}

const LANGUAGES: [Language; 2] = [Language::Ar, Language::En];

const fn attribute(language: Language) -> &'static str {
    match language {
        Language::Ar => "tr_ar",
        Language::En => "tr_en",
    }
}

impl Store {
    /// Keeps a translation beside the message; false when the message is not there (any more).
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn keep_translation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        id: MessageId,
        translation: &StoredTranslation,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "keep translation";
        let json = serde_json::to_string(translation)
            .map_err(|error| StoreError::corrupt(ACTION, "timeline", error))?;
        let names = Names::from([("#in", attribute(translation.language))]);
        let values = Values::from([(":json", s(json))]);
        let (key, set) = (keys::timeline(tenant, contact, id.ulid()), "SET #in = :json");
        let there = Some("attribute_exists(pk)");
        Ok(self.crm.update(ACTION, key, set, there, names, values).await?.is_ok())
    }
}

/// Takes a message's translations out of its item; what makes no sense is none.
pub(super) fn take(item: &mut Item) -> Vec<StoredTranslation> {
    let kept = LANGUAGES.into_iter().filter_map(|language| match item.remove(attribute(language)) {
        Some(AttributeValue::S(json)) => serde_json::from_str(&json).ok(),
        _ => None,
    });
    kept.collect()
}
