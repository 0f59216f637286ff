//! The operations.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    LOCATION, RANGE,
};
use md5::{Digest as _, Md5};
use ring::digest::{SHA256, digest};

use super::address::{CONFLICT, Named, Operation};
use super::answer::{S3Error, plain, xml};
use super::objects::{Made, Meta, Objects, Put};
use super::{chunked, list};
use crate::protocol::Answer;

/// The headers of an upload that come back with the object, beside `x-amz-meta-*`.
const KEPT: [&str; 6] = [
    "content-type",
    "content-disposition",
    "content-encoding",
    "content-language",
    "cache-control",
    "expires",
];

const SUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");

/// Runs one operation.
pub(super) fn run(
    objects: &Objects,
    named: &Named,
    headers: &HeaderMap,
    body: Bytes,
    now_ms: i64,
) -> Result<Answer, S3Error> {
    let Named { bucket, key, .. } = named;
    let empty = |status| plain(status, Bytes::new());
    match named.operation {
        Operation::ListBuckets => Ok(list::buckets(objects)),
        Operation::ListObjectsV2 => list::objects(objects, named),
        Operation::CreateBucket => match objects.create_bucket(bucket).map_err(S3Error::internal)? {
            Made::ThereAlready => {
                let message =
                    "Your previous request to create the named bucket succeeded and you already own it.";
                Err(S3Error::new(CONFLICT, "BucketAlreadyOwnedByYou", message))
            }
            Made::New => {
                let mut answer = empty(StatusCode::OK);
                set(&mut answer, LOCATION, &format!("/{bucket}"));
                Ok(answer)
            }
        },
        Operation::HeadBucket if objects.has_bucket(bucket) => Ok(empty(StatusCode::OK)),
        Operation::HeadBucket => Err(S3Error::no_such_bucket()),
        Operation::PutObject => put(objects, named, headers, body, now_ms),
        Operation::HeadObject => {
            let meta = objects.head(bucket, key).ok_or_else(|| missing(objects, bucket))?;
            let mut answer = empty(StatusCode::OK);
            describe(&mut answer, &meta, named);
            vouch(&mut answer, &meta, headers);
            set(&mut answer, CONTENT_LENGTH, &meta.size.to_string());
            Ok(answer)
        }
        Operation::GetObject => get(objects, named, headers),
        Operation::DeleteObject => match objects.delete(bucket, key).map_err(S3Error::internal)? {
            true => Ok(empty(StatusCode::NO_CONTENT)),
            false => Err(S3Error::no_such_bucket()),
        },
    }
}

fn missing(objects: &Objects, bucket: &str) -> S3Error {
    if objects.has_bucket(bucket) { S3Error::no_such_key() } else { S3Error::no_such_bucket() }
}

fn put(
    objects: &Objects,
    named: &Named,
    headers: &HeaderMap,
    body: Bytes,
    now_ms: i64,
) -> Result<Answer, S3Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let body = match text("x-amz-content-sha256") {
        Some(streaming) if streaming.starts_with("STREAMING-") => chunked::decoded(&body)
            .ok_or_else(|| S3Error::bad("IncompleteBody", "The aws-chunked body is cut or malformed."))?,
        Some("UNSIGNED-PAYLOAD") => body,
        Some(claimed) if claimed == hex::encode(digest(&SHA256, &body)) => body,
        Some(_) => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(S3Error::bad("XAmzContentSHA256Mismatch", message));
        }
        None if named.presigned => body,
        None => {
            let message = "Missing required header for this request: x-amz-content-sha256";
            return Err(S3Error::bad("InvalidRequest", message));
        }
    };
    let md5 = Md5::digest(&body);
    if text("content-md5").is_some_and(|claimed| claimed != STANDARD.encode(md5)) {
        let message = "The Content-MD5 you specified did not match what we received.";
        return Err(S3Error::bad("BadDigest", message));
    }
    let sha256 = text(SUM.as_str()).map(|claimed| checked(claimed, &body)).transpose()?;
    let mut kept = BTreeMap::new();
    for (name, value) in headers {
        let wanted = KEPT.contains(&name.as_str()) || name.as_str().starts_with("x-amz-meta-");
        if let (true, Ok(value)) = (wanted, value.to_str()) {
            kept.insert(name.as_str().to_owned(), value.to_owned());
        }
    }
    // `aws-chunked` is how the body travelled, not what it is.
    if kept.get("content-encoding").is_some_and(|encoding| encoding == "aws-chunked") {
        kept.remove("content-encoding");
    }
    let meta = Meta {
        key: named.key.clone(),
        size: u64::try_from(body.len()).map_err(S3Error::internal)?,
        etag: hex::encode(md5),
        modified_ms: now_ms,
        sha256: sha256.clone(),
        headers: kept,
    };
    let etag = format!("\"{}\"", meta.etag);
    match objects
        .put(&named.bucket, meta, body, text("if-none-match").is_some())
        .map_err(S3Error::internal)?
    {
        Put::Stored => {}
        Put::ThereAlready => {
            let message = "At least one of the pre-conditions you specified did not hold";
            return Err(S3Error::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message));
        }
        Put::NoBucket => return Err(S3Error::no_such_bucket()),
    }
    let mut answer = plain(StatusCode::OK, Bytes::new());
    set(&mut answer, ETAG, &etag);
    name_sum(&mut answer, sha256.as_deref());
    Ok(answer)
}

