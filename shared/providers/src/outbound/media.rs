//! Files at the providers: upload, look-up, download (providers.md 2.3 and 3).
//!
//! UltraMsg gives and takes files by address only, so there it is a download or nothing.

use super::cloud_api::{Host, call, of_media, of_number};
use super::failures::plain;
use super::{Sender, refusal};
use bytes::Bytes;
use domain::address::is_private_host;
use domain::failure::{Failure, FailureClass};
use domain::provider::Provider;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::Value;
use std::fmt;

/// Meta's file hosts refuse some callers that do not name themselves.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("hadar/", env!("CARGO_PKG_VERSION")));

/// Where a file can be fetched for the next five minutes, and what it is.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaLink {
    /// Its address: absolute at Meta, a path and query under the provider's root at 360dialog.
    pub url: String,
    /// Its type, as the sender's app reported it.
    pub mime_type: Option<String>,
    /// Its SHA-256: hexadecimal here, base64 in webhooks.
    pub sha256: Option<String>,
    /// Its size in bytes.
    pub file_size: Option<u64>,
}

impl fmt::Debug for MediaLink {
    /// The address opens the file to whoever has the token, so it stays out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaLink")
            .field("mime_type", &self.mime_type)
            .field("file_size", &self.file_size)
            .finish_non_exhaustive()
    }
}

/// The request that uploads a file, as multipart with the given boundary. `None` where the provider takes no uploads,
/// and for a type, boundary or number's id that no request can hold; a boundary that occurs in the file is one.
#[must_use]
pub fn upload_request(
    sender: &Sender<'_>,
    mime: &str,
    filename: &str,
    bytes: &[u8],
    boundary: &str,
) -> Option<Request<Bytes>> {
    let (host, line) = (Host::of(sender.provider)?, sender.line());
    let path = of_number(host, &line, "media")?;
    let plain_boundary = (8..=70).contains(&boundary.len())
        && boundary.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let plain_mime = mime.contains('/') && mime.bytes().all(|b| matches!(b, b' '..=b'~'));
    let cut = bytes.windows(boundary.len().max(1)).any(|part| part == boundary.as_bytes());
    if !plain_boundary || !plain_mime || cut {
        return None;
    }
    // A name is a label: what would end the quotation or the line is replaced.
    let label: String = filename
        .chars()
        .map(|c| if c.is_control() || matches!(c, '"' | '\\' | '/') { '_' } else { c })
        .collect();
    let label = if label.is_empty() { "file" } else { label.as_str() };
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n{mime}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{label}\"\r\n\
         Content-Type: {mime}\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = Bytes::from([head.as_bytes(), bytes, tail.as_bytes()].concat());
    let mut request = call(host, &line, Method::POST, &path, body)?;
    let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).ok()?;
    request.headers_mut().insert(CONTENT_TYPE, kind);
    Some(request)
}

/// The id of an uploaded file, which the provider keeps for 30 days.
///
/// # Errors
/// Why it was not taken. An upload may be tried again: at worst a file lies there that nobody names.
pub fn uploaded(provider: Provider, answer: &Response<Bytes>) -> Result<String, Failure> {
    let body = success(answer);
    // The older gateway answers with a list.
    let id = body.as_ref().and_then(|body| body.get("id").or_else(|| body.pointer("/media/0/id")));
    let id = match id {
        Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    id.ok_or_else(|| refusal(provider, answer))
}

/// The request that asks where a file is; its id is good for 7 days when it came with a webhook. `None` where files
/// have no ids, and for ids that no request can hold.
#[must_use]
pub fn media_request(sender: &Sender<'_>, media_id: &str) -> Option<Request<Bytes>> {
    let (host, line) = (Host::of(sender.provider)?, sender.line());
    call(host, &line, Method::GET, &of_media(host, &line, media_id)?, Bytes::new())
}

/// Where a file is.
///
/// # Errors
/// Why it is not told; `media_not_found` when the file is gone.
pub fn media_answer(provider: Provider, answer: &Response<Bytes>) -> Result<MediaLink, Failure> {
    let body = success(answer);
    let text = |key: &str| {
        let text = body.as_ref().and_then(|body| body.get(key)).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let Some(url) = text("url").and_then(|url| address(provider, &url)) else {
        return Err(not_found(provider, answer));
    };
    let size = body.as_ref().and_then(|body| body.get("file_size"));
    let file_size = size.and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
    Ok(MediaLink { url, mime_type: text("mime_type"), sha256: text("sha256"), file_size })
}

/// Why a file could not be fetched. A link lives for five minutes: `media_not_found` asks for a new one, once.
#[must_use]
pub fn download_refusal(provider: Provider, answer: &Response<Bytes>) -> Failure {
    not_found(provider, answer)
}

/// The request for a file's bytes, with the credential its host wants. An address that starts with `/` is under the
/// provider's root. `None` for addresses that a credential must not go to: neither `https` nor this machine; UltraMsg's
/// addresses come from outside, so this machine and private networks are none of them.
#[must_use]
pub fn download_request(sender: &Sender<'_>, url: &str) -> Option<Request<Bytes>> {
    let uri = url.parse::<Uri>().ok()?;
    let local = uri.host().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
    let reachable = match (uri.scheme_str(), uri.host()) {
        // `//host/path` would name another host to whoever joins it with the root.
        (None, None) => url.starts_with('/') && !url.starts_with("//"),
        (Some("https"), Some(host)) => {
            sender.provider == Provider::Meta || !is_private_host(host.trim_matches(['[', ']']))
        }
        (Some("http"), Some(_)) => local && sender.provider == Provider::Meta,
        _ => false,
    };
    if !reachable {
        return None;
    }
    let line = sender.line();
    let mut request = match sender.provider {
        Provider::Meta => call(Host::Meta, &line, Method::GET, url, Bytes::new())?,
        // The key opens the number: it goes to 360dialog's own host and nowhere else.
        Provider::Dialog360 if uri.host().is_none() => {
            call(Host::Dialog360, &line, Method::GET, url, Bytes::new())?
        }
        Provider::Ultramsg => {
            let mut request = Request::new(Bytes::new());
            *request.uri_mut() = uri;
            request
        }
        Provider::Dialog360 | Provider::Sandbox => return None,
    };
    request.headers_mut().insert(USER_AGENT, AGENT);
    Some(request)
}

fn success(answer: &Response<Bytes>) -> Option<Value> {
    answer.status().is_success().then(|| serde_json::from_slice(answer.body()).ok())?
}

/// Meta's address as given; at 360dialog its path and query, for the file lies behind their host, not behind
/// `lookaside.fbsbx.com`, which would refuse the key.
fn address(provider: Provider, url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    match provider {
        Provider::Dialog360 => Some(uri.path_and_query()?.as_str().to_owned()),
        Provider::Meta | Provider::Ultramsg | Provider::Sandbox => Some(url.to_owned()),
    }
}

fn not_found(provider: Provider, answer: &Response<Bytes>) -> Failure {
    let failure = refusal(provider, answer);
    if answer.status() != StatusCode::NOT_FOUND {
        return failure;
    }
    let message =
        "The file is no longer there: WhatsApp keeps what customers send for 7 days and an upload for 30.";
    let gone = plain("media_not_found", FailureClass::Permanent, message, failure.provider_message);
    Failure { provider_code: failure.provider_code, ..gone }
}
