//! What is said once for the whole document.

use platform::http::Code;
use serde_json::{Map, Value, json};

/// The trace id of the examples.
const TRACE: &str = "019b2c1e-7d4a-7c39-9f0e-5a1b2c3d4e5f";

const ABOUT: &str = "WhatsApp as a CRM: leads, conversations, templates, sending, consents and customer webhooks.

Every answer is `{\"data\": ..., \"error\": null}` or `{\"data\": null, \"error\": {...}}`, also for 404 and 405 (405 \
`method_not_allowed`, with `Allow`). Only the webhook routes that providers post to are exempt. Every answer carries \
`X-Trace-Id`; every answer to a known key carries `X-RateLimit-Limit`, `-Remaining` and `-Reset`. Times are RFC 3339 in \
UTC; money is in integer minor units with its currency. Unknown fields and parameters are refused by name.

Checks run in this order: 401, 429, 403, the request itself (400, 413, 415), existence (404), rules and state (409, 422).

To try things out, use a key of the sandbox (`hdr_test_...`): it has data of its own, and no provider is called. An \
admin makes one that ends by itself with `POST /v1/api-keys`: `{\"name\": \"Try-out\", \"role\": \"agent\", \
\"environment\": \"test\", \"expires_at\": ...}`.";

/// `info`.
pub(crate) fn info() -> Value {
    json!({
        "title": "Hadar API",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "WhatsApp as a CRM surface.",
        "description": ABOUT,
        "license": { "name": "MIT", "identifier": "MIT" },
    })
}

/// The groups of operations.
pub(crate) fn tags() -> Value {
    let tags = [
        ("leads", "Who enquired, what they look for, and everything that happened with them."),
        ("contacts", "People, and what they agreed to."),
        ("privacy", "The rights of persons: export, restriction, erasure, retention, where data is sent."),
        ("conversations", "The inbox."),
        ("messages", "Sending: at most once, or it says `uncertain`."),
        ("media", "Files of messages."),
        ("templates", "Message templates: drafts, review, starter packs."),
        ("forms", "Lead forms on websites."),
        ("export", "Everything of a tenant out, and in again."),
        ("webhooks", "Endpoints of yours that events are delivered to."),
        ("integrations", "The numbers and sources of leads of a tenant."),
        ("events", "The event log: what did not simply apply, and trying it again."),
        ("api_keys", "Keys for programs and people."),
        ("audit", "Who did what, in a chain of hashes."),
        ("status", "How the platform and its providers are doing."),
        (
            "provider_webhooks",
            "What the providers and sources of leads post. Not for integrators, proven by the providers' own signatures, and \
             exempt from the envelope.",
        ),
    ];
    tags.map(|(name, description)| json!({ "name": name, "description": description })).into_iter().collect()
}

/// How a caller proves who it is.
pub(crate) fn security_schemes() -> Value {
    json!({ "api_key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "hdr_live_... or hdr_test_...",
        "description": "An API key. The scope of an operation is the lowest role that may: viewer < agent < admin.",
    }})
}

/// The error and its codes.
pub(crate) fn schemas() -> Map<String, Value> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let mut schemas = Map::new();
    let code = json!({
        "type": "string",
        "description": "What went wrong, for programs; docs/errors.md has a section for each.",
        "enum": codes,
    });
    schemas.insert("ErrorCode".to_owned(), code);
    schemas.insert("Error".to_owned(), error(json!({ "$ref": "#/components/schemas/ErrorCode" })));
    schemas
}

/// An error with one of the codes that `code` describes.
fn error(code: Value) -> Value {
    json!({
        "type": "object",
        "description": "A \"no\".",
        "required": ["code", "message", "trace_id"],
        "properties": {
            "code": code,
            "message": { "type": "string", "description": "For people; it may change." },
            "field": { "type": "string", "description": "The parameter, or the path of the field, that it is about." },
            "trace_id": { "type": "string", "format": "uuid", "description": "Quote it to support." },
            "details": { "type": "object", "description": "Facts for a program, by the code.", "additionalProperties": true },
        },
        "additionalProperties": false,
    })
}

/// The envelope of a "no" and the error in it, for each status.
pub(crate) fn error_schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for status in statuses() {
        let name = error_name(status);
        let codes: Vec<&str> = codes(status).iter().map(|code| code.as_str()).collect();
        schemas.insert(format!("Error_{name}"), error(json!({ "type": "string", "enum": codes })));
        let answer = json!({
            "type": "object",
            "required": ["data", "error"],
            "properties": {
                "data": { "type": "null" },
                "error": { "$ref": format!("#/components/schemas/Error_{name}") },
            },
            "additionalProperties": false,
        });
        schemas.insert(format!("Answer_{name}"), answer);
    }
    schemas
}

/// The statuses that codes of the API come with.
fn statuses() -> Vec<u16> {
    let mut statuses: Vec<u16> = Code::ALL.iter().map(|code| code.status().as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// The codes of a status.
fn codes(status: u16) -> Vec<Code> {
    Code::ALL.into_iter().filter(|code| code.status().as_u16() == status).collect()
}

/// The name of the shared response of a status.
pub(crate) const fn error_name(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Refused",
        429 => "RateLimited",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    }
}

/// A response for each status that a code of the API comes with.
pub(crate) fn responses() -> Value {
    statuses()
        .into_iter()
        .map(|status| (error_name(status).to_owned(), response(status)))
        .collect::<Map<_, _>>()
        .into()
}

fn response(status: u16) -> Value {
    let codes = codes(status);
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let error = json!({ "code": code.as_str(), "message": words(*code), "trace_id": TRACE });
            (code.as_str().to_owned(), json!({ "value": { "data": null, "error": error } }))
        })
        .collect();
    let mut headers = rate_headers(false);
    let mut with = |name: &str, of: &str| {
        headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{of}") }));
    };
    match status {
        401 => with("WWW-Authenticate", "WwwAuthenticate"),
        405 => with("Allow", "Allow"),
        409 | 429 | 503 => with("Retry-After", "RetryAfter"),
        _ => {}
    }
    let schema = json!({ "$ref": format!("#/components/schemas/Answer_{}", error_name(status)) });
    json!({
        "description": format!("`{}`.", names.join("`, `")),
        "headers": headers,
        "content": { "application/json": { "schema": schema, "examples": examples } },
    })
}

