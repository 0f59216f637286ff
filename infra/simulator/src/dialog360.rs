//! 360dialog: the Cloud API behind a key of its own, with its own paths for settings.

use crate::Simulator;
use crate::account::{Line, Provider};
use crate::api::{About, Outcome};
use crate::cloud::{media, message, profile, send, template_create};
use crate::wire::{Call, Reply};
use serde_json::{Value, json};
use std::sync::Arc;

/// The header of the key.
const KEY: &str = "D360-API-KEY";
/// What the gateway says to a wrong key.
pub(crate) const BAD_KEY: &str = "Invalid api key";
/// The host of Meta's files, which 360dialog passes on.
const META_FILES: &str = "https://lookaside.fbsbx.com";

/// What a call is about, credentials aside.
pub(crate) fn about(sim: &Simulator, call: &Call) -> About {
    let line = owner(sim, call);
    let mut to = None;
    let operation = match call.path().as_slice() {
        ["messages" | "marketing_messages"] => {
            let body = call.json().unwrap_or_default();
            to = message::recipient(&body);
            if body.get("status").is_some() { "read" } else { "send" }
        }
        ["v1", "configs", "templates", ..] => "templates",
        ["v1", "configs", ..] => "account",
        ["health_status" | "whatsapp_business_profile"] => "status",
        _ => "media",
    };
    About { line, operation, to }
}

/// The number that a key opens.
fn owner(sim: &Simulator, call: &Call) -> Option<Arc<Line>> {
    let given = call.header(KEY);
    sim.lines().into_iter().find(
        |line| matches!(&line.account.provider, Provider::Dialog360 { api_key, .. } if api_key == given),
    )
}

/// A refusal of the gateway itself.
pub(crate) fn gateway_refusal(status: u16, said: &str) -> Reply {
    Reply::json(status, &json!({"meta": {"http_code": status, "developer_message": said, "success": false}}))
}

/// Answers a call.
pub(crate) fn answer(sim: &Simulator, call: &Call) -> Outcome {
    let Some(line) = owner(sim, call) else {
        return Outcome::badly_headed(gateway_refusal(401, BAD_KEY));
    };
    let path = call.path();
    match (call.method.as_str(), path.as_slice()) {
        ("POST", ["messages"]) => send::send(&line, call, false),
        ("POST", ["marketing_messages"]) => send::send(&line, call, true),
        ("POST", ["media"]) => media::upload(&line, call),
        ("GET", [one, two, ..]) if media::ATTACHMENTS == [*one, *two] => media::download(Some(&line), call),
        ("GET", ["v1", "configs", "templates"]) => template_create::list_of_dialog360(&line, call),
        ("POST", ["v1", "configs", "templates"]) => template_create::create(&line, call),
        ("DELETE", ["v1", "configs", "templates", name]) => {
            if template_create::remove(&line, name, call.now_ms) {
                Outcome::of(Reply::json(200, &json!({"meta": {"http_code": 200, "success": true}})))
            } else {
                not_found()
            }
        }
        ("GET", ["v1", "configs", "webhook"]) => {
            let set = line.desk().webhook.clone();
            Outcome::of(Reply::json(200, &set.unwrap_or_else(|| json!({"url": "", "headers": {}}))))
        }
        ("POST", ["v1", "configs", "webhook"]) => set_webhook(&line, call),
        ("GET", ["health_status"]) => Outcome::of(Reply::json(
            200,
            &json!({"health_status": {"can_send_message": "AVAILABLE", "entities": [
                {"entity_type": "PHONE_NUMBER", "id": line.phone_number_id, "can_send_message": "AVAILABLE"},
                {"entity_type": "WABA", "id": line.waba_id, "can_send_message": "AVAILABLE"}]}}),
        )),
        ("GET", ["whatsapp_business_profile"]) => profile::read(&line, call),
        ("POST", ["whatsapp_business_profile"]) => profile::change(&line, call),
        ("GET", [id]) => match media::describe(&line, id, META_FILES, call.now_ms) {
            Some(described) => Outcome::of(Reply::json(200, &described)),
            None => not_found(),
        },
        ("DELETE", [id]) if media::delete(&line, id) => {
            Outcome::of(Reply::json(200, &json!({"success": true})))
        }
        _ => not_found(),
    }
}

fn not_found() -> Outcome {
    Outcome::of(gateway_refusal(404, "Not found"))
}

/// Sets where webhooks go. Unlike Meta, 360dialog does not ask that URL for a challenge.
fn set_webhook(line: &Line, call: &Call) -> Outcome {
    let Some(body) = call.json().filter(Value::is_object) else {
        return Outcome::of(gateway_refusal(400, "The body is not a JSON object"));
    };
    let url = body.get("url").and_then(Value::as_str).unwrap_or_default();
    let headers = body.get("headers").cloned().unwrap_or_else(|| json!({}));
    let right = headers.as_object().is_some_and(|map| map.values().all(Value::is_string));
    if !(url.starts_with("https://") || url.starts_with("http://")) || !right {
        return Outcome::of(gateway_refusal(400, "url must be a URL, headers an object of texts"));
    }
    let set = json!({"url": url, "headers": headers});
    line.desk().webhook = Some(set.clone());
    Outcome::of(Reply::json(200, &set))
}
