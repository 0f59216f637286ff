//! What a message will probably cost: dated rates per market, never a constant in the code (R21).
//!
//! The rates are in `price/rates.json`; a changed price is a new row. What was really charged comes later, with the
//! provider's status. Sources: providers.md 8; the October 2026 change is reported by resellers, not by Meta's own card.

use crate::identity::Bsuid;
use crate::permit::SendPurpose;
use crate::phone::Phone;
use crate::provider::Provider;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The dated rates.
const FILE: &str = include_str!("price/rates.json");

/// The currency that estimates are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// US dollars, as the list has it.
    #[default]
    Usd,
    /// UAE dirhams, at the official rate of 3.6725 to the dollar.
    Aed,
}

/// How a tenant is charged beyond the list: its reseller's mark-up, and the currency of its bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Pricing {
    /// The currency.
    pub currency: Currency,
    /// What a reseller adds, in per cent of the list price.
    pub markup_percent: u8,
}

/// The most a reseller may be said to add, in per cent.
pub const MAX_MARKUP_PERCENT: u8 = 100;

/// Dirhams for a dollar, in ten-thousandths: the central bank's rate since 1997.
const AED_PER_USD: u64 = 36_725;

/// What is charged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PricedAs))]
#[serde(rename_all = "snake_case")]
pub enum Priced {
    /// A marketing template.
    Marketing,
    /// A utility template outside the service window.
    Utility,
    /// A utility template inside it.
    UtilityInWindow,
    /// A one-time code.
    Authentication,
    /// A free-form message.
    Service,
}

/// A rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    market: String,
    category: Priced,
    from: String,
    currency: String,
    amount_micros: u64,
    source: String,
}

/// A price in advance: the list price, which volume tiers, free entry points and the monthly allowance of service
/// messages may lower.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CostEstimate))]
pub struct Estimate {
    /// What the message counts as.
    pub category: Priced,
    /// The recipient's country (ISO 3166), which decides the rate.
    pub market: String,
    /// The currency of the list (ISO 4217).
    pub currency: String,
    /// The price in millionths of the currency's unit, mark-up included: 49,900 is 0.0499.
    pub amount_micros: u64,
    /// What of it is the reseller's, in per cent of the list price.
    #[serde(skip_serializing_if = "is_zero")]
    pub markup_percent: u8,
    /// The day from which the rate is in force.
    pub rate_from: String,
    /// Where the rate is from.
    pub source: String,
}

impl Priced {
    /// What a message counts as.
    #[must_use]
    pub const fn of(purpose: SendPurpose, template: bool, window_open: bool) -> Self {
        match (purpose, template) {
            (_, false) => Self::Service,
            (SendPurpose::Marketing, true) => Self::Marketing,
            (SendPurpose::Authentication, true) => Self::Authentication,
            (SendPurpose::Utility | SendPurpose::Service, true) if window_open => Self::UtilityInWindow,
            (SendPurpose::Utility | SendPurpose::Service, true) => Self::Utility,
        }
    }
}

/// The market of a recipient: the country of the number, else that of the business-scoped user id.
#[must_use]
pub fn market(phone: Option<&Phone>, bsuid: Option<&Bsuid>) -> Option<String> {
    let country = phone.and_then(Phone::country);
    country.or_else(|| bsuid.and_then(|bsuid| bsuid.as_str().get(..2).map(str::to_ascii_uppercase)))
}

/// The list price at `now`; `None` where there is no price per message (`UltraMsg`, the sandbox) or no rate is known.
#[must_use]
pub fn estimate(provider: Provider, category: Priced, market: &str, now: Millis) -> Option<Estimate> {
    static RATES: LazyLock<Vec<Rate>> =
        // A file that cannot be read fails the test below.
        LazyLock::new(|| serde_json::from_str(FILE).unwrap_or_default());
    match provider {
        Provider::Meta | Provider::Dialog360 => {}
        Provider::Ultramsg | Provider::Sandbox => return None,
    }
    let in_force = RATES
        .iter()
        .filter(|rate| rate.market == market && rate.category == category)
        .filter_map(|rate| begins(&rate.from).filter(|from| *from <= now).map(|from| (from, rate)))
        .max_by_key(|(from, _)| *from);
    in_force.map(|(_, rate)| Estimate {
        category,
        market: rate.market.clone(),
        currency: rate.currency.clone(),
        amount_micros: rate.amount_micros,
        markup_percent: 0,
        rate_from: rate.from.clone(),
        source: rate.source.clone(),
    })
}

impl Estimate {
    /// The same as a tenant is charged; half a millionth is rounded up.
    #[must_use]
    pub fn charged(mut self, pricing: Pricing) -> Self {
        self.amount_micros = scaled(self.amount_micros, 100 + u64::from(pricing.markup_percent), 100);
        self.markup_percent = pricing.markup_percent;
        if pricing.currency == Currency::Aed && self.currency == "USD" {
            self.amount_micros = scaled(self.amount_micros, AED_PER_USD, 10_000);
            "AED".clone_into(&mut self.currency);
        }
        self
    }
}

