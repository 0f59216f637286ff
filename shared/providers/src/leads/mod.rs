//! What sources of leads send and answer, read into one shape.

mod listings;
mod meta;
mod property_finder;
mod website;

pub use listings::{ListingAnswer, pull_requests, pulled};
pub use meta::{Fetched, LeadRef, fetch_request, fetched};

use crate::event::NotUnderstood;
use domain::lead::FeedKind;
use domain::time::Millis;
use serde_json::{Map, Value};

/// Somebody's enquiry as a source tells it; nothing is checked yet.
#[derive(Clone, PartialEq, Default)]
pub struct RawLead {
    /// What the source calls it.
    pub external_id: Option<String>,
    /// The person's name.
    pub name: Option<String>,
    /// Their number, in any spelling.
    pub phone: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// What they wrote.
    pub message: Option<String>,
    /// What they would spend, in whole dirhams.
    pub budget_aed: Option<u64>,
    /// How many bedrooms.
    pub bedrooms: Option<u8>,
    /// Where they look.
    pub area: Option<String>,
    /// When they want the keys.
    pub handover_horizon: Option<String>,
    /// Campaign tags by name: `utm_source`, ….
    pub utm: Vec<(String, String)>,
    /// Anything else.
    pub attributes: Map<String, Value>,
    /// What they agreed to.
    pub consent: Option<RawConsent>,
    /// When they enquired, by the source's clock.
    pub at: Option<Millis>,
}

/// Words that somebody agreed to, as a source tells them.
#[derive(Clone, PartialEq, Eq)]
pub struct RawConsent {
    /// The words.
    pub wording: String,
    /// Their language.
    pub language: String,
    /// `marketing` unless told.
    pub purpose: Option<String>,
    /// When.
    pub at: Option<Millis>,
}

/// What a body tells.
#[derive(Clone, PartialEq)]
pub enum Told {
    /// An enquiry.
    Lead(Box<RawLead>),
    /// An enquiry that must be fetched by its id.
    Reference(LeadRef),
}

/// Everything that a body tells, and why parts of it could not be read.
#[derive(Clone, Default)]
pub struct Parsed {
    /// What it tells.
    pub told: Vec<Told>,
    /// What could not be read, in words for an admin.
    pub unreadable: Vec<String>,
}

/// Reads a body that a source sent.
///
/// # Errors
/// The body as a whole is not what this source sends.
pub fn parse(kind: FeedKind, body: &[u8]) -> Result<Parsed, NotUnderstood> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| NotUnderstood(format!("the body is not JSON: {error}")))?;
    match kind {
        FeedKind::MetaLeadAds => meta::parse(&value),
        FeedKind::PropertyFinder => property_finder::parse(&value),
        FeedKind::Bayut | FeedKind::Dubizzle => listings::parse(&value),
        FeedKind::Website => website::parse(&value),
    }
}

/// A text or a number as text; `None` for anything else and for blanks.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first of several members that holds a text.
fn first(object: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(object.get(name)))
}

/// RFC 3339 with any spelling of the zone, `+0000` included, and Unix seconds.
fn time(value: Option<&Value>) -> Option<Millis> {
    match value? {
        Value::Number(number) => Millis::from_provider(number.as_i64()?).ok(),
        Value::String(text) => {
            let text = text.trim();
            let zoned = match text.get(text.len().checked_sub(5)?..) {
                Some(zone) if zone.starts_with(['+', '-']) && !zone.contains(':') => {
                    let (head, zone) = text.split_at_checked(text.len() - 5)?;
                    let (hours, minutes) = zone.split_at_checked(3)?;
                    format!("{head}{hours}:{minutes}")
                }
                _ => text.replacen(' ', "T", 1),
            };
            // The listings' times have no zone; their servers are in UTC.
            Millis::parse(&zoned).or_else(|_| Millis::parse(&format!("{zoned}Z"))).ok()
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
