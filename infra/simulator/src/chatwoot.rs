//! Chatwoot: one account with an inbox of the kind "API", as picky as the real one. Agents write through the controls.

use crate::Simulator;
use crate::callbacks::hmac_hex;
use crate::wire::Reply;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get, post};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Map, Value, json};

/// The account, its inbox and the token that opens it.
const ACCOUNT: u64 = 1;
const INBOX: u64 = 4;
/// An inbox of a website, which takes nothing from an API.
const OTHER_INBOX: u64 = 5;
const TOKEN: &str = "chatwoot-access-token";
/// What webhooks are signed with.
const SECRET: &str = "chatwoot-webhook-secret";
/// The longest content of a message, in characters.
const LONGEST: usize = 150_000;

/// What Chatwoot knows.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    contacts: Vec<Value>,
    conversations: Vec<Value>,
    messages: Vec<Value>,
    /// Where webhooks go.
    webhook_url: Option<String>,
    /// Whether webhooks are signed, as recent versions do.
    signs: bool,
    /// Whether it answers 502 to everything.
    down: bool,
    /// How many further messages are taken without an answer that says so.
    drops: u64,
    /// How many calls came.
    calls: u64,
}

/// The API, as it is reached under its root.
pub(crate) fn api() -> Router<Simulator> {
    Router::new().fallback(any(serve))
}

/// The controls: what is there, how it behaves, what an agent writes.
pub(crate) fn controls() -> Router<Simulator> {
    Router::new().route("/", get(shown).put(behave)).route("/replies", post(agent_writes))
}

async fn shown(State(sim): State<Simulator>) -> Response {
    let desk = sim.chatwoot();
    let state = json!({
        "account_id": ACCOUNT, "inbox_id": INBOX, "other_inbox_id": OTHER_INBOX, "token": TOKEN, "secret": SECRET,
        "contacts": desk.contacts, "conversations": desk.conversations, "messages": desk.messages, "calls": desk.calls,
    });
    drop(desk);
    crate::cut::whole(Reply::json(200, &state))
}

async fn behave(State(sim): State<Simulator>, body: Bytes) -> Response {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut desk = sim.chatwoot();
    if let Some(url) = wanted.get("webhook_url").and_then(Value::as_str) {
        desk.webhook_url = Some(url.to_owned());
    }
    if let Some(signs) = wanted.get("signs").and_then(Value::as_bool) {
        desk.signs = signs;
    }
    if let Some(down) = wanted.get("down").and_then(Value::as_bool) {
        desk.down = down;
    }
    if let Some(drops) = wanted.get("drops").and_then(Value::as_u64) {
        desk.drops = drops;
    }
    drop(desk);
    crate::cut::whole(Reply::json(200, &json!({})))
}

/// `{conversation, content?, private?, copies?, attachments?, by?}`: an agent writes; the last status of the webhook.
async fn agent_writes(State(sim): State<Simulator>, body: Bytes) -> Response {
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(conversation) = wanted.get("conversation").and_then(Value::as_u64) else {
        return crate::cut::whole(Reply::json(400, &json!({"error": "conversation is required"})));
    };
    let kind = wanted.get("by").and_then(Value::as_str).unwrap_or("user").to_owned();
    let new = json!({
        "content": wanted.get("content").cloned().unwrap_or_default(),
        "message_type": "outgoing",
        "private": wanted.get("private").and_then(Value::as_bool).unwrap_or(false),
        "attachments": wanted.get("attachments").cloned().unwrap_or_else(|| json!([])),
    });
    let Some(message) = sim.keep_message(conversation, &new, &kind) else {
        return crate::cut::whole(Reply::json(404, &json!({"error": "Resource could not be found"})));
    };
    let copies = wanted.get("copies").and_then(Value::as_u64).unwrap_or(1);
    let mut status = 0;
    for _ in 0..copies {
        status = sim.tell_chatwoot(&message).await;
    }
    crate::cut::whole(Reply::json(200, &json!({"id": message.get("id"), "status": status})))
}

