//! What a webhook says about the health of a number: its rating, its limit, its name.

use crate::wire::{Text, lossy, object_str};
use domain::health::{MessagingLimit, Quality, Report};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a webhook says about a number, or about all numbers of a business account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberNews {
    /// The digits of the number, where the webhook names it.
    pub display: Option<String>,
    /// What it says of the number.
    pub report: Report,
    /// How many people may be written to first, by all numbers of the portfolio.
    pub limit: Option<MessagingLimit>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Value<'a> {
    #[serde(borrow)]
    display_phone_number: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    decision: Text<'a>,
    #[serde(borrow)]
    current_limit: Option<&'a RawValue>,
    #[serde(borrow)]
    max_daily_conversations_per_business: Option<&'a RawValue>,
}

/// Reads the value of a webhook field that is about a number's health; `None` for every other field. News without
/// content still say that something happened: the provider is to be asked.
#[must_use]
pub fn number_news(field: &str, raw: &str) -> Option<NumberNews> {
    let about_a_number = matches!(field, "phone_number_quality_update" | "phone_number_name_update");
    if !about_a_number && !matches!(field, "business_capability_update" | "account_update" | "account_alerts")
    {
        return None;
    }
    let value: Value<'_> = object_str(raw.trim()).ok()?;
    let event = value.event.get().unwrap_or_default();
    let mut news = NumberNews {
        display: value.display_phone_number.get().map(digits).filter(|digits| !digits.is_empty()),
        ..NumberNews::default()
    };
    match field {
        "phone_number_quality_update" => {
            news.report.quality = match event {
                "FLAGGED" => Some(Quality::Red),
                // Medium or high; which of them the number itself tells.
                "UNFLAGGED" => Some(Quality::Yellow),
                _ => None,
            };
            if event == "THROUGHPUT_UPGRADE" {
                news.report.throughput = Some("HIGH".to_owned());
            }
            news.limit =
                limit(value.max_daily_conversations_per_business).or_else(|| limit(value.current_limit));
        }
        "phone_number_name_update" => news.report.name_status = value.decision.owned(),
        "business_capability_update" => news.limit = limit(value.max_daily_conversations_per_business),
        _ => {}
    }
    Some(news)
}

/// Documented as `TIER_*` and shown as a number: both are read.
fn limit(raw: Option<&RawValue>) -> Option<MessagingLimit> {
    lossy(raw).or_else(|| raw.map(|raw| raw.get().to_owned())).and_then(|text| MessagingLimit::parse(&text))
}

/// The digits of a number as people write it.
#[must_use]
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_limits_and_names_are_read_from_their_fields() {
        let news = |field: &str, raw: &str| number_news(field, raw).unwrap();
        let flagged = news(
            "phone_number_quality_update",
            r#"{"display_phone_number":"+971 45 550 100","event":"FLAGGED","current_limit":"TIER_2K"}"#,
        );
        assert_eq!(flagged.display.as_deref(), Some("97145550100"));
        assert_eq!(flagged.report.quality, Some(Quality::Red));
        assert_eq!(flagged.limit, Some(MessagingLimit::People(2_000)));
        let unflagged = news("phone_number_quality_update", r#"{"event":"UNFLAGGED"}"#);
        assert_eq!((unflagged.report.quality, unflagged.limit), (Some(Quality::Yellow), None));
        let up = news(
            "phone_number_quality_update",
            r#"{"event":"UPGRADE","max_daily_conversations_per_business":"TIER_10K"}"#,
        );
        assert_eq!((up.report.quality, up.limit), (None, Some(MessagingLimit::People(10_000))));
        let named = news("phone_number_name_update", r#"{"display_phone_number":"1","decision":"APPROVED"}"#);
        assert_eq!(named.report.name_status.as_deref(), Some("APPROVED"));
        for (raw, limit) in [
            (r#"{"max_daily_conversations_per_business":-1}"#, Some(MessagingLimit::Unlimited)),
            (r#"{"max_daily_conversations_per_business":2000}"#, Some(MessagingLimit::People(2_000))),
            (r#"{"max_daily_conversations_per_business":"TIER_250"}"#, Some(MessagingLimit::People(250))),
            (r#"{"max_daily_conversations_per_business":{}}"#, None),
            (r#"{"max_phone_numbers_per_waba":25}"#, None),
        ] {
            assert_eq!(news("business_capability_update", raw).limit, limit, "{raw}");
        }
        assert_eq!(news("account_update", r#"{"event":"ACCOUNT_RESTRICTION"}"#), NumberNews::default());
        assert_eq!(number_news("messages", "{}"), None);
        assert_eq!(number_news("account_update", "[]"), None);
    }
}