/// A checksum as it is kept, once it is that of the body.
fn checked(claimed: &str, body: &[u8]) -> Result<String, S3Error> {
    if STANDARD.decode(claimed).map_or(true, |sum| sum.len() != 32) {
        let message = "Value for x-amz-checksum-sha256 header is invalid.";
        return Err(S3Error::bad("InvalidRequest", message));
    }
    if claimed != STANDARD.encode(digest(&SHA256, body)) {
        let message = "The SHA256 you specified did not match the calculated checksum.";
        return Err(S3Error::bad("BadDigest", message));
    }
    Ok(claimed.to_owned())
}

fn get(objects: &Objects, named: &Named, headers: &HeaderMap) -> Result<Answer, S3Error> {
    let Named { bucket, key, .. } = named;
    let found = objects.get(bucket, key).map_err(S3Error::internal)?;
    let (meta, content) = found.ok_or_else(|| missing(objects, bucket))?;
    let range = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let read = |range| content.read(range).map_err(S3Error::internal);
    let mut answer = match range.and_then(|range| part_of(range, meta.size)) {
        None => {
            let mut whole = plain(StatusCode::OK, read(0..meta.size)?);
            vouch(&mut whole, &meta, headers);
            whole
        }
        Some(None) => {
            let message = "<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable</Message></Error>";
            return Ok(xml(StatusCode::RANGE_NOT_SATISFIABLE, message));
        }
        Some(Some((first, last))) => {
            let mut part = plain(StatusCode::PARTIAL_CONTENT, read(first..last + 1)?);
            set(&mut part, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", meta.size));
            part
        }
    };
    describe(&mut answer, &meta, named);
    Ok(answer)
}

/// First and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`; `None` for what HTTP says to ignore, `Some(None)` for
/// what lies outside.
fn part_of(range: &str, length: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1);
    if first.is_empty() {
        let wanted: u64 = last.parse().ok()?;
        let suffix = end.filter(|_| wanted > 0).map(|end| (length.saturating_sub(wanted), end));
        return Some(suffix);
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some(end.filter(|end| first <= *end).map(|end| (first, last.min(end))))
}

/// The headers of an object, with those that the request asks for in place of them.
fn describe(answer: &mut Answer, meta: &Meta, named: &Named) {
    for (name, value) in &meta.headers {
        if let Ok(name) = HeaderName::try_from(name) {
            set(answer, name, value);
        }
    }
    for name in KEPT {
        if let Some(value) = named.parameter(&format!("response-{name}")) {
            set(answer, HeaderName::from_static(name), value);
        }
    }
    if !answer.headers().contains_key("content-type") {
        set(answer, HeaderName::from_static("content-type"), "binary/octet-stream");
    }
    set(answer, ETAG, &format!("\"{}\"", meta.etag));
    set(answer, ACCEPT_RANGES, "bytes");
    if let Ok(at) = jiff::Timestamp::from_millisecond(meta.modified_ms)
        && let Ok(date) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at)
    {
        set(answer, LAST_MODIFIED, &date);
    }
}

/// The checksum of a whole object, for who asks for it.
fn vouch(answer: &mut Answer, meta: &Meta, headers: &HeaderMap) {
    if headers.get("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED") {
        name_sum(answer, meta.sha256.as_deref());
    }
}

fn name_sum(answer: &mut Answer, sha256: Option<&str>) {
    if let Some(sha256) = sha256 {
        set(answer, SUM, sha256);
        set(answer, HeaderName::from_static("x-amz-checksum-type"), "FULL_OBJECT");
    }
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn a_part_is_cut_at_the_end_and_an_odd_range_is_no_range() {
        assert_eq!(part_of("bytes=0-3", 10), Some(Some((0, 3))));
        assert_eq!(part_of("bytes=8-99", 10), Some(Some((8, 9))));
        assert_eq!(part_of("bytes=8-", 10), Some(Some((8, 9))));
        assert_eq!(part_of("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(part_of("bytes=-99", 10), Some(Some((0, 9))));
        for outside in ["bytes=10-", "bytes=-0"] {
            assert_eq!(part_of(outside, 10), Some(None), "{outside}");
        }
        assert_eq!(part_of("bytes=0-", 0), Some(None));
        for odd in ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4", ""] {
            assert_eq!(part_of(odd, 10), None, "{odd}");
        }
    }
}