const fn scaled(amount: u64, by: u64, of: u64) -> u64 {
    amount.saturating_mul(by).saturating_add(of / 2) / of
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(percent: &u8) -> bool {
    *percent == 0
}

/// The first moment of a day, in UTC: the account's own time zone, which decides, is not known here.
fn begins(day: &str) -> Option<Millis> {
    Millis::parse(&format!("{day}T00:00:00Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(category: Priced, at: &str) -> Option<u64> {
        let now = Millis::parse(at).unwrap();
        estimate(Provider::Meta, category, "AE", now).map(|estimate| estimate.amount_micros)
    }

    #[test]
    fn every_rate_of_the_file_can_be_read_and_has_a_day_and_a_source() {
        let rates: Vec<Rate> = serde_json::from_str(FILE).unwrap();
        for rate in &rates {
            assert!(begins(&rate.from).is_some(), "{rate:?}");
            assert!(
                !rate.source.is_empty() && rate.currency.len() == 3 && rate.market.len() == 2,
                "{rate:?}"
            );
        }
    }

    #[rstest::rstest]
    #[case::before_any_rate(Priced::Marketing, "2025-06-30T23:59:59Z", None)]
    #[case::marketing_before_the_rise(Priced::Marketing, "2025-09-30T23:59:59Z", Some(38_400))]
    #[case::marketing_after_it(Priced::Marketing, "2025-10-01T00:00:00Z", Some(49_900))]
    #[case::utility(Priced::Utility, "2026-11-01T00:00:00Z", Some(15_700))]
    #[case::utility_in_the_window_was_free(Priced::UtilityInWindow, "2026-09-30T23:59:59Z", Some(0))]
    #[case::and_is_not_any_more(Priced::UtilityInWindow, "2026-10-01T00:00:00Z", Some(15_700))]
    #[case::service_was_free(Priced::Service, "2026-09-30T23:59:59Z", Some(0))]
    #[case::and_costs_the_utility_rate(Priced::Service, "2026-10-01T00:00:00Z", Some(15_700))]
    #[case::a_code(Priced::Authentication, "2026-11-01T00:00:00Z", Some(17_800))]
    fn the_rate_in_force_on_the_day_counts(
        #[case] category: Priced,
        #[case] at: &str,
        #[case] expected: Option<u64>,
    ) {
        assert_eq!(price(category, at), expected);
    }

    #[test]
    fn a_resellers_mark_up_and_the_dirham_change_the_estimate() {
        let now = Millis::parse("2026-11-01T00:00:00Z").unwrap();
        let charged = |currency, markup_percent| {
            let list = estimate(Provider::Meta, Priced::Marketing, "AE", now).unwrap();
            let charged = list.charged(Pricing { currency, markup_percent });
            (charged.currency, charged.amount_micros)
        };
        assert_eq!(charged(Currency::Usd, 0), ("USD".into(), 49_900));
        assert_eq!(charged(Currency::Usd, 15), ("USD".into(), 57_385));
        assert_eq!(charged(Currency::Aed, 0), ("AED".into(), 183_258), "183,257.75 rounded");
        assert_eq!(charged(Currency::Aed, 30), ("AED".into(), 238_235));
    }

    #[test]
    fn where_no_message_has_a_price_and_where_no_rate_is_known_there_is_none() {
        let now = Millis::parse("2026-11-01T00:00:00Z").unwrap();
        assert_eq!(estimate(Provider::Ultramsg, Priced::Service, "AE", now), None);
        assert_eq!(estimate(Provider::Sandbox, Priced::Marketing, "AE", now), None);
        assert_eq!(estimate(Provider::Meta, Priced::Marketing, "XK", now), None);
    }

    #[test]
    fn the_market_is_the_numbers_country_and_without_a_number_that_of_the_user_id() {
        let phone = |text: &str| Phone::parse_e164(text).unwrap();
        let bsuid = Bsuid::parse("SA.13491208655302741918").unwrap();
        assert_eq!(market(Some(&phone("+971501234567")), Some(&bsuid)).as_deref(), Some("AE"));
        assert_eq!(market(Some(&phone("+966501234567")), None).as_deref(), Some("SA"));
        assert_eq!(market(None, Some(&bsuid)).as_deref(), Some("SA"));
        assert_eq!(market(None, None), None);
    }

    #[rstest::rstest]
    #[case(SendPurpose::Marketing, false, true, Priced::Service)]
    #[case(SendPurpose::Marketing, true, true, Priced::Marketing)]
    #[case(SendPurpose::Utility, true, true, Priced::UtilityInWindow)]
    #[case(SendPurpose::Utility, true, false, Priced::Utility)]
    #[case(SendPurpose::Authentication, true, false, Priced::Authentication)]
    fn only_a_template_is_charged_by_its_category(
        #[case] purpose: SendPurpose,
        #[case] template: bool,
        #[case] window_open: bool,
        #[case] expected: Priced,
    ) {
        assert_eq!(Priced::of(purpose, template, window_open), expected);
    }
}