async fn serve(State(sim): State<Simulator>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 4 << 20).await.unwrap_or_default();
    let token =
        parts.headers.get("api_access_token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query: Vec<(String, String)> =
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let path: Vec<&str> = parts.uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let mut told = None;
    let reply = {
        let mut desk = sim.chatwoot();
        desk.calls += 1;
        if desk.down {
            Reply::file("text/html", Bytes::from_static(b"<h1>502 Bad Gateway</h1>")).with_status(502)
        } else if token != TOKEN {
            Reply::json(401, &json!({"error": "You need to sign in or sign up before continuing."}))
        } else {
            drop(desk);
            let json_body: Option<Value> = serde_json::from_slice(&body).ok();
            let is_json = parts
                .headers
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
            let body = json_body.filter(|_| is_json).unwrap_or_default();
            sim.answer_chatwoot(&parts.method, &path, &query, &body, &mut told)
        }
    };
    if let Some(message) = told {
        // As the real one: a webhook for every message, whoever made it.
        let sim = sim.clone();
        let pending = sim.pending();
        tokio::spawn(async move {
            let _pending = pending;
            sim.tell_chatwoot(&message).await;
        });
    }
    crate::cut::whole(reply)
}

fn missing() -> Reply {
    Reply::json(404, &json!({"error": "Resource could not be found"}))
}

