//! UltraMsg: forms in, JSON out, and most refusals with HTTP 200.

mod fields;
pub(crate) mod outgoing;

use crate::Simulator;
use crate::account::{Line, Provider};
use crate::api::{About, Outcome};
use crate::desk::push;
use crate::people;
use crate::statuses::Taken;
use crate::wire::{Call, Reply};
use outgoing::Queued;
use serde_json::{Value, json};
use std::sync::Arc;

/// The settings of an instance, and what they are until they are changed.
const SETTINGS: [(&str, &str); 9] = [
    ("sendDelay", "1"),
    ("sendDelayMax", "15"),
    ("webhook_url", ""),
    ("webhook_retries", "3"),
    ("webhook_message_received", "true"),
    ("webhook_message_create", "true"),
    ("webhook_message_ack", "true"),
    ("webhook_message_download_media", "true"),
    ("webhook_message_reaction", "true"),
];

/// What a call is about, credentials aside.
pub(crate) fn about(sim: &Simulator, call: &Call) -> About {
    let path = call.path();
    let line = path.first().and_then(|instance| named(sim, instance));
    let operation = match (call.method.as_str(), path.get(1..).unwrap_or_default()) {
        ("POST", ["messages", kind]) if fields::of(kind).is_some() => "send",
        (_, ["messages" | "chats", ..]) => "messages",
        (_, ["media", ..]) => "media",
        (_, ["contacts", ..]) => "contacts",
        ("GET", _) => "status",
        _ => "account",
    };
    let to = field(call, "to").map(|to| match to.split_once('@') {
        Some((number, "c.us")) => people::digits(number),
        Some(_) => to.clone(),
        None => people::digits(&to),
    });
    About { line, operation, to }
}

fn named(sim: &Simulator, segment: &str) -> Option<Arc<Line>> {
    let id = segment.strip_prefix("instance")?;
    sim.lines().into_iter().find(
        |line| matches!(&line.account.provider, Provider::Ultramsg { instance_id, .. } if instance_id == id),
    )
}

/// A form field, or a parameter of the query.
fn field(call: &Call, name: &str) -> Option<String> {
    let form = call.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value);
    form.or_else(|| call.asked(name).map(str::to_owned))
}

fn said(body: &Value) -> Reply {
    Reply::json(200, body)
}

/// The refusal of a token: HTTP 200, as UltraMsg does.
pub(crate) fn wrong_token() -> Reply {
    said(&json!({"error": "Wrong token. Please provide token as a GET parameter."}))
}

/// Answers a call.
pub(crate) fn answer(sim: &Simulator, call: &Call) -> Outcome {
    let path = call.path();
    let [instance, rest @ ..] = path.as_slice() else { return not_found("Instance not found") };
    let Some(line) = named(sim, instance) else { return not_found("Instance not found") };
    let Provider::Ultramsg { token, instance_id, .. } = &line.account.provider else {
        return not_found("Instance not found");
    };
    if call.method == http::Method::POST && !call.is_form() {
        return Outcome::badly_headed(said(&json!({
            "error": "Content-Type application/x-www-form-urlencoded is required for POST."
        })));
    }
    if field(call, "token").as_deref() != Some(token) {
        return Outcome::badly_headed(wrong_token());
    }
    match (call.method.as_str(), rest) {
        ("POST", ["messages", kind]) => match fields::of(kind) {
            Some(spec) => send(&line, call, kind, spec),
            None => not_found("Path not found"),
        },
        ("GET", ["messages"]) => messages(&line, call),
        ("GET", ["messages", "statistics"]) => {
            let sent = line.desk().queue.len();
            Outcome::of(said(
                &json!({"messages_statistics": {"sent": sent, "queue": 0, "unsent": 0, "invalid": 0, "expired": 0}}),
            ))
        }
        ("GET", ["chats", "messages"]) => chat_messages(&line, call),
        ("GET", ["contacts", "check"]) => check(call),
        ("GET", ["instance", "status"]) => {
            let (status, substatus) = line.desk().status.clone();
            Outcome::of(said(
                &json!({"status": {"accountStatus": {"status": status, "substatus": substatus}}}),
            ))
        }
        ("GET", ["instance", "me"]) => {
            let linked = line.desk().linked.clone().unwrap_or_else(|| line.display.clone());
            Outcome::of(said(&json!({
                "id": format!("{linked}@c.us"), "name": "Hadar Demo", "is_business": true, "profile_picture": "",
            })))
        }
        ("GET", ["instance", "settings"]) => Outcome::of(said(&settings(&line))),
        ("POST", ["instance", "settings"]) => change_settings(&line, call),
        ("POST", ["instance", "restart" | "logout" | "clear" | "takeover"]) => {
            Outcome::of(said(&json!({"success": "done", "instance": instance_id})))
        }
        _ => not_found("Path not found"),
    }
}

