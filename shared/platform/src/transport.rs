//! Calls to the providers: 3 s to connect, 10 s in all, no retry, no redirect, no proxy, no kept connection, the
//! answer capped.
//!
//! A connection that rested may be closed by the peer while we write: whether the request was taken would then be
//! open. A send is worth a handshake, so every call opens its own connection (docs/adr/0007).

use crate::config::{Config, ProviderRoots};
use crate::public_url::PublicOnly;
pub use crate::public_url::{NotPublic, PublicUrl};
use crate::tls;
use bytes::{Bytes, BytesMut};
use domain::availability::Calls;
use domain::lead::FeedKind;
use domain::provider::Provider;
use futures_util::StreamExt as _;
use http::{Request, Response};
use reqwest::Url;
use reqwest::redirect::Policy;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
/// The most of an answer to an API call that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Speaks HTTP with the providers. Clones share configuration, and how the calls ended.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
    /// Connects to public addresses only.
    public: reqwest::Client,
    roots: ProviderRoots,
    seen: Arc<Mutex<Seen>>,
}

/// The calls of each provider since somebody asked.
#[derive(Debug, Default)]
struct Seen {
    meta: Calls,
    dialog360: Calls,
    ultramsg: Calls,
}

impl Seen {
    const fn of(&mut self, provider: Provider) -> Option<&mut Calls> {
        match provider {
            Provider::Meta => Some(&mut self.meta),
            Provider::Dialog360 => Some(&mut self.dialog360),
            Provider::Ultramsg => Some(&mut self.ultramsg),
            Provider::Sandbox => None,
        }
    }
}

/// A call did not end in an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing was sent: no address, no connection, no TLS. The call may be made again.
    #[error("the provider could not be reached: {0}")]
    NotSent(String),
    /// The request was sent, at least in part, and whether it was taken is open.
    #[error("the provider did not answer as HTTP demands: {0}")]
    Unknown(String),
}

