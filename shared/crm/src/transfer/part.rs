//! A file as it moves: in parts, each a record that says what the whole is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use platform::bucket::{Folder, LARGEST};
use platform::dynamo::{Record, RecordKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use ulid::Ulid;

/// The most bytes of a part. In base64, and once more as a function's answer, it stays below what Lambda carries.
pub(super) const PART: usize = 2 * 1024 * 1024;
/// Exports named larger files without their bytes once, in bytes.
const ONCE_LARGEST: usize = 16 * 1024 * 1024;
/// The longest type, in characters.
const TYPE: usize = 127;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) folder: Folder,
    pub(super) file: Ulid,
    pub(super) content_type: String,
    pub(super) size: usize,
    pub(super) sha256: [u8; 32],
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) whole: Whole,
    pub(super) number: u32,
    pub(super) bytes: Bytes,
}

/// How many parts a file has.
pub(super) fn count(size: usize) -> u32 {
    u32::try_from(size.div_ceil(PART)).unwrap_or(u32::MAX)
}

/// Which bytes of a file a part has.
pub(super) fn range(number: u32, size: usize) -> Range<usize> {
    let begin = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(PART).min(size);
    begin..begin.saturating_add(PART).min(size)
}

impl Whole {
    /// How many parts it has.
    pub(super) fn parts(&self) -> u32 {
        count(self.size)
    }

    /// Whether these are its bytes.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.size && *Sha256::digest(bytes) == self.sha256
    }
}

impl Part {
    /// A part as a line.
    pub(super) fn record(&self) -> Record {
        let Whole { folder, file, content_type, size, sha256 } = &self.whole;
        let data = json!({
            "content_type": content_type,
            "size": size,
            "sha256": hex::encode(sha256),
            "parts": self.whole.parts(),
            "bytes": {"$bytes": STANDARD.encode(&self.bytes)},
        });
        record(*folder, *file, self.number, data)
    }

    /// Reads a line; `None` of one that says of a file only that it was left out, as exports once did.
    ///
    /// # Errors
    /// Why it is no part of a file.
    pub(super) fn read(record: &Record) -> Result<Option<Self>, String> {
        let folder = Folder::parse(&record.pk).ok_or("`pk` is neither `in` nor `out`")?;
        let (file, number) = record.sk.split_once('#').ok_or("`sk` is no id with a part's number")?;
        let file = Ulid::from_string(file).ok().filter(|ulid| ulid.to_string() == file);
        let file = file.ok_or("`sk` begins with no id")?;
        let number = number.parse::<u32>().ok().filter(|number| record.sk.ends_with(&format!("#{number}")));
        let number = number.ok_or("`sk` ends with no part's number")?;
        let said = Said::deserialize(&record.data).map_err(|error| short(&error.to_string()))?;
        if !is_type(said.content_type) {
            return Err("`content_type` is no MIME type".to_owned());
        }
        let (sha256, bytes) = match (said.parts, said.sha256, said.bytes) {
            (0, None, None) if said.size > ONCE_LARGEST && number == 0 => return Ok(None),
            (_, Some(sha256), Some(bytes)) => (sha256, bytes),
            _ => return Err("`sha256` or `bytes` is missing".to_owned()),
        };
        let size = Some(said.size).filter(|size| (1..=LARGEST).contains(size));
        let size = size.ok_or_else(|| format!("`size` is not 1 to {LARGEST}"))?;
        if said.parts != count(size) {
            return Err(format!("a file of this size has {} parts", count(size)));
        }
        if number >= said.parts {
            return Err(format!("there is no part {number}"));
        }
        let sha256 = hex::decode(sha256).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let sha256 = sha256.ok_or("`sha256` is no SHA-256 in hexadecimal")?;
        let bytes = Bytes::from(STANDARD.decode(bytes.base64).map_err(|_| "`bytes` is no base64")?);
        let expected = range(number, size).len();
        if bytes.len() != expected {
            return Err(format!("this part has {expected} bytes, and {} came", bytes.len()));
        }
        let whole = Whole { folder, file, content_type: said.content_type.to_owned(), size, sha256 };
        if said.parts == 1 && !whole.is(&bytes) {
            return Err("`bytes` are not those that `sha256` names".to_owned());
        }
        Ok(Some(Self { whole, number, bytes }))
    }
}

