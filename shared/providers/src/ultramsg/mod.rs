//! UltraMsg's webhooks: one event a body, JSON or a form whose field `data` holds the JSON.
//!
//! It drives WhatsApp Web, so people are chat ids (`9715..@c.us`), there are no templates and no prices, and whatever
//! the business writes from its phone is reported too (vendor SDKs and integrations, 2026).

mod chat;
mod content;

use crate::event::{Account, Echo, Event, EventKind, InboundMessage, MessageBody, NotUnderstood, Parsed};
use crate::event::{Status, Unreadable};
use crate::wire::{Flag, Number, Text, Why, lossy, object, object_str};
use chat::Chat;
use domain::identity::Person;
use domain::message::Content;
use domain::receipt::Receipt;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    event_type: Text<'a>,
    #[serde(borrow, rename = "instanceId")]
    instance: Text<'a>,
    #[serde(borrow)]
    instance_id: Text<'a>,
    #[serde(borrow, rename = "referenceId")]
    reference: Text<'a>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// `data`: a message, a receipt or a reaction.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    author: Text<'a>,
    #[serde(borrow)]
    pushname: Option<&'a RawValue>,
    #[serde(borrow)]
    ack: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    media: Text<'a>,
    #[serde(borrow)]
    mimetype: Text<'a>,
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    caption: Text<'a>,
    from_me: Flag,
    is_forwarded: Flag,
    #[serde(borrow)]
    quoted_msg: Option<&'a RawValue>,
    #[serde(borrow)]
    reference_id: Text<'a>,
    time: Number,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    lat: Number,
    lng: Number,
    latitude: Number,
    longitude: Number,
    #[serde(borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    vcard: Option<&'a RawValue>,
    #[serde(borrow)]
    reaction: Option<&'a RawValue>,
    #[serde(borrow)]
    emoji: Text<'a>,
    #[serde(borrow)]
    msg_id: Text<'a>,
}

/// What a form-encoded post carries.
#[derive(Deserialize)]
struct Form<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow, default)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default, rename = "instanceId")]
    instance: Cow<'a, str>,
    #[serde(borrow, default, rename = "referenceId")]
    reference: Cow<'a, str>,
}

/// Reads a whole body.
pub(crate) fn parse(text: &str) -> Result<Parsed, NotUnderstood> {
    if text.starts_with('{') {
        return event(text, &Outside::default());
    }
    if text.starts_with('[') || text.starts_with('"') || !text.contains('=') {
        return Err(NotUnderstood("the body is neither a JSON object nor a form".to_owned()));
    }
    let form: Form<'_> = serde_urlencoded::from_str(text)
        .map_err(|_| NotUnderstood("the form has no field `data`".to_owned()))?;
    let json = form.data.trim();
    if !json.starts_with('{') {
        return Err(NotUnderstood("the form's field `data` is not a JSON object".to_owned()));
    }
    event(
        json,
        &Outside { event_type: &form.event_type, instance: &form.instance, reference: &form.reference },
    )
}

/// Form fields beside `data`, which say what the JSON then does not.
#[derive(Default)]
struct Outside<'a> {
    event_type: &'a str,
    instance: &'a str,
    reference: &'a str,
}

fn event(json: &str, outside: &Outside<'_>) -> Result<Parsed, NotUnderstood> {
    let body: Body<'_> =
        object_str(json).map_err(|why| NotUnderstood(why.inside("the body").into_reason()))?;
    let given = body.event_type.get().unwrap_or(outside.event_type);
    let event_type = given.strip_prefix("webhook_").unwrap_or(given);
    if event_type.is_empty() {
        return Err(NotUnderstood("the body has no `event_type`: not an UltraMsg webhook".to_owned()));
    }
    let instance = body.instance.get().or(body.instance_id.get()).unwrap_or(outside.instance);
    // The set-up page shows `instance41580`, the webhook says `41580`.
    let instance = instance.strip_prefix("instance").unwrap_or(instance);
    let account =
        Account { instance_id: (!instance.is_empty()).then(|| instance.to_owned()), ..Account::default() };
    let our_id = body.reference.get().unwrap_or(outside.reference);
    let mut parsed = Parsed::default();
    match kind(event_type, our_id, &body, json) {
        Ok(kind) => parsed.events.push(Event { account, kind, notified_at: None, raw: json.to_owned() }),
        Err(why) => {
            let path = if body.data.is_some() { "data" } else { "" }.to_owned();
            parsed.unreadable.push(Unreadable { path, reason: why.into_reason(), raw: json.to_owned() });
        }
    }
    Ok(parsed)
}

