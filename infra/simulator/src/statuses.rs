//! What is played back after a message was taken: `sent`, `delivered`, `read`, as the rules say.

use crate::Simulator;
use crate::account::Line;
use crate::behaviour::{Failure, Statuses};
use crate::cloud::error::GraphError;
use crate::cloud::message::Outgoing;
use crate::ids;
use crate::people;
use crate::ultramsg::outgoing::Queued;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take before the first status overtakes it.
const AFTER_ANSWER: Duration = Duration::from_millis(20);

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) enum Taken {
    /// By Meta or 360dialog.
    Cloud { line: Arc<Line>, wamid: String, message: Outgoing },
    /// By UltraMsg.
    Web { line: Arc<Line>, message: Queued },
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Line").field(&self.account).finish()
    }
}

impl Simulator {
    /// Plays back what becomes of a message. The simulator is not idle from the call on until the future ends.
    pub(crate) fn play(&self, taken: Taken) -> impl Future<Output = ()> + Send + use<> {
        let (sim, pending) = (self.clone(), self.pending());
        let told = self.behaviour().statuses.clone();
        let bodies = match &taken {
            Taken::Cloud { line, wamid, message } => cloud(line, wamid, message, &told, self.now_ms()),
            Taken::Web { line, message } => message.receipts(line, &told, self.now_ms() / 1000),
        };
        async move {
            let _pending = pending;
            let line = match &taken {
                Taken::Cloud { line, .. } | Taken::Web { line, .. } => line,
            };
            if !told.before_answer {
                tokio::time::sleep(AFTER_ANSWER).await;
            }
            for body in arranged(bodies, &told) {
                tokio::time::sleep(Duration::from_millis(told.delay_ms)).await;
                if sim.is_stopped() {
                    return;
                }
                sim.post(line, &body).await;
            }
        }
    }
}

/// The bodies with their copies, in the order asked for.
fn arranged(bodies: Vec<Value>, told: &Statuses) -> Vec<Value> {
    let mut all: Vec<_> = bodies.into_iter().flat_map(|body| vec![body; told.copies]).collect();
    if told.shuffle {
        shuffle(&mut all);
    }
    all
}

/// Any order.
pub(crate) fn shuffle<T>(list: &mut [T]) {
    for end in (1..list.len()).rev() {
        let other =
            usize::try_from(ids::below(u64::try_from(end).unwrap_or_default() + 1)).unwrap_or_default();
        list.swap(end, other);
    }
}

/// The envelope of Meta's webhooks about messages.
pub(crate) fn envelope(line: &Line, mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("messaging_product".into(), json!("whatsapp"));
        let metadata = json!({"display_phone_number": line.display, "phone_number_id": line.phone_number_id});
        fields.insert("metadata".into(), metadata);
    }
    let change = json!({"field": "messages", "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": line.waba_id, "changes": [change]}]})
}

fn cloud(line: &Line, wamid: &str, message: &Outgoing, told: &Statuses, now_ms: i64) -> Vec<Value> {
    let names = told.names();
    let key = message.digits.as_deref().or(message.user_id.as_deref()).unwrap_or_default();
    let mut desk = line.desk();
    let person = desk.people.find(key).cloned().unwrap_or_default();
    let month = crate::journal::instant(now_ms).chars().take(7).collect::<String>();
    let free = message.category == "service" && desk.serve_free(&month);
    let user_id = match (&message.user_id, &message.digits) {
        (Some(user_id), _) => user_id.clone(),
        (None, Some(digits)) => people::user_id_of(&desk.people, &line.waba_id, digits),
        (None, None) => String::new(),
    };
    drop(desk);
    let phone = message.digits.clone().or_else(|| person.phone.clone().filter(|_| !person.hidden));
    let pricing = json!({
        "billable": !free,
        "pricing_model": "PMP",
        "type": if free { "free_customer_service" } else { "regular" },
        "category": message.category,
    });
    let priced_with_delivered = names.iter().any(|name| name == "delivered");
    let mut bodies = Vec::with_capacity(names.len());
    for (nth, name) in names.iter().enumerate() {
        let at = now_ms / 1000 + i64::try_from(nth).unwrap_or_default();
        let mut status = json!({"id": wamid, "status": name, "timestamp": at.to_string()});
        let failed = name == "failed";
        let priced = match name.as_str() {
            "sent" | "delivered" => true,
            "read" => !priced_with_delivered,
            _ => false,
        };
        if let Some(fields) = status.as_object_mut() {
            if let Some(phone) = &phone {
                fields.insert("recipient_id".into(), json!(phone));
            }
            // A failed status names the user id only if that was the address.
            if !failed || message.user_id.is_some() {
                fields.insert("recipient_user_id".into(), json!(user_id));
            }
            if let Some(opaque) = &message.opaque {
                fields.insert("biz_opaque_callback_data".into(), json!(opaque));
            }
            if priced {
                fields.insert("pricing".into(), pricing.clone());
            }
            if let Some(failure) = told.failed.as_ref().filter(|_| failed) {
                fields.insert("errors".into(), json!([failure_of(failure)]));
            }
        }
        let mut value = json!({"statuses": [status]});
        if !failed && let Some(fields) = value.as_object_mut() {
            let mut contact = json!({"user_id": user_id});
            if let (Some(contact), Some(phone)) = (contact.as_object_mut(), &phone) {
                contact.insert("wa_id".into(), json!(phone));
            }
            fields.insert("contacts".into(), json!([contact]));
        }
        bodies.push(envelope(line, value));
    }
    bodies
}

fn failure_of(failure: &Failure) -> Value {
    let (_, usual) = GraphError::title_of(failure.code);
    let usual = usual.split_once(") ").map_or(usual.as_str(), |(_, title)| title).to_owned();
    let title = failure.title.clone().unwrap_or(usual);
    json!({
        "code": failure.code,
        "title": title,
        "message": title,
        "error_data": {"details": failure.details.clone().unwrap_or_else(|| title.clone())},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}
