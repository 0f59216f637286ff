//! One request to `/messages`: who it is for, and whether WhatsApp would take it.

use super::error::{Checked, GraphError};
use super::param::Param;
use super::{content, interactive, template_send};
use crate::account::Line;
use crate::desk::Desk;
use crate::people::{digits, is_phone, is_user_id};
use serde_json::Value;

/// Every member that the request may have.
const MEMBERS: [&str; 23] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "message_activity_sharing",
    "product_policy",
    "ttl",
    "status",
    "message_id",
    "typing_indicator",
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "template",
];

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// The recipient as it was written.
    pub(crate) input: String,
    /// The digits of a recipient who was addressed by phone.
    pub(crate) digits: Option<String>,
    /// The user id of a recipient who was not.
    pub(crate) user_id: Option<String>,
    /// What statuses give back.
    pub(crate) opaque: Option<String>,
    /// The category of the template, in lower case; free-form messages are `service`.
    pub(crate) category: String,
    pub(crate) is_template: bool,
}

/// What a request to `/messages` asks for.
pub(crate) enum Asked {
    /// A message.
    Message(Outgoing),
    /// A read receipt, with or without "is typing".
    Read,
}

/// Who a request is for, as far as it can be read.
pub(crate) fn recipient(body: &Value) -> Option<String> {
    let text = |key: &str| body.get(key)?.as_str().filter(|text| !text.is_empty());
    match (text("to"), text("recipient")) {
        (Some(to), _) if is_user_id(to) => Some(to.to_owned()),
        (Some(to), _) => Some(digits(to)),
        (None, recipient) => recipient.map(str::to_owned),
    }
}

/// Checks a request. `marketing` is the endpoint for marketing messages only.
pub(crate) fn check(body: &Value, line: &Line, desk: &Desk, marketing: bool, now_ms: i64) -> Checked<Asked> {
    let root = Param::root(body);
    let mut members = MEMBERS.to_vec();
    members.push("reaction");
    root.only(&members)?;
    root.need("messaging_product")?.one_of(&["whatsapp"])?;
    if root.get("status").is_some() {
        return read_receipt(&root, desk);
    }
    if let Some(kind) = root.get("recipient_type") {
        kind.one_of(&["individual"])?;
    }
    let (input, phone, user_id) = addressed(&root)?;
    if phone.as_deref() == Some(&line.display) {
        return Err(GraphError::of(131_021, "The recipient is the sender's own number."));
    }
    let opaque = root.get("biz_opaque_callback_data").map(|data| data.text(512)).transpose()?;
    let kind = match root.get("type") {
        Some(kind) => kind.text(64)?,
        None => "text",
    };
    if let Some(context) = root.get("context") {
        if kind == "reaction" {
            return Err(GraphError::of(131_009, "A reaction cannot have a context."));
        }
        context.only(&["message_id"])?;
        context.need("message_id")?.text(256)?;
    }
    let category = if kind == "template" {
        let template = template_send::check(&root.need("template")?, desk, user_id.is_some())?;
        if marketing && template != "marketing" {
            return Err(GraphError::of(131_009, "Only marketing templates can be sent here."));
        }
        template
    } else {
        if marketing {
            return Err(GraphError::of(131_009, "Only marketing templates can be sent here."));
        }
        free_form(kind, &root, desk)?;
        let key = phone.as_deref().or(user_id.as_deref()).unwrap_or_default();
        if !desk.people.window_open(key, now_ms) {
            return Err(GraphError::of(
                131_047,
                "Message failed to send because more than 24 hours have passed since the customer last replied \
                 to this number.",
            ));
        }
        "service".to_owned()
    };
    Ok(Asked::Message(Outgoing {
        input,
        digits: phone,
        user_id,
        opaque: opaque.map(str::to_owned),
        category,
        is_template: kind == "template",
    }))
}

/// The recipient as written, its digits or its user id. `to` wins over `recipient`.
fn addressed(root: &Param<'_>) -> Checked<(String, Option<String>, Option<String>)> {
    if let Some(to) = root.get("to") {
        let text = to.text(64)?;
        return if is_phone(text) {
            Ok((text.to_owned(), Some(digits(text)), None))
        } else {
            Err(GraphError::of(131_009, format!("Param to: {text} is not a valid phone number.")))
        };
    }
    let Some(recipient) = root.get("recipient") else {
        return Err(root.need("to").err().unwrap_or_else(|| root.refuse("is required.")));
    };
    let text = recipient.text(140)?;
    if !is_user_id(text) {
        return Err(GraphError::of(131_009, "Param recipient is not a valid business-scoped user id."));
    }
    Ok((text.to_owned(), None, Some(text.to_owned())))
}

fn free_form(kind: &str, root: &Param<'_>, desk: &Desk) -> Checked {
    match kind {
        "text" => content::text(&root.need("text")?),
        "image" | "audio" | "video" | "document" | "sticker" => content::media(kind, &root.need(kind)?, desk),
        "location" => content::location(&root.need("location")?),
        "contacts" => content::contacts(&root.need("contacts")?),
        "reaction" => content::reaction(&root.need("reaction")?),
        "interactive" => interactive::check(&root.need("interactive")?.with_code(131_009), desk),
        other => Err(GraphError::invalid(format!(
            "Param type must be one of {{AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, \
             TEMPLATE, TEXT, VIDEO}} - got \"{other}\"."
        ))),
    }
}

fn read_receipt(root: &Param<'_>, desk: &Desk) -> Checked<Asked> {
    root.only(&["messaging_product", "status", "message_id", "typing_indicator"])?;
    root.need("status")?.one_of(&["read"])?;
    let id = root.need("message_id")?.text(512)?;
    if let Some(typing) = root.get("typing_indicator") {
        typing.only(&["type"])?;
        typing.need("type")?.one_of(&["text"])?;
    }
    if desk.inbound.contains(id) {
        Ok(Asked::Read)
    } else {
        Err(GraphError::invalid(
            "Invalid parameter: the message_id is not a message that this number received.",
        ))
    }
}
