//! Files that were uploaded or that customers sent, and the reading of uploads.

use crate::ids;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// How long an uploaded file is kept.
const UPLOADED_MS: i64 = 30 * 24 * 3600 * 1000;
/// How long a customer's file is kept.
const RECEIVED_MS: i64 = 7 * 24 * 3600 * 1000;
/// How long the URL of a file can be used.
pub(crate) const URL_MS: i64 = 5 * 60 * 1000;

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    pub(crate) bytes: Bytes,
    pub(crate) mime: String,
    /// Gone from then on.
    pub(crate) until_ms: i64,
    /// What a URL must carry to be this file's.
    pub(crate) hash: String,
}

impl Media {
    /// A file that the business uploaded.
    pub(crate) fn uploaded(bytes: Bytes, mime: &str, now_ms: i64) -> Self {
        Self::new(bytes, mime, now_ms.saturating_add(UPLOADED_MS))
    }

    /// A file that a customer sent.
    pub(crate) fn received(bytes: Bytes, mime: &str, now_ms: i64) -> Self {
        Self::new(bytes, mime, now_ms.saturating_add(RECEIVED_MS))
    }

    fn new(bytes: Bytes, mime: &str, until_ms: i64) -> Self {
        Self { bytes, mime: mime.to_owned(), until_ms, hash: hex::encode(ids::random::<16>()) }
    }

    /// The digest of the bytes.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }
}

/// A part of a multipart form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) mime: Option<String>,
    pub(crate) bytes: Bytes,
}

/// The parts of a multipart form; `None` when it is not one.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        return None;
    }
    let boundary =
        content_type.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?.trim_matches('"');
    let mark = format!("\r\n--{boundary}");
    let first = format!("--{boundary}");
    if !body.starts_with(first.as_bytes()) {
        return None;
    }
    let mut at = first.len();
    let mut found = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(found);
        }
        // Behind the boundary stands a line end, behind the headers an empty line.
        let head_end = position(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(rest.get(..head_end)?).ok()?;
        let start = at + head_end + 4;
        let length = position(body.get(start..)?, mark.as_bytes())?;
        found.push(part(head, body.slice(start..start + length))?);
        at = start + length + mark.len();
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn part(head: &str, bytes: Bytes) -> Option<Part> {
    let mut part = Part { name: String::new(), filename: None, mime: None, bytes };
    for line in head.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                for piece in value.split(';').map(str::trim) {
                    if let Some(name) = piece.strip_prefix("name=") {
                        name.trim_matches('"').clone_into(&mut part.name);
                    } else if let Some(name) = piece.strip_prefix("filename=") {
                        part.filename = Some(name.trim_matches('"').to_owned());
                    }
                }
            }
            "content-type" => part.mime = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    (!part.name.is_empty()).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; boundary=xYz";

    #[test]
    fn a_form_is_taken_apart_and_the_bytes_of_a_file_stay_as_they_are() {
        let mut body =
            b"--xYz\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n".to_vec();
        body.extend_from_slice(
            b"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n",
        );
        body.extend_from_slice(b"Content-Type: image/png\r\n\r\n\x89PNG\r\n\x00--xY\r\n--xYz--\r\n");
        let parts = parts(FORM, &Bytes::from(body)).unwrap();
        assert_eq!((parts[0].name.as_str(), &parts[0].bytes[..]), ("type", &b"image/png"[..]));
        assert_eq!(parts[1].filename.as_deref(), Some("a.png"));
        assert_eq!(parts[1].mime.as_deref(), Some("image/png"));
        assert_eq!(&parts[1].bytes[..], b"\x89PNG\r\n\x00--xY");
    }

    #[test]
    fn what_is_no_form_or_ends_early_is_refused() {
        for (content_type, body) in [
            ("application/json", "{}"),
            ("multipart/form-data", "--x\r\n"),
            (FORM, ""),
            (FORM, "--xYz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end"),
            (FORM, "--xYz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xYz--"),
        ] {
            assert_eq!(parts(content_type, &Bytes::from(body)), None, "{content_type} {body}");
        }
    }
}
