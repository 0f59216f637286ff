//! Chatwoot's application API and its webhooks (providers.md 6): requests with the header `api_access_token`, an inbox of
//! the kind "API", messages of both sides.
//!
//! What we post carries `content_attributes.external_source`: Chatwoot tells it back to us, and it goes no further.

use bytes::Bytes;
use domain::time::Millis;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

/// What marks our own messages.
pub const OURS: &str = "hadar";
/// The kind of inbox that takes messages from an API.
const API_CHANNEL: &str = "Channel::Api";

/// Who calls, and what for.
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    /// The account.
    pub account_id: u64,
    /// The inbox.
    pub inbox_id: u64,
    /// The token of a user or an agent bot of the account.
    pub token: &'a str,
}

/// A contact as it is made there.
#[derive(Debug, Clone, Copy)]
pub struct NewContact<'a> {
    /// Our id of the contact; never a phone number, as not everybody has one.
    pub identifier: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Their number in E.164.
    pub phone: Option<&'a str>,
    /// What else an agent may want to know.
    pub attributes: &'a Value,
}

/// A message as it is made there.
#[derive(Debug, Clone, Copy)]
pub struct NewMessage<'a> {
    /// Its words.
    pub content: &'a str,
    /// Whether the customer wrote it.
    pub incoming: bool,
    /// Whether only agents see it.
    pub private: bool,
    /// Our name of it, by which it is found again.
    pub external_id: &'a str,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done.
    Done(Value),
    /// What it is about is not there.
    Missing,
    /// The token opens nothing (any more).
    Unauthorized,
    /// It will not be taken, however often it is tried.
    Refused(String),
    /// Try again later.
    Later(String),
}

impl Connection<'_> {
    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Request<Bytes>> {
        let uri = format!("/api/v1/accounts/{}/{path}", self.account_id);
        let mut builder = Request::builder().method(method).uri(uri).header("api_access_token", self.token);
        if body.is_some() {
            builder = builder.header("content-type", "application/json");
        }
        builder.body(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))).ok()
    }

    /// Asks for the inbox.
    #[must_use]
    pub fn inbox(&self) -> Option<Request<Bytes>> {
        self.request(Method::GET, &format!("inboxes/{}", self.inbox_id), None)
    }

    /// Makes a contact; 422 says that there is one already.
    #[must_use]
    pub fn make_contact(&self, new: NewContact<'_>) -> Option<Request<Bytes>> {
        let mut body = json!({
            "inbox_id": self.inbox_id,
            "name": new.name,
            "identifier": new.identifier,
            "custom_attributes": new.attributes,
        });
        if let (Some(phone), Some(body)) = (new.phone, body.as_object_mut()) {
            body.insert("phone_number".to_owned(), json!(phone));
        }
        self.request(Method::POST, "contacts", Some(&body))
    }

    /// Looks for contacts by number or identifier.
    #[must_use]
    pub fn find_contact(&self, text: &str) -> Option<Request<Bytes>> {
        let query = text.replace('+', "%2B");
        self.request(Method::GET, &format!("contacts/search?q={query}"), None)
    }

    /// Has a contact be known in the inbox.
    #[must_use]
    pub fn admit_contact(&self, contact: u64) -> Option<Request<Bytes>> {
        let body = json!({"inbox_id": self.inbox_id});
        self.request(Method::POST, &format!("contacts/{contact}/contact_inboxes"), Some(&body))
    }

    /// Asks for the conversations of a contact.
    #[must_use]
    pub fn conversations(&self, contact: u64) -> Option<Request<Bytes>> {
        self.request(Method::GET, &format!("contacts/{contact}/conversations"), None)
    }

    /// Makes a conversation.
    #[must_use]
    pub fn make_conversation(
        &self,
        contact: u64,
        source_id: &str,
        attributes: &Value,
    ) -> Option<Request<Bytes>> {
        let body = json!({
            "source_id": source_id,
            "inbox_id": self.inbox_id,
            "contact_id": contact,
            "status": "open",
            "custom_attributes": attributes,
        });
        self.request(Method::POST, "conversations", Some(&body))
    }

    /// Makes a message.
    #[must_use]
    pub fn make_message(&self, conversation: u64, new: NewMessage<'_>) -> Option<Request<Bytes>> {
        let body = json!({
            "content": new.content,
            "message_type": if new.incoming { "incoming" } else { "outgoing" },
            "private": new.private,
            "content_attributes": {"external_source": OURS, "external_id": new.external_id},
        });
        self.request(Method::POST, &format!("conversations/{conversation}/messages"), Some(&body))
    }

    /// Asks for the newest messages of a conversation.
    #[must_use]
    pub fn messages(&self, conversation: u64) -> Option<Request<Bytes>> {
        self.request(Method::GET, &format!("conversations/{conversation}/messages"), None)
    }

    /// The source id by which the inbox knows a contact that was found, if it does.
    #[must_use]
    pub fn source_id(&self, contact: &Value) -> Option<String> {
        let known = contact.get("contact_inboxes")?.as_array()?;
        let here = known.iter().find(|one| {
            let inbox = one.pointer("/inbox/id").or_else(|| one.get("inbox_id")).and_then(Value::as_u64);
            inbox == Some(self.inbox_id)
        })?;
        Some(here.get("source_id")?.as_str()?.to_owned())
    }

    /// The newest conversation of this inbox among those of a contact.
    #[must_use]
    pub fn own_conversation(&self, answer: &Value) -> Option<u64> {
        let all = answer.get("payload")?.as_array()?;
        let here =
            all.iter().filter(|one| one.get("inbox_id").and_then(Value::as_u64) == Some(self.inbox_id));
        here.filter_map(|one| one.get("id")?.as_u64()).max()
    }
}

