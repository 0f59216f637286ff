//! How promising a lead is: a sum of five things that are known about it, each with its reason.

use crate::time::Millis;
use serde::Serialize;

/// What the score looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreFacts<'a> {
    /// The person has written on WhatsApp.
    pub wrote_on_whatsapp: bool,
    /// A phone number is known.
    pub has_phone: bool,
    /// An e-mail address is known.
    pub has_email: bool,
    /// What they would spend, in fils.
    pub budget_fils: Option<u64>,
    /// When they want the keys, in words.
    pub horizon: Option<&'a str>,
    /// Where they came from.
    pub source: &'a str,
    /// When they last enquired.
    pub enquired_at: Millis,
}

/// One thing that the score is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreReason {
    /// What was looked at.
    pub factor: &'static str,
    /// What it brought.
    pub points: u8,
    /// The most it could bring.
    pub of: u8,
    /// Why.
    pub reason: &'static str,
}

/// How promising a lead is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// 0 to 100.
    pub value: u8,
    /// What it is made of.
    pub reasons: Vec<ScoreReason>,
}

/// Milliseconds in a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Fils in a million dirhams.
const MILLION_AED: u64 = 100_000_000;

/// How promising a lead is at `now`: reachability (30), budget (25), horizon (15), source (15), recency (15).
#[must_use]
pub fn score(facts: &ScoreFacts<'_>, now: Millis) -> Score {
    let reason = |factor, of, (points, reason)| ScoreReason { factor, points, of, reason };
    let reasons = vec![
        reason("reachability", 30, reachability(facts)),
        reason("budget", 25, budget(facts.budget_fils)),
        reason("horizon", 15, horizon(facts.horizon, now)),
        reason("source", 15, source(facts.source)),
        reason("recency", 15, recency(facts.enquired_at, now)),
    ];
    // The parts sum up to 100 at most.
    let value = reasons.iter().map(|reason| reason.points).sum::<u8>().min(100);
    Score { value, reasons }
}

fn reachability(facts: &ScoreFacts<'_>) -> (u8, &'static str) {
    match (facts.wrote_on_whatsapp, facts.has_phone, facts.has_email) {
        (true, _, _) => (30, "they wrote on WhatsApp"),
        (false, true, true) => (25, "a phone number and an e-mail address are known"),
        (false, true, false) => (20, "a phone number is known"),
        (false, false, true) => (8, "only an e-mail address is known"),
        (false, false, false) => (0, "there is no way to reach them"),
    }
}

fn budget(fils: Option<u64>) -> (u8, &'static str) {
    match fils {
        None | Some(0) => (0, "no budget is known"),
        Some(fils) if fils >= 5 * MILLION_AED => (25, "5 million dirhams or more"),
        Some(fils) if fils >= 2 * MILLION_AED => (20, "2 million dirhams or more"),
        Some(fils) if fils >= MILLION_AED => (15, "1 million dirhams or more"),
        Some(_) => (8, "less than 1 million dirhams"),
    }
}

/// Words for now.
const NOW: [&str; 6] = ["ready", "now", "immediate", "asap", "this month", "urgent"];

fn horizon(said: Option<&str>, now: Millis) -> (u8, &'static str) {
    let Some(said) = said else { return (0, "no horizon is known") };
    let said = said.to_lowercase();
    if NOW.iter().any(|word| said.contains(word)) {
        return (15, "they want the keys now");
    }
    let Some(year) = year_in(&said) else { return (5, "a horizon is known") };
    match year.saturating_sub(year_of(now)) {
        0 => (15, "this year"),
        1 => (10, "next year"),
        _ => (5, "later than next year"),
    }
}

/// The first number of four digits from 2000 to 2099.
fn year_in(text: &str) -> Option<u64> {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.filter(|digits| digits.len() == 4).find_map(|digits| {
        let year = digits.parse().ok()?;
        (2000..2100).contains(&year).then_some(year)
    })
}

