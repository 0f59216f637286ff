//! The fields of a lead that people and programs fill in: what each may hold.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The longest area, horizon or assignee, in characters.
const LONGEST_TEXT: usize = 128;
/// The longest UTM value, in characters.
const LONGEST_UTM: usize = 256;
/// The most attributes.
const MOST_ATTRIBUTES: usize = 50;
/// The longest name of an attribute, in characters.
const LONGEST_KEY: usize = 64;
/// The most that all attributes may take as JSON, in bytes.
const LARGEST_ATTRIBUTES: usize = 8 * 1024;
/// How deep a value may be nested.
const DEEPEST: usize = 4;
/// The largest budget, in dirhams: what can be told in fils without loss, and more than anybody pays.
const LARGEST_BUDGET_AED: u64 = 1_000_000_000_000;
/// The most bedrooms.
pub const MOST_BEDROOMS: u8 = 50;
/// Fils in a dirham.
const FILS: u64 = 100;

/// A field cannot be what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Its name in the body.
    pub field: String,
    /// What is expected.
    pub message: String,
}

fn wrong(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}

/// A text without blanks around it.
fn text(field: &str, given: &str, most: usize) -> Result<String, FieldError> {
    let given = given.trim();
    let fits = !given.is_empty() && given.chars().count() <= most && !given.chars().any(char::is_control);
    if fits { Ok(given.to_owned()) } else { Err(wrong(field, format!("Expected 1 to {most} characters."))) }
}

/// A person's name.
///
/// # Errors
/// Empty, longer than 200 characters, or with control characters.
pub fn name(given: &str) -> Result<String, FieldError> {
    text("name", given, LONGEST_NAME)
}

/// Where somebody looks.
///
/// # Errors
/// Empty, longer than 128 characters, or with control characters.
pub fn area(given: &str) -> Result<String, FieldError> {
    text("area", given, LONGEST_TEXT)
}

/// When somebody wants the keys.
///
/// # Errors
/// As [`area`].
pub fn horizon(given: &str) -> Result<String, FieldError> {
    text("handover_horizon", given, LONGEST_TEXT)
}

/// Who works on a lead.
///
/// # Errors
/// As [`area`].
pub fn assignee(given: &str) -> Result<String, FieldError> {
    text("assigned_to", given, LONGEST_TEXT)
}

/// A budget in fils, from whole dirhams.
///
/// # Errors
/// More than 10^12 dirhams.
pub fn budget(aed: u64) -> Result<u64, FieldError> {
    let fits = aed <= LARGEST_BUDGET_AED;
    fits.then_some(aed.saturating_mul(FILS))
        .ok_or_else(|| wrong("budget_aed", format!("Expected whole dirhams, at most {LARGEST_BUDGET_AED}.")))
}

/// Free attributes of a lead.
pub type Attributes = Map<String, Value>;

/// Attributes with what is new merged in; `null` takes one away.
///
/// # Errors
/// Too many, too large, too deep, or with a name that is none.
pub fn merged(known: &Attributes, new: &Attributes) -> Result<Attributes, FieldError> {
    let mut all = known.clone();
    for (key, value) in new {
        let named = (1..=LONGEST_KEY).contains(&key.chars().count()) && !key.chars().any(char::is_control);
        if !named {
            return Err(wrong("attributes", format!("A name has 1 to {LONGEST_KEY} characters.")));
        }
        if depth(value) > DEEPEST {
            return Err(wrong(&format!("attributes.{key}"), format!("At most {DEEPEST} levels are kept.")));
        }
        if value.is_null() {
            all.remove(key);
        } else {
            all.insert(key.clone(), value.clone());
        }
    }
    if all.len() > MOST_ATTRIBUTES {
        return Err(wrong("attributes", format!("At most {MOST_ATTRIBUTES} attributes are kept.")));
    }
    let size = serde_json::to_string(&all).map_or(usize::MAX, |json| json.len());
    if size > LARGEST_ATTRIBUTES {
        let message = format!("All attributes together have at most {LARGEST_ATTRIBUTES} bytes as JSON.");
        return Err(wrong("attributes", message));
    }
    Ok(all)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// Where a visitor came from, as campaigns tag their links.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Utm {
    /// `utm_source`: the site.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    /// `utm_medium`: the kind of link.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub medium: Option<String>,
    /// `utm_campaign`: the campaign.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub campaign: Option<String>,
    /// `utm_term`: the search term.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub term: Option<String>,
    /// `utm_content`: the variant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub content: Option<String>,
    /// `utm_id`: the campaign's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
}

