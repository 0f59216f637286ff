//! A customer's message as Meta and 360dialog report it.

use super::{Said, Writer, needed};
use crate::ids;
use crate::statuses::envelope;
use base64::Engine as _;
use serde_json::{Map, Value, json};

/// The message's id and its webhook.
pub(super) fn webhook(writer: &Writer<'_>, said: &Said) -> Result<(String, Value), String> {
    let id = ids::wamid(&writer.digits, false);
    let kind = said.kind.as_deref().unwrap_or("text");
    let (wire_type, content) = content(writer, said, kind)?;
    let mut message = Map::new();
    if !writer.hidden {
        message.insert("from".into(), json!(writer.digits));
    }
    message.insert("from_user_id".into(), json!(writer.user_id));
    message.insert("id".into(), json!(id));
    message.insert("timestamp".into(), json!(writer.at_s.to_string()));
    message.insert("type".into(), json!(wire_type));
    if wire_type == "unsupported" {
        let error = json!({"code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."}});
        message.insert("errors".into(), json!([error]));
    }
    message.insert(wire_type.to_owned(), content);
    if let Some(answered) = &said.reply_to {
        message.insert("context".into(), json!({"from": writer.line.display, "id": answered}));
    } else if said.forwarded {
        message.insert("context".into(), json!({"forwarded": true}));
    }
    if let Some(referral) = &said.referral {
        message.insert("referral".into(), referral.clone());
    }
    let mut contact = json!({"profile": {"name": writer.name}, "user_id": writer.user_id});
    if let Some(fields) = contact.as_object_mut() {
        if writer.hidden {
            // Only who has a user name can hide the number.
            let username = writer.name.to_lowercase().replace(' ', ".");
            fields.insert("profile".into(), json!({"name": writer.name, "username": username}));
        } else {
            fields.insert("wa_id".into(), json!(writer.digits));
        }
    }
    Ok((id, envelope(writer.line, json!({"contacts": [contact], "messages": [message]}))))
}

/// The type on the wire, and what stands under it.
fn content(writer: &Writer<'_>, said: &Said, kind: &str) -> Result<(&'static str, Value), String> {
    Ok(match kind {
        "text" => ("text", json!({"body": needed(said.text.as_ref(), "text", "text")?})),
        "image" => ("image", file(writer, said, kind, true)?),
        "video" => ("video", file(writer, said, kind, true)?),
        "audio" => ("audio", file(writer, said, kind, false)?),
        "voice" => ("audio", file(writer, said, kind, false)?),
        "document" => ("document", file(writer, said, kind, true)?),
        "sticker" => ("sticker", file(writer, said, kind, false)?),
        "location" => ("location", location(said)),
        "contacts" => ("contacts", said.contacts.clone().unwrap_or_else(card)),
        "button_reply" => {
            let id = needed(said.id.as_ref(), kind, "id")?;
            let title = needed(said.title.as_ref(), kind, "title")?;
            ("interactive", json!({"type": "button_reply", "button_reply": {"id": id, "title": title}}))
        }
        "list_reply" => {
            let id = needed(said.id.as_ref(), kind, "id")?;
            let mut reply = json!({"id": id, "title": needed(said.title.as_ref(), kind, "title")?});
            if let (Some(reply), Some(description)) = (reply.as_object_mut(), &said.description) {
                reply.insert("description".into(), json!(description));
            }
            ("interactive", json!({"type": "list_reply", "list_reply": reply}))
        }
        "template_button" => {
            let text = needed(said.text.as_ref(), kind, "text")?;
            ("button", json!({"payload": said.payload.as_deref().unwrap_or(text), "text": text}))
        }
        "reaction" => {
            let target = needed(said.message_id.as_ref(), kind, "message_id")?;
            let mut reaction = json!({"message_id": target});
            // A reaction that is taken back has no emoji.
            if let (Some(fields), Some(emoji)) = (reaction.as_object_mut(), &said.emoji) {
                fields.insert("emoji".into(), json!(emoji));
            }
            ("reaction", reaction)
        }
        "edit" => {
            let target = needed(said.message_id.as_ref(), kind, "message_id")?;
            let text = needed(said.text.as_ref(), kind, "text")?;
            (
                "edit",
                json!({"original_message_id": target, "message": {"type": "text", "text": {"body": text}}}),
            )
        }
        "revoke" => {
            let target = needed(said.message_id.as_ref(), kind, "message_id")?;
            ("revoke", json!({"original_message_id": target}))
        }
        "unsupported" => ("unsupported", json!({"type": "poll"})),
        other => return Err(format!("A customer cannot send the kind {other} here.")),
    })
}

fn file(writer: &Writer<'_>, said: &Said, kind: &str, captioned: bool) -> Result<Value, String> {
    let (id, mime) = writer.keep_file(kind, said)?;
    let sha256 = writer.line.desk().media.get(&id).map(crate::media::Media::sha256).unwrap_or_default();
    let digest = base64::engine::general_purpose::STANDARD.encode(sha256);
    let mut file = json!({"id": id, "mime_type": mime, "sha256": digest});
    if let Some(fields) = file.as_object_mut() {
        if let Some(caption) = said.caption.as_ref().filter(|_| captioned) {
            fields.insert("caption".into(), json!(caption));
        }
        match kind {
            "document" => {
                let name = said.filename.clone().unwrap_or_else(|| "passport.pdf".to_owned());
                fields.insert("filename".into(), json!(name));
            }
            "voice" => drop(fields.insert("voice".into(), json!(true))),
            "audio" => drop(fields.insert("voice".into(), json!(false))),
            "sticker" => drop(fields.insert("animated".into(), json!(false))),
            _ => {}
        }
    }
    Ok(file)
}

fn location(said: &Said) -> Value {
    let latitude = said.latitude.unwrap_or(25.0805);
    let mut place = json!({"latitude": latitude, "longitude": said.longitude.unwrap_or(55.1403)});
    if let Some(fields) = place.as_object_mut() {
        for (name, value) in [("name", &said.place), ("address", &said.address)] {
            if let Some(value) = value {
                fields.insert(name.into(), json!(value));
            }
        }
    }
    place
}

fn card() -> Value {
    json!([{"name": {"formatted_name": "Omar Haddad", "first_name": "Omar"},
        "phones": [{"phone": "+971 50 555 0123", "wa_id": "971505550123", "type": "CELL"}]}])
}