fn record(folder: Folder, file: Ulid, number: u32, data: Value) -> Record {
    let data = match data {
        Value::Object(data) => data,
        _ => Map::new(),
    };
    Record { kind: RecordKind::File, pk: folder.as_str().to_owned(), sk: format!("{file}#{number}"), data }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said<'l> {
    content_type: &'l str,
    size: usize,
    parts: u32,
    #[serde(borrow)]
    sha256: Option<&'l str>,
    #[serde(borrow)]
    bytes: Option<Packed<'l>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed<'l> {
    #[serde(rename = "$bytes")]
    base64: &'l str,
}

/// What was sent may be in it, and that may be long.
fn short(why: &str) -> String {
    why.chars().take(200).collect()
}

/// Whether a text is a type with a subtype, and perhaps parameters.
fn is_type(text: &str) -> bool {
    let token = |text: &str| {
        let is_of = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c);
        !text.is_empty() && text.chars().all(is_of)
    };
    let essence = text.split(';').next().unwrap_or_default();
    let is_visible = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    let pair = essence.trim_end().split_once('/');
    text.len() <= TYPE && is_visible && pair.is_some_and(|(kind, sub)| token(kind) && token(sub))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::file::{limit, received_limit};
    use domain::ids::derived_ulid;
    use domain::message::MediaKind;
    use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
    use std::collections::BTreeMap;

    fn bytes(size: usize, seed: u8) -> Bytes {
        (0..size).map(|at| seed.wrapping_add(u8::try_from(at % 251).unwrap())).collect()
    }

    fn whole(bytes: &[u8]) -> Whole {
        let (content_type, sha256) = ("application/pdf".to_owned(), Sha256::digest(bytes).into());
        Whole {
            folder: Folder::Received,
            file: derived_ulid(7, &["file"]),
            content_type,
            size: bytes.len(),
            sha256,
        }
    }

    fn cut(bytes: &Bytes) -> Vec<Part> {
        let whole = whole(bytes);
        let part = |number| {
            let bytes = bytes.slice(range(number, whole.size));
            Part { whole: whole.clone(), number, bytes }
        };
        (0..whole.parts()).map(part).collect()
    }

    /// Sizes at and beside the ends of parts, and any other.
    fn sizes() -> impl Strategy<Value = usize> {
        (0..=3_usize, -1_isize..=1, any::<bool>(), 1..3 * PART).prop_map(|(parts, off, near, other)| {
            let edge = (parts * PART).saturating_add_signed(off).max(1);
            if near { edge } else { other }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn parts_of_a_file_of_any_size_make_it_again_in_any_order_and_any_number_of_times(
            size in sizes(),
            seed in any::<u8>(),
            order in proptest::collection::vec(0..4_u32, 0..6).prop_flat_map(|more| {
                (Just([0, 1, 2, 3].into_iter().chain(more).collect::<Vec<u32>>())).prop_shuffle()
            }),
        ) {
            let parts = cut(&bytes(size, seed));
            prop_assert!(parts.iter().all(|part| (1..=PART).contains(&part.bytes.len())));
            let mut came = BTreeMap::new();
            for number in order {
                let Some(part) = usize::try_from(number).ok().and_then(|number| parts.get(number)) else { continue };
                let read = Part::read(&part.record());
                prop_assert_eq!(&read, &Ok(Some(part.clone())));
                came.insert(number, part.bytes.clone());
            }
            let whole = &parts.first().unwrap().whole;
            prop_assert_eq!(came.len(), usize::try_from(whole.parts()).unwrap());
            prop_assert!(whole.is(&came.into_values().flatten().collect::<Vec<u8>>()));
        }
    }

    #[test]
    fn whatever_is_kept_can_leave_and_come_back() {
        let kept = MediaKind::ALL.into_iter().map(|kind| received_limit(kind).max(limit(kind))).max();
        assert_eq!(kept, Some(LARGEST));
        let whole = Whole { size: LARGEST, ..whole(&[]) };
        assert_eq!(whole.parts(), 50);
        let last = whole.parts() - 1;
        let part = Part { number: last, bytes: bytes(range(last, LARGEST).len(), 3), whole };
        assert_eq!(Part::read(&part.record()), Ok(Some(part)));
    }

    #[test]
    fn a_line_that_is_no_part_of_a_file_says_why() {
        let parts = cut(&bytes(PART + 10, 1));
        let small = cut(&bytes(5, 1)).first().unwrap().record();
        let last = parts.get(1).unwrap().record();
        let left_out = |size: usize, number: u32| {
            record(Folder::ToSend, Ulid(1), number, json!({"content_type": "a/b", "size": size, "parts": 0}))
        };
        assert_eq!(Part::read(&left_out(ONCE_LARGEST + 1, 0)), Ok(None), "as exports once had it");
        let changed = |record: &Record, name: &str, value: Value| {
            let mut record = record.clone();
            record.data.insert(name.to_owned(), value);
            record
        };
        let keyed = |pk: &str, sk: &str| {
            let (pk, sk) = (pk.to_owned(), sk.to_owned());
            Record { pk, sk, ..small.clone() }
        };
        let id = derived_ulid(7, &["file"]).to_string();
        for (record, why) in [
            (keyed("part", &small.sk), "`pk`"),
            (keyed("", &small.sk), "`pk`"),
            (keyed("in", &id), "`sk`"),
            (keyed("in", &format!("{}#0", id.to_lowercase())), "`sk`"),
            (keyed("in", "../other#0"), "`sk`"),
            (keyed("in", &format!("{id}#00")), "`sk`"),
            (keyed("in", &format!("{id}#1")), "no part 1"),
            (changed(&small, "size", json!(0)), "`size`"),
            (changed(&small, "size", json!(LARGEST + 1)), "`size`"),
            (changed(&small, "size", json!(6)), "6 bytes"),
            (changed(&small, "parts", json!(0)), "1 parts"),
            (changed(&small, "parts", json!(2)), "1 parts"),
            (changed(&last, "parts", json!(3)), "2 parts"),
            (changed(&last, "bytes", json!({"$bytes": "AAAA"})), "10 bytes"),
            (changed(&small, "bytes", json!({"$bytes": "AAAA AAA"})), "base64"),
            (changed(&small, "bytes", json!("AAAA")), "invalid type"),
            (changed(&small, "bytes", Value::Null), "missing"),
            (changed(&small, "sha256", json!("00")), "`sha256`"),
            (changed(&small, "sha256", json!("00".repeat(32))), "not those"),
            (changed(&small, "content_type", json!("picture")), "MIME"),
            (changed(&small, "content_type", json!("a/b\r\nx: y")), "MIME"),
            (changed(&small, "other", json!(1)), "unknown field"),
            (left_out(ONCE_LARGEST, 0), "missing"),
            (left_out(ONCE_LARGEST + 1, 1), "missing"),
        ] {
            let read = Part::read(&record);
            assert!(read.as_ref().is_err_and(|said| said.contains(why)), "{why}: {read:?}");
        }
        for kind in
            ["image/jpeg", "text/plain; charset=utf-8", "application/vnd.ms-excel", "binary/octet-stream"]
        {
            assert!(Part::read(&changed(&small, "content_type", json!(kind))).is_ok(), "{kind}");
        }
    }
}
