//! The limits of the Cloud API, so that nothing is stored that a provider would refuse for its form.

use super::{Interactive, ListSection, MediaSource, Outgoing, OutgoingMedia, ReplyButton};
use crate::message::MediaKind;
use std::collections::HashSet;
use unicode_segmentation::UnicodeSegmentation as _;

/// A field that cannot be what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// The path of the field in the send body, such as `interactive.buttons[1].title`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

fn wrong(field: impl Into<String>, message: impl Into<String>) -> Result<(), FieldError> {
    Err(FieldError { field: field.into(), message: message.into() })
}

/// A text of 1 to `most` characters that is not only white space.
fn text(field: &str, value: &str, most: usize) -> Result<(), FieldError> {
    if value.trim().is_empty() {
        return wrong(field, "It is empty.");
    }
    at_most(field, value, most)
}

fn at_most(field: &str, value: &str, most: usize) -> Result<(), FieldError> {
    let long = value.chars().count();
    if long > most {
        return wrong(field, format!("It has {long} characters; WhatsApp takes at most {most}."));
    }
    Ok(())
}

fn optional(field: &str, value: Option<&str>, most: usize) -> Result<(), FieldError> {
    value.map_or(Ok(()), |value| text(field, value, most))
}

/// Checks a message's content against the limits of the wire.
///
/// # Errors
/// The first field that is wrong, by its path in the send body.
pub fn check(content: &Outgoing) -> Result<(), FieldError> {
    match content {
        Outgoing::Text { body, .. } => text("text", body, 4096),
        Outgoing::Template(template) => {
            text("template.name", &template.name, 512)?;
            optional("template.language", template.language.as_deref(), 16)
        }
        Outgoing::Media(media) => check_media(media),
        Outgoing::Interactive { interactive } => check_interactive(interactive),
        Outgoing::Location(location) => {
            if !(-90.0..=90.0).contains(&location.latitude) {
                return wrong("location.latitude", "Expected degrees from -90 to 90.");
            }
            if !(-180.0..=180.0).contains(&location.longitude) {
                return wrong("location.longitude", "Expected degrees from -180 to 180.");
            }
            optional("location.name", location.name.as_deref(), 1000)?;
            optional("location.address", location.address.as_deref(), 1000)
        }
        Outgoing::Contacts { contacts } => check_contacts(contacts),
        Outgoing::Reaction { target, emoji } => {
            text("reaction.message_id", target, 512)?;
            match emoji.as_deref() {
                None => Ok(()),
                Some(emoji) if is_one_emoji(emoji) => Ok(()),
                Some(_) => {
                    wrong("reaction.emoji", "Expected exactly one emoji, or an empty text to take it away.")
                }
            }
        }
    }
}

fn check_media(media: &OutgoingMedia) -> Result<(), FieldError> {
    check_media_source("media", &media.source)?;
    let silent = matches!(media.media_kind, MediaKind::Audio | MediaKind::Voice | MediaKind::Sticker);
    if silent && media.caption.is_some() {
        return wrong("media.caption", "Sounds and stickers carry no caption; send a text beside them.");
    }
    if media.media_kind != MediaKind::Document && media.filename.is_some() {
        return wrong("media.filename", "Only documents are shown with a name.");
    }
    optional("media.caption", media.caption.as_deref(), 1024)?;
    media.filename.as_deref().map_or(Ok(()), |name| check_document_name("media.filename", name))
}

/// Checks where a file is; `field` is the path of the object that holds the `url` or `id`.
pub(crate) fn check_media_source(field: &str, source: &MediaSource) -> Result<(), FieldError> {
    match source {
        MediaSource::Url(url) => public_https(&format!("{field}.url"), url),
        MediaSource::Id(id) => text(&format!("{field}.id"), id, 256),
    }
}

/// Checks the name a document is shown with.
pub(crate) fn check_document_name(field: &str, name: &str) -> Result<(), FieldError> {
    text(field, name, 240)?;
    if name.contains(['/', '\\', '\0', '\n', '\r']) {
        return wrong(field, "It is a name, not a path.");
    }
    Ok(())
}

/// An `https` address whose host is not, as written, this machine or a private network. The provider fetches it, so
/// this is a courtesy to the caller and a wall for providers that fetch from inside our region.
fn public_https(field: &str, url: &str) -> Result<(), FieldError> {
    at_most(field, url, 2048)?;
    let Some(rest) = url.strip_prefix("https://") else {
        return wrong(field, "Expected an address that starts with https://.");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '\\', ' ', '\t']) || url.chars().any(char::is_control) {
        return wrong(field, "Expected a plain address without a user name.");
    }
    let (host, after) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').unwrap_or((v6, "")),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !matches!(after, "" | ":443" | ":8443") {
        return wrong(field, "Expected the port 443, which needs not be said, or 8443.");
    }
    if crate::address::is_private_host(host) {
        return wrong(field, "The provider cannot fetch from this machine or a private network.");
    }
    Ok(())
}

