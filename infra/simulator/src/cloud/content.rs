//! The kinds of free-form messages, templates and interactive ones aside.

use super::error::{Checked, GraphError};
use super::param::Param;
use crate::desk::Desk;

/// `text`.
pub(super) fn text(text: &Param<'_>) -> Checked {
    text.only(&["body", "preview_url"])?;
    text.need("body")?.text(4096)?;
    match text.get("preview_url") {
        Some(preview) => preview.flag().map(drop),
        None => Ok(()),
    }
}

/// A file, by id or by link.
pub(super) fn media(kind: &str, media: &Param<'_>, desk: &Desk) -> Checked {
    match kind {
        "document" => media.only(&["id", "link", "caption", "filename", "provider"])?,
        "audio" => media.only(&["id", "link", "voice", "provider"])?,
        "sticker" => media.only(&["id", "link", "provider"])?,
        _ => media.only(&["id", "link", "caption", "provider"])?,
    }
    if let Some(caption) = media.get("caption") {
        caption.text(1024)?;
    }
    if let Some(name) = media.get("filename") {
        name.text(240)?;
    }
    if let Some(voice) = media.get("voice") {
        voice.flag()?;
    }
    file(kind, media, desk)
}

/// The id or the link of a file; exactly one of them.
pub(super) fn file(kind: &str, media: &Param<'_>, desk: &Desk) -> Checked {
    match (media.get("id"), media.get("link")) {
        (Some(_), Some(_)) => Err(media.refuse("must have one of id and link, not both.")),
        (None, None) => Err(media.refuse("must have an id or a link.")),
        (None, Some(link)) => {
            let text = link.text(2048)?;
            // The bucket of a local stack is on this machine, without TLS.
            let fetchable = text.starts_with("https://") || text.starts_with("http://127.0.0.1:");
            if fetchable && !text.contains(char::is_whitespace) && text.len() > 11 {
                Ok(())
            } else {
                Err(link.refuse("is not a valid https URI."))
            }
        }
        (Some(id), None) => {
            let text = id.text(128)?;
            let Some(known) = desk.media.get(text) else {
                return Err(id.refuse(&format!("is not a media id of this number: {text}.")));
            };
            if allowed(kind, &known.mime) {
                Ok(())
            } else {
                let details = format!("Unsupported {kind} mime type {}.", known.mime);
                Err(GraphError::of(131_053, details))
            }
        }
    }
}

/// Whether a message of this kind may carry a file of this type.
pub(crate) fn allowed(kind: &str, mime: &str) -> bool {
    let mime = mime.split(';').next().unwrap_or_default().trim();
    match kind {
        "image" => matches!(mime, "image/jpeg" | "image/png"),
        "video" => matches!(mime, "video/mp4" | "video/3gpp" | "video/3gp"),
        "audio" => {
            matches!(
                mime,
                "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "audio/opus"
            )
        }
        "sticker" => mime == "image/webp",
        _ => true,
    }
}

/// `location`.
pub(super) fn location(place: &Param<'_>) -> Checked {
    place.only(&["latitude", "longitude", "name", "address"])?;
    place.need("latitude")?.degrees(90.0)?;
    place.need("longitude")?.degrees(180.0)?;
    for key in ["name", "address"] {
        if let Some(text) = place.get(key) {
            text.text(1000)?;
        }
    }
    Ok(())
}

/// `contacts`.
pub(super) fn contacts(cards: &Param<'_>) -> Checked {
    for card in cards.list(1, 257)? {
        card.only(&["name", "phones", "emails", "addresses", "urls", "org", "birthday"])?;
        let name = card.need("name")?;
        let parts = ["first_name", "last_name", "middle_name", "suffix", "prefix"];
        name.only(&["formatted_name", "first_name", "last_name", "middle_name", "suffix", "prefix"])?;
        name.need("formatted_name")?.text(1024)?;
        if !parts.iter().any(|part| name.get(part).is_some()) {
            return Err(name.refuse("needs a part beside formatted_name, such as first_name."));
        }
        for phone in card.get("phones").map(|phones| phones.list(0, 20)).transpose()?.unwrap_or_default() {
            phone.only(&["phone", "wa_id", "type"])?;
        }
    }
    Ok(())
}

/// `reaction`; an empty emoji takes the reaction back.
pub(super) fn reaction(reaction: &Param<'_>) -> Checked {
    reaction.only(&["message_id", "emoji"])?;
    let id = reaction.need("message_id")?;
    if !id.text(512)?.starts_with("wamid.") {
        return Err(id.refuse("is not a WhatsApp message id."));
    }
    let emoji = reaction.need("emoji")?;
    match emoji.value.as_str() {
        Some(text) if text.chars().count() <= 16 && !text.chars().any(|c| c.is_ascii_alphabetic()) => Ok(()),
        _ => Err(emoji.refuse("must be one emoji, or empty.")),
    }
}
