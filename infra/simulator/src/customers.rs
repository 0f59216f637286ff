//! Customers who write: the control that makes one, and the webhook that comes of it.

mod cloud;
mod samples;
mod web;

use crate::Simulator;
use crate::account::{Kind, Line};
use crate::ids;
use crate::people;
use crate::statuses::shuffle;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a customer writes. Every field but the tenant may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Writing {
    tenant_id: String,
    /// Whose number is written to, where the tenant has several; the one opened last unless told.
    #[serde(default)]
    provider: Option<String>,
    /// The business-scoped user id; made from the number unless told.
    #[serde(default)]
    user_id: Option<String>,
    /// The business does not see the number.
    #[serde(default)]
    hide_phone: bool,
    /// The name of the profile.
    #[serde(default)]
    name: Option<String>,
    /// How often each webhook is posted.
    #[serde(default)]
    copies: Option<usize>,
    /// Several messages, and their copies, in any order.
    #[serde(default)]
    shuffle: bool,
    /// How old the messages are.
    #[serde(default)]
    seconds_ago: i64,
    /// Several messages in place of one.
    #[serde(default)]
    messages: Vec<Said>,
}

/// The fields of [`Writing`]; every other one belongs to the message.
const OUTSIDE: [&str; 9] = [
    "tenant_id",
    "provider",
    "user_id",
    "hide_phone",
    "name",
    "copies",
    "shuffle",
    "seconds_ago",
    "messages",
];

/// Takes a body apart: who writes, and what.
fn read(body: Value) -> Result<(Writing, Vec<Said>), String> {
    let failed = |error: serde_json::Error| format!("The body is not as expected: {error}.");
    let Value::Object(body) = body else { return Err("The body must be a JSON object.".to_owned()) };
    let (outside, inside): (Vec<_>, Vec<_>) =
        body.into_iter().partition(|(name, _)| OUTSIDE.contains(&&**name));
    let mut writing: Writing =
        serde_json::from_value(Value::Object(outside.into_iter().collect())).map_err(failed)?;
    let mut messages = std::mem::take(&mut writing.messages);
    if messages.is_empty() {
        messages.push(serde_json::from_value(Value::Object(inside.into_iter().collect())).map_err(failed)?);
    } else if !inside.is_empty() {
        return Err("With `messages`, what is written stands inside of them.".to_owned());
    }
    Ok((writing, messages))
}

/// One message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Said {
    /// The text of a text message, or of a button of a template.
    pub(crate) text: Option<String>,
    /// `text` unless told.
    pub(crate) kind: Option<String>,
    /// The message this one answers.
    pub(crate) reply_to: Option<String>,
    /// A click-to-WhatsApp ad.
    pub(crate) referral: Option<Value>,
    pub(crate) forwarded: bool,
    pub(crate) caption: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) mime_type: Option<String>,
    /// The file in Base64; a small sample unless told.
    pub(crate) bytes: Option<String>,
    /// What is said in a voice note, for the speech-to-text stand-in.
    pub(crate) transcript: Option<String>,
    pub(crate) latitude: Option<f64>,
    pub(crate) longitude: Option<f64>,
    pub(crate) address: Option<String>,
    /// The name of a place.
    pub(crate) place: Option<String>,
    pub(crate) contacts: Option<Value>,
    /// The id of the button or the row.
    pub(crate) id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) payload: Option<String>,
    /// The message reacted to, edited or taken back.
    pub(crate) message_id: Option<String>,
    pub(crate) emoji: Option<String>,
}

/// Who writes, to which number, when.
pub(crate) struct Writer<'a> {
    pub(crate) line: &'a Line,
    pub(crate) digits: String,
    pub(crate) user_id: String,
    pub(crate) hidden: bool,
    pub(crate) name: String,
    pub(crate) at_s: i64,
    pub(crate) now_ms: i64,
    /// Where the simulator's files are.
    pub(crate) files: String,
}

