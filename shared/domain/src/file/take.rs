//! What WhatsApp takes as which kind of message, and how large (providers.md 2.3).

use super::types::FileType;
use crate::message::MediaKind;

const KB: usize = 1024;
const MB: usize = 1024 * KB;

/// The most that a file of a kind may have, in bytes.
#[must_use]
pub const fn limit(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Image => 5 * MB,
        MediaKind::Video | MediaKind::Audio | MediaKind::Voice => 16 * MB,
        MediaKind::Document => 100 * MB,
        MediaKind::Sticker => 500 * KB,
    }
}

/// The most that is fetched of a file that a customer sent, in bytes. What arrives may be a little larger than what can
/// be sent.
#[must_use]
pub const fn received_limit(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Image | MediaKind::Video | MediaKind::Audio | MediaKind::Voice | MediaKind::Sticker => {
            16 * MB
        }
        MediaKind::Document => 100 * MB,
    }
}

/// A file that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The kind of message it goes as.
    pub kind: MediaKind,
    /// The type it is uploaded under.
    pub mime: &'static str,
    /// Whether WhatsApp takes uploads of the type; every other document can be sent by its address.
    pub uploadable: bool,
}

/// Why a file cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// WhatsApp takes no files of the claimed type.
    Type,
    /// The bytes are something else than claimed, or something WhatsApp does not play; says what.
    Content(&'static str),
    /// The file is too large for its kind.
    TooLarge {
        /// The most it may have, in bytes.
        limit: usize,
    },
    /// There is nothing in it.
    Empty,
}

/// What the bytes must be for a claimed type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    Exactly(FileType),
    /// Sound in an MP4, which may call itself a film.
    Mp4Sound,
    Text,
    Anything,
}

const TYPES: [(&str, MediaKind, Bytes); 21] = [
    ("image/jpeg", MediaKind::Image, Bytes::Exactly(FileType::Jpeg)),
    ("image/png", MediaKind::Image, Bytes::Exactly(FileType::Png)),
    ("image/webp", MediaKind::Sticker, Bytes::Exactly(FileType::Webp)),
    ("video/mp4", MediaKind::Video, Bytes::Exactly(FileType::Mp4)),
    ("video/3gpp", MediaKind::Video, Bytes::Exactly(FileType::ThreeGpp)),
    ("audio/aac", MediaKind::Audio, Bytes::Exactly(FileType::Aac)),
    ("audio/amr", MediaKind::Audio, Bytes::Exactly(FileType::Amr)),
    ("audio/mpeg", MediaKind::Audio, Bytes::Exactly(FileType::Mp3)),
    ("audio/mp4", MediaKind::Audio, Bytes::Mp4Sound),
    ("audio/ogg", MediaKind::Audio, Bytes::Exactly(FileType::Ogg)),
    ("application/pdf", MediaKind::Document, Bytes::Exactly(FileType::Pdf)),
    ("application/msword", MediaKind::Document, Bytes::Exactly(FileType::Ole)),
    ("application/vnd.ms-excel", MediaKind::Document, Bytes::Exactly(FileType::Ole)),
    ("application/vnd.ms-powerpoint", MediaKind::Document, Bytes::Exactly(FileType::Ole)),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        MediaKind::Document,
        Bytes::Exactly(FileType::Zip),
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        MediaKind::Document,
        Bytes::Exactly(FileType::Zip),
    ),
    (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        MediaKind::Document,
        Bytes::Exactly(FileType::Zip),
    ),
    ("application/zip", MediaKind::Document, Bytes::Exactly(FileType::Zip)),
    ("text/plain", MediaKind::Document, Bytes::Text),
    ("text/csv", MediaKind::Document, Bytes::Text),
    ("application/octet-stream", MediaKind::Document, Bytes::Anything),
];

/// What Meta's upload refuses, although it can be sent as a document.
const BY_ADDRESS_ONLY: [&str; 3] = ["application/zip", "text/csv", "application/octet-stream"];

/// Decides about a file by its claimed type and its bytes.
///
/// # Errors
/// Why WhatsApp would not take it; the type is judged first, then the size, then the content.
pub fn take(claimed: &str, bytes: &[u8]) -> Result<Taken, NotTaken> {
    let essence = claimed.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = TYPES.iter().find(|(mime, _, _)| *mime == essence);
    let (mime, kind, expected) = *known.ok_or(NotTaken::Type)?;
    if bytes.is_empty() {
        return Err(NotTaken::Empty);
    }
    let found = FileType::of(bytes);
    let limit = match kind {
        // A sticker that does not move may have a fifth of one that does.
        MediaKind::Sticker if !moves(bytes) => limit(kind) / 5,
        _ => limit(kind),
    };
    if bytes.len() > limit {
        return Err(NotTaken::TooLarge { limit });
    }
    let fits = match expected {
        Bytes::Exactly(exactly) => found == Some(exactly),
        Bytes::Mp4Sound => matches!(found, Some(FileType::M4a | FileType::Mp4)),
        Bytes::Text => found.is_none() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok(),
        Bytes::Anything => true,
    };
    if !fits {
        return Err(NotTaken::Content("The file is not of the type it is sent as."));
    }
    if found == Some(FileType::Ogg) && mime == "audio/ogg" && opus_channels(bytes) != Some(1) {
        return Err(NotTaken::Content("WhatsApp plays Ogg files with one channel of Opus only."));
    }
    Ok(Taken { kind, mime, uploadable: !BY_ADDRESS_ONLY.contains(&mime) })
}

