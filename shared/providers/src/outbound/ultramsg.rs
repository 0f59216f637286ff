//! Requests of UltraMsg: forms, with the token as a field (JSON sends were reported lost; providers.md 4.1).

use super::{Send, not_filled, path_part, unusable, vcard};
use crate::capability::NotCarried;
use crate::channel::Line;
use bytes::Bytes;
use domain::message::MediaKind;
use domain::outgoing::{MediaSource, Outgoing, OutgoingMedia};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Uri};
use std::borrow::Cow;

/// The fields of one message and the path it is posted to.
struct Form<'a> {
    path: &'static str,
    fields: Vec<(&'static str, Cow<'a, str>)>,
}

pub(crate) fn request(name: &str, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
    let form = form(send)?;
    let id = send.message_id.to_string();
    let mut fields = vec![("token", Cow::Borrowed(line.secret))];
    // A reaction goes to a message; whose it is, the message says.
    let is_reaction = matches!(send.content, Outgoing::Reaction { .. });
    if !is_reaction {
        let phone = send.recipient.phone.ok_or_else(|| unusable(name))?;
        fields.push(("to", Cow::Borrowed(phone.e164())));
    }
    fields.extend(form.fields);
    fields.push(("referenceId", Cow::Borrowed(&id)));
    if let Some(quoted) = send.reply_to.filter(|_| !is_reaction) {
        fields.push(("msgId", Cow::Borrowed(quoted)));
    }
    post(line, form.path, &fields).ok_or_else(|| unusable(name))
}

fn form<'a>(send: &Send<'a>) -> Result<Form<'a>, NotCarried> {
    let form = |path, fields| Ok(Form { path, fields });
    match send.content {
        Outgoing::Text { body, .. } => form("chat", vec![("body", Cow::Borrowed(body.as_str()))]),
        Outgoing::Template(_) => {
            let filled = send.filled.ok_or_else(not_filled)?;
            form("chat", vec![("body", Cow::Borrowed(filled.rendered.as_str()))])
        }
        Outgoing::Media(media) => file(media),
        Outgoing::Location(place) => {
            let degrees = (place.latitude.to_string(), place.longitude.to_string());
            let lines: Vec<&str> =
                [&place.name, &place.address].into_iter().flatten().map(String::as_str).collect();
            // The vendor's client always sends an address: the text under the pin.
            let address =
                if lines.is_empty() { format!("{},{}", degrees.0, degrees.1) } else { lines.join("\n") };
            let fields = vec![
                ("address", Cow::Owned(address)),
                ("lat", Cow::Owned(degrees.0)),
                ("lng", Cow::Owned(degrees.1)),
            ];
            form("location", fields)
        }
        Outgoing::Contacts { contacts } => {
            let cards: Vec<String> = contacts.iter().map(vcard::of_card).collect();
            form("vcard", vec![("vcard", Cow::Owned(cards.join("\n")))])
        }
        Outgoing::Reaction { target, emoji } => {
            let emoji = emoji.as_deref().unwrap_or_default();
            form("reaction", vec![("msgId", Cow::Borrowed(target.as_str())), ("emoji", Cow::Borrowed(emoji))])
        }
        Outgoing::Interactive { .. } => Err(NotCarried::new(
            "UltraMsg cannot carry buttons, lists and flows.",
            "interactive",
            "Send a text that lists the choices.",
        )),
    }
}

fn file(media: &OutgoingMedia) -> Result<Form<'_>, NotCarried> {
    let MediaSource::Url(url) = &media.source else {
        return Err(NotCarried::new(
            "UltraMsg cannot carry a file by its id.",
            "media.id",
            "Give the file's public https address in `media.url`.",
        ));
    };
    // The path, and the field that holds the file's address.
    let (path, field) = match media.media_kind {
        MediaKind::Image => ("image", "image"),
        MediaKind::Video => ("video", "video"),
        MediaKind::Audio => ("audio", "audio"),
        MediaKind::Voice => ("voice", "audio"),
        MediaKind::Document => ("document", "document"),
        MediaKind::Sticker => ("sticker", "sticker"),
    };
    let mut fields = vec![(field, Cow::Borrowed(url.as_str()))];
    if media.media_kind == MediaKind::Document {
        let name = media.filename.as_deref().unwrap_or_else(|| name_in(url));
        fields.push(("filename", Cow::Borrowed(name)));
    }
    if let Some(caption) = media.caption.as_deref() {
        fields.push(("caption", Cow::Borrowed(caption)));
    }
    Ok(Form { path, fields })
}

/// The last part of an address's path: a document needs a name here.
fn name_in(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = path.split_once('/').and_then(|(_, path)| path.rsplit('/').next());
    name.filter(|name| (1..=255).contains(&name.len())).unwrap_or("document")
}

fn post(line: &Line<'_>, path: &str, fields: &[(&str, Cow<'_, str>)]) -> Option<Request<Bytes>> {
    // The set-up page shows `instance41580`, the webhook says `41580`.
    let instance = line.account_id?;
    let instance = path_part(instance.strip_prefix("instance").unwrap_or(instance))?;
    let mut request = Request::new(Bytes::from(serde_urlencoded::to_string(fields).ok()?));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("/instance{instance}/messages/{path}").parse::<Uri>().ok()?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    Some(request)
}
