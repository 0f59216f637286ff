//! What people agree to where they enquire: with their own enquiry, or by the words that a source shows to everybody.

use super::FeedDelivery;
use crate::consent;
use crate::leads::By;
use domain::consent::{ConsentState, Consents, Purpose};
use domain::ids::{ConsentId, ContactId, derived_ulid};
use domain::lead::FeedKind;
use domain::routing::SourceOptIn;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{NewConsent, StoreError, Wording};
use providers::leads::RawLead;
use serde_json::Value;

/// The longest wording that is kept, in characters.
const LONGEST_WORDING: usize = 4_096;
/// The longest language, in characters.
const LONGEST_LANGUAGE: usize = 16;

/// Something that somebody agreed to.
pub(super) struct Agreed {
    wording: String,
    /// Whether they are the source's, the same for everybody.
    shown: bool,
    language: String,
    purpose: Purpose,
    at: Millis,
    /// What makes it one agreement, however often it is told.
    event: String,
}

/// What somebody agreed to with an enquiry.
pub(super) async fn agreed(
    platform: &Platform,
    delivery: FeedDelivery<'_>,
    raw: &RawLead,
) -> Result<Vec<Agreed>, StoreError> {
    let at = raw.at.unwrap_or(delivery.received_at).min(delivery.received_at);
    let who = [&raw.external_id, &raw.phone, &raw.email].into_iter().flatten().next().cloned();
    let event = who.unwrap_or_default();
    let mut all = Vec::new();
    if let Some(given) = &raw.consent {
        all.push(Agreed {
            shown: false,
            wording: given.wording.chars().take(LONGEST_WORDING).collect(),
            language: given.language.chars().take(LONGEST_LANGUAGE).collect(),
            purpose: given.purpose.as_deref().and_then(Purpose::parse).unwrap_or(Purpose::Marketing),
            at: given.at.unwrap_or(at).min(delivery.received_at),
            event: format!("{event}\ngiven"),
        });
    }
    let tenant = platform.store.tenant_facts(delivery.tenant).await?.tenant;
    let settings = tenant.and_then(|tenant| tenant.first_touch);
    let source = settings.as_ref().and_then(|settings| settings.source(delivery.kind.as_str()));
    if let Some(opt_in) = source.and_then(|rules| rules.opt_in.as_ref())
        && is_ticked(opt_in, delivery.kind, raw)
    {
        all.push(Agreed {
            shown: true,
            wording: opt_in.wording.clone(),
            language: opt_in.language.as_str().to_owned(),
            purpose: opt_in.purpose,
            at,
            event: format!("{event}\nshown"),
        });
    }
    Ok(all)
}

/// Whether the words of a source hold for an enquiry: of Meta's forms only when the box was ticked that they stand beside.
fn is_ticked(opt_in: &SourceOptIn, kind: FeedKind, raw: &RawLead) -> bool {
    let Some(checkbox) = &opt_in.checkbox else { return true };
    let answers = raw.attributes.get("custom_disclaimer_responses").and_then(Value::as_array);
    kind == FeedKind::MetaLeadAds
        && answers.into_iter().flatten().any(|answer| {
            let key = answer.get("checkbox_key").and_then(Value::as_str);
            let ticked = answer.get("is_checked");
            let is_yes = |value: &Value| match value {
                Value::Bool(yes) => *yes,
                Value::Number(number) => number.as_u64() == Some(1),
                Value::String(text) => matches!(text.as_str(), "1" | "true"),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            };
            key == Some(checkbox) && ticked.is_some_and(is_yes)
        })
}

impl Agreed {
    /// Whether something was written down since that says it already, or takes it back.
    pub(super) fn is_known(&self, known: &Consents, since: Millis) -> bool {
        let standing = match self.purpose {
            Purpose::Marketing => known.marketing,
            Purpose::Channel => known.channel,
        };
        standing.is_some_and(|standing| standing.at >= self.at.min(since))
    }

    /// Writes it down, once.
    pub(super) async fn write(
        &self,
        platform: &Platform,
        by: By<'_>,
        contact: ContactId,
        now: Millis,
    ) -> Result<(), StoreError> {
        let parts = [by.actor, self.purpose.as_str(), &self.event];
        let consent = NewConsent {
            id: ConsentId::from_ulid(derived_ulid(self.at.unix_ms(), &parts)),
            purpose: self.purpose,
            state: ConsentState::Granted,
            occurred_at: self.at,
            recorded_at: now,
            wording: Some(if self.shown {
                Wording::Shown(&self.wording)
            } else {
                Wording::Said(&self.wording)
            }),
            language: Some(&self.language),
            version: None,
            ip_hash: None,
            collected_by: None,
            confirms: None,
            source: by.actor,
            actor: "contact",
            trace_id: by.trace_id,
        };
        consent::write_down(&platform.store, by.tenant, contact, &consent).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::language::Language;
    use serde_json::json;

    #[test]
    fn the_words_of_a_meta_form_hold_when_their_box_was_ticked() {
        let words = |checkbox: Option<&str>| SourceOptIn {
            wording: "w".to_owned(),
            language: Language::En,
            purpose: Purpose::Channel,
            checkbox: checkbox.map(str::to_owned),
        };
        let raw = |answers: Value| {
            let mut raw = RawLead::default();
            raw.attributes.insert("custom_disclaimer_responses".to_owned(), answers);
            raw
        };
        let answer = |key: &str, ticked: Value| json!([{"checkbox_key": key, "is_checked": ticked}]);
        for (answers, expected) in [
            (answer("offers", json!("1")), true),
            (answer("offers", json!(true)), true),
            (answer("offers", json!(1)), true),
            (answer("offers", json!("0")), false),
            (answer("offers", json!("")), false),
            (answer("terms", json!("1")), false),
            (json!([]), false),
            (json!("1"), false),
        ] {
            let raw = raw(answers.clone());
            assert_eq!(is_ticked(&words(Some("offers")), FeedKind::MetaLeadAds, &raw), expected, "{answers}");
            assert!(is_ticked(&words(None), FeedKind::Bayut, &raw));
        }
        assert!(!is_ticked(&words(Some("offers")), FeedKind::MetaLeadAds, &RawLead::default()));
    }
}
