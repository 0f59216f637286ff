//! Takes customer webhooks to their receivers: public addresses only, each resolved once for each attempt and the
//! resolved address connected to, no redirect, no proxy, no kept connection; 3 s to connect, 15 s in all (T16, T17).

use crate::config::Config;
use crate::public_url::{NotPublic, PublicUrl, checked};
use crate::tls;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
const IN_ALL: Duration = Duration::from_secs(15);
/// The longest address of a receiver, in bytes.
const LONGEST: usize = 2_048;
/// The most of an answer that is read, in bytes.
const READ_LIMIT: usize = 16 * 1024;
/// The most of an answer that is kept, in characters.
const EXCERPT: usize = 1_024;
/// How the machine itself may be named where that is allowed, and no other way.
const ITSELF: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The address of a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiverUrl(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Public(PublicUrl),
    /// This machine, where that is allowed.
    Itself(Url),
}

/// Why an address cannot be a receiver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAReceiver {
    /// It is too long.
    #[error("it must have at most {LONGEST} characters")]
    TooLong,
    /// Blanks, control characters, backslashes: parsers disagree on what such an address means.
    #[error("it must not contain blanks, control characters or backslashes")]
    Ambiguous,
    /// A fragment, which is never sent.
    #[error("it must not contain a fragment (`#`)")]
    WithFragment,
    /// It does not lie on the public internet as such an address must.
    #[error(transparent)]
    NotPublic(#[from] NotPublic),
}

impl fmt::Debug for ReceiverUrl {
    /// The path may hold a token; the host is enough to know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Public(url) => url.fmt(f),
            Place::Itself(url) => write!(f, "Itself({})", url.authority()),
        }
    }
}

impl ReceiverUrl {
    /// Reads an address; with `allow_loopback` also one of this machine, over http and on any port.
    ///
    /// # Errors
    /// Why it cannot be a receiver's.
    pub fn parse(text: &str, allow_loopback: bool) -> Result<Self, NotAReceiver> {
        if text.len() > LONGEST {
            return Err(NotAReceiver::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(NotAReceiver::Ambiguous);
        }
        if text.contains('#') {
            return Err(NotAReceiver::WithFragment);
        }
        if allow_loopback && let Some(url) = itself(text) {
            return Ok(Self(Place::Itself(url)));
        }
        Ok(Self(Place::Public(PublicUrl::parse(text)?)))
    }
}

/// An address of this machine by one of its plain names.
fn itself(text: &str) -> Option<Url> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?']).next()?;
    let named = ITSELF.iter().any(|name| {
        authority.strip_prefix(name).is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
        })
    });
    named.then(|| Url::parse(text).ok()).flatten()
}

/// Finds the addresses of a name; the courier checks what it finds.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The addresses of a name, public or not.
    fn find(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn find(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Gives public addresses only: what it gives is what is connected to, so a name that changes its mind in between
/// gains nothing.
struct CheckedLookup(Arc<dyn Lookup>);

impl Resolve for CheckedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.find(name.as_str());
        Box::pin(async move { Ok(Box::new(checked(found.await?)?.into_iter()) as Addrs) })
    }
}

/// This machine, whatever the name.
struct OnlyItself;

impl Resolve for OnlyItself {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: [SocketAddr; 2] =
            [(Ipv4Addr::LOCALHOST, 0u16).into(), (Ipv6Addr::LOCALHOST, 0u16).into()];
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

/// Speaks HTTP with receivers. Clones share nothing but configuration.
#[derive(Debug, Clone)]
pub struct Courier {
    public: reqwest::Client,
    /// Connects to this machine only.
    itself: reqwest::Client,
    /// Connects wherever the deployment's own configuration says.
    own: reqwest::Client,
    allow_loopback: bool,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, when it is a number of seconds.
    pub retry_after_s: Option<u64>,
    /// The beginning of the body, without control characters; absent when there is none.
    pub excerpt: Option<String>,
}

/// No answer came; in words that an admin may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// How an answer that is too long is said to be.
const TOO_LONG: &str = "the answer is longer than";

impl NoAnswer {
    /// Whether an answer came, and was too long.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.0.starts_with(TOO_LONG)
    }
}

impl Courier {
    /// Prepares the clients; no I/O.
    ///
    /// # Errors
    /// A CA bundle that cannot be used, in words for the log.
    pub fn new(config: &Config) -> Result<Self, String> {
        Self::with_lookup(config, Arc::new(SystemLookup))
    }

