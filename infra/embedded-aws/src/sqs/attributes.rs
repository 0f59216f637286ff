//! Queue attributes: which there are, what they may be, and what they are when nobody says.

use std::ops::RangeInclusive;

use super::redrive::RedrivePolicy;
use super::{Map, error};
use crate::protocol::ApiError;

/// Seconds a message may be delayed.
pub(super) const DELAY: RangeInclusive<i64> = 0..=900;
/// Seconds a received message may stay hidden.
pub(super) const VISIBILITY: RangeInclusive<i64> = 0..=43_200;
/// Seconds a receive may wait.
pub(super) const WAIT: RangeInclusive<i64> = 0..=20;

/// Numeric attributes with their default and range.
const NUMBERS: [(&str, i64, RangeInclusive<i64>); 6] = [
    ("DelaySeconds", 0, DELAY),
    ("MaximumMessageSize", 1_048_576, 1024..=1_048_576),
    ("MessageRetentionPeriod", 345_600, 60..=1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, WAIT),
    ("VisibilityTimeout", 30, VISIBILITY),
    ("KmsDataKeyReusePeriodSeconds", 300, 60..=86_400),
];

/// Attributes kept as given; an empty value removes them.
const TEXTS: [&str; 3] = ["Policy", "RedriveAllowPolicy", "KmsMasterKeyId"];

/// A numeric attribute of a queue.
pub(super) fn number(attributes: &Map, name: &str) -> i64 {
    attributes
        .get(name)
        .and_then(|value| value.parse().ok())
        .or_else(|| NUMBERS.iter().find(|(known, ..)| *known == name).map(|(_, default, _)| *default))
        .unwrap_or_default()
}

/// Applies what a caller sets to a queue's attributes.
pub(super) fn apply(attributes: &mut Map, given: &Map) -> Result<(), ApiError> {
    for (name, value) in given {
        check(name, value)?;
        if value.is_empty() {
            attributes.remove(name);
        } else {
            attributes.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

/// Everything a caller may have set, with the defaults filled in.
pub(super) fn effective(attributes: &Map) -> Map {
    let mut all = attributes.clone();
    for (name, default, _) in &NUMBERS {
        if *name != "KmsDataKeyReusePeriodSeconds" || attributes.contains_key("KmsMasterKeyId") {
            all.entry((*name).to_owned()).or_insert_with(|| default.to_string());
        }
    }
    let managed = if attributes.contains_key("KmsMasterKeyId") { "false" } else { "true" };
    all.entry("SqsManagedSseEnabled".to_owned()).or_insert_with(|| managed.to_owned());
    all
}

/// The first attribute a repeated `CreateQueue` gives another value than the queue has.
pub(super) fn first_difference<'a>(attributes: &Map, given: &'a Map) -> Option<&'a str> {
    let all = effective(attributes);
    given
        .iter()
        .find(|(name, value)| !same(name, value, all.get(*name).map_or("", String::as_str)))
        .map(|(name, _)| name.as_str())
}

fn same(name: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match name {
        "RedrivePolicy" => {
            matches!((RedrivePolicy::parse(one), RedrivePolicy::parse(other)), (Ok(one), Ok(other)) if one == other)
        }
        "Policy" | "RedriveAllowPolicy" => {
            let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            read(one).is_some_and(|one| Some(one) == read(other))
        }
        _ => one.parse::<i64>().is_ok_and(|one| other.parse() == Ok(one)),
    }
}

fn check(name: &str, value: &str) -> Result<(), ApiError> {
    let invalid = || error::invalid_attribute_value(name);
    if let Some((_, _, range)) = NUMBERS.iter().find(|(known, ..)| *known == name) {
        let number: i64 = value.parse().map_err(|_| invalid())?;
        return if range.contains(&number) { Ok(()) } else { Err(invalid()) };
    }
    match name {
        _ if TEXTS.contains(&name) => Ok(()),
        "RedrivePolicy" => {
            if !value.is_empty() {
                RedrivePolicy::parse(value)?;
            }
            Ok(())
        }
        "SqsManagedSseEnabled" => {
            if matches!(value, "true" | "false") {
                Ok(())
            } else {
                Err(invalid())
            }
        }
        "FifoQueue" | "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => {
            Err(fifo_refused())
        }
        _ => Err(error::invalid_attribute_name(name)),
    }
}

/// FIFO queues are not emulated, and nothing pretends that they are.
pub(super) fn fifo_refused() -> ApiError {
    error::unsupported("FIFO queues are not emulated by the local stack; create a standard queue.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_repeated_creation_may_name_a_default() {
        let stored = map(&[("VisibilityTimeout", "90")]);
        assert_eq!(
            first_difference(&stored, &map(&[("VisibilityTimeout", "90"), ("DelaySeconds", "0")])),
            None
        );
        assert_eq!(
            first_difference(&stored, &map(&[("VisibilityTimeout", "91")])),
            Some("VisibilityTimeout")
        );
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        let mut attributes = Map::new();
        assert!(apply(&mut attributes, &map(&[("DelaySeconds", "901")])).is_err());
        assert!(apply(&mut attributes, &map(&[("MessageRetentionPeriod", "59")])).is_err());
        assert!(apply(&mut attributes, &map(&[("Colour", "red")])).is_err());
        assert!(apply(&mut attributes, &map(&[("FifoQueue", "true")])).is_err());
        assert!(attributes.is_empty());
    }
}
