//! Meta Lead Ads: the webhook names the lead, which is fetched with the page's token.
//!
//! <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving>

use super::{Parsed, RawLead, Told, text, time};
use crate::event::NotUnderstood;
use bytes::Bytes;
use domain::time::Millis;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use serde_json::{Value, json};

/// The Graph API's current version (29 July 2026).
const VERSION: &str = "v26.0";

/// A lead that must be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadRef {
    /// Its id.
    pub leadgen_id: String,
    /// The page it was left on.
    pub page_id: Option<String>,
    /// The form it was left in.
    pub form_id: Option<String>,
    /// The ad that led there.
    pub ad_id: Option<String>,
    /// When.
    pub at: Option<Millis>,
}

/// What a fetch came to.
#[derive(Clone, PartialEq)]
pub enum Fetched {
    /// The lead.
    Lead(Box<RawLead>),
    /// Meta will say the same again: the token is refused, the lead is gone, in words for an admin.
    Refused(String),
    /// Meta may answer later.
    Later(String),
}

pub(super) fn parse(body: &Value) -> Result<Parsed, NotUnderstood> {
    if body.get("object").and_then(Value::as_str) != Some("page") {
        return Err(NotUnderstood("the body is not about a page".to_owned()));
    }
    let mut parsed = Parsed::default();
    let entries = body.get("entry").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| NotUnderstood("the body has no entries".to_owned()))?;
    for entry in entries {
        for change in entry.get("changes").and_then(Value::as_array).into_iter().flatten() {
            if change.get("field").and_then(Value::as_str) != Some("leadgen") {
                parsed.unreadable.push("a change of a page that is no lead".to_owned());
                continue;
            }
            let value = change.get("value").unwrap_or(&Value::Null);
            let id = text(value.get("leadgen_id")).filter(|id| is_id(id));
            let Some(leadgen_id) = id else {
                parsed.unreadable.push("a lead without its id".to_owned());
                continue;
            };
            parsed.told.push(Told::Reference(LeadRef {
                leadgen_id,
                page_id: text(value.get("page_id")).or_else(|| text(entry.get("id"))),
                form_id: text(value.get("form_id")),
                ad_id: text(value.get("ad_id")),
                at: time(value.get("created_time")),
            }));
        }
    }
    Ok(parsed)
}

/// Digits only: it goes into a path.
fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Asks for a lead; `None` when no request can hold the token.
#[must_use]
pub fn fetch_request(leadgen_id: &str, token: &str) -> Option<Request<Bytes>> {
    let path = format!(
        "/{VERSION}/{leadgen_id}?fields=id,created_time,ad_id,form_id,field_data,custom_disclaimer_responses"
    );
    let request = Request::builder().method(Method::GET).uri(path);
    request.header(AUTHORIZATION, format!("Bearer {token}")).body(Bytes::new()).ok()
}

/// Reads the answer.
#[must_use]
pub fn fetched(reference: &LeadRef, answer: &Response<Bytes>) -> Fetched {
    let status = answer.status();
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    if status.is_server_error() || status.as_u16() == 429 {
        return Fetched::Later(format!("Meta answered {status}"));
    }
    if let Some(error) = body.get("error") {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
        let message = text(error.get("message")).unwrap_or_default();
        // 1, 2: unknown and temporary; 4, 17, 32, 613: too many calls (Graph API error codes).
        let later = matches!(code, 1 | 2 | 4 | 17 | 32 | 613)
            || error.get("is_transient").and_then(Value::as_bool) == Some(true);
        let words = format!("Meta refused the lead with code {code}: {message}");
        return if later { Fetched::Later(words) } else { Fetched::Refused(words) };
    }
    let fields = body.get("field_data").and_then(Value::as_array);
    let Some(fields) = fields.filter(|_| status.is_success()) else {
        return Fetched::Later(format!("Meta answered {status} without a lead"));
    };
    Fetched::Lead(Box::new(lead(reference, &body, fields)))
}

fn lead(reference: &LeadRef, body: &Value, fields: &[Value]) -> RawLead {
    let mut lead = RawLead {
        external_id: Some(reference.leadgen_id.clone()),
        at: time(body.get("created_time")).or(reference.at),
        ..RawLead::default()
    };
    let (mut first_name, mut last_name) = (None, None);
    for field in fields {
        let Some(name) = text(field.get("name")) else { continue };
        let values = field.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
        let value = text(values.first());
        match name.to_lowercase().as_str() {
            "full_name" | "name" | "full name" => lead.name = value,
            "first_name" => first_name = value,
            "last_name" => last_name = value,
            "phone_number" | "phone" | "whatsapp_number" | "work_phone_number" => {
                lead.phone = lead.phone.or(value);
            }
            "email" | "work_email" => lead.email = lead.email.or(value),
            _ => {
                // The form's own questions: their names are the tenant's.
                let kept = if values.len() > 1 { Value::Array(values) } else { json!(value) };
                lead.attributes.insert(name, kept);
            }
        }
    }
    if lead.name.is_none() {
        let parts: Vec<String> = [first_name, last_name].into_iter().flatten().collect();
        lead.name = Some(parts.join(" ")).filter(|name| !name.is_empty());
    }
    for (name, value) in [
        ("meta_page_id", reference.page_id.clone()),
        ("meta_form_id", text(body.get("form_id")).or_else(|| reference.form_id.clone())),
        ("meta_ad_id", text(body.get("ad_id")).or_else(|| reference.ad_id.clone())),
    ] {
        if let Some(value) = value {
            lead.attributes.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(answers) = body.get("custom_disclaimer_responses").filter(|answers| answers.is_array()) {
        lead.attributes.insert("custom_disclaimer_responses".to_owned(), answers.clone());
    }
    lead
}
