//! `ListObjectsV2` and `ListBuckets`.

use http::StatusCode;

use super::address::{Named, encoded};
use super::answer::{S3Error, escaped, xml};
use super::objects::{Meta, Objects};
use crate::protocol::Answer;

const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
/// The most of one page.
const MOST: usize = 1000;

pub(super) fn buckets(objects: &Objects) -> Answer {
    let names = objects.bucket_names().into_iter();
    let listed: String = names
        .map(|name| {
            format!(
                "<Bucket><Name>{name}</Name><CreationDate>1970-01-01T00:00:00.000Z</CreationDate></Bucket>"
            )
        })
        .collect();
    xml(
        StatusCode::OK,
        &format!("<ListAllMyBucketsResult {NAMESPACE}><Buckets>{listed}</Buckets></ListAllMyBucketsResult>"),
    )
}

/// An entry of a page: an object, or what a delimiter rolls up.
enum Entry<'a> {
    Object(&'a Meta),
    Prefix(&'a str),
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Object(meta) => &meta.key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

pub(super) fn objects(objects: &Objects, named: &Named) -> Result<Answer, S3Error> {
    let text = |name: &str| named.parameter(name).filter(|value| !value.is_empty());
    let invalid = |what: &str| S3Error::bad("InvalidArgument", what);
    let prefix = text("prefix").unwrap_or_default();
    let delimiter = text("delimiter");
    let limit = match text("max-keys") {
        None => MOST,
        Some(number) => number.parse::<usize>().map_err(|_| invalid("max-keys is not a number"))?.min(MOST),
    };
    let after = match text("continuation-token") {
        Some(token) => {
            let bytes = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| invalid("The continuation token provided is incorrect"))?
        }
        None => text("start-after").unwrap_or_default().to_owned(),
    };
    let as_url = match text("encoding-type") {
        None => false,
        Some("url") => true,
        Some(_) => return Err(invalid("Invalid Encoding Method specified in Request")),
    };
    let found = objects.under(&named.bucket, prefix).ok_or_else(S3Error::no_such_bucket)?;
    let (page, truncated) = page(&found, prefix, delimiter, &after, limit);

    let shown = |name: &str| escaped(&if as_url { encoded(name) } else { name.into() });
    let mut body = format!(
        "<Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{limit}</MaxKeys><IsTruncated>{truncated}</IsTruncated>",
        named.bucket,
        shown(prefix),
        page.len()
    );
    if let Some(delimiter) = delimiter {
        body.push_str(&format!("<Delimiter>{}</Delimiter>", shown(delimiter)));
    }
    if as_url {
        body.push_str("<EncodingType>url</EncodingType>");
    }
    if let Some(last) = page.last().filter(|_| truncated) {
        let token = hex::encode(last.name());
        body.push_str(&format!("<NextContinuationToken>{token}</NextContinuationToken>"));
    }
    for entry in &page {
        body.push_str(&match entry {
            Entry::Object(meta) => format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size>\
                 <StorageClass>STANDARD</StorageClass></Contents>",
                shown(&meta.key),
                iso(meta.modified_ms),
                meta.etag,
                meta.size
            ),
            Entry::Prefix(prefix) => {
                format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", shown(prefix))
            }
        });
    }
    Ok(xml(StatusCode::OK, &format!("<ListBucketResult {NAMESPACE}>{body}</ListBucketResult>")))
}

/// One page of what is `found`, and whether there is more.
fn page<'a>(
    found: &'a [Meta],
    prefix: &str,
    delimiter: Option<&str>,
    after: &str,
    limit: usize,
) -> (Vec<Entry<'a>>, bool) {
    let mut page: Vec<Entry<'a>> = Vec::new();
    for meta in found {
        let rest = meta.key.get(prefix.len()..).unwrap_or_default();
        let end = delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
        let rolled = end.and_then(|end| meta.key.get(..prefix.len() + end));
        let entry = rolled.map_or(Entry::Object(meta), Entry::Prefix);
        let repeated = page.last().is_some_and(|last| last.name() == entry.name());
        if entry.name() <= after || repeated {
            continue;
        }
        if page.len() == limit {
            return (page, true);
        }
        page.push(entry);
    }
    (page, false)
}

/// `2026-01-01T00:00:00.000Z`
fn iso(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(keys: &[&str], prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
        let found: Vec<Meta> = keys
            .iter()
            .filter(|key| key.starts_with(prefix))
            .map(|key| Meta {
                key: (*key).to_owned(),
                size: 0,
                etag: String::new(),
                modified_ms: 0,
                sha256: None,
                headers: [].into(),
            })
            .collect();
        let (page, more) = page(&found, prefix, Some("/"), after, limit);
        (page.iter().map(|entry| entry.name().to_owned()).collect(), more)
    }

    #[test]
    fn a_delimiter_rolls_up_what_is_below_and_pages_go_on_after_it() {
        let keys = ["in/a/1", "in/a/2", "in/b", "in/c/1", "out/x"];
        assert_eq!(listed(&keys, "", "", 10), (vec!["in/".to_owned(), "out/".to_owned()], false));
        assert_eq!(listed(&keys, "in/", "", 2), (vec!["in/a/".to_owned(), "in/b".to_owned()], true));
        assert_eq!(listed(&keys, "in/", "in/b", 2), (vec!["in/c/".to_owned()], false));
        assert_eq!(listed(&keys, "in/", "in/a/", 1), (vec!["in/b".to_owned()], true));
    }

    #[test]
    fn times_have_milliseconds() {
        assert_eq!(iso(1_440_938_160_007), "2015-08-30T12:36:00.007Z");
    }
}
