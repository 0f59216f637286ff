//! What a request is about: the operation, the bucket and the key, read from method, path and query.

use std::borrow::Cow;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::answer::S3Error;

/// The longest a presigned URL may be valid: seven days.
const LONGEST_S: i64 = 604_800;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    ListObjectsV2,
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
}

/// An operation and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(super) operation: Operation,
    pub(super) bucket: String,
    pub(super) key: String,
    query: Vec<(String, String)>,
    pub(super) presigned: bool,
}

/// Whether a request is signed for S3, in a header or in its query.
pub(crate) fn is_meant(parts: &Parts) -> bool {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let query = parts.uri.query().unwrap_or_default();
    header.is_some_and(|text| text.contains("/s3/aws4_request"))
        || query.contains("%2Fs3%2Faws4_request")
        || query.contains("/s3/aws4_request")
}

impl Named {
    pub(super) fn read(parts: &Parts, now_ms: i64) -> Result<Self, S3Error> {
        let unreadable = || S3Error::bad("InvalidURI", "Couldn't parse the specified URI.");
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key) = (decoded(bucket).ok_or_else(unreadable)?, decoded(key).ok_or_else(unreadable)?);
        let mut query = Vec::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |text: &str| decoded(&text.replace('+', " ")).ok_or_else(unreadable);
            query.push((text(name)?, text(value)?));
        }
        let operation = operation(&parts.method, &bucket, &key, &query)
            .ok_or_else(|| S3Error::not_implemented(&format!("S3 {} {}", parts.method, parts.uri.path())))?;
        let presigned = !parts.headers.contains_key(AUTHORIZATION);
        let named = Self { operation, bucket, key, query, presigned };
        named.only_what_is_known(&parts.headers)?;
        if presigned {
            named.still_valid(now_ms)?;
        }
        if !named.bucket.is_empty() && !is_bucket_name(&named.bucket) {
            return Err(S3Error::bad("InvalidBucketName", "The specified bucket is not valid."));
        }
        if named.key.len() > 1024 {
            return Err(S3Error::bad("KeyTooLongError", "Your key is too long"));
        }
        Ok(named)
    }

    /// The operation's name.
    pub(crate) const fn operation(&self) -> &'static str {
        match self.operation {
            Operation::ListBuckets => "ListBuckets",
            Operation::CreateBucket => "CreateBucket",
            Operation::HeadBucket => "HeadBucket",
            Operation::ListObjectsV2 => "ListObjectsV2",
            Operation::PutObject => "PutObject",
            Operation::GetObject => "GetObject",
            Operation::HeadObject => "HeadObject",
            Operation::DeleteObject => "DeleteObject",
        }
    }

    /// The bucket, for the fault rules.
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A sub-resource or a header that asks for more than is done here must not be passed over.
    fn only_what_is_known(&self, headers: &HeaderMap) -> Result<(), S3Error> {
        let own: &[&str] = match self.operation {
            Operation::ListObjectsV2 => &[
                "list-type",
                "prefix",
                "delimiter",
                "max-keys",
                "continuation-token",
                "start-after",
                "encoding-type",
                "fetch-owner",
            ],
            Operation::GetObject | Operation::HeadObject => &[
                "response-content-type",
                "response-content-disposition",
                "response-cache-control",
                "response-content-language",
                "response-content-encoding",
                "response-expires",
            ],
            Operation::ListBuckets
            | Operation::CreateBucket
            | Operation::HeadBucket
            | Operation::PutObject
            | Operation::DeleteObject => &[],
        };
        let foreign = self.query.iter().map(|(name, _)| name.as_str()).find(|name| {
            !own.contains(name) && *name != "x-id" && !name.to_ascii_lowercase().starts_with("x-amz-")
        });
        if let Some(name) = foreign {
            return Err(S3Error::not_implemented(&format!("S3 {} with ?{name}", self.operation())));
        }
        let refused = ["x-amz-copy-source", "x-amz-acl", "x-amz-tagging", "x-amz-write-offset-bytes"];
        let conditional = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
        let only_new = |name: &str| {
            let any = headers.get(name).is_some_and(|value| value == "*");
            self.operation == Operation::PutObject && name == "if-none-match" && any
        };
        let begun = ["x-amz-grant-", "x-amz-object-lock-", "x-amz-server-side-encryption-customer-"];
        let header = headers.keys().map(http::HeaderName::as_str).find(|name| {
            refused.contains(name)
                || (conditional.contains(name) && !only_new(name))
                || begun.iter().any(|prefix| name.starts_with(prefix))
        });
        match header {
            Some(name) => Err(S3Error::not_implemented(&format!("S3 {} with {name}", self.operation()))),
            None => Ok(()),
        }
    }

    /// The dates of a presigned URL; its signature is not verified.
    fn still_valid(&self, now_ms: i64) -> Result<(), S3Error> {
        let malformed = |what: &str| S3Error::bad("AuthorizationQueryParametersError", what);
        let signed = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature"];
        if signed.iter().any(|name| self.parameter(name).is_none_or(str::is_empty)) {
            return Err(malformed("Query-string authentication needs all of its parameters."));
        }
        let begun = self.parameter("X-Amz-Date").and_then(signed_at_s);
        let begun = begun.ok_or_else(|| malformed("X-Amz-Date must be in the ISO8601 Long Format"))?;
        let valid = self.parameter("X-Amz-Expires").and_then(|text| text.parse::<i64>().ok());
        let valid = valid.filter(|valid| (1..=LONGEST_S).contains(valid));
        let valid = valid.ok_or_else(|| malformed("X-Amz-Expires must be between 1 and 604800"))?;
        if now_ms.div_euclid(1000) >= begun.saturating_add(valid) {
            return Err(S3Error::denied("Request has expired"));
        }
        Ok(())
    }
}

