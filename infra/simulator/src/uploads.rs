//! The Graph API's uploads of samples for templates: a session first, then the bytes, which become a handle.

use crate::account::Line;
use crate::api::Outcome;
use crate::cloud::error::GraphError;
use crate::ids;
use crate::wire::{Call, Reply};
use http::header::AUTHORIZATION;
use serde_json::json;

/// What the id of a session starts with.
pub(crate) const SESSION: &str = "upload:";

/// The types of samples.
const TYPES: [&str; 6] =
    ["application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4", "image/webp"];

/// The token of `Authorization: OAuth ..`, which the second call takes in place of a bearer token.
pub(crate) fn oauth(call: &Call) -> Option<&str> {
    call.header(AUTHORIZATION).strip_prefix("OAuth ").map(str::trim)
}

/// `POST /{app}/uploads?file_name=&file_length=&file_type=`.
pub(crate) fn begin(line: &Line, call: &Call) -> Outcome {
    let length = call.asked("file_length").and_then(|length| length.parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length > 0) else {
        return Outcome::refused(&GraphError::invalid("The parameter file_length is required."));
    };
    let kind = call.asked("file_type").unwrap_or_default();
    if !TYPES.contains(&kind) {
        let said = format!("Param file_type must be one of {{{}}}.", TYPES.join(", "));
        return Outcome::refused(&GraphError::invalid(said));
    }
    let id = format!("{SESSION}{}", hex::encode(ids::random::<16>()));
    line.desk().uploads.insert(id.clone(), length);
    Outcome::of(Reply::json(200, &json!({"id": id})))
}

/// `POST /upload:..` with the bytes.
pub(crate) fn finish(line: &Line, id: &str, call: &Call) -> Outcome {
    let Some(length) = line.desk().uploads.get(id).copied() else {
        return Outcome::refused(&GraphError::no_object(id, call.method.as_str()));
    };
    if call.header("file_offset") != "0" {
        return Outcome::refused(&GraphError::invalid("The header file_offset must be 0."));
    }
    if call.body.len() != length {
        let said = format!("The file has {} bytes; {length} were announced.", call.body.len());
        return Outcome::refused(&GraphError::invalid(said));
    }
    line.desk().uploads.remove(id);
    Outcome::of(Reply::json(200, &json!({"h": format!("4::{}", hex::encode(ids::random::<24>()))})))
}
