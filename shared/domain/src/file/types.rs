//! Types by magic number.

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, still or moving.
    Webp,
    /// MP4 with pictures, or an MP4 that does not say.
    Mp4,
    /// 3GPP.
    ThreeGpp,
    /// MP4 with sound only, by its own account.
    M4a,
    /// Ogg.
    Ogg,
    /// MPEG audio, layer III.
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// AMR, narrow or wide band.
    Amr,
    /// PDF.
    Pdf,
    /// ZIP, and with it the Office formats since 2007.
    Zip,
    /// The container of the Office formats before 2007.
    Ole,
}

impl FileType {
    /// The type by magic number; `None` for every other file.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        let at = |from: usize, magic: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(magic));
        if starts(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if starts(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if starts(b"RIFF") && at(8, b"WEBP") {
            return Some(Self::Webp);
        }
        if at(4, b"ftyp") {
            return base_media(bytes.get(8..12)?);
        }
        if starts(b"OggS") {
            return Some(Self::Ogg);
        }
        if starts(b"#!AMR\n") || starts(b"#!AMR-WB\n") {
            return Some(Self::Amr);
        }
        if starts(b"%PDF-") {
            return Some(Self::Pdf);
        }
        if starts(b"PK\x03\x04") {
            return Some(Self::Zip);
        }
        if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            return Some(Self::Ole);
        }
        if starts(b"ID3") {
            return Some(Self::Mp3);
        }
        match (bytes.first()?, bytes.get(1)?) {
            // Twelve bits of synchronisation, then the layer: none is ADTS, 01 is layer III.
            (0xff, second) if second & 0xf6 == 0xf0 => Some(Self::Aac),
            (0xff, second) if second & 0xe6 == 0xe2 => Some(Self::Mp3),
            _ => None,
        }
    }

    /// The MIME type it is served under; `None` for containers, which are served as plain bytes.
    #[must_use]
    pub const fn mime(self) -> Option<&'static str> {
        match self {
            Self::Jpeg => Some("image/jpeg"),
            Self::Png => Some("image/png"),
            Self::Webp => Some("image/webp"),
            Self::Mp4 => Some("video/mp4"),
            Self::ThreeGpp => Some("video/3gpp"),
            Self::M4a => Some("audio/mp4"),
            Self::Ogg => Some("audio/ogg"),
            Self::Mp3 => Some("audio/mpeg"),
            Self::Aac => Some("audio/aac"),
            Self::Amr => Some("audio/amr"),
            Self::Pdf => Some("application/pdf"),
            Self::Zip | Self::Ole => None,
        }
    }

    /// The type that is served under a MIME type, if any is.
    #[must_use]
    pub fn served_under(mime: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.mime() == Some(mime))
    }

    const ALL: [Self; 11] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Mp4,
        Self::ThreeGpp,
        Self::M4a,
        Self::Ogg,
        Self::Mp3,
        Self::Aac,
        Self::Amr,
        Self::Pdf,
    ];

    /// The ending of a file's name that goes with it.
    #[must_use]
    pub const fn extension(self) -> Option<&'static str> {
        match self {
            Self::Jpeg => Some("jpg"),
            Self::Png => Some("png"),
            Self::Webp => Some("webp"),
            Self::Mp4 => Some("mp4"),
            Self::ThreeGpp => Some("3gp"),
            Self::M4a => Some("m4a"),
            Self::Ogg => Some("ogg"),
            Self::Mp3 => Some("mp3"),
            Self::Aac => Some("aac"),
            Self::Amr => Some("amr"),
            Self::Pdf => Some("pdf"),
            Self::Zip | Self::Ole => None,
        }
    }
}

/// The MIME type that a file is served under, by its bytes alone: one of a short list that browsers do not run, else
/// plain bytes.
#[must_use]
pub fn served_as(bytes: &[u8]) -> &'static str {
    FileType::of(bytes).and_then(FileType::mime).unwrap_or("application/octet-stream")
}

/// The type by the brand of an ISO base media file; `None` for pictures (HEIF), QuickTime and the rest.
fn base_media(brand: &[u8]) -> Option<FileType> {
    match brand {
        [b'3', b'g', b'p' | b'2', _] => Some(FileType::ThreeGpp),
        b"M4A " | b"M4B " => Some(FileType::M4a),
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"MSNV"
        | b"dash" => Some(FileType::Mp4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        for (bytes, expected) in [
            (&b"\xff\xd8\xff\xe0"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            (b"\0\0\0\x18ftypisom", "video/mp4"),
            (b"\0\0\0\x18ftyp3gp5", "video/3gpp"),
            (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
            (b"OggS\0\x02", "audio/ogg"),
            (b"ID3\x04", "audio/mpeg"),
            (b"\xff\xfb\x90\x44", "audio/mpeg"),
            (b"\xff\xf1\x50\x80", "audio/aac"),
            (b"\xff\xf9\x50\x80", "audio/aac"),
            (b"#!AMR\n<", "audio/amr"),
            (b"#!AMR-WB\n", "audio/amr"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04\x14", "application/octet-stream"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/octet-stream"),
        ] {
            assert_eq!(served_as(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_a_browser_could_run_is_plain_bytes() {
        for bytes in [
            &b"<html><script>alert(1)</script>"[..],
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\">",
            b"<?xml version=\"1.0\"?>",
            b"\xef\xbb\xbf<!DOCTYPE html>",
            b"GIF89a/*<script>*/",
            b"BM",
            b"MZ\x90",
            b"#!/bin/sh",
            b"\0\0\0\x18ftypheic",
            b"\0\0\0\x18ftyp",
            b"RIFF\x10\0\0\0AVI ",
            b"\xff",
            b"\xff\xff",
            b"",
        ] {
            assert_eq!(served_as(bytes), "application/octet-stream", "{bytes:?}");
        }
    }
}
