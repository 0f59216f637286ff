//! One thin client for the four AWS services that speak the JSON protocols: SQS, DynamoDB, KMS, Secrets Manager.
//!
//! Why not the AWS SDK: one SDK call costs 0.11 ms of CPU where this costs a fifth, and the SDK is four times the
//! size of everything else in a function (docs/adr/0002 has the table). What the SDK would give and this must
//! therefore give: signatures (`sign`, held to AWS's published vectors and to AWS's own signing crate in the tests),
//! kept connections with a reconnect (`connection`), deadlines, retries with full jitter, a correction for a wrong
//! clock, and typed errors (`error`).

mod connection;
mod error;
mod s3;
mod sign;

pub use error::AwsError;
pub(crate) use s3::S3;

use crate::clock::{Clock, SystemClock};
use crate::config::AwsConfig;
use bytes::Bytes;
use connection::Origin;
use domain::time::Millis;
use error::Again;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sign::{Signer, Stamp};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// From the first byte sent to the last byte of the answer; a connection that must be opened is part of it.
const ATTEMPT: Duration = Duration::from_secs(2);
/// All attempts of one call and the pauses between them.
const OPERATION: Duration = Duration::from_secs(5);
/// SQS holds a long poll for at most 20 seconds.
const LONG_POLL: Duration = Duration::from_secs(22);
/// The pause before attempt `n` is drawn from zero to this times `2^n`.
const BACKOFF: Duration = Duration::from_millis(50);
/// A clock is wrong when the service says so and its own time differs by more than this.
const SKEW_MS: i64 = 60_000;

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The services this client speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Simple Queue Service.
    Sqs,
    /// DynamoDB.
    DynamoDb,
    /// Key Management Service.
    Kms,
    /// Secrets Manager.
    SecretsManager,
}

impl Service {
    /// The name in the host and in the signature's scope.
    const fn name(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::DynamoDb => "dynamodb",
            Self::Kms => "kms",
            Self::SecretsManager => "secretsmanager",
        }
    }

    const fn target_prefix(self) -> &'static str {
        match self {
            Self::Sqs => "AmazonSQS.",
            Self::DynamoDb => "DynamoDB_20120810.",
            Self::Kms => "TrentService.",
            Self::SecretsManager => "secretsmanager.",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Sqs | Self::DynamoDb => "application/x-amz-json-1.0",
            Self::Kms | Self::SecretsManager => "application/x-amz-json-1.1",
        }
    }
}

/// How hard a call tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// One attempt. For the rate limiter, where a late answer is worth less than a quick no.
    Once,
    /// Up to three attempts, full jitter between them.
    Standard,
    /// One attempt that may take as long as SQS holds a long poll.
    LongPoll,
}

impl Effort {
    const fn attempts(self) -> u32 {
        match self {
            Self::Once | Self::LongPoll => 1,
            Self::Standard => 3,
        }
    }

    const fn attempt(self) -> Duration {
        match self {
            Self::Once | Self::Standard => ATTEMPT,
            Self::LongPoll => LONG_POLL,
        }
    }

    const fn operation(self) -> Duration {
        match self {
            Self::Once | Self::Standard => OPERATION,
            Self::LongPoll => LONG_POLL,
        }
    }
}

/// The client. Cheap to clone; every clone shares the connections.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    /// In the order of [`Service`]; services behind one endpoint share its connections.
    origins: [Arc<Origin>; 4],
    signer: Signer,
    user_agent: HeaderValue,
    token: Option<HeaderValue>,
    /// The services' time minus ours, in milliseconds; zero unless a service complained.
    skew_ms: AtomicI64,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("origins", &self.0.origins).finish_non_exhaustive()
    }
}

impl Aws {
    /// Makes the client. Reads `AWS_CA_BUNDLE`'s file; touches no network.
    ///
    /// # Errors
    /// An endpoint, region, credential or PEM file that cannot be used: [`AwsError::Config`].
    pub fn new(config: &AwsConfig, function: &str) -> Result<Self, AwsError> {
        let visible = |name: &str, value: &str| {
            HeaderValue::from_str(value)
                .map_err(|_| AwsError::Config(format!("{name} is not fit for a header")))
        };
        let regional =
            |service: Service| format!("https://{}.{}.amazonaws.com", service.name(), config.region);
        let roots = config.ca_bundle.as_deref();
        let origins = match &config.endpoint_url {
            Some(url) => {
                let shared = Arc::new(Origin::new(url, roots, None)?);
                [0; 4].map(|_| Arc::clone(&shared))
            }
            None => {
                let first = Origin::new(&regional(Service::Sqs), roots, None)?;
                let beside = |service| Origin::new(&regional(service), roots, Some(&first)).map(Arc::new);
                let tables = beside(Service::DynamoDb)?;
                let keys = beside(Service::Kms)?;
                let secrets = beside(Service::SecretsManager)?;
                [Arc::new(first), tables, keys, secrets]
            }
        };
        let token = config.session_token.as_ref().map(|token| visible("AWS_SESSION_TOKEN", token.expose()));
        let token = token.transpose()?.map(|mut token| {
            token.set_sensitive(true);
            token
        });
        visible("AWS_ACCESS_KEY_ID", &config.access_key_id)?;
        visible("AWS_REGION", &config.region)?;
        Ok(Self(Arc::new(Inner {
            origins,
            signer: Signer::new(
                config.access_key_id.clone(),
                config.secret_access_key.clone(),
                config.session_token.clone(),
                config.region.clone(),
            ),
            user_agent: visible("the function's name", &format!("hadar/{function}"))?,
            token,
            skew_ms: AtomicI64::new(0),
        })))
    }