fn check_interactive(interactive: &Interactive) -> Result<(), FieldError> {
    let lines = |header: &Option<String>, footer: &Option<String>| {
        optional("interactive.header", header.as_deref(), 60)?;
        optional("interactive.footer", footer.as_deref(), 60)
    };
    match interactive {
        Interactive::Buttons { body, header, footer, buttons } => {
            text("interactive.body", body, 1024)?;
            lines(header, footer)?;
            check_buttons(buttons)
        }
        Interactive::List { body, header, footer, button, sections } => {
            text("interactive.body", body, 4096)?;
            lines(header, footer)?;
            text("interactive.button", button, 20)?;
            check_sections(sections)
        }
        Interactive::CtaUrl { body, header, footer, display_text, url } => {
            text("interactive.body", body, 1024)?;
            lines(header, footer)?;
            text("interactive.display_text", display_text, 20)?;
            public_https("interactive.url", url)
        }
        Interactive::Flow { body, header, footer, flow_id, flow_cta, flow_token, screen, data: _ } => {
            text("interactive.body", body, 1024)?;
            lines(header, footer)?;
            text("interactive.flow_id", flow_id, 64)?;
            text("interactive.flow_cta", flow_cta, 20)?;
            text("interactive.flow_token", flow_token, 512)?;
            optional("interactive.screen", screen.as_deref(), 128)
        }
    }
}

fn check_buttons(buttons: &[ReplyButton]) -> Result<(), FieldError> {
    if buttons.is_empty() || buttons.len() > 3 {
        return wrong("interactive.buttons", "Expected one to three buttons.");
    }
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for (n, button) in buttons.iter().enumerate() {
        text(&format!("interactive.buttons[{n}].id"), &button.id, 256)?;
        text(&format!("interactive.buttons[{n}].title"), &button.title, 20)?;
        if !ids.insert(&button.id) {
            return wrong(format!("interactive.buttons[{n}].id"), "Another button has this id.");
        }
        if !titles.insert(&button.title) {
            return wrong(format!("interactive.buttons[{n}].title"), "Another button has this title.");
        }
    }
    Ok(())
}

fn check_sections(sections: &[ListSection]) -> Result<(), FieldError> {
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    if sections.is_empty() || sections.len() > 10 {
        return wrong("interactive.sections", "Expected one to ten sections.");
    }
    if rows > 10 {
        return wrong("interactive.sections", format!("There are {rows} rows; WhatsApp takes ten in all."));
    }
    let mut ids = HashSet::new();
    for (s, section) in sections.iter().enumerate() {
        let field = format!("interactive.sections[{s}]");
        if section.rows.is_empty() {
            return wrong(format!("{field}.rows"), "A section needs a row.");
        }
        if sections.len() > 1 && section.title.is_none() {
            return wrong(format!("{field}.title"), "With several sections each needs a title.");
        }
        optional(&format!("{field}.title"), section.title.as_deref(), 24)?;
        for (r, row) in section.rows.iter().enumerate() {
            let field = format!("{field}.rows[{r}]");
            text(&format!("{field}.id"), &row.id, 200)?;
            text(&format!("{field}.title"), &row.title, 24)?;
            optional(&format!("{field}.description"), row.description.as_deref(), 72)?;
            if !ids.insert(&row.id) {
                return wrong(format!("{field}.id"), "Another row has this id.");
            }
        }
    }
    Ok(())
}

fn check_contacts(contacts: &[serde_json::Value]) -> Result<(), FieldError> {
    if contacts.is_empty() || contacts.len() > 257 {
        return wrong("contacts", "Expected one to 257 contact cards.");
    }
    for (n, card) in contacts.iter().enumerate() {
        let name = card.get("name");
        let formatted = name.and_then(|name| name.get("formatted_name")).and_then(|text| text.as_str());
        if formatted.is_none_or(|text| text.trim().is_empty()) {
            return wrong(format!("contacts[{n}].name.formatted_name"), "A card needs a name to show.");
        }
        let parts = ["first_name", "last_name", "middle_name", "suffix", "prefix"];
        if !parts.iter().any(|part| name.and_then(|name| name.get(part)).is_some()) {
            return wrong(
                format!("contacts[{n}].name.first_name"),
                "Beside formatted_name WhatsApp needs one part of the name, such as first_name.",
            );
        }
    }
    Ok(())
}

/// One user-perceived character that is an emoji: `👍🏽` and `👨‍👩‍👧` are one, `👍👍` is two, `a` is none.
fn is_one_emoji(text: &str) -> bool {
    let mut clusters = text.graphemes(true);
    let (Some(one), None) = (clusters.next(), clusters.next()) else { return false };
    let keycap = one.contains('\u{20e3}');
    keycap || one.chars().any(is_pictograph)
}

/// The blocks that emoji come from (Unicode's emoji-data, `Extended_Pictographic` and the flags' letters).
const fn is_pictograph(c: char) -> bool {
    matches!(
        c as u32,
        0xA9 | 0xAE | 0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2194..=0x21AA | 0x231A..=0x23FF | 0x24C2
            | 0x25AA..=0x25FE | 0x2600..=0x27BF | 0x2934..=0x2935 | 0x2B05..=0x2B55 | 0x3030 | 0x303D
            | 0x3297 | 0x3299 | 0x1F000..=0x1FAFF
    )
}
