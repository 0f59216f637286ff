//! Dead-letter queues: the policy that names one, and the way there.

use rusqlite::params;
use serde::Deserialize;
use serde_json::Value;

use super::error;
use super::state::{Queue, State};
use crate::protocol::ApiError;

/// After how many receives a message goes where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedrivePolicy {
    pub(super) target_arn: String,
    pub(super) max_receive_count: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    dead_letter_target_arn: Option<String>,
    max_receive_count: Option<Value>,
}

impl RedrivePolicy {
    /// Reads the attribute's JSON; `maxReceiveCount` may be a number or a string of one.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = |reason: &str| {
            error::invalid(format!("Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"))
        };
        let wire: Wire =
            serde_json::from_str(text).map_err(|_| refused("Redrive policy is not a valid JSON map."))?;
        let target_arn =
            wire.dead_letter_target_arn.filter(|arn| arn.starts_with("arn:")).ok_or_else(|| {
                refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
            })?;
        let max_receive_count = match wire.max_receive_count {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        match max_receive_count {
            Some(max_receive_count @ 1..=1000) => Ok(Self { target_arn, max_receive_count }),
            _ => Err(refused("Invalid value for maxReceiveCount: must be between 1 and 1000.")),
        }
    }

    /// The policy of a queue.
    pub(super) fn of(queue: &Queue) -> Option<Self> {
        Self::parse(queue.attributes.get("RedrivePolicy")?).ok()
    }
}

impl State {
    /// A policy's target must be there when the policy is set.
    pub(super) fn check_target(&self, policy: &str) -> Result<(), ApiError> {
        if policy.is_empty() {
            return Ok(());
        }
        let target = RedrivePolicy::parse(policy)?.target_arn;
        if self.name_in_arn(&target).is_some_and(|name| self.queues.contains_key(name)) {
            return Ok(());
        }
        Err(error::invalid(format!(
            "Value {policy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
        )))
    }

    /// The names of the queues whose dead letters go to `arn`.
    pub(super) fn sources_of(&self, arn: &str) -> Vec<String> {
        self.queues
            .iter()
            .filter(|(_, queue)| RedrivePolicy::of(queue).is_some_and(|policy| policy.target_arn == arn))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Moves one message to its dead-letter queue. As in SQS it keeps its id, its age and its receive count.
    pub(super) fn bury(
        &mut self,
        message: i64,
        source_arn: &str,
        target: i64,
        now: i64,
    ) -> Result<(), ApiError> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET queue = ?2, visible_ms = ?3, in_flight = 0, receipt = NULL,
                        dead_letter_source = ?4 WHERE id = ?1",
            )?
            .execute(params![message, target, now, source_arn])?;
        self.wake(target);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_may_be_text_and_must_be_sensible() {
        let policy = |count: &str| {
            RedrivePolicy::parse(&format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:x:1:d","maxReceiveCount":{count}}}"#
            ))
        };
        assert_eq!(policy("5").unwrap(), policy("\"5\"").unwrap());
        assert!(policy("0").is_err());
        assert!(policy("1001").is_err());
        assert!(RedrivePolicy::parse("five").is_err());
    }
}
