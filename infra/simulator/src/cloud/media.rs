//! Files on Meta and 360dialog: uploaded, described, fetched by a URL that lasts five minutes.

use super::error::{Checked, GraphError};
use crate::account::Line;
use crate::api::Outcome;
use crate::ids;
use crate::media::{Media, Part, URL_MS, parts};
use crate::wire::{Call, Reply};
use bytes::Bytes;
use serde_json::{Value, json};

/// Where the path of a file's URL starts, on Meta's host and on 360dialog's.
pub(crate) const ATTACHMENTS: [&str; 2] = ["whatsapp_business", "attachments"];

const MB: usize = 1024 * 1024;

/// The types that can be uploaded, and their longest files.
const TYPES: [(&str, usize); 21] = [
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("image/webp", MB / 2),
    ("video/mp4", 16 * MB),
    ("video/3gpp", 16 * MB),
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("audio/opus", 16 * MB),
    ("text/plain", 100 * MB),
    ("application/pdf", 100 * MB),
    ("application/msword", 100 * MB),
    ("application/vnd.ms-excel", 100 * MB),
    ("application/vnd.ms-powerpoint", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MB),
    ("video/3gp", 16 * MB),
    ("audio/mp3", 16 * MB),
];

/// Answers an upload.
pub(crate) fn upload(line: &Line, call: &Call) -> Outcome {
    let Some(parts) = parts(call.content_type(), &call.body) else {
        let error = GraphError::invalid("The parameter file is required.");
        return Outcome::badly_headed(Reply::json(error.status, &error.body()));
    };
    match taken(&parts, call.now_ms) {
        Err(error) => Outcome::refused(&error),
        Ok(media) => {
            let id = ids::number();
            line.desk().media.insert(id.clone(), media);
            Outcome::of(Reply::json(200, &json!({"id": id})))
        }
    }
}

fn taken(parts: &[Part], now_ms: i64) -> Checked<Media> {
    let field = |name: &str| parts.iter().find(|part| part.name == name);
    if field("messaging_product").is_none_or(|part| &part.bytes[..] != b"whatsapp") {
        return Err(GraphError::invalid("The parameter messaging_product is required."));
    }
    let file = field("file").filter(|part| part.filename.is_some());
    let file = file.ok_or_else(|| GraphError::invalid("The parameter file is required."))?;
    let told = field("type").map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
    let mime = file.mime.clone().or(told).unwrap_or_else(|| "application/octet-stream".to_owned());
    let plain = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((_, longest)) = TYPES.iter().find(|(known, _)| *known == plain) else {
        let known: Vec<_> = TYPES.iter().map(|(known, _)| *known).collect();
        return Err(GraphError::invalid(format!(
            "Param file must be a file with one of the following types: {}. Received file of type '{plain}'.",
            known.join(", ")
        )));
    };
    if file.bytes.is_empty() {
        return Err(GraphError::invalid("Param file must not be empty."));
    }
    if file.bytes.len() > *longest {
        let details = format!("The file has {} bytes; {plain} may have {longest}.", file.bytes.len());
        return Err(GraphError::of(131_053, details));
    }
    if !looks_like(&plain, &file.bytes) {
        return Err(GraphError::of(131_053, format!("The file is not {plain}.")));
    }
    Ok(Media::uploaded(file.bytes.clone(), &mime, now_ms))
}

/// Whether the first bytes are those of the type; types without a mark pass.
fn looks_like(mime: &str, bytes: &[u8]) -> bool {
    let holds = |mark: &[u8]| bytes.windows(mark.len()).take(64).any(|window| window == mark);
    match mime {
        "image/jpeg" => bytes.starts_with(&[0xff, 0xd8, 0xff]),
        "image/png" => bytes.starts_with(b"\x89PNG"),
        "image/webp" => bytes.starts_with(b"RIFF") && holds(b"WEBP"),
        "application/pdf" => bytes.starts_with(b"%PDF"),
        // Opus with one channel: what WhatsApp plays as a voice note.
        "audio/ogg" => bytes.starts_with(b"OggS") && holds(b"OpusHead\x01\x01"),
        "video/mp4" | "video/3gpp" | "video/3gp" | "audio/mp4" => holds(b"ftyp"),
        _ => true,
    }
}

/// Describes a file of a number; its URL starts with `host`.
pub(crate) fn describe(line: &Line, id: &str, host: &str, now_ms: i64) -> Option<Value> {
    let desk = line.desk();
    let media = desk.media.get(id).filter(|media| now_ms < media.until_ms)?;
    let expires = now_ms.saturating_add(URL_MS);
    let [one, two] = ATTACHMENTS;
    Some(json!({
        "messaging_product": "whatsapp",
        "url": format!("{host}/{one}/{two}/?mid={id}&ext={expires}&hash={}", media.hash),
        "mime_type": media.mime,
        "sha256": hex::encode(media.sha256()),
        "file_size": media.bytes.len(),
        "id": id,
    }))
}

/// Answers the URL of a file: 404 for whoever may not have it, and for a URL that is too old.
pub(crate) fn download(line: Option<&Line>, call: &Call) -> Outcome {
    let found = line.and_then(|line| {
        let id = call.asked("mid")?;
        let fresh = call.asked("ext")?.parse::<i64>().is_ok_and(|until| call.now_ms < until);
        let media = line.desk().media.get(id).cloned()?;
        (fresh && call.asked("hash") == Some(&media.hash) && call.now_ms < media.until_ms).then_some(media)
    });
    match found {
        Some(media) => Outcome::of(Reply::file(&media.mime, media.bytes)),
        None => Outcome::badly_headed(Reply { status: 404, ..Reply::file("text/html", Bytes::new()) }),
    }
}

/// Whether a file was there and is now gone.
pub(crate) fn delete(line: &Line, id: &str) -> bool {
    line.desk().media.remove(id).is_some()
}
