//! The messaging limit: how many people all numbers of a business portfolio may write to first within 24 hours.

use crate::Simulator;
use crate::account::Line;
use crate::api::Outcome;
use crate::cloud::error::GraphError;
use crate::people::WINDOW_MS;
use crate::statuses::Taken;
use std::collections::HashMap;

/// By portfolio: who was written to first, and when last.
pub(crate) type Reached = HashMap<String, HashMap<String, i64>>;

impl Simulator {
    /// Refuses a first word to somebody new when the limit is used up, and counts it otherwise. Answers inside of a
    /// customer's window are neither limited nor counted.
    pub(crate) fn limited(&self, outcome: Outcome, now_ms: i64) -> Outcome {
        let Some((_, Taken::Cloud { line, message, .. })) = &outcome.taken else { return outcome };
        let person = message.digits.clone().or_else(|| message.user_id.clone()).unwrap_or_default();
        let (open, cap, portfolio) = {
            let desk = line.desk();
            (
                desk.people.window_open(&person, now_ms),
                cap(&desk.limit),
                portfolio(line, desk.portfolio.as_deref()),
            )
        };
        if open {
            return outcome;
        }
        let mut all = self.reached();
        let reached = all.entry(portfolio).or_default();
        reached.retain(|_, at| now_ms < at.saturating_add(WINDOW_MS));
        if !reached.contains_key(&person) && cap.is_some_and(|cap| reached.len() >= cap) {
            let why = "The messaging limit of the business portfolio is reached.";
            return Outcome::refused(&GraphError::of(130_429, why));
        }
        reached.insert(person, now_ms);
        outcome
    }

    /// Gives all numbers of a number's portfolio another limit.
    pub(crate) fn limit(&self, line: &Line, limit: &str) {
        let of = |line: &Line| portfolio(line, line.desk().portfolio.as_deref());
        let portfolio = of(line);
        for other in self.lines().iter().filter(|other| of(other) == portfolio) {
            limit.clone_into(&mut other.desk().limit);
        }
    }
}

/// A number is in a portfolio of its tenant's unless told.
fn portfolio(line: &Line, told: Option<&str>) -> String {
    told.unwrap_or(&line.account.tenant_id).to_owned()
}

/// How many a tier such as `TIER_2K` is; no end for `TIER_UNLIMITED`.
fn cap(tier: &str) -> Option<usize> {
    let text = tier.strip_prefix("TIER_").unwrap_or(tier);
    match text.strip_suffix('K') {
        Some(thousands) => thousands.parse::<usize>().ok().map(|thousands| thousands * 1_000),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_a_number_of_people() {
        for (tier, people) in [
            ("TIER_250", Some(250)),
            ("TIER_2K", Some(2_000)),
            ("TIER_100K", Some(100_000)),
            ("TIER_UNLIMITED", None),
        ] {
            assert_eq!(cap(tier), people, "{tier}");
        }
    }
}