impl Utm {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same tags in one spelling: no blanks around them, empty ones left out, everything in lower case but the
    /// search term, the variant and the id.
    ///
    /// # Errors
    /// A value with more than 256 characters, or with control characters.
    pub fn normalised(self) -> Result<Self, FieldError> {
        let tag = |field: &str, value: Option<String>, lower: bool| match value {
            Some(value) if !value.trim().is_empty() => {
                let value = text(field, &value, LONGEST_UTM)?;
                Ok(Some(if lower { value.to_lowercase() } else { value }))
            }
            Some(_) | None => Ok(None),
        };
        Ok(Self {
            source: tag("utm_source", self.source, true)?,
            medium: tag("utm_medium", self.medium, true)?,
            campaign: tag("utm_campaign", self.campaign, true)?,
            term: tag("utm_term", self.term, false)?,
            content: tag("utm_content", self.content, false)?,
            id: tag("utm_id", self.id, false)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Attributes {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn attributes_merge_and_null_takes_away() {
        let known = map(json!({"pets": true, "view": "sea"}));
        let new = map(json!({"view": null, "floor": [1, 2], "nothing": null}));
        assert_eq!(merged(&known, &new).unwrap(), map(json!({"pets": true, "floor": [1, 2]})));
    }

    #[test]
    fn attributes_are_bounded() {
        let many = map((0..51).map(|n| (format!("a{n}"), json!(1))).collect::<Map<_, _>>().into());
        let cases = [
            (many, "attributes"),
            (map(json!({"": 1})), "attributes"),
            (map(json!({"x".repeat(65): 1})), "attributes"),
            (map(json!({"big": "x".repeat(9000)})), "attributes"),
            (map(json!({"deep": [[[[1]]]]})), "attributes.deep"),
        ];
        for (attributes, field) in cases {
            assert_eq!(merged(&Attributes::new(), &attributes).unwrap_err().field, field);
        }
        assert!(merged(&Attributes::new(), &map(json!({"deep": [[[1]]]}))).is_ok());
    }

    #[test]
    fn money_is_kept_in_fils() {
        assert_eq!(budget(1_800_000), Ok(180_000_000));
        assert_eq!(budget(u64::MAX).unwrap_err().field, "budget_aed");
    }

    #[test]
    fn texts_lose_their_blanks_and_are_bounded() {
        assert_eq!(name("  Aisha Khan ").unwrap(), "Aisha Khan");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(201)] {
            assert_eq!(name(bad).unwrap_err().field, "name", "{bad}");
        }
    }

    #[test]
    fn campaign_tags_have_one_spelling() {
        let utm = Utm {
            source: Some(" Facebook ".into()),
            campaign: Some("Marina-Launch".into()),
            term: Some("Two Bedrooms".into()),
            medium: Some("  ".into()),
            ..Utm::default()
        };
        let utm = utm.normalised().unwrap();
        assert_eq!(utm.source.as_deref(), Some("facebook"));
        assert_eq!(utm.campaign.as_deref(), Some("marina-launch"));
        assert_eq!((utm.term.as_deref(), utm.medium), (Some("Two Bedrooms"), None));
        let long = Utm { id: Some("x".repeat(257)), ..Utm::default() };
        assert_eq!(long.normalised().unwrap_err().field, "utm_id");
    }
}
