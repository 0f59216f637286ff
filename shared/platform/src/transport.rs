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
use domain::provider::Provider;
use futures_util::StreamExt as _;
use http::{Request, Response};
use reqwest::redirect::Policy;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(10);
/// The most of an answer to an API call that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Speaks HTTP with the providers. Clones share nothing but configuration.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
    /// Connects to public addresses only.
    public: reqwest::Client,
    roots: ProviderRoots,
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
                .timeout(TOTAL)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .pool_max_idle_per_host(0)
                .user_agent(concat!("hadar/", env!("CARGO_PKG_VERSION")))
        };
        let http = builder().build().map_err(|error| error.to_string())?;
        let public = builder().dns_resolver(PublicOnly).build().map_err(|error| error.to_string())?;
        Ok(Self { http, public, roots: config.providers.clone() })
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
        exchange(&self.http, &url, request, limit).await
    }

    /// The path and query of an absolute URL under a provider's configured root, for [`Transport::call_for`]; `None` for
    /// every other URL.
    #[must_use]
    pub fn under_root<'u>(&self, provider: Provider, url: &'u str) -> Option<&'u str> {
        url.strip_prefix(self.roots.of(provider)?).filter(|rest| rest.starts_with('/'))
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