    /// As [`Courier::new`], with names looked up elsewhere than in the system.
    ///
    /// # Errors
    /// As [`Courier::new`].
    pub fn with_lookup(config: &Config, lookup: Arc<dyn Lookup>) -> Result<Self, String> {
        let tls = tls::client(config.aws.ca_bundle.as_deref())?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(CONNECT)
                .timeout(IN_ALL)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .pool_max_idle_per_host(0)
                .user_agent("Hadar-Webhooks/1")
        };
        let public = builder().dns_resolver(CheckedLookup(lookup)).build();
        let itself = builder().dns_resolver(OnlyItself).build();
        let own = builder().build();
        Ok(Self {
            public: public.map_err(|error| error.to_string())?,
            itself: itself.map_err(|error| error.to_string())?,
            own: own.map_err(|error| error.to_string())?,
            allow_loopback: config.allow_loopback_endpoints,
        })
    }

    /// Whether receivers on this machine are allowed.
    #[must_use]
    pub const fn allows_loopback(&self) -> bool {
        self.allow_loopback
    }

    /// Makes one call of an API under a root that the tenant gave: the request's URI is a path and query under it. The
    /// address is checked anew with every call; at most `limit` bytes of the answer are read.
    ///
    /// # Errors
    /// No answer came, or a longer one.
    pub async fn call(
        &self,
        root: &str,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, NoAnswer> {
        self.call_within(root, request, limit, IN_ALL).await
    }

    /// As [`Courier::call`], in less time.
    ///
    /// # Errors
    /// As [`Courier::call`].
    pub async fn call_within(
        &self,
        root: &str,
        request: Request<Bytes>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let url = ReceiverUrl::parse(&format!("{root}{}", request.uri()), self.allow_loopback)
            .map_err(|error| NoAnswer(format!("the address is not allowed: {error}")))?;
        let (client, url) = match &url.0 {
            Place::Public(url) => (&self.public, url.as_str()),
            Place::Itself(url) => (&self.itself, url.as_str()),
        };
        exchange(client, url, request, limit, timeout).await
    }

    /// As [`Courier::call`], under a root that the deployment's own configuration gives, wherever that is.
    ///
    /// # Errors
    /// As [`Courier::call`].
    pub async fn call_own(
        &self,
        root: &str,
        request: Request<Bytes>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let url = format!("{root}{}", request.uri());
        exchange(&self.own, &url, request, limit, timeout).await
    }

    /// Posts a body; the address is checked anew with every call.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, NoAnswer> {
        let url = ReceiverUrl::parse(url, self.allow_loopback)
            .map_err(|error| NoAnswer(format!("the address is not allowed: {error}")))?;
        let request = match &url.0 {
            Place::Public(url) => self.public.post(url.as_str()),
            Place::Itself(url) => self.itself.post(url.as_str()),
        };
        let answer = request.headers(headers).body(body).send().await.map_err(|error| said(&error))?;
        let status = answer.status().as_u16();
        let retry_after_s = answer.headers().get(http::header::RETRY_AFTER);
        let retry_after_s = retry_after_s.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut read = Vec::new();
        let mut chunks = answer.bytes_stream();
        // The status decides; a body that is cut off, slow or endless changes nothing.
        while let Some(Ok(chunk)) = chunks.next().await {
            read.extend(chunk.iter().take(READ_LIMIT - read.len()));
            if read.len() >= READ_LIMIT {
                break;
            }
        }
        Ok(Answer { status, retry_after_s, excerpt: excerpt(&read) })
    }
}

async fn exchange(
    client: &reqwest::Client,
    url: &str,
    request: Request<Bytes>,
    limit: usize,
    timeout: Duration,
) -> Result<Response<Bytes>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, url).headers(parts.headers).timeout(timeout).body(body);
    let answer = request.send().await.map_err(|error| said(&error))?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    let mut read = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| said(&error))?;
        if read.len() + chunk.len() > limit {
            return Err(NoAnswer(format!("{TOO_LONG} {limit} bytes")));
        }
        read.extend_from_slice(&chunk);
    }
    *response.body_mut() = read.into();
    Ok(response)
}

fn excerpt(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = text.chars().filter(|c| !c.is_control() || *c == '\n').take(EXCERPT);
    Some(plain.collect::<String>()).filter(|text| !text.is_empty())
}

/// Why there is no answer, without the address and without what the system says about networks inside.
fn said(error: &reqwest::Error) -> NoAnswer {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(not_public) = inner.downcast_ref::<NotPublic>() {
            return NoAnswer(format!("the address is not allowed: {not_public}"));
        }
        cause = inner.source();
    }
    let text = if error.is_timeout() && error.is_connect() {
        "no connection within 3 seconds"
    } else if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection: the name, the port or the certificate is not as it should be"
    } else {
        "the connection ended before an answer came"
    };
    NoAnswer(text.to_owned())
}

#[cfg(test)]
mod tests;