impl Simulator {
    /// A customer with this number writes, as `POST /_sim/customers/{phone}/messages` has it: signed webhooks through
    /// the front door. Gives `{"message_ids", "answers"}`, one answer (the last status) for each webhook posted.
    ///
    /// # Errors
    /// What is wrong with the phone number or the body, in one sentence.
    pub async fn customer_writes(&self, phone: &str, body: Value) -> Result<Value, String> {
        let (writing, saids) = read(body)?;
        let digits = people::digits(phone);
        if !people::is_phone(phone) {
            return Err(format!("{phone} is not a phone number."));
        }
        let line = self.line_at(&writing.tenant_id, writing.provider.as_deref())?;
        let pending = self.pending();
        let now_ms = self.now_ms();
        let user_id = match writing.user_id {
            Some(user_id) if people::is_user_id(&user_id) => user_id,
            Some(user_id) => {
                return Err(format!("{user_id} is not a business-scoped user id, such as AE.1349120."));
            }
            None => people::user_id_of(&line.desk().people, &line.waba_id, &digits),
        };
        let name = writing.name.unwrap_or_else(|| {
            let known = line.desk().people.find(&digits).map(|person| person.name.clone());
            known.filter(|name| !name.is_empty()).unwrap_or_else(|| samples::name_of(&digits).to_owned())
        });
        let at_s = now_ms / 1000 - writing.seconds_ago;
        let writer = Writer {
            line: &line,
            digits,
            user_id,
            hidden: writing.hide_phone,
            name,
            at_s,
            now_ms,
            files: self.own_url("files"),
        };
        let (mut message_ids, mut bodies) = (Vec::new(), Vec::new());
        for said in &saids {
            let (id, body) = match line.kind() {
                Kind::Meta | Kind::Dialog360 => cloud::webhook(&writer, said)?,
                Kind::Ultramsg | Kind::Llm => web::webhook(&writer, said)?,
            };
            message_ids.push(id);
            bodies.extend(vec![body; writing.copies.unwrap_or(1).clamp(1, 1000)]);
        }
        self.wrote(&line, Some(&writer.digits), Some(&writer.user_id), at_s * 1000);
        writer.remember(&message_ids);
        if writing.shuffle {
            shuffle(&mut bodies);
        }
        let mut answers = Vec::with_capacity(bodies.len());
        for body in bodies {
            answers.push(self.post(&line, &body).await);
        }
        drop(pending);
        Ok(json!({"message_ids": message_ids, "answers": answers}))
    }

    /// Reads a webhook that somebody else posted for a number and that was taken: whoever wrote in it has written.
    pub fn heard(&self, tenant_id: &str, body: &[u8]) {
        let Ok(line) = self.line_of(tenant_id) else { return };
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let list =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let changes = list(&body, "entry").into_iter().flat_map(|entry| list(&entry, "changes"));
        let values: Vec<_> = changes.filter_map(|change| change.get("value").cloned()).collect();
        for message in values.iter().flat_map(|value| list(value, "messages")) {
            let text = |key: &str| message.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let (from, user_id) = (text("from").map(people::digits), text("from_user_id"));
            let at_s = text("timestamp").and_then(|at| at.parse::<i64>().ok());
            let at_s = at_s.or_else(|| message.get("timestamp")?.as_i64());
            if let Some(at_s) = at_s.filter(|_| from.is_some() || user_id.is_some()) {
                self.wrote(&line, from.as_deref(), user_id, at_s.saturating_mul(1000).min(self.now_ms()));
            }
            if let Some(id) = text("id") {
                line.desk().received(id);
            }
        }
    }
}

impl Writer<'_> {
    /// The provider knows the customer, and the messages can be marked as read.
    fn remember(&self, message_ids: &[String]) {
        let mut desk = self.line.desk();
        for id in message_ids {
            desk.received(id);
        }
        let person = desk.people.meet(Some(&self.digits), Some(&self.user_id));
        person.name.clone_from(&self.name);
        person.hidden = self.hidden;
    }

    /// Keeps a file that the customer sends: the given bytes or a sample. Gives its id and its type.
    pub(crate) fn keep_file(&self, kind: &str, said: &Said) -> Result<(String, String), String> {
        use base64::Engine as _;
        let (mime, sample) = samples::file(kind, said.transcript.as_deref());
        let bytes = match &said.bytes {
            Some(text) => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|error| format!("bytes is not Base64: {error}."))?,
            None => sample,
        };
        let mime = said.mime_type.clone().unwrap_or(mime);
        let media = crate::media::Media::received(bytes.into(), &mime, self.now_ms);
        let id = ids::number();
        self.line.desk().media.insert(id.clone(), media);
        Ok((id, mime))
    }
}

/// A field that a kind of message needs.
pub(crate) fn needed<'a>(field: Option<&'a String>, kind: &str, name: &str) -> Result<&'a str, String> {
    field.map(String::as_str).ok_or_else(|| format!("A {kind} needs `{name}`."))
}
