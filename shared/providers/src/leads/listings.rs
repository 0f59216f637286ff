//! Bayut and Dubizzle: a bare array, everything since a time again, without pages.

use super::{Parsed, RawLead, Told, first, text, time};
use crate::event::NotUnderstood;
use bytes::Bytes;
use domain::lead::FeedKind;
use domain::time::Millis;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{Method, Request, Response};
use serde_json::{Value, json};

/// The kinds of enquiries that are people. `is_trulead=0` would count views.
const TYPES: [&str; 3] = ["email", "whatsapp", "call_logs"];

/// What a pull came to.
#[derive(Clone)]
pub enum ListingAnswer {
    /// The enquiries, each as its own JSON.
    Leads(Vec<Value>),
    /// The key is refused: the portal answers an HTML page then.
    Unauthorized,
    /// Something else; later may help.
    Later(String),
}

/// What to ask a portal for everything since a time; nothing for a source that is not pulled, or a key that no request
/// can hold.
#[must_use]
pub fn pull_requests(kind: FeedKind, key: &str, since: Millis) -> Vec<Request<Bytes>> {
    let path = match kind {
        FeedKind::Bayut => "/api-v7/stats/website-client-leads",
        FeedKind::Dubizzle => "/profolio/api-v7/stats/website-client-leads",
        FeedKind::MetaLeadAds | FeedKind::PropertyFinder | FeedKind::Website => return Vec::new(),
    };
    // `YYYY-MM-DD HH:MM:SS`, without a zone.
    let since: String = since.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect();
    let request = |kind: &str| {
        let query = [("type", kind), ("timestamp", since.as_str()), ("is_trulead", "1")];
        let query = serde_urlencoded::to_string(query).ok()?;
        Request::builder()
            .method(Method::GET)
            .uri(format!("{path}?{query}"))
            .header(AUTHORIZATION, format!("Bearer {key}"))
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .ok()
    };
    TYPES.iter().filter_map(|kind| request(kind)).collect()
}

/// Reads a portal's answer.
#[must_use]
pub fn pulled(answer: &Response<Bytes>) -> ListingAnswer {
    let status = answer.status();
    if matches!(status.as_u16(), 401 | 403) {
        return ListingAnswer::Unauthorized;
    }
    if !status.is_success() {
        return ListingAnswer::Later(format!("the portal answered {status}"));
    }
    match serde_json::from_slice(answer.body()) {
        Ok(Value::Array(leads)) => ListingAnswer::Leads(leads),
        Ok(_) => ListingAnswer::Later("the portal answered no list".to_owned()),
        // An expired key is answered with the portal's web page.
        Err(_) if answer.body().trim_ascii_start().starts_with(b"<") => ListingAnswer::Unauthorized,
        Err(_) => ListingAnswer::Later("the portal answered no JSON".to_owned()),
    }
}

pub(super) fn parse(body: &Value) -> Result<Parsed, NotUnderstood> {
    let leads: Vec<&Value> = match body {
        Value::Array(leads) => leads.iter().collect(),
        Value::Object(_) => vec![body],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(NotUnderstood("there is no lead in the body".to_owned()));
        }
    };
    let mut parsed = Parsed::default();
    for value in leads {
        match lead(value) {
            Some(lead) => parsed.told.push(Told::Lead(Box::new(lead))),
            None => parsed.unreadable.push("a lead without a phone number and an e-mail address".to_owned()),
        }
    }
    Ok(parsed)
}

fn lead(value: &Value) -> Option<RawLead> {
    let nothing = Value::Null;
    let inquirer = value.get("inquirer_details").unwrap_or(&nothing);
    let call = value.get("call_logs").unwrap_or(&nothing);
    let mut lead = RawLead {
        external_id: text(value.get("lead_id")),
        name: text(inquirer.get("name")),
        phone: first(inquirer, &["cell", "phone"]).or_else(|| first(call, &["caller_number"])),
        email: text(inquirer.get("email")),
        message: text(inquirer.get("message")),
        at: time(value.get("date_time")),
        ..RawLead::default()
    };
    if lead.phone.is_none() && lead.email.is_none() {
        return None;
    }
    let target = first(value, &["lead_target", "target"]);
    let details = target.as_ref().and_then(|target| value.get(format!("{target}_details")));
    let details = details.or_else(|| value.get("listing_details")).unwrap_or(&nothing);
    let channel = first(value, &["lead_type", "type"]);
    for (name, kept) in [
        ("listing_reference", first(details, &["listing_reference", "reference"])),
        ("lead_target", target.clone()),
        ("channel", channel),
    ] {
        if let Some(kept) = kept {
            lead.attributes.insert(name.to_owned(), json!(kept));
        }
    }
    Some(lead)
}
