//! What a message says, by its `type`.

use super::errors;
use super::messages::Message;
use super::system::System;
use crate::event::MessageBody;
use crate::wire::{Flag, Number, Text, Why, object};
use domain::message::{Content, InteractiveReply, Location, Media, MediaKind, Referral, ReplyContext};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads everything that is shown of a message.
pub(super) fn body(message: &Message<'_>) -> Result<MessageBody, Why> {
    let errors = errors::list(message.errors)?;
    let kind = message.kind.required("type")?;
    let content = match content(message, kind, Depth::Outer) {
        Ok(content) => content,
        // What could not be delivered is cut from the message, and its errors say why (131051, 131052).
        Err(_) if !errors.is_empty() => Content::Unsupported { original_type: Some(kind.to_owned()) },
        Err(why) => return Err(why),
    };
    Ok(MessageBody {
        content,
        context: message.context.map(context).transpose()?.flatten(),
        referral: message.referral.map(referral).transpose()?,
        errors,
    })
}

/// An edit holds a message, which is not an edit again: each level would be read anew, without end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Outer,
    Edited,
}

fn content(message: &Message<'_>, kind: &str, depth: Depth) -> Result<Content, Why> {
    Ok(match kind {
        "text" => {
            let text: Words<'_> = part(kind, message.text)?;
            let body = text.body.ok_or_else(|| Why::missing("text.body"))?;
            Content::Text { body: body.owned().unwrap_or_default() }
        }
        "image" => media(kind, MediaKind::Image, message.image)?,
        "video" => media(kind, MediaKind::Video, message.video)?,
        "audio" => media(kind, MediaKind::Audio, message.audio)?,
        // On-Premise only; the Cloud API says `audio.voice`.
        "voice" => media(kind, MediaKind::Voice, message.voice)?,
        "document" => media(kind, MediaKind::Document, message.document)?,
        "sticker" => media(kind, MediaKind::Sticker, message.sticker)?,
        "location" => Content::Location(part::<Place<'_>>(kind, message.location)?.read()),
        "contacts" => Content::Contacts(as_reported(kind, message.contacts)?),
        "order" => Content::Order(as_reported(kind, message.order)?),
        "interactive" => Content::Interactive(interactive(message.interactive)?),
        "button" => {
            let button: Button<'_> = optional(kind, message.button)?;
            Content::Button { text: button.text.owned(), payload: button.payload.owned() }
        }
        "reaction" => {
            let reaction: Reaction<'_> = part(kind, message.reaction)?;
            let target = reaction.message_id.required("reaction.message_id")?.to_owned();
            Content::Reaction { target, emoji: reaction.emoji.owned() }
        }
        "edit" if depth == Depth::Outer => edit(message.edit)?,
        "revoke" => {
            let revoke: Changed<'_> = part(kind, message.revoke)?;
            let target = revoke.original_message_id.required("revoke.original_message_id")?.to_owned();
            Content::Revoke { target }
        }
        "system" => {
            let system: System<'_> = optional(kind, message.system)?;
            Content::System { system_type: system.kind.owned(), body: system.body.owned() }
        }
        "unsupported" | "unknown" => {
            let unsupported: Unsupported<'_> = optional(kind, message.unsupported)?;
            Content::Unsupported { original_type: unsupported.kind.owned() }
        }
        other => Content::Unknown { message_type: other.to_owned() },
    })
}

/// A part without which the message says nothing.
fn part<'a, T: Deserialize<'a>>(kind: &str, raw: Option<&'a RawValue>) -> Result<T, Why> {
    object(raw.ok_or_else(|| Why::missing(kind))?).map_err(|why| why.inside(kind))
}

/// A part that may be cut: the message counts all the same.
fn optional<'a, T: Deserialize<'a> + Default>(kind: &str, raw: Option<&'a RawValue>) -> Result<T, Why> {
    raw.map_or_else(|| Ok(T::default()), |raw| part(kind, Some(raw)))
}

fn as_reported(kind: &str, raw: Option<&RawValue>) -> Result<Value, Why> {
    let raw = raw.ok_or_else(|| Why::missing(kind))?;
    serde_json::from_str(raw.get()).map_err(|e| Why::from(e).inside(kind))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Words<'a> {
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    link: Text<'a>,
    #[serde(borrow)]
    mime_type: Text<'a>,
    #[serde(borrow)]
    sha256: Text<'a>,
    #[serde(borrow)]
    caption: Text<'a>,
    #[serde(borrow)]
    filename: Text<'a>,
    animated: Flag,
    voice: Flag,
}

/// A file. Its id is missing while the provider has not fetched it, the whole part when it never will.
fn media(name: &str, kind: MediaKind, raw: Option<&RawValue>) -> Result<Content, Why> {
    let file: File<'_> = optional(name, raw)?;
    let kind = if kind == MediaKind::Audio && file.voice.is_set() { MediaKind::Voice } else { kind };
    let media = Media {
        id: file.id.owned(),
        // Since November 2025; the On-Premise shape has `link`.
        url: file.url.owned().or_else(|| file.link.owned()),
        mime_type: file.mime_type.owned(),
        sha256: file.sha256.owned(),
        caption: file.caption.owned(),
        filename: file.filename.owned(),
        animated: file.animated.get(),
    };
    Ok(Content::Media(kind, media))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Place<'a> {
    latitude: Number,
    longitude: Number,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    address: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

impl Place<'_> {
    fn read(&self) -> Location {
        Location {
            latitude: self.latitude.float(),
            longitude: self.longitude.float(),
            name: self.name.owned(),
            address: self.address.owned(),
            url: self.url.owned(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Button<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    payload: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reaction<'a> {
    #[serde(borrow)]
    message_id: Text<'a>,
    /// Empty or absent when it is taken away.
    #[serde(borrow)]
    emoji: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Changed<'a> {
    #[serde(borrow)]
    original_message_id: Text<'a>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Unsupported<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
}

fn edit(raw: Option<&RawValue>) -> Result<Content, Why> {
    let edit: Changed<'_> = part("edit", raw)?;
    let target = edit.original_message_id.required("edit.original_message_id")?.to_owned();
    let inside = |why: Why| why.inside("edit.message");
    let message: Message<'_> = optional("edit.message", edit.message)?;
    let content = match message.kind.get() {
        Some(kind) => content(&message, kind, Depth::Edited).map_err(inside)?,
        None => Content::Unsupported { original_type: None },
    };
    Ok(Content::Edit { target, content: Box::new(content) })
}

/// The answer to an interactive message. The object can be missing, with the reason in `value.errors`.
fn interactive(raw: Option<&RawValue>) -> Result<InteractiveReply, Why> {
    let Some(raw) = raw else { return Ok(InteractiveReply::default()) };
    let whole: serde_json::Map<String, Value> = part("interactive", Some(raw))?;
    let text = |object: &Value, key: &str| {
        object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let reply_type =
        whole.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty()).map(str::to_owned);
    let own = reply_type.as_deref().and_then(|kind| whole.get(kind)).cloned();
    // What the business sent (echoes) has no part by that name: keep all of it.
    let reply = own.unwrap_or(Value::Object(whole));
    let simple = matches!(reply_type.as_deref(), Some("button_reply" | "list_reply"));
    Ok(InteractiveReply {
        id: text(&reply, "id"),
        title: text(&reply, "title"),
        description: text(&reply, "description"),
        reply: (!simple).then_some(reply),
        reply_type,
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Context<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    from_user_id: Text<'a>,
    forwarded: Flag,
    frequently_forwarded: Flag,
    referred_product: Option<Value>,
}

/// What the message answers or passes on; a forwarded message has no id here.
fn context(raw: &RawValue) -> Result<Option<ReplyContext>, Why> {
    let context: Context<'_> = object(raw).map_err(|why| why.inside("context"))?;
    let read = ReplyContext {
        id: context.id.owned(),
        from: context.from.owned().or_else(|| context.from_user_id.owned()),
        forwarded: context.forwarded.is_set(),
        frequently_forwarded: context.frequently_forwarded.is_set(),
        referred_product: context.referred_product,
    };
    Ok((read != ReplyContext::default()).then_some(read))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Advertisement<'a> {
    #[serde(borrow)]
    source_url: Text<'a>,
    #[serde(borrow)]
    source_id: Text<'a>,
    #[serde(borrow)]
    source_type: Text<'a>,
    #[serde(borrow)]
    headline: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    media_type: Text<'a>,
    #[serde(borrow)]
    image_url: Text<'a>,
    #[serde(borrow)]
    video_url: Text<'a>,
    #[serde(borrow)]
    thumbnail_url: Text<'a>,
    #[serde(borrow)]
    ctwa_clid: Text<'a>,
}

fn referral(raw: &RawValue) -> Result<Referral, Why> {
    let ad: Advertisement<'_> = object(raw).map_err(|why| why.inside("referral"))?;
    Ok(Referral {
        source_url: ad.source_url.owned(),
        source_id: ad.source_id.owned(),
        source_type: ad.source_type.owned(),
        headline: ad.headline.owned(),
        body: ad.body.owned(),
        media_type: ad.media_type.owned(),
        image_url: ad.image_url.owned(),
        video_url: ad.video_url.owned(),
        thumbnail_url: ad.thumbnail_url.owned(),
        ctwa_clid: ad.ctwa_clid.owned(),
    })
}
