//! Taking a message for Meta or 360dialog.

use super::error::GraphError;
use super::message::{self, Asked, Outgoing};
use crate::account::Line;
use crate::api::Outcome;
use crate::ids;
use crate::statuses::Taken;
use crate::wire::{Call, Reply};
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers a POST to `/messages` or, with `marketing`, to `/marketing_messages`.
pub(crate) fn send(line: &Arc<Line>, call: &Call, marketing: bool) -> Outcome {
    if !call.is_json() {
        let error = GraphError::invalid("The parameter messaging_product is required.");
        return Outcome::badly_headed(Reply::json(error.status, &error.body()));
    }
    let Some(body) = call.json().filter(Value::is_object) else {
        return Outcome::refused(&GraphError::invalid("The request body is not a JSON object."));
    };
    let asked = message::check(&body, line, &line.desk(), marketing, call.now_ms);
    match asked {
        Err(error) => Outcome::refused(&error),
        Ok(Asked::Read) => Outcome::of(Reply::json(200, &json!({"success": true}))),
        Ok(Asked::Message(message)) => take(line, message),
    }
}

fn take(line: &Arc<Line>, message: Outgoing) -> Outcome {
    let digits = message.digits.clone().unwrap_or_default();
    let wamid = ids::wamid(if digits.is_empty() { &line.display } else { &digits }, true);
    let contact = match &message.user_id {
        Some(user_id) => json!({"input": message.input, "user_id": user_id}),
        None => json!({"input": message.input, "wa_id": digits}),
    };
    let mut accepted = json!({"id": wamid});
    if let Some(fields) = accepted.as_object_mut().filter(|_| message.is_template) {
        fields.insert("message_status".into(), json!("accepted"));
    }
    let body = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]});
    let mut outcome = Outcome::of(Reply::json(200, &body));
    outcome.taken = Some((wamid.clone(), Taken::Cloud { line: Arc::clone(line), wamid, message }));
    outcome
}
