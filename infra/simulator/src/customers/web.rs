//! A customer's message as UltraMsg reports it.

use super::{Said, Writer, needed};
use crate::desk::push;
use crate::ids;
use crate::ultramsg::outgoing::event;
use serde_json::{Map, Value, json};

/// The message's id and its webhook.
pub(super) fn webhook(writer: &Writer<'_>, said: &Said) -> Result<(String, Value), String> {
    let kind = said.kind.as_deref().unwrap_or("text");
    let from = if writer.hidden {
        // A hidden number: WhatsApp Web gives an id that looks like one.
        let (_, number) = writer.user_id.split_once('.').unwrap_or_default();
        format!("{number}@lid")
    } else {
        format!("{}@c.us", writer.digits)
    };
    let web_id = ids::web_id();
    let mut id = format!("false_{from}_{web_id}");
    let (wire_type, more) = content(writer, said, kind)?;
    if kind == "revoke" {
        needed(said.message_id.as_ref(), kind, "message_id")?.clone_into(&mut id);
    }
    let mut data = json!({
        "id": id,
        "sid": web_id,
        "from": from,
        "to": format!("{}@c.us", writer.line.display),
        "author": "",
        "pushname": writer.name,
        "ack": "",
        "type": wire_type,
        "body": "",
        "media": "",
        "fromMe": false,
        "self": false,
        "isForwarded": said.forwarded,
        "isMentioned": false,
        "quotedMsg": {},
        "mentionedIds": [],
        "time": writer.at_s,
    });
    if let Some(fields) = data.as_object_mut() {
        fields.extend(more);
        if let Some(answered) = &said.reply_to {
            let quoted =
                json!({"id": answered, "from": format!("{}@c.us", writer.line.display), "type": "chat"});
            fields.insert("quotedMsg".into(), quoted);
        }
    }
    push(&mut writer.line.desk().chats, data.clone());
    let event_type = if kind == "reaction" { "message_reaction" } else { "message_received" };
    Ok((id, event(writer.line, event_type, "", "", &data)))
}

fn content(
    writer: &Writer<'_>,
    said: &Said,
    kind: &str,
) -> Result<(&'static str, Map<String, Value>), String> {
    let caption = said.caption.clone().unwrap_or_default();
    let (wire_type, more) = match kind {
        "text" => ("chat", json!({"body": needed(said.text.as_ref(), "text", "text")?})),
        "image" => ("image", json!({"media": file(writer, said, kind)?, "body": caption})),
        "video" => ("video", json!({"media": file(writer, said, kind)?, "body": caption})),
        "audio" => ("audio", json!({"media": file(writer, said, kind)?})),
        "voice" => ("ptt", json!({"media": file(writer, said, kind)?})),
        "sticker" => ("sticker", json!({"media": file(writer, said, kind)?})),
        "document" => {
            let name = said.filename.clone().unwrap_or_else(|| "passport.pdf".to_owned());
            ("document", json!({"media": file(writer, said, kind)?, "body": name}))
        }
        "location" => {
            let (latitude, longitude) = (said.latitude.unwrap_or(25.0805), said.longitude.unwrap_or(55.1403));
            let place = json!({"latitude": latitude, "longitude": longitude, "description": said.place});
            ("location", json!({"location": place, "body": said.address.clone().unwrap_or_default()}))
        }
        "contacts" => {
            let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Omar Haddad\nTEL;type=CELL;waid=971505550123:+971 50 555 0123\nEND:VCARD";
            ("vcard", json!({"body": card}))
        }
        "reaction" => {
            let target = needed(said.message_id.as_ref(), kind, "message_id")?;
            let emoji = said.emoji.clone().unwrap_or_default();
            ("reaction", json!({"reaction": emoji, "msgId": target}))
        }
        "revoke" => ("revoked", json!({})),
        other => return Err(format!("UltraMsg has no messages of the kind {other}.")),
    };
    let more = if let Value::Object(more) = more { more } else { Map::new() };
    Ok((wire_type, more))
}

/// The URL of a file, which everybody can fetch; empty when the instance does not fetch files.
fn file(writer: &Writer<'_>, said: &Said, kind: &str) -> Result<String, String> {
    let (id, _) = writer.keep_file(kind, said)?;
    let desk = writer.line.desk();
    let on = desk.is_on("webhook_message_download_media");
    let hash = desk.media.get(&id).map(|media| media.hash.clone()).unwrap_or_default();
    Ok(if on { format!("{}/{id}?hash={hash}", writer.files) } else { String::new() })
}
