//! What the bodies have in common.

use crm::api_keys::KeyView;
use domain::address_range::AddressRange;
use domain::time::Millis;
use platform::http::Problem;
use serde::{Deserialize, Deserializer, Serialize};

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// The most ranges of addresses a key may have.
const MOST_RANGES: usize = 50;

/// A key with its text, as the one answer that shows it says it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewApiKey))]
pub(crate) struct Shown {
    #[serde(flatten)]
    pub(crate) view: KeyView,
    /// The text; absent when the answer is given again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// A field that is given, be it as `null`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A name as people may read it: not blank, one line.
pub(crate) fn name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    let length = name.chars().count();
    if (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Problem::invalid("name", format!("Expected a name of 1 to {LONGEST_NAME} characters on one line.")))
}

pub(crate) fn allowed_ips(ranges: Vec<AddressRange>) -> Result<Vec<AddressRange>, Problem> {
    if ranges.len() > MOST_RANGES {
        let message = format!("At most {MOST_RANGES} addresses or ranges.");
        return Err(Problem::invalid("allowed_ips", message));
    }
    let mut once = Vec::with_capacity(ranges.len());
    for range in ranges {
        if !once.contains(&range) {
            once.push(range);
        }
    }
    Ok(once)
}

pub(crate) fn expires_at(at: Millis, now: Millis) -> Result<Millis, Problem> {
    if at > now { Ok(at) } else { Err(Problem::invalid("expires_at", "Expected a time in the future.")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_is_not_blank() {
        assert_eq!(name("  Website  ").ok().as_deref(), Some("Website"));
        assert!(name(&"م".repeat(100)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{0}b", &"a".repeat(101)] {
            assert_eq!(name(bad).unwrap_err().field(), Some("name"), "{bad:?}");
        }
    }

    #[test]
    fn ranges_are_counted_and_kept_once() {
        let range = |text: &str| AddressRange::parse(text).unwrap();
        let twice = vec![range("10.0.0.0/8"), range("203.0.113.7"), range("10.0.0.0/8")];
        assert_eq!(allowed_ips(twice).unwrap(), [range("10.0.0.0/8"), range("203.0.113.7")]);
        assert!(allowed_ips(vec![range("10.0.0.0/8"); 51]).is_err());
    }
}
