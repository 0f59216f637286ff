//! Refusals in Meta's shape.

use crate::ids;
use serde_json::{Value, json};

/// A refusal of the Graph API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
}

/// What a check says.
pub(crate) type Checked<T = ()> = Result<T, GraphError>;

/// The statuses and titles of the codes that the simulator gives.
fn known(code: i64) -> (u16, &'static str) {
    match code {
        1 | 2 => (500, "An unknown error occurred"),
        4 => (400, "Application request limit reached"),
        100 => (400, "Invalid parameter"),
        190 => (401, "Authentication Error"),
        368 => (403, "Temporarily blocked for policies violations"),
        80007 => (400, "Rate limit hit"),
        130_429 => (429, "Rate limit hit"),
        130_472 => (400, "User's number is part of an experiment"),
        131_000 => (500, "Something went wrong"),
        131_005 => (403, "Access denied"),
        131_008 => (400, "Required parameter is missing"),
        131_009 => (400, "Parameter value is not valid"),
        131_016 => (500, "Service unavailable"),
        131_021 => (400, "Recipient cannot be sender"),
        131_026 => (400, "Message undeliverable"),
        131_031 => (403, "Business Account locked"),
        131_042 => (400, "Business eligibility payment issue"),
        131_047 => (400, "Re-engagement message"),
        131_048 => (400, "Spam rate limit hit"),
        131_049 => (400, "This message was not delivered to maintain healthy ecosystem engagement."),
        131_050 => (400, "User has stopped marketing messages"),
        131_051 => (400, "Unsupported message type"),
        131_052 => (400, "Media download error"),
        131_053 => (400, "Media upload error"),
        131_056 => (400, "(Business Account, Consumer Account) pair rate limit hit"),
        131_057 => (500, "Business Account is in maintenance mode"),
        131_062 => (400, "Business-scoped User ID recipients are not supported for this message"),
        132_000 => (400, "Number of parameters does not match the expected number of params"),
        132_001 => (404, "Template name does not exist in the translation"),
        132_005 => (400, "Translated text too long"),
        132_008 => (400, "Parameter value is not valid for this template"),
        132_012 => (400, "Parameter format does not match format in the created template"),
        132_015 => (400, "Template is paused"),
        132_016 => (400, "Template is disabled"),
        133_010 => (400, "Phone number not registered"),
        _ => (400, "An error occurred"),
    }
}

impl GraphError {
    /// A refusal with this code and its usual status and title.
    pub(crate) fn of(code: i64, details: impl Into<String>) -> Self {
        let (status, title) = known(code);
        Self {
            status,
            code,
            subcode: None,
            message: format!("(#{code}) {title}"),
            details: Some(details.into()),
        }
    }

    /// A code with its usual status and title, when only the code is known.
    pub(crate) fn title_of(code: i64) -> (u16, String) {
        let (status, title) = known(code);
        (status, format!("(#{code}) {title}"))
    }

    /// The Graph API's own "this parameter is wrong".
    pub(crate) fn invalid(text: impl std::fmt::Display) -> Self {
        let message = format!("(#100) {text}");
        Self { status: 400, code: 100, subcode: None, message, details: None }
    }

    /// An object that is not there, or not this token's.
    pub(crate) fn no_object(id: &str, method: &str) -> Self {
        let message = format!(
            "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api",
            method.to_lowercase()
        );
        Self { status: 400, code: 100, subcode: Some(33), message, details: None }
    }

    /// A token that is missing, wrong or expired.
    pub(crate) fn token(details: &str) -> Self {
        let message = details.to_owned();
        Self { status: 401, code: 190, subcode: None, message, details: None }
    }

    /// A path that the Graph API does not have.
    pub(crate) fn path(path: &str) -> Self {
        let message = format!("Unknown path components: /{path}");
        Self { status: 400, code: 2500, subcode: None, message, details: None }
    }

    /// A template that may not be made as asked: code 100 with a subcode that says why.
    pub(crate) fn template(subcode: i64, text: &str) -> Self {
        let message = "Invalid parameter".to_owned();
        Self { status: 400, code: 100, subcode: Some(subcode), message, details: Some(text.to_owned()) }
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": "OAuthException",
            "code": self.code,
            "fbtrace_id": ids::fbtrace(),
        });
        if let Some(fields) = error.as_object_mut() {
            if let Some(subcode) = self.subcode {
                fields.insert("error_subcode".into(), json!(subcode));
                if subcode > 2_000_000 {
                    fields.insert("is_transient".into(), json!(false));
                    fields.insert("error_user_title".into(), json!("Message template cannot be created"));
                    fields.insert("error_user_msg".into(), json!(self.details));
                }
            }
            if let Some(details) = &self.details {
                let data = json!({"messaging_product": "whatsapp", "details": details});
                fields.insert("error_data".into(), data);
            }
        }
        json!({"error": error})
    }
}