impl Transport {
    /// Prepares the client; no I/O.
    ///
    /// # Errors
    /// A CA bundle that cannot be used, in words for the log.
    pub fn new(config: &Config) -> Result<Self, String> {
        let tls = tls::client(config.aws.ca_bundle.as_deref())?;
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(CONNECT)
                .timeout(config.provider_timeout)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .pool_max_idle_per_host(0)
                .user_agent(format!("hadar/{}", config.function))
        };
        let http = builder().build().map_err(|error| error.to_string())?;
        let public = builder().dns_resolver(PublicOnly).build().map_err(|error| error.to_string())?;
        Ok(Self { http, public, roots: config.providers.clone(), seen: Arc::default() })
    }

    /// Makes one call of a provider's API: the request's URI is a path and query under the provider's root.
    ///
    /// # Errors
    /// [`CallError`]; also for the sandbox, which nobody can call.
    pub async fn call(
        &self,
        provider: Provider,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        self.call_for(provider, request, ANSWER_LIMIT).await
    }

    /// Makes one call of a provider's API whose answer may be a long list; reads at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Transport::call`]; a longer answer is [`CallError::Unknown`].
    pub async fn call_for(
        &self,
        provider: Provider,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, CallError> {
        let root =
            self.roots.of(provider).ok_or_else(|| CallError::NotSent("no such provider".to_owned()))?;
        let url = format!("{root}{}", request.uri());
        let answer = exchange(&self.http, &url, request, limit).await;
        let failed = answer.as_ref().map_or(true, |answer| answer.status().is_server_error());
        if let Some(calls) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).of(provider) {
            *calls = calls.plus(Calls { made: 1, failed: u32::from(failed) });
        }
        answer
    }

    /// How the API calls of a provider ended since this was last asked.
    #[must_use]
    pub fn seen(&self, provider: Provider) -> Calls {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.of(provider).map(std::mem::take).unwrap_or_default()
    }

    /// Asks a portal for leads: the request's URI is a path and query under its root; reads at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Transport::call_for`]; [`CallError::NotSent`] also for a source that is not asked.
    pub async fn ask_portal(
        &self,
        kind: FeedKind,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, CallError> {
        let root = self.roots.of_portal(kind);
        let root = root.ok_or_else(|| CallError::NotSent("this source is not asked".to_owned()))?;
        let url = format!("{root}{}", request.uri());
        exchange(&self.http, &url, request, limit).await
    }

    /// Whether a URL lies at the scheme, host and port of a provider's root: at the provider itself, wherever
    /// configuration says that it is.
    #[must_use]
    pub fn is_at_root(&self, provider: Provider, url: &str) -> bool {
        let Some(root) = self.roots.of(provider).and_then(|root| Url::parse(root).ok()) else { return false };
        Url::parse(url).is_ok_and(|url| {
            url.has_host()
                && url.origin() == root.origin()
                && url.username().is_empty()
                && url.password().is_none()
        })
    }

    /// Makes one call to a URL at a provider's root, such as a file's; reads at most `limit` bytes.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::NotSent`] also for a URL that lies elsewhere; a longer answer is
    /// [`CallError::Unknown`].
    pub async fn fetch_at_root(
        &self,
        provider: Provider,
        url: &str,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, CallError> {
        if !self.is_at_root(provider, url) {
            return Err(CallError::NotSent("the address is not the provider's".to_owned()));
        }
        exchange(&self.http, url, request, limit).await
    }

    /// Makes one call to a public URL, such as one that a provider or a caller gave for a file; reads at most `limit`
    /// bytes.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::NotSent`] also when its host resolves to an address that is not public; a longer answer
    /// is [`CallError::Unknown`].
    pub async fn fetch(
        &self,
        url: &PublicUrl,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, CallError> {
        exchange(&self.public, url.as_str(), request, limit).await
    }
}

async fn exchange(
    http: &reqwest::Client,
    url: &str,
    request: Request<Bytes>,
    limit: usize,
) -> Result<Response<Bytes>, CallError> {
    let (parts, body) = request.into_parts();
    let sent = http.request(parts.method, url).headers(parts.headers).body(body).send().await;
    // The URL may hold a token: it stays out of every text.
    let answer = sent.map_err(|error| failed(error.without_url()))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut read = BytesMut::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| failed(error.without_url()))?;
        if read.len() + chunk.len() > limit {
            return Err(CallError::Unknown(format!("the answer is longer than {limit} bytes")));
        }
        read.extend_from_slice(&chunk);
    }
    let mut response = Response::new(read.freeze());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn failed(error: reqwest::Error) -> CallError {
    let said = crate::telemetry::chain(&error);
    // A builder error never left; a connect error means that DNS, TCP or TLS did not come about.
    if error.is_connect() || error.is_builder() { CallError::NotSent(said) } else { CallError::Unknown(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_own_address_is_told_by_scheme_host_and_port() {
        let config = Config::from_lookup(|name| match name {
            "HADAR_ULTRAMSG_URL" => Some("http://127.0.0.1:8787/_sim/ultramsg".to_owned()),
            "HADAR_SINGLE_TENANT_ID"
            | "HADAR_META_URL"
            | "HADAR_DIALOG360_URL"
            | "HADAR_PROVIDER_TIMEOUT_MS"
            | "HADAR_PUBLIC_URL"
            | "HADAR_DIALOG360_PROBE_PATH"
            | "AWS_CA_BUNDLE" => None,
            _ => Some("x".to_owned()),
        });
        let transport = Transport::new(&config.unwrap()).unwrap();
        for (provider, url, own) in [
            (Provider::Ultramsg, "http://127.0.0.1:8787/_sim/files/1?hash=2", true),
            (Provider::Ultramsg, "http://127.0.0.1:8788/_sim/files/1", false),
            (Provider::Ultramsg, "https://127.0.0.1:8787/_sim/files/1", false),
            (Provider::Ultramsg, "http://u@127.0.0.1:8787/", false),
            (Provider::Ultramsg, "http://127.0.0.1:8787@evil.example/", false),
            (Provider::Ultramsg, "/files/1", false),
            (Provider::Meta, "https://graph.facebook.com:443/v26.0/1", true),
            (Provider::Meta, "https://graph.facebook.com.evil.example/", false),
            (Provider::Meta, "http://127.0.0.1:8787/", false),
            (Provider::Sandbox, "https://graph.facebook.com/", false),
        ] {
            assert_eq!(transport.is_at_root(provider, url), own, "{url}");
        }
    }
}