/// What a code says, by way of example.
const fn words(code: Code) -> &'static str {
    match code {
        Code::ValidationError => "A lead has a name.",
        Code::Unauthorized => "Send your API key as `Authorization: Bearer hdr_live_...`.",
        Code::InvalidApiKey => "This API key is unknown, revoked or expired.",
        Code::Forbidden => "This needs a key with the role `admin`.",
        Code::NotFound => "There is nothing here.",
        Code::MethodNotAllowed => "This path does not answer this method; see the header `Allow`.",
        Code::Conflict => "Only a held message can be released; this one is `sent`.",
        Code::PayloadTooLarge => "The body may have at most 262144 bytes.",
        Code::UnsupportedMediaType => "Send JSON with `Content-Type: application/json`.",
        Code::Outside24hWindow => "The customer has not written in 24 hours; send an approved template.",
        Code::DoNotContact => "The contact has not agreed to marketing.",
        Code::TemplateParamMismatch => "The template needs a value for `name`.",
        Code::TemplateNotApproved => "There is no approved template of this name.",
        Code::TemplateInvalid => "A body cannot begin with a variable.",
        Code::UnsupportedByProvider => "UltraMsg carries no buttons. Send the choices as a text.",
        Code::LanguageMismatch => {
            "The customer writes Arabic; repeat with `confirm_language: true` to send English."
        }
        Code::ConversationLocked => {
            "Somebody else answers this conversation; repeat with `override_lock: true` to send all the same."
        }
        Code::RateLimited => "This key may make 60 requests a minute; wait for the next one.",
        Code::InternalError => "Something went wrong on our side; quote the trace id to support.",
        Code::ServiceUnavailable => "A part of the service does not answer; try again in a moment.",
        Code::NotConfigured => "No number is connected that could send this.",
        Code::AssistantNotConnected => "No assistant is connected.",
        Code::AssistantUnavailable => "The assistant has no answer that can be used: no answer in time.",
    }
}

/// The headers of an answer; how a key stands is on every answer to a key that is known.
pub(crate) fn rate_headers(known: bool) -> Map<String, Value> {
    let mut headers = Map::new();
    headers.insert("X-Trace-Id".to_owned(), json!({ "$ref": "#/components/headers/TraceId" }));
    let suffix = if known { "" } else { "IfKnown" };
    for (name, of) in [
        ("X-RateLimit-Limit", "RateLimit"),
        ("X-RateLimit-Remaining", "RateRemaining"),
        ("X-RateLimit-Reset", "RateReset"),
    ] {
        headers.insert(name.to_owned(), json!({ "$ref": format!("#/components/headers/{of}{suffix}") }));
    }
    headers
}

/// The headers by name.
pub(crate) fn headers() -> Value {
    let number = |least: u32, required: bool, description: &str| json!({ "description": description, "required": required, "schema": { "type": "integer", "minimum": least } });
    let text = |required: bool, description: &str| json!({ "description": description, "required": required, "schema": { "type": "string" } });
    let mut headers = Map::new();
    for (suffix, required) in [("", true), ("IfKnown", false)] {
        let limits = [
            ("RateLimit", 1, "How many requests a minute this key may make."),
            ("RateRemaining", 0, "How many of them are left."),
            ("RateReset", 0, "When the next minute begins, in Unix seconds."),
        ];
        for (name, least, description) in limits {
            headers.insert(format!("{name}{suffix}"), number(least, required, description));
        }
    }
    let trace = json!({
        "description": "Names this request; quote it to support.",
        "required": true,
        "schema": { "type": "string", "format": "uuid" },
    });
    headers.insert("TraceId".to_owned(), trace);
    headers.insert("RetryAfter".to_owned(), number(0, false, "When the same request may work, in seconds."));
    headers.insert("WwwAuthenticate".to_owned(), text(true, "The challenge of RFC 6750."));
    headers.insert("Allow".to_owned(), text(true, "The methods that the path answers."));
    let replayed = json!({
        "description": "This is the first answer, given again.",
        "required": false,
        "schema": { "type": "string", "enum": ["true"] },
    });
    headers.insert("IdempotencyReplayed".to_owned(), replayed);
    headers.into()
}

/// The parameters that many operations share.
pub(crate) fn parameters() -> Value {
    json!({
        "Limit": {
            "name": "limit", "in": "query", "description": "How many items a page has at most.",
            "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 25 },
        },
        "Cursor": {
            "name": "cursor", "in": "query",
            "description": "`pagination.next_cursor` of the page before; with the same filters, at most 24 hours old.",
            "schema": { "type": "string", "minLength": 1 },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "Repeats with the same key and body get the first answer for 24 hours; with another body 409.",
            "schema": { "type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$", "minLength": 1, "maxLength": 255 },
            "example": "5b0c2a1e-order-1001",
        },
    })
}