fn operation(method: &Method, bucket: &str, key: &str, query: &[(String, String)]) -> Option<Operation> {
    let has = |name: &str, value: &str| query.iter().any(|(given, is)| given == name && is == value);
    match (method, bucket.is_empty(), key.is_empty()) {
        (&Method::GET, true, _) => Some(Operation::ListBuckets),
        (&Method::PUT, false, true) => Some(Operation::CreateBucket),
        (&Method::HEAD, false, true) => Some(Operation::HeadBucket),
        (&Method::GET, false, true) if has("list-type", "2") => Some(Operation::ListObjectsV2),
        (&Method::PUT, false, false) => Some(Operation::PutObject),
        (&Method::GET, false, false) => Some(Operation::GetObject),
        (&Method::HEAD, false, false) => Some(Operation::HeadObject),
        (&Method::DELETE, false, false) => Some(Operation::DeleteObject),
        (_, _, _) => None,
    }
}

/// The Unix seconds of `20150830T123600Z`.
fn signed_at_s(text: &str) -> Option<i64> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Bucket names are also names of folders here: nothing that a path could be.
fn is_bucket_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(end)
        && name.ends_with(end)
        && !name.contains("..")
}

/// Percent-decoded, once; `None` for what is not UTF-8 or not encoded properly.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
        out.push(high << 4 | low);
    }
    String::from_utf8(out).ok()
}

/// Percent-encoded, for listings that ask for it.
pub(super) fn encoded(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Cow::Owned(text.bytes().map(encode).collect())
}

/// The status of a bucket that is there already.
pub(super) const CONFLICT: StatusCode = StatusCode::CONFLICT;

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn read(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Named, S3Error> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Named::read(&request.body(()).unwrap().into_parts().0, 1_440_938_160_000)
    }

    const SIGNED: (&str, &str) = ("authorization", "AWS4-HMAC-SHA256 Credential=x/y/z/s3/aws4_request");

    #[test]
    fn the_operation_follows_from_method_path_and_query() {
        for (method, uri, expected) in [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/media", "CreateBucket"),
            ("HEAD", "/media", "HeadBucket"),
            ("GET", "/media?list-type=2&prefix=in%2F", "ListObjectsV2"),
            ("PUT", "/media/in/a%20b", "PutObject"),
            ("GET", "/media/in/a?x-id=GetObject", "GetObject"),
            ("HEAD", "/media/a", "HeadObject"),
            ("DELETE", "/media/a", "DeleteObject"),
        ] {
            let named = read(method, uri, &[SIGNED]).unwrap();
            assert_eq!(named.operation(), expected, "{method} {uri}");
        }
        assert_eq!(read("PUT", "/media/in/a%20b%2Fc", &[SIGNED]).unwrap().key, "in/a b/c");
    }

    #[test]
    fn what_would_mean_more_is_refused() {
        for (method, uri, header) in [
            ("GET", "/media", None),
            ("GET", "/media/a?acl", None),
            ("POST", "/media/a?uploads", None),
            ("PUT", "/media/a?partNumber=1&uploadId=x", None),
            ("DELETE", "/media", None),
            ("PUT", "/media/a", Some(("x-amz-copy-source", "/media/b"))),
            ("PUT", "/media/a", Some(("if-none-match", "\"d718f4d374abcade9c50585aeee2f713\""))),
            ("PUT", "/media/a", Some(("if-match", "*"))),
            ("GET", "/media/a", Some(("if-none-match", "*"))),
        ] {
            let headers: Vec<_> = [SIGNED].into_iter().chain(header).collect();
            assert_eq!(read(method, uri, &headers).unwrap_err().code, "NotImplemented", "{method} {uri}");
        }
        assert!(read("PUT", "/media/a", &[SIGNED, ("if-none-match", "*")]).is_ok());
    }

    #[test]
    fn names_that_could_be_paths_are_no_buckets() {
        for name in ["..", "a..b", ".media", "me", "Media", "a%2Fb", "%2e%2e%2e", "media-", "a_b_c"] {
            let error = read("PUT", &format!("/{name}/k"), &[SIGNED]).unwrap_err();
            assert_eq!(error.code, "InvalidBucketName", "{name}");
        }
        assert_eq!(read("GET", "/media/%ff", &[SIGNED]).unwrap_err().code, "InvalidURI");
    }

    #[test]
    fn a_presigned_address_ends_with_its_time() {
        let uri = |expires: &str| {
            format!(
                "/media/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2Fs3%2Faws4_request&\
                 X-Amz-Date=20150830T123500Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=x"
            )
        };
        assert!(read("GET", &uri("61"), &[]).is_ok());
        assert_eq!(read("GET", &uri("60"), &[]).unwrap_err().code, "AccessDenied");
        for odd in ["", "0", "604801", "-1"] {
            assert_eq!(read("GET", &uri(odd), &[]).unwrap_err().code, "AuthorizationQueryParametersError");
        }
    }
}