/// Reads an answer.
#[must_use]
pub fn answer(response: &Response<Bytes>) -> Answer {
    let status = response.status().as_u16();
    let body: Option<Value> = serde_json::from_slice(response.body()).ok();
    let said = || {
        let body = body.as_ref();
        let text = body.and_then(|body| body.get("message").or_else(|| body.get("error"))?.as_str());
        text.unwrap_or("no words").chars().take(200).collect::<String>()
    };
    match status {
        200..=299 => match body {
            Some(body) => Answer::Done(body),
            None => Answer::Later("Chatwoot answered without JSON".to_owned()),
        },
        401 | 403 => Answer::Unauthorized,
        404 => Answer::Missing,
        400 | 413 | 422 => Answer::Refused(format!("{status}: {}", said())),
        _ => Answer::Later(format!("Chatwoot answered {status}")),
    }
}

/// Why an inbox cannot be used; its name when it can.
///
/// # Errors
/// In words for an admin.
pub fn usable_inbox(inbox: &Value) -> Result<String, String> {
    let kind = inbox.get("channel_type").and_then(Value::as_str).unwrap_or_default();
    if kind != API_CHANNEL {
        return Err(format!("It is of the kind `{kind}`; make an inbox of the kind \"API\"."));
    }
    Ok(inbox.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Whether a conversation's messages hold one of ours.
#[must_use]
pub fn holds(messages: &Value, external_id: &str) -> bool {
    let all = messages.get("payload").and_then(Value::as_array);
    all.into_iter().flatten().any(|message| {
        message.pointer("/content_attributes/external_id").and_then(Value::as_str) == Some(external_id)
    })
}

/// What a webhook tells that concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An agent wrote to the customer.
    Reply(Reply),
    /// Nothing for us; why, for the log.
    Nothing(&'static str),
}

/// What an agent wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The account it is of.
    pub account_id: u64,
    /// The inbox it is of.
    pub inbox_id: u64,
    /// The conversation.
    pub conversation: u64,
    /// Chatwoot's id of the message.
    pub message: u64,
    /// When it was written.
    pub at: Millis,
    /// Its words.
    pub content: String,
    /// How many files it has.
    pub attachments: usize,
    /// Who wrote it.
    pub agent: Option<String>,
}

#[derive(Deserialize)]
struct Hook {
    event: String,
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    message_type: Option<Value>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    created_at: Option<Value>,
    #[serde(default)]
    content_attributes: Option<Value>,
    #[serde(default)]
    sender: Option<Sender>,
    #[serde(default)]
    account: Option<Named>,
    #[serde(default)]
    inbox: Option<Named>,
    #[serde(default)]
    conversation: Option<Named>,
    #[serde(default)]
    attachments: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Named {
    id: u64,
}

#[derive(Deserialize)]
struct Sender {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// Reads a webhook.
///
/// # Errors
/// A message of an agent that lacks what makes it one, in words.
pub fn parse(body: &[u8]) -> Result<Told, String> {
    let hook: Hook =
        serde_json::from_slice(body).map_err(|error| format!("not a webhook of Chatwoot: {error}"))?;
    if hook.event != "message_created" {
        return Ok(Told::Nothing("another event"));
    }
    // A word in webhooks, a number in the API.
    let outgoing = match &hook.message_type {
        Some(Value::String(word)) => word == "outgoing",
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        _ => false,
    };
    if !outgoing {
        return Ok(Told::Nothing("not outgoing"));
    }
    if hook.private {
        return Ok(Told::Nothing("a private note"));
    }
    let source =
        hook.content_attributes.as_ref().and_then(|attributes| attributes.get("external_source")?.as_str());
    if source == Some(OURS) {
        return Ok(Told::Nothing("our own message"));
    }
    if hook.sender.as_ref().and_then(|sender| sender.kind.as_deref()) != Some("user") {
        return Ok(Told::Nothing("not written by a person"));
    }
    let missing = |what: &str| format!("the message of an agent lacks `{what}`");
    let id = |named: Option<Named>, what: &str| named.map(|named| named.id).ok_or_else(|| missing(what));
    Ok(Told::Reply(Reply {
        message: hook.id.ok_or_else(|| missing("id"))?,
        account_id: id(hook.account, "account.id")?,
        inbox_id: id(hook.inbox, "inbox.id")?,
        conversation: id(hook.conversation, "conversation.id")?,
        at: hook.created_at.as_ref().and_then(time).ok_or_else(|| missing("created_at"))?,
        content: hook.content.unwrap_or_default(),
        attachments: hook.attachments.map_or(0, |files| files.len()),
        agent: hook.sender.and_then(|sender| sender.name),
    }))
}

/// Unix seconds, or a text of the time.
fn time(value: &Value) -> Option<Millis> {
    match value {
        Value::Number(seconds) => Some(Millis::from_unix_ms(seconds.as_u64()?.checked_mul(1000)?)),
        Value::String(text) => Millis::parse(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
