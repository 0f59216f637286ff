//! Connections to one endpoint: opened with TLS on ring and the bundled roots, kept, and replaced when the peer
//! closed them in the meantime, which after a thaw of the Lambda environment is the rule.

use super::error::AwsError;
use crate::tls;
use bytes::Bytes;
use http::response::Parts;
use http::uri::Scheme;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

const CONNECT: Duration = Duration::from_secs(1);
/// A connection that rested longer is not used again: the services close theirs after about a minute, and a
/// connection that a middlebox forgot costs a whole attempt.
const KEEP: Duration = Duration::from_secs(50);
const KEEP_AT_MOST: usize = 64;
/// No answer of the four services is larger.
const ANSWER_LIMIT: usize = 16 << 20;

/// Scheme, host and port, and the connections kept to it.
pub(super) struct Origin {
    host: String,
    host_header: HeaderValue,
    address: (String, u16),
    tls: Option<Tls>,
    kept: Mutex<Vec<Kept>>,
    /// Whether a connection was ever opened, or is being opened.
    begun: AtomicBool,
    /// Held while a connection is opened ahead, so that the first call waits for it instead of opening its own.
    warming: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

struct Kept {
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

impl Origin {
    /// Reads `http(s)://host[:port]`. `roots` is a PEM file of roots to trust beside the bundled ones; `beside`, an
    /// origin with the same trust, spares building it again.
    pub(super) fn new(url: &str, roots: Option<&Path>, beside: Option<&Self>) -> Result<Self, AwsError> {
        let wrong = |what: &str| AwsError::Config(format!("the endpoint {url:?} {what}"));
        let uri: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
            return Err(wrong("is more than scheme, host and port"));
        }
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("is neither http nor https")),
        };
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match (secure, beside.and_then(|beside| beside.tls.as_ref())) {
            (false, _) => None,
            (true, known) => {
                let name = ServerName::try_from(bare.clone())
                    .map_err(|_| wrong("names no host that TLS can check"))?;
                let connector = match known {
                    Some(known) => known.connector.clone(),
                    None => connector(roots)?,
                };
                Some(Tls { connector, name })
            }
        };
        let host = authority.as_str().to_owned();
        Ok(Self {
            host_header: HeaderValue::try_from(&host).map_err(|_| wrong("names no host"))?,
            address: (bare, authority.port_u16().unwrap_or(if secure { 443 } else { 80 })),
            host,
            tls,
            kept: Mutex::default(),
            begun: AtomicBool::new(false),
            warming: tokio::sync::Mutex::default(),
        })
    }

    /// As it stands in the `Host` header.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// Opens the first connection, unless a call has begun to open it.
    pub(super) async fn warm(&self) {
        let Ok(_warming) = self.warming.try_lock() else { return };
        if !self.begun.load(Ordering::Relaxed)
            && let Ok(sender) = self.open().await
        {
            self.keep(sender);
        }
    }

    /// Sends what `request` makes and reads the whole answer. When a kept connection turns out to be closed before
    /// the first byte of an answer, the request is made again on a new one: for a server that closes resting
    /// connections this is the ordinary case, not an error worth an attempt.
    pub(super) async fn exchange(
        &self,
        request: impl Fn() -> Result<Request<Full<Bytes>>, AwsError>,
    ) -> Result<(Parts, Bytes), AwsError> {
        if let Some(mut sender) = self.take().await {
            match sender.send_request(request()?).await {
                Ok(answer) => return self.read(sender, answer).await,
                Err(error) => tracing::debug!(%error, "a kept connection to {} was closed", self.host),
            }
        }
        let mut sender = self.open().await?;
        let answer = sender.send_request(request()?).await.map_err(AwsError::unreachable)?;
        self.read(sender, answer).await
    }

    async fn read(
        &self,
        sender: SendRequest<Full<Bytes>>,
        answer: http::Response<Incoming>,
    ) -> Result<(Parts, Bytes), AwsError> {
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, ANSWER_LIMIT).collect().await.map_err(AwsError::unreachable)?.to_bytes();
        self.keep(sender);
        Ok((head, body))
    }

    /// A kept connection that still looks alive. The newest first: it is the least likely to have been closed.
    async fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        if self.kept().is_empty() {
            drop(self.warming.lock().await);
        }
        loop {
            let Kept { mut sender, since } = self.kept().pop()?;
            if since.elapsed() < KEEP && !sender.is_closed() && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn keep(&self, sender: SendRequest<Full<Bytes>>) {
        let mut kept = self.kept();
        if kept.len() < KEEP_AT_MOST && !sender.is_closed() {
            kept.push(Kept { sender, since: Instant::now() });
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, AwsError> {
        self.begun.store(true, Ordering::Relaxed);
        let opened = async {
            let (host, port) = &self.address;
            let tcp = TcpStream::connect((host.as_str(), *port)).await?;
            tcp.set_nodelay(true)?;
            match &self.tls {
                None => speak(tcp).await,
                Some(tls) => speak(tls.connector.connect(tls.name.clone(), tcp).await?).await,
            }
        };
        match tokio::time::timeout(CONNECT, opened).await {
            Ok(opened) => opened.map_err(AwsError::unreachable),
            Err(late) => Err(AwsError::unreachable(late)),
        }
    }
}

/// Starts HTTP on a connection. Its task ends with the connection.
async fn speak(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, std::io::Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(std::io::Error::other)?;
    // Its errors reach whoever waits for an answer; while nobody does, they do not matter.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn connector(roots: Option<&Path>) -> Result<TlsConnector, AwsError> {
    let config = tls::client(roots).map_err(AwsError::Config)?;
    Ok(TlsConnector::from(Arc::new(config)))
}
