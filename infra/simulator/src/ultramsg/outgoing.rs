//! A message in UltraMsg's queue, and the webhooks about it.

use crate::account::{Line, Provider};
use crate::behaviour::Statuses;
use crate::ids;
use crate::people;
use serde_json::{Value, json};

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) id: u64,
    /// The last part of the path it came by.
    pub(crate) kind: String,
    /// The chat, such as `971501234567@c.us`.
    pub(crate) to: String,
    pub(crate) body: String,
    pub(crate) caption: String,
    pub(crate) reference: String,
    /// The random part of its WhatsApp id.
    pub(crate) web_id: String,
    pub(crate) at_s: i64,
}

/// A recipient as WhatsApp Web names the chat.
pub(crate) fn chat_id(to: &str) -> String {
    if to.contains('@') { to.to_owned() } else { format!("{}@c.us", people::digits(to)) }
}

/// The envelope of a webhook.
pub(crate) fn event(line: &Line, event_type: &str, id: &str, reference: &str, data: &Value) -> Value {
    let instance = match &line.account.provider {
        Provider::Ultramsg { instance_id, .. } => instance_id.as_str(),
        Provider::Meta { .. } | Provider::Dialog360 { .. } => "",
    };
    json!({
        "event_type": event_type,
        "instanceId": instance,
        "id": id,
        "referenceId": reference,
        "hash": hex::encode(ids::random::<16>()),
        "data": data,
    })
}

impl Queued {
    /// The message as `GET messages` lists it.
    pub(crate) fn listed(&self, from: &str) -> Value {
        json!({
            "id": self.id,
            "referenceId": self.reference,
            "from": format!("{from}@c.us"),
            "to": self.to,
            "body": self.body,
            "priority": 10,
            "status": "sent",
            "ack": "server",
            "type": self.wire_type(),
            "created_at": self.at_s,
            "sent_at": self.at_s,
            "metadata": "",
        })
    }

    fn wire_type(&self) -> &str {
        match self.kind.as_str() {
            "voice" => "ptt",
            "contact" => "vcard",
            kind => kind,
        }
    }

    fn data(&self, line: &Line, ack: &str, at_s: i64) -> Value {
        let file =
            matches!(self.kind.as_str(), "image" | "video" | "document" | "audio" | "voice" | "sticker");
        let link = if file && self.body.starts_with("http") { self.body.as_str() } else { "" };
        json!({
            "id": format!("true_{}_{}", self.to, self.web_id),
            "sid": self.web_id,
            "from": format!("{}@c.us", line.display),
            "to": self.to,
            "author": "",
            "pushname": "Hadar Demo",
            "ack": ack,
            "type": self.wire_type(),
            "body": if file { &self.caption } else { &self.body },
            "media": link,
            "fromMe": true,
            "self": false,
            "isForwarded": false,
            "isMentioned": false,
            "quotedMsg": {},
            "mentionedIds": [],
            "time": at_s,
        })
    }

    /// The webhooks about it: its making with `sent`, then an acknowledgement each. UltraMsg has no word for a message
    /// that failed, nor anything to say of reactions and deletions.
    pub(crate) fn receipts(&self, line: &Line, told: &Statuses, now_s: i64) -> Vec<Value> {
        if self.to.is_empty() {
            return Vec::new();
        }
        let (created, acks) = {
            let desk = line.desk();
            (desk.is_on("webhook_message_create"), desk.is_on("webhook_message_ack"))
        };
        let mut bodies = Vec::new();
        let id = self.id.to_string();
        for (nth, name) in told.names().iter().enumerate() {
            let at_s = now_s + i64::try_from(nth).unwrap_or_default();
            let ack = match name.as_str() {
                "sent" => "server",
                "delivered" => "device",
                "read" => "read",
                "played" => "played",
                _ => continue,
            };
            if ack == "server" && created {
                bodies.push(event(
                    line,
                    "message_create",
                    &id,
                    &self.reference,
                    &self.data(line, "pending", at_s),
                ));
            }
            if acks {
                bodies.push(event(line, "message_ack", &id, &self.reference, &self.data(line, ack, at_s)));
            }
        }
        bodies
    }
}