fn kind(event_type: &str, our_id: &str, body: &Body<'_>, json: &str) -> Result<EventKind, Why> {
    match event_type {
        "message_received" | "message_create" | "message_reaction" => {
            let data = data(body, json)?;
            message(event_type, our_id, &data)
        }
        "message_ack" => receipt(our_id, &data(body, json)?),
        // A late file (`download_media`), and whatever comes next.
        other => Ok(EventKind::Account { field: other.to_owned(), event: None }),
    }
}

/// `data`, or the whole object when a form carried only the inner one.
fn data<'a>(body: &Body<'a>, json: &'a str) -> Result<Data<'a>, Why> {
    match body.data {
        Some(raw) => object(raw),
        None if body.event_type.get().is_none() => object_str(json),
        None => Err(Why::missing("data")),
    }
}

fn message(event_type: &str, our_id: &str, data: &Data<'_>) -> Result<EventKind, Why> {
    let given = data.id.get();
    let outgoing = data.from_me.get().unwrap_or_else(|| match given {
        Some(id) if id.starts_with("true_") => true,
        Some(id) if id.starts_with("false_") => false,
        _ => event_type == "message_create",
    });
    let sent_at = data.time.required_instant()?;
    let is_reaction = event_type == "message_reaction";
    let body = content::body(data, is_reaction)?;
    let id = match (&body.content, given) {
        // A message taken back keeps its id, so this event needs one of its own.
        (Content::Revoke { .. }, Some(id)) => format!("{id}:revoked"),
        (Content::Reaction { target, .. }, given) if given.is_none() || given == Some(target.as_str()) => {
            format!("{target}:reaction:{}", sent_at.unix_ms())
        }
        (_, given) => given.ok_or_else(|| Why::missing("id"))?.to_owned(),
    };
    if outgoing {
        let Chat { person, group } = chat::read(data.to.required("to")?);
        let our_id = data.reference_id.get().unwrap_or(our_id);
        let our_id = (!our_id.is_empty()).then(|| our_id.to_owned());
        return Ok(EventKind::Echo(Box::new(Echo { id, sent_at, recipient: person, group, body, our_id })));
    }
    let Chat { person, group } = chat::read(data.from.required("from")?);
    let member = group.as_ref().and(data.author.get().or_else(|| given.and_then(chat::member)));
    let mut sender = match member {
        Some(member) => chat::read(member).person,
        None => person,
    };
    if sender == Person::default() {
        return Err(Why::missing("author"));
    }
    sender.name = lossy(data.pushname);
    let identity_change = None;
    Ok(EventKind::Message(Box::new(InboundMessage { id, sent_at, sender, group, body, identity_change })))
}

fn receipt(our_id: &str, data: &Data<'_>) -> Result<EventKind, Why> {
    let reported = data.ack.required("ack")?;
    let our_id = data.reference_id.get().unwrap_or(our_id);
    Ok(EventKind::Status(Box::new(Status {
        id: data.id.required("id")?.to_owned(),
        receipt: acknowledged(reported),
        reported: reported.to_owned(),
        at: data.time.instant()?,
        recipient: data.to.get().map(|to| chat::read(to).person).unwrap_or_default(),
        our_id: (!our_id.is_empty()).then(|| our_id.to_owned()),
        pricing: None,
        errors: Vec::new(),
    })))
}

/// WhatsApp Web's words, or its numbers (0 is pending).
fn acknowledged(ack: &str) -> Option<Receipt> {
    match ack {
        "server" | "1" => Some(Receipt::Sent),
        "device" | "2" => Some(Receipt::Delivered),
        "3" => Some(Receipt::Read),
        "4" => Some(Receipt::Played),
        other => Receipt::parse(other),
    }
}

/// Reads a stored message or echo again.
pub(crate) fn message_body(raw: &str) -> Result<MessageBody, Why> {
    let body: Body<'_> = object_str(raw)?;
    let event_type = body.event_type.get().unwrap_or_default();
    let data = data(&body, raw)?;
    content::body(&data, event_type.ends_with("message_reaction"))
}