fn not_found(text: &str) -> Outcome {
    Outcome::badly_headed(Reply::json(404, &json!({"error": text})))
}

fn send(line: &Arc<Line>, call: &Call, kind: &str, spec: &fields::Spec) -> Outcome {
    let form: Vec<_> = call.form().into_iter().filter(|(name, _)| name != "token").collect();
    let faults = spec.faults(&form);
    if !faults.is_empty() {
        return Outcome::of(said(&json!({"error": faults})));
    }
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let mut desk = line.desk();
    if desk.status.0 != "authenticated" {
        let error = "Your instance is not authenticated. Scan the QR code first.";
        return Outcome::of(said(&json!({"error": error})));
    }
    let id = desk.next_id;
    desk.next_id += 1;
    let message = Queued {
        id,
        kind: kind.to_owned(),
        to: value("to").map(|to| outgoing::chat_id(&to)).unwrap_or_default(),
        body: spec.content.and_then(value).unwrap_or_default(),
        caption: value("caption").unwrap_or_default(),
        reference: value("referenceId").unwrap_or_default(),
        web_id: crate::ids::web_id(),
        at_s: call.now_ms / 1000,
    };
    push(&mut desk.queue, message.listed(&line.display));
    drop(desk);
    let mut outcome = Outcome::of(said(&json!({"sent": "true", "message": "ok", "id": id})));
    outcome.taken = Some((id.to_string(), Taken::Web { line: Arc::clone(line), message }));
    outcome
}

fn messages(line: &Line, call: &Call) -> Outcome {
    let number = |name: &str, usual: usize| call.asked(name).map_or(Some(usual), |text| text.parse().ok());
    let (Some(page), Some(limit)) = (number("page", 1), number("limit", 10)) else {
        return Outcome::of(said(&json!({"error": [{"limit": "must be a number"}]})));
    };
    if limit > 100 || limit == 0 || page == 0 {
        return Outcome::of(said(&json!({"error": [{"limit": "must be from 1 to 100"}]})));
    }
    let matches = |message: &&Value| {
        ["id", "referenceId", "status", "to", "ack"].iter().all(|name| {
            call.asked(name).is_none_or(|wanted| {
                let found =
                    message.get(name).map(|found| found.as_str().map_or(found.to_string(), str::to_owned));
                (*name == "status" && wanted == "all") || found.as_deref() == Some(wanted)
            })
        })
    };
    let desk = line.desk();
    let mut found: Vec<_> = desk.queue.iter().filter(matches).collect();
    if call.asked("sort") != Some("asc") {
        found.reverse();
    }
    let shown: Vec<_> = found.iter().skip((page - 1) * limit).take(limit).collect();
    let pages = found.len().div_ceil(limit);
    Outcome::of(said(
        &json!({"total": found.len(), "pages": pages, "limit": limit, "page": page, "messages": shown}),
    ))
}

fn chat_messages(line: &Line, call: &Call) -> Outcome {
    let Some(chat) = call.asked("chatId") else {
        return Outcome::of(said(&json!({"error": [{"chatId": "is required"}]})));
    };
    let limit = call.asked("limit").and_then(|limit| limit.parse().ok()).unwrap_or(100_usize).min(1000);
    let desk = line.desk();
    let found: Vec<_> =
        desk.chats.iter().filter(|one| one.get("from").and_then(Value::as_str) == Some(chat)).collect();
    let skipped = found.len().saturating_sub(limit);
    Outcome::of(said(&json!(found.iter().skip(skipped).collect::<Vec<_>>())))
}

fn check(call: &Call) -> Outcome {
    let chat = call.asked("chatId").unwrap_or_default();
    let number = chat.strip_suffix("@c.us").unwrap_or(chat);
    if !people::is_phone(number) {
        return Outcome::of(said(&json!({"error": [{"chatId": "is invalid"}]})));
    }
    Outcome::of(said(&json!({"status": "valid", "chatId": format!("{}@c.us", people::digits(number))})))
}

fn settings(line: &Line) -> Value {
    let desk = line.desk();
    let shown = SETTINGS.iter().map(|(name, usual)| {
        let value = desk.settings.get(*name).map_or(*usual, String::as_str);
        let value = match value {
            "true" => json!(true),
            "false" => json!(false),
            text => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
        };
        ((*name).to_owned(), value)
    });
    Value::Object(shown.collect())
}

fn change_settings(line: &Line, call: &Call) -> Outcome {
    let mut desk = line.desk();
    for (name, value) in call.form() {
        if SETTINGS.iter().any(|(known, _)| *known == name) {
            desk.settings.insert(name, value);
        }
    }
    drop(desk);
    Outcome::of(said(&settings(line)))
}
