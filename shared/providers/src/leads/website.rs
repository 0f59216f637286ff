//! The tenant's own site: the fields of `POST /v1/leads`; what is not known by name is an attribute.

use super::{Parsed, RawConsent, RawLead, Told, first, text, time};
use crate::event::NotUnderstood;
use serde_json::Value;

/// Members that have a field of their own.
const KNOWN: [&str; 15] = [
    "id",
    "external_id",
    "name",
    "full_name",
    "phone",
    "email",
    "message",
    "budget_aed",
    "bedrooms",
    "area",
    "handover_horizon",
    "attributes",
    "created_at",
    "source",
    "consent",
];

pub(super) fn parse(body: &Value) -> Result<Parsed, NotUnderstood> {
    let members = body.as_object().ok_or_else(|| NotUnderstood("the body is no object".to_owned()))?;
    let mut lead = RawLead {
        external_id: first(body, &["external_id", "id"]),
        name: first(body, &["name", "full_name"]),
        phone: text(body.get("phone")),
        email: text(body.get("email")),
        message: text(body.get("message")),
        budget_aed: number(body.get("budget_aed")),
        bedrooms: number(body.get("bedrooms")).and_then(|count| u8::try_from(count).ok()),
        area: text(body.get("area")),
        handover_horizon: text(body.get("handover_horizon")),
        at: time(body.get("created_at")),
        ..RawLead::default()
    };
    if let Some(given) = body.get("attributes").and_then(Value::as_object) {
        lead.attributes.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    match body.get("consent") {
        None | Some(Value::Null) => {}
        Some(given) => match consent(given) {
            Some(consent) => lead.consent = Some(consent),
            // What proves nothing is kept for people to look at.
            None => {
                lead.attributes.insert("consent".to_owned(), given.clone());
            }
        },
    }
    for (name, value) in members.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
        match text(Some(value)) {
            Some(tag) if name.starts_with("utm_") => lead.utm.push((name.clone(), tag)),
            _ => {
                lead.attributes.insert(name.clone(), value.clone());
            }
        }
    }
    let mut parsed = Parsed::default();
    if lead.phone.is_none() && lead.email.is_none() {
        parsed.unreadable.push("a lead without a phone number and an e-mail address".to_owned());
    } else {
        parsed.told.push(Told::Lead(Box::new(lead)));
    }
    Ok(parsed)
}

/// An agreement, with the words that were shown and their language; anything else is none.
fn consent(given: &Value) -> Option<RawConsent> {
    let state = text(given.get("state"));
    if state.is_some_and(|state| state != "granted") {
        return None;
    }
    Some(RawConsent {
        wording: text(given.get("wording"))?,
        language: text(given.get("language"))?,
        purpose: text(given.get("purpose")),
        at: time(given.get("occurred_at")),
    })
}

/// A number, also where a form sends it as text.
fn number(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64).or_else(|| text(value)?.parse().ok())
}