/// Whether a WebP says that it is animated.
fn moves(bytes: &[u8]) -> bool {
    bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & 0x02 != 0)
}

/// How many channels an Opus stream has; its head is the first packet of the first page.
fn opus_channels(bytes: &[u8]) -> Option<u8> {
    let segments = usize::from(*bytes.get(26)?);
    let head = bytes.get(27 + segments..)?;
    head.starts_with(b"OpusHead").then(|| head.get(9).copied())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ogg(head: &[u8]) -> Vec<u8> {
        let mut bytes = b"OggS\0\x02".to_vec();
        bytes.resize(26, 0);
        bytes.extend_from_slice(&[1, 19]);
        bytes.extend_from_slice(head);
        bytes
    }

    #[test]
    fn a_file_goes_as_the_kind_of_its_type() {
        for (claimed, bytes, kind) in [
            ("image/jpeg", &b"\xff\xd8\xff"[..], MediaKind::Image),
            ("Image/PNG; q=1", b"\x89PNG\r\n\x1a\n", MediaKind::Image),
            ("image/webp", b"RIFF\x10\0\0\0WEBPVP8 ", MediaKind::Sticker),
            ("video/mp4", b"\0\0\0\x18ftypmp42", MediaKind::Video),
            ("audio/mp4", b"\0\0\0\x18ftypmp42", MediaKind::Audio),
            ("audio/ogg; codecs=opus", &ogg(b"OpusHead\x01\x01"), MediaKind::Audio),
            ("application/pdf", b"%PDF-1.4", MediaKind::Document),
            ("text/plain", "مرحبا".as_bytes(), MediaKind::Document),
            ("application/octet-stream", b"anything", MediaKind::Document),
        ] {
            assert_eq!(take(claimed, bytes).map(|taken| taken.kind), Ok(kind), "{claimed}");
        }
    }

    #[test]
    fn what_is_something_else_than_it_says_is_not_taken() {
        for (claimed, bytes) in [
            ("image/jpeg", &b"<html>"[..]),
            ("image/png", b"\xff\xd8\xff"),
            ("image/jpeg", b"\x89PNG\r\n\x1a\n"),
            ("application/pdf", b"PK\x03\x04"),
            ("text/plain", b"\xff\xd8\xff"),
            ("text/plain", b"a\0b"),
            ("text/csv", b"\xfe\xff"),
            ("application/msword", b"PK\x03\x04"),
            ("audio/ogg", &ogg(b"OpusHead\x01\x02")),
            ("audio/ogg", &ogg(b"\x01vorbis\0\0\0\0\x01")),
            ("audio/ogg", b"OggS"),
        ] {
            assert!(matches!(take(claimed, bytes), Err(NotTaken::Content(_))), "{claimed} {bytes:?}");
        }
    }

    #[test]
    fn types_that_whatsapp_does_not_carry_are_not_taken() {
        for claimed in
            ["text/html", "image/svg+xml", "image/gif", "image/heic", "application/javascript", "", "x"]
        {
            assert_eq!(take(claimed, b"x"), Err(NotTaken::Type), "{claimed}");
        }
    }

    #[test]
    fn each_kind_has_its_size() {
        let jpeg = |size: usize| {
            let mut bytes = b"\xff\xd8\xff".to_vec();
            bytes.resize(size, 0);
            bytes
        };
        assert!(take("image/jpeg", &jpeg(5 * MB)).is_ok());
        assert_eq!(take("image/jpeg", &jpeg(5 * MB + 1)), Err(NotTaken::TooLarge { limit: 5 * MB }));
        let mut still = b"RIFF\x10\0\0\0WEBPVP8 ".to_vec();
        still.resize(100 * KB + 1, 0);
        assert_eq!(take("image/webp", &still), Err(NotTaken::TooLarge { limit: 100 * KB }));
        let mut moving = b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02".to_vec();
        moving.resize(500 * KB, 0);
        assert!(take("image/webp", &moving).is_ok());
        assert_eq!(take("image/jpeg", b""), Err(NotTaken::Empty));
    }
}
