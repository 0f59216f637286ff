//! Webhook bodies as the providers write them, built small and with the parts that a test is about.

use serde_json::{Value, json};

/// One message or status of a Meta body, before it is wrapped.
#[derive(Debug, Clone)]
pub struct MetaBody {
    phone_number_id: String,
    waba_id: String,
    contacts: Vec<Value>,
    messages: Vec<Value>,
    statuses: Vec<Value>,
    echoes: Vec<Value>,
}

impl MetaBody {
    /// A body for a number.
    #[must_use]
    pub fn of(phone_number_id: &str, waba_id: &str) -> Self {
        Self {
            phone_number_id: phone_number_id.into(),
            waba_id: waba_id.into(),
            contacts: vec![],
            messages: vec![],
            statuses: vec![],
            echoes: vec![],
        }
    }

    /// Adds a text from a phone number.
    #[must_use]
    pub fn text(self, from: &str, id: &str, at_s: u64, text: &str) -> Self {
        self.message(from, json!({"from": from, "id": id, "timestamp": at_s.to_string(), "type": "text", "text": {"body": text}}))
    }

    /// Adds any message, with its contact entry.
    #[must_use]
    pub fn message(mut self, from: &str, message: Value) -> Self {
        if !from.is_empty() {
            self.contacts.push(
                json!({"profile": {"name": format!("Customer {}", &from[from.len() - 2..])}, "wa_id": from}),
            );
        }
        self.messages.push(message);
        self
    }

    /// Adds a contact entry.
    #[must_use]
    pub fn contact(mut self, contact: Value) -> Self {
        self.contacts.push(contact);
        self
    }

    /// Adds a status.
    #[must_use]
    pub fn status(mut self, id: &str, status: &str, at_s: u64) -> Self {
        self.statuses.push(json!({"id": id, "status": status, "timestamp": at_s.to_string(), "recipient_id": "971501234567"}));
        self
    }

    /// Adds a message that the business sent from its phone.
    #[must_use]
    pub fn echo(mut self, to: &str, id: &str, at_s: u64, text: &str) -> Self {
        self.echoes.push(json!({"from": "97140000000", "to": to, "id": id, "timestamp": at_s.to_string(), "type": "text", "text": {"body": text}}));
        self
    }

    /// The body as Meta would post it.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut changes = Vec::new();
        let metadata =
            json!({"display_phone_number": "97140000000", "phone_number_id": self.phone_number_id});
        if !self.messages.is_empty() || !self.statuses.is_empty() {
            let mut value = json!({"messaging_product": "whatsapp", "metadata": metadata});
            for (name, list) in
                [("contacts", &self.contacts), ("messages", &self.messages), ("statuses", &self.statuses)]
            {
                if !list.is_empty() {
                    value[name] = json!(list);
                }
            }
            changes.push(json!({"field": "messages", "value": value}));
        }
        if !self.echoes.is_empty() {
            let value =
                json!({"messaging_product": "whatsapp", "metadata": metadata, "message_echoes": self.echoes});
            changes.push(json!({"field": "smb_message_echoes", "value": value}));
        }
        json!({"object": "whatsapp_business_account", "entry": [{"id": self.waba_id, "changes": changes}]})
    }
}

/// An UltraMsg chat message.
#[must_use]
pub fn ultramsg_chat(instance: &str, from: &str, id: &str, at_s: u64, text: &str) -> Value {
    json!({"event_type": "message_received", "instanceId": instance, "id": "", "referenceId": "", "hash": "x",
        "data": {"id": format!("false_{from}@c.us_{id}"), "from": format!("{from}@c.us"), "to": "97140000000@c.us",
            "author": "", "pushname": "Omar", "ack": "", "type": "chat", "body": text, "media": "", "fromMe": false,
            "self": false, "isForwarded": false, "quotedMsg": {}, "mentionedIds": [], "time": at_s}})
}

/// Writes JSON with every character outside ASCII escaped (`\u0645`), as Meta sends and signs it.
#[must_use]
pub fn escaped(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
