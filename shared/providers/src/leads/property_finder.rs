//! Property Finder: one lead or a list, nested as the API documents it, or flat as another page has it; both are taken.

use super::{Parsed, RawLead, Told, first, text, time};
use crate::event::NotUnderstood;
use serde_json::{Value, json};

pub(super) fn parse(body: &Value) -> Result<Parsed, NotUnderstood> {
    let mut parsed = Parsed::default();
    let inner = ["data", "payload", "lead"].iter().find_map(|name| body.get(name)).unwrap_or(body);
    let leads: Vec<&Value> = match inner {
        Value::Array(leads) => leads.iter().collect(),
        Value::Object(_) => vec![inner],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(NotUnderstood("there is no lead in the body".to_owned()));
        }
    };
    for value in leads {
        match lead(value) {
            Some(lead) => parsed.told.push(Told::Lead(Box::new(lead))),
            None => parsed.unreadable.push("a lead without a phone number and an e-mail address".to_owned()),
        }
    }
    Ok(parsed)
}

fn lead(value: &Value) -> Option<RawLead> {
    let sender = value.get("sender").unwrap_or(value);
    let contacts = sender.get("contacts").and_then(Value::as_array).into_iter().flatten();
    let contact = |kinds: &[&str]| {
        contacts.clone().find_map(|contact| {
            let kind = text(contact.get("type"))?.to_lowercase();
            if kinds.contains(&kind.as_str()) { text(contact.get("value")) } else { None }
        })
    };
    let mut lead = RawLead {
        external_id: text(value.get("id")),
        name: text(sender.get("name")),
        phone: contact(&["phone", "mobile", "whatsapp"]).or_else(|| first(sender, &["phone", "mobile"])),
        email: contact(&["email"]).or_else(|| text(sender.get("email"))),
        message: first(value, &["message", "text"]),
        at: time(value.get("createdAt").or_else(|| value.get("created_at"))),
        ..RawLead::default()
    };
    if lead.phone.is_none() && lead.email.is_none() {
        return None;
    }
    let listing = value.get("listing").unwrap_or(&Value::Null);
    for (name, kept) in [
        ("channel", text(value.get("channel"))),
        ("entity_type", text(value.get("entityType"))),
        ("listing_reference", first(listing, &["reference", "id"]).or_else(|| text(value.get("reference")))),
    ] {
        if let Some(kept) = kept {
            lead.attributes.insert(name.to_owned(), json!(kept));
        }
    }
    Some(lead)
}