fn invalid(message: &str) -> Reply {
    Reply::json(422, &json!({"message": message, "attributes": []}))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

impl Simulator {
    fn answer_chatwoot(
        &self,
        method: &Method,
        path: &[&str],
        query: &[(String, String)],
        body: &Value,
        told: &mut Option<Value>,
    ) -> Reply {
        let ["api", "v1", "accounts", account, rest @ ..] = path else { return missing() };
        if account.parse() != Ok(ACCOUNT) {
            return Reply::json(404, &json!({"error": "Account not found"}));
        }
        match (method.as_str(), rest) {
            ("GET", ["inboxes", id]) => match id.parse() {
                Ok(INBOX) => Reply::json(
                    200,
                    &json!({"id": INBOX, "name": "WhatsApp", "channel_type": "Channel::Api"}),
                ),
                Ok(OTHER_INBOX) => Reply::json(
                    200,
                    &json!({"id": OTHER_INBOX, "name": "Site", "channel_type": "Channel::WebWidget"}),
                ),
                _ => missing(),
            },
            ("POST", ["contacts"]) => self.make_contact(body),
            ("GET", ["contacts", "search"]) => {
                let wanted = query.iter().find(|(name, _)| name == "q").map(|(_, value)| value.as_str());
                let Some(wanted) = wanted else { return invalid("Specify search string with parameter q") };
                let desk = self.chatwoot();
                let held = |one: &&Value| {
                    ["identifier", "phone_number", "name"].iter().any(|name| {
                        one.get(*name).and_then(Value::as_str).is_some_and(|text| text.contains(wanted))
                    })
                };
                let found: Vec<&Value> = desk.contacts.iter().filter(held).collect();
                Reply::json(200, &json!({"meta": {"count": found.len()}, "payload": found}))
            }
            ("POST", ["contacts", id, "contact_inboxes"]) => self.admit(id, body),
            ("GET", ["contacts", id, "conversations"]) => {
                let desk = self.chatwoot();
                let id: Option<u64> = id.parse().ok();
                if !desk.contacts.iter().any(|one| one.get("id").and_then(Value::as_u64) == id) {
                    return missing();
                }
                let theirs = |one: &&Value| one.get("contact_id").and_then(Value::as_u64) == id;
                let found: Vec<&Value> = desk.conversations.iter().filter(theirs).collect();
                Reply::json(200, &json!({"payload": found}))
            }
            ("POST", ["conversations"]) => self.make_conversation(body),
            ("GET", ["conversations", id, "messages"]) => {
                let Ok(id) = id.parse::<u64>() else { return missing() };
                let desk = self.chatwoot();
                if !desk.conversations.iter().any(|one| one.get("id").and_then(Value::as_u64) == Some(id)) {
                    return missing();
                }
                let of = |one: &&Value| one.pointer("/conversation_id").and_then(Value::as_u64) == Some(id);
                let mut newest: Vec<&Value> = desk.messages.iter().rev().filter(of).take(20).collect();
                newest.reverse();
                Reply::json(200, &json!({"meta": {}, "payload": newest}))
            }
            ("POST", ["conversations", id, "messages"]) => {
                let Ok(id) = id.parse::<u64>() else { return missing() };
                if !["incoming", "outgoing"].contains(&text(body, "message_type").unwrap_or("outgoing")) {
                    return invalid("'message_type' is not a valid message_type");
                }
                let length = text(body, "content").map_or(0, |text| text.chars().count());
                if length > LONGEST {
                    return invalid("Content is too long (maximum is 150000 characters)");
                }
                let Some(message) = self.keep_message(id, body, "user") else { return missing() };
                *told = Some(message.clone());
                let mut desk = self.chatwoot();
                if desk.drops > 0 {
                    desk.drops -= 1;
                    return Reply::json(504, &json!({"error": "timeout"}));
                }
                Reply::json(200, &message)
            }
            _ => missing(),
        }
    }

    fn make_contact(&self, body: &Value) -> Reply {
        if body.get("inbox_id").and_then(Value::as_u64) != Some(INBOX) {
            return missing();
        }
        let phone = text(body, "phone_number");
        let plus = |text: &str| {
            text.strip_prefix('+')
                .is_some_and(|digits| digits.len() < 16 && digits.bytes().all(|b| b.is_ascii_digit()))
        };
        if phone.is_some_and(|phone| !plus(phone)) {
            return invalid("Phone number should be in e164 format");
        }
        let mut desk = self.chatwoot();
        for (name, words) in [
            ("phone_number", "Phone number has already been taken"),
            ("identifier", "Identifier has already been taken"),
        ] {
            let taken = |one: &Value| text(body, name).is_some() && text(one, name) == text(body, name);
            if desk.contacts.iter().any(taken) {
                return invalid(words);
            }
        }
        let id = 100 + desk.contacts.len() as u64;
        let source_id = format!("source-{id}");
        let inbox = json!({"source_id": source_id, "inbox": {"id": INBOX}});
        let mut contact: Map<String, Value> = Map::new();
        for name in ["name", "phone_number", "identifier", "custom_attributes"] {
            contact.insert(name.to_owned(), body.get(name).cloned().unwrap_or_default());
        }
        contact.insert("id".to_owned(), json!(id));
        contact.insert("contact_inboxes".to_owned(), json!([inbox]));
        desk.contacts.push(Value::Object(contact.clone()));
        Reply::json(200, &json!({"payload": {"contact": contact, "contact_inbox": inbox}}))
    }

    fn admit(&self, id: &str, body: &Value) -> Reply {
        let id: Option<u64> = id.parse().ok();
        let mut desk = self.chatwoot();
        let found = desk.contacts.iter_mut().find(|one| one.get("id").and_then(Value::as_u64) == id);
        let (Some(contact), Some(INBOX)) = (found, body.get("inbox_id").and_then(Value::as_u64)) else {
            return missing();
        };
        let inbox =
            json!({"source_id": format!("source-{}", id.unwrap_or_default()), "inbox": {"id": INBOX}});
        if let Some(known) = contact.get_mut("contact_inboxes").and_then(Value::as_array_mut) {
            known.push(inbox.clone());
        }
        Reply::json(200, &inbox)
    }

    fn make_conversation(&self, body: &Value) -> Reply {
        let mut desk = self.chatwoot();
        let contact = body.get("contact_id").and_then(Value::as_u64);
        let known = desk.contacts.iter().find(|one| one.get("id").and_then(Value::as_u64) == contact);
        let Some(known) = known.filter(|_| contact.is_some()) else { return missing() };
        let here = known.get("contact_inboxes").and_then(Value::as_array).into_iter().flatten();
        let mut here = here.filter_map(|one| text(one, "source_id"));
        let source_id = text(body, "source_id").unwrap_or_default().to_owned();
        if !here.any(|known| known == source_id)
            || body.get("inbox_id").and_then(Value::as_u64) != Some(INBOX)
        {
            return missing();
        }
        let id = 1 + desk.conversations.len() as u64;
        let conversation = json!({
            "id": id, "inbox_id": INBOX, "contact_id": contact, "source_id": source_id,
            "status": text(body, "status").unwrap_or("open"),
            "custom_attributes": body.get("custom_attributes").cloned().unwrap_or_default(),
        });
        desk.conversations.push(conversation.clone());
        Reply::json(200, &conversation)
    }

    /// Keeps a message; `None` when there is no such conversation.
    fn keep_message(&self, conversation: u64, new: &Value, by: &str) -> Option<Value> {
        let now = self.now_ms() / 1000;
        let mut desk = self.chatwoot();
        desk.conversations.iter().find(|one| one.get("id").and_then(Value::as_u64) == Some(conversation))?;
        let incoming = text(new, "message_type") == Some("incoming");
        let sender =
            if incoming { json!({"type": "contact"}) } else { json!({"type": by, "id": 3, "name": "Omar"}) };
        let message = json!({
            "id": 1 + desk.messages.len() as u64,
            "content": new.get("content").cloned().unwrap_or_default(),
            "conversation_id": conversation,
            "inbox_id": INBOX,
            // A number in the API, a word in webhooks.
            "message_type": u8::from(!incoming),
            "private": new.get("private").and_then(Value::as_bool).unwrap_or(false),
            "content_attributes": new.get("content_attributes").cloned().unwrap_or_else(|| json!({})),
            "attachments": new.get("attachments").cloned().unwrap_or_else(|| json!([])),
            "created_at": now,
            "sender": sender,
        });
        desk.messages.push(message.clone());
        Some(message)
    }

    /// Posts the webhook of a message; the status of the answer, 0 where nothing is posted or answered.
    async fn tell_chatwoot(&self, message: &Value) -> u16 {
        let (url, signs) = {
            let desk = self.chatwoot();
            (desk.webhook_url.clone(), desk.signs)
        };
        let Some(url) = url else { return 0 };
        let mut body = message.clone();
        let outgoing = message.get("message_type").and_then(Value::as_u64) == Some(1);
        if let Some(body) = body.as_object_mut() {
            let conversation = message.get("conversation_id").cloned().unwrap_or_default();
            body.insert("event".to_owned(), json!("message_created"));
            body.insert("message_type".to_owned(), json!(if outgoing { "outgoing" } else { "incoming" }));
            body.insert("account".to_owned(), json!({"id": ACCOUNT, "name": "Demo"}));
            body.insert("inbox".to_owned(), json!({"id": INBOX, "name": "WhatsApp"}));
            body.insert("conversation".to_owned(), json!({"id": conversation, "status": "open"}));
        }
        let text = body.to_string();
        let mut request = Request::post(url).header(CONTENT_TYPE, "application/json");
        if signs {
            let stamp = (self.now_ms() / 1000).to_string();
            let signed = [stamp.as_bytes(), b".", text.as_bytes()].concat();
            request = request
                .header("X-Chatwoot-Signature", format!("sha256={}", hmac_hex(SECRET, &signed)))
                .header("X-Chatwoot-Timestamp", stamp)
                .header("X-Chatwoot-Delivery", message.get("id").map(Value::to_string).unwrap_or_default());
        }
        let Ok(request) = request.body(Full::new(Bytes::from(text))) else { return 0 };
        self.exchange(request).await.map_or(0, |(status, _)| status)
    }
}