    /// Opens a connection ahead of the first call, if none is open or being opened. A failure is not reported: the
    /// call that needs the connection will meet it again.
    pub async fn connect(&self, service: Service) {
        self.origin(service).warm().await;
    }

    /// Calls one operation, such as `SendMessage`, with a JSON input.
    ///
    /// # Errors
    /// As [`AwsError`] says; transient ones only after the attempts that `effort` allows.
    pub async fn call<I, O>(
        &self,
        service: Service,
        operation: &'static str,
        input: &I,
        effort: Effort,
    ) -> Result<O, AwsError>
    where
        I: Serialize + ?Sized,
        O: DeserializeOwned,
    {
        let input = serde_json::to_vec(input).map_err(AwsError::malformed)?;
        let answer = self.exchange(service, operation, input.into(), effort).await?;
        // Operations without a result answer `{}` or nothing at all.
        let answer: &[u8] = if answer.is_empty() { b"{}" } else { &answer };
        serde_json::from_slice(answer).map_err(AwsError::malformed)
    }

    async fn exchange(
        &self,
        service: Service,
        operation: &'static str,
        input: Bytes,
        effort: Effort,
    ) -> Result<Bytes, AwsError> {
        let digest = sign::hex_digest(&input);
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let left = effort.operation().saturating_sub(started.elapsed());
            let tried = self.attempt(service, operation, &input, &digest);
            let (error, again) = match tokio::time::timeout(effort.attempt().min(left), tried).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => {
                    let again = error.again();
                    (error, again)
                }
                Err(_) => (AwsError::TimedOut, Again::AfterAPause),
            };
            let pause = match again {
                Again::Never => return Err(error),
                // The request was refused for its date alone, and the correction is in place by now.
                Again::WithTheRightTime if attempt == 1 => Duration::ZERO,
                Again::WithTheRightTime => return Err(error),
                Again::AfterAPause if attempt >= effort.attempts() => return Err(error),
                Again::AfterAPause => jitter(attempt),
            };
            if started.elapsed() + pause >= effort.operation() {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One request and its answer.
    async fn attempt(
        &self,
        service: Service,
        operation: &str,
        input: &Bytes,
        digest: &str,
    ) -> Result<Bytes, AwsError> {
        let origin = self.origin(service);
        let now = self.now();
        let request = || self.request(service, origin, operation, input, digest, now);
        let (head, body) = origin.exchange(request).await?;
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        let error = AwsError::from_answer(head.status.as_u16(), &head.headers, body);
        if error.complains_about_time() {
            self.correct_the_clock(&head.headers, now);
        }
        Err(error)
    }

    fn request(
        &self,
        service: Service,
        origin: &Origin,
        operation: &str,
        input: &Bytes,
        digest: &str,
        now: Millis,
    ) -> Result<Request<Full<Bytes>>, AwsError> {
        let target = [service.target_prefix(), operation].concat();
        let stamp = Stamp::new(now);
        let authorization = self.0.signer.authorization(
            service.name(),
            origin.host(),
            service.content_type(),
            &target,
            digest,
            &stamp,
        );
        let value = |text: String| HeaderValue::try_from(text).map_err(AwsError::malformed);
        let mut authorization = value(authorization)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::with_capacity(10);
        headers.insert(header::HOST, origin.host_header().clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(service.content_type()));
        headers.insert(header::USER_AGENT, self.0.user_agent.clone());
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(AMZ_DATE, value(stamp.date_time)?);
        headers.insert(AMZ_TARGET, value(target)?);
        if let Some(token) = &self.0.token {
            headers.insert(AMZ_TOKEN, token.clone());
        }
        let mut request = Request::new(Full::new(input.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/");
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn origin(&self, service: Service) -> &Origin {
        let [sqs, tables, keys, secrets] = &self.0.origins;
        match service {
            Service::Sqs => sqs,
            Service::DynamoDb => tables,
            Service::Kms => keys,
            Service::SecretsManager => secrets,
        }
    }

    /// The services' time: signatures live by theirs, not by the stack's clock.
    fn now(&self) -> Millis {
        let now = SystemClock.now().unix_ms();
        Millis::from_unix_ms(now.saturating_add_signed(self.0.skew_ms.load(Ordering::Relaxed)))
    }

    fn correct_the_clock(&self, headers: &HeaderMap, signed_at: Millis) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
        let Ok(signed_at) = i64::try_from(signed_at.unix_ms()) else { return };
        let off = theirs.timestamp().as_millisecond().saturating_sub(signed_at);
        if off.abs() > SKEW_MS {
            let skew_ms = self.0.skew_ms.fetch_add(off, Ordering::Relaxed).saturating_add(off);
            tracing::warn!(
                skew_ms,
                "this machine's clock is wrong by {skew_ms} ms; requests are signed with AWS's time"
            );
        }
    }
}

/// Full jitter: anything between nothing and the exponential bound, so that callers who failed together do not come
/// back together.
fn jitter(attempt: u32) -> Duration {
    let mut random = [0; 4];
    let share = match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    };
    (BACKOFF * 2u32.saturating_pow(attempt)).mul_f64(share)
}

#[cfg(test)]
mod tests;
