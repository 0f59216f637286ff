//! Names, and the smallest files of each kind that are what they say.

use crate::ogg;

const NAMES: [&str; 8] = [
    "Layla Mansour",
    "Omar Haddad",
    "Sara Khan",
    "Yusuf Rahman",
    "Mariam Saeed",
    "James Miller",
    "Noor Ali",
    "Priya Nair",
];

/// One pixel.
const JPEG: &str = "ffd8ffe000104a46494600010101006000600000ffdb004300080606070605080707070909080a0c140d0c0b0b0c1912130f141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ffc0000b080001000101011100ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda0008010100003f00fbd3ffd9";
/// One transparent pixel.
const WEBP: &str = "524946461a000000574542505650384c0d0000002f0000001007101111888808";

/// The name of whoever has a number; always the same.
pub(super) fn name_of(digits: &str) -> &'static str {
    let sum: usize = digits.bytes().map(usize::from).sum();
    NAMES.get(sum % NAMES.len()).copied().unwrap_or("Layla Mansour")
}

/// The type and the bytes of a sample file. What is said in a voice note stands in its comments.
pub(super) fn file(kind: &str, transcript: Option<&str>) -> (String, Vec<u8>) {
    let (mime, bytes) = match kind {
        "image" => ("image/jpeg", hex::decode(JPEG).unwrap_or_default()),
        "sticker" => ("image/webp", hex::decode(WEBP).unwrap_or_default()),
        "video" => ("video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat".to_vec()),
        "audio" | "voice" => ("audio/ogg; codecs=opus", ogg::voice_note(transcript.unwrap_or_default())),
        _ => ("application/pdf", PDF.to_vec()),
    };
    (mime.to_owned(), bytes)
}

/// An empty page.
const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 3 3]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
