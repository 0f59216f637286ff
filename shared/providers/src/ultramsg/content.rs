//! What a message says, by its `type`; `body` and `media` mean something else for each.

use super::Data;
use crate::event::MessageBody;
use crate::wire::{Number, Text, Why, object};
use domain::message::{Content, Location, Media, MediaKind, ReplyContext};
use serde::Deserialize;
use serde_json::{Value, json};

/// Reads everything that is shown of a message.
pub(super) fn body(data: &Data<'_>, is_reaction: bool) -> Result<MessageBody, Why> {
    let kind = data.kind.get().unwrap_or_default();
    let content = if is_reaction || kind == "reaction" { reaction(data)? } else { content(kind, data)? };
    // A reaction's quoted message is its target, not something it answers.
    let context = if matches!(content, Content::Reaction { .. }) { None } else { context(data)? };
    Ok(MessageBody { content, context, referral: None, errors: Vec::new() })
}

fn content(kind: &str, data: &Data<'_>) -> Result<Content, Why> {
    Ok(match kind {
        "chat" => Content::Text { body: data.body.owned().unwrap_or_default() },
        "image" => captioned(MediaKind::Image, data),
        "video" => captioned(MediaKind::Video, data),
        "audio" => Content::Media(MediaKind::Audio, file(data)),
        "ptt" => Content::Media(MediaKind::Voice, file(data)),
        "sticker" => Content::Media(MediaKind::Sticker, file(data)),
        "document" => {
            let filename = data.filename.owned().or_else(|| data.body.owned());
            Content::Media(MediaKind::Document, Media { filename, ..file(data) })
        }
        "location" => Content::Location(location(data)?),
        "vcard" | "multi_vcard" => Content::Contacts(cards(data)?),
        "revoked" => Content::Revoke { target: data.id.required("id")?.to_owned() },
        "unknown" | "unsupported" => Content::Unsupported { original_type: None },
        "" => return Err(Why::missing("type")),
        other => Content::Unknown { message_type: other.to_owned() },
    })
}

/// `media` is a link, and only there when the instance fetches files; it may come later (`download_media`).
fn file(data: &Data<'_>) -> Media {
    Media {
        url: data.media.owned(),
        mime_type: data.mimetype.owned(),
        filename: data.filename.owned(),
        caption: data.caption.owned(),
        ..Media::default()
    }
}

fn captioned(kind: MediaKind, data: &Data<'_>) -> Content {
    let caption = data.caption.owned().or_else(|| data.body.owned());
    Content::Media(kind, Media { caption, ..file(data) })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Place<'a> {
    latitude: Number,
    longitude: Number,
    lat: Number,
    lng: Number,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

/// Degrees come in `location` or beside it. `body` is no address: it can be a picture of the map in Base64.
fn location(data: &Data<'_>) -> Result<Location, Why> {
    let inside: Place<'_> = match data.location.filter(|raw| raw.get().starts_with('{')) {
        Some(raw) => object(raw).map_err(|why| why.inside("location"))?,
        None => Place::default(),
    };
    let first = |options: [Number; 4]| options.into_iter().find_map(Number::float);
    Ok(Location {
        latitude: first([inside.latitude, inside.lat, data.latitude, data.lat]),
        longitude: first([inside.longitude, inside.lng, data.longitude, data.lng]),
        name: inside.name.owned().or_else(|| inside.description.owned()),
        address: inside.address.owned().or_else(|| data.address.owned()),
        url: inside.url.owned(),
    })
}

/// The cards as an array, like the other providers'.
fn cards(data: &Data<'_>) -> Result<Value, Why> {
    match (data.vcard, data.body.get()) {
        (Some(raw), _) => {
            let card: Value = serde_json::from_str(raw.get()).map_err(|e| Why::from(e).inside("vcard"))?;
            Ok(json!([{ "vcard": card }]))
        }
        (None, Some(text)) => Ok(json!([{ "vcard": text }])),
        (None, None) => Ok(json!([])),
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Reacted<'a> {
    #[serde(borrow)]
    emoji: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    msg_id: Text<'a>,
    #[serde(borrow)]
    message_id: Text<'a>,
}

/// The vendor documents no shape for reactions; these are the ones integrations read. Without a target named, the
/// event's own id is the message reacted to.
fn reaction(data: &Data<'_>) -> Result<Content, Why> {
    let inside = |why: Why| why.inside("reaction");
    let (word, object): (Text<'_>, Reacted<'_>) = match data.reaction {
        Some(raw) if raw.get().starts_with('{') => (Text::default(), object(raw).map_err(inside)?),
        Some(raw) => (serde_json::from_str(raw.get()).map_err(|e| inside(e.into()))?, Reacted::default()),
        None => Default::default(),
    };
    let quoted = quoted(data)?;
    let targets = [&object.msg_id, &object.message_id, &data.msg_id, &quoted.id, &data.id];
    let target = targets.into_iter().find_map(Text::get).ok_or_else(|| Why::missing("msgId"))?;
    let emojis = [&word, &object.emoji, &object.text, &object.value, &data.emoji, &data.body];
    let emoji = emojis.into_iter().find_map(Text::get).map(str::to_owned);
    Ok(Content::Reaction { target: target.to_owned(), emoji })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Quoted<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
}

fn quoted<'a>(data: &Data<'a>) -> Result<Quoted<'a>, Why> {
    match data.quoted_msg.filter(|raw| raw.get().starts_with('{')) {
        Some(raw) => object(raw).map_err(|why: Why| why.inside("quotedMsg")),
        None => Ok(Quoted::default()),
    }
}

fn context(data: &Data<'_>) -> Result<Option<ReplyContext>, Why> {
    let quoted: Quoted<'_> = quoted(data)?;
    let context = ReplyContext {
        id: quoted.id.owned(),
        from: quoted.from.owned(),
        forwarded: data.is_forwarded.is_set(),
        ..ReplyContext::default()
    };
    Ok((context != ReplyContext::default()).then_some(context))
}