/// The year of an instant, by its RFC 3339 spelling.
fn year_of(at: Millis) -> u64 {
    at.to_string().get(..4).and_then(|year| year.parse().ok()).unwrap_or(0)
}

fn source(name: &str) -> (u8, &'static str) {
    match name {
        "whatsapp" | "whatsapp_ad" => (15, "they wrote first"),
        "bayut" | "property_finder" | "dubizzle" => (12, "they asked about a listing on a portal"),
        "website" | "walk_in" | "referral" => (12, "they came to you"),
        "meta_lead_ads" | "google_ads" => (8, "they answered an advertisement"),
        _ => (5, "any other source"),
    }
}

fn recency(at: Millis, now: Millis) -> (u8, &'static str) {
    match now.since(at) / DAY_MS {
        0 => (15, "within a day"),
        1..=6 => (10, "within a week"),
        7..=29 => (5, "within 30 days"),
        _ => (0, "longer ago than 30 days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: Millis = Millis::from_unix_ms(1_747_298_531_103);

    fn nothing() -> ScoreFacts<'static> {
        ScoreFacts {
            wrote_on_whatsapp: false,
            has_phone: false,
            has_email: false,
            budget_fils: None,
            horizon: None,
            source: "",
            enquired_at: Millis::from_unix_ms(0),
        }
    }

    #[rstest]
    #[case(nothing(), 5)]
    #[case(ScoreFacts { has_email: true, ..nothing() }, 13)]
    #[case(ScoreFacts { has_phone: true, ..nothing() }, 25)]
    #[case(ScoreFacts { has_phone: true, has_email: true, ..nothing() }, 30)]
    #[case(ScoreFacts { wrote_on_whatsapp: true, ..nothing() }, 35)]
    #[case(ScoreFacts { budget_fils: Some(99_999_999), ..nothing() }, 13)]
    #[case(ScoreFacts { budget_fils: Some(100_000_000), ..nothing() }, 20)]
    #[case(ScoreFacts { budget_fils: Some(u64::MAX), ..nothing() }, 30)]
    #[case(ScoreFacts { horizon: Some("Ready to move"), ..nothing() }, 20)]
    #[case(ScoreFacts { horizon: Some("off_plan_2025"), ..nothing() }, 20)]
    #[case(ScoreFacts { horizon: Some("off_plan_2026"), ..nothing() }, 15)]
    #[case(ScoreFacts { horizon: Some("off_plan_2031"), ..nothing() }, 10)]
    #[case(ScoreFacts { horizon: Some("some day"), ..nothing() }, 10)]
    #[case(ScoreFacts { source: "bayut", ..nothing() }, 12)]
    #[case(ScoreFacts { enquired_at: NOW, ..nothing() }, 20)]
    #[case(ScoreFacts { enquired_at: Millis::from_unix_ms(NOW.unix_ms() - 86_400_000), ..nothing() }, 15)]
    #[case(ScoreFacts { enquired_at: Millis::from_unix_ms(NOW.unix_ms() - 7 * 86_400_000), ..nothing() }, 10)]
    fn each_thing_brings_its_points(#[case] facts: ScoreFacts<'_>, #[case] expected: u8) {
        assert_eq!(score(&facts, NOW).value, expected);
    }

    #[test]
    fn the_best_lead_has_a_hundred_points_and_the_reasons_sum_up_to_the_score() {
        let best = ScoreFacts {
            wrote_on_whatsapp: true,
            has_phone: true,
            has_email: true,
            budget_fils: Some(600_000_000),
            horizon: Some("immediate"),
            source: "whatsapp_ad",
            enquired_at: NOW,
        };
        let best = score(&best, NOW);
        assert_eq!(best.value, 100);
        assert_eq!(best.reasons.iter().map(|reason| reason.of).sum::<u8>(), 100);
        for reason in &best.reasons {
            assert!(reason.points <= reason.of, "{reason:?}");
        }
    }
}
