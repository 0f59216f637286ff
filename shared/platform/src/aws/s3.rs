//! S3 for one bucket: REST with the same connections, signatures, deadlines and retries as the JSON services.
//!
//! Every call may be repeated: a key is written with one content only.

use super::connection::Origin;
use super::error::{Again, AwsError};
use super::sign::{self, S3Request, Signer, Stamp, encoded};
use super::{AMZ_DATE, AMZ_TOKEN, jitter};
use crate::clock::{Clock, SystemClock};
use crate::config::AwsConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::redacted::Redacted;
use domain::time::Millis;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// From the first byte sent to the last of the answer: a file of 100 MB must fit.
const ATTEMPT: Duration = Duration::from_secs(10);
/// All attempts of one call, below the 30 s that API Gateway waits.
const OPERATION: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 3;

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// The digest of the body in base64: S3 checks it, keeps it with the object, and demands it where objects are locked.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// A bucket and the way to it.
pub(crate) struct S3 {
    origin: Origin,
    signer: Signer,
    user_agent: HeaderValue,
    token: Option<HeaderValue>,
    bucket: String,
    scheme: &'static str,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("origin", &self.origin)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

impl S3 {
    /// Makes the client; touches no network.
    pub(crate) fn new(config: &AwsConfig, function: &str, bucket: &str) -> Result<Self, AwsError> {
        let visible = |name: &str, value: &str| {
            HeaderValue::from_str(value)
                .map_err(|_| AwsError::Config(format!("{name} is not fit for a header")))
        };
        let url = match &config.endpoint_url {
            Some(url) => url.clone(),
            None => format!("https://s3.{}.amazonaws.com", config.region),
        };
        let token = config.session_token.as_ref().map(|token| visible("AWS_SESSION_TOKEN", token.expose()));
        visible("AWS_ACCESS_KEY_ID", &config.access_key_id)?;
        visible("AWS_REGION", &config.region)?;
        Ok(Self {
            origin: Origin::new(&url, config.ca_bundle.as_deref(), None)?,
            signer: Signer::new(
                config.access_key_id.clone(),
                config.secret_access_key.clone(),
                config.session_token.clone(),
                config.region.clone(),
            ),
            user_agent: visible("the function's name", &format!("hadar/{function}"))?,
            token: token.transpose()?.map(|mut token| {
                token.set_sensitive(true);
                token
            }),
            bucket: bucket.to_owned(),
            scheme: if url.starts_with("https:") { "https" } else { "http" },
        })
    }

    /// Makes one call about the object `key`, with headers of its own; gives the headers and the body of a 2xx answer.
    pub(crate) async fn call(
        &self,
        method: Method,
        key: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<(HeaderMap, Bytes), AwsError> {
        let path = self.path(key);
        let digest = sign::hex_digest(&body);
        let checksum = hex::decode(&digest).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
        let mut headers = headers.to_vec();
        if method == Method::PUT {
            headers.push((CHECKSUM, &checksum));
        }
        let asked = S3Request {
            method: method.as_str(),
            path: &path,
            query: "",
            headers: &headers,
            body_digest: &digest,
        };
        self.tried(&asked, &body).await
    }

    /// Stores an object.
    pub(crate) async fn put(&self, key: &str, content_type: &str, body: Bytes) -> Result<(), AwsError> {
        self.call(Method::PUT, key, &[("content-type", content_type)], body).await.map(drop)
    }

    /// Stores an object unless there is one; true when it was stored.
    pub(crate) async fn put_new(&self, key: &str, content_type: &str, body: Bytes) -> Result<bool, AwsError> {
        let headers = [("content-type", content_type), ("if-none-match", "*")];
        match self.call(Method::PUT, key, &headers, body).await {
            Ok(_stored) => Ok(true),
            Err(error) if error.is_there_already() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names of objects that begin with `prefix`, in order, those after `after` only; at most a thousand.
    pub(crate) async fn names(&self, prefix: &str, after: &str) -> Result<Vec<String>, AwsError> {
        let path = format!("/{}", encoded(&self.bucket));
        let query = format!("list-type=2&prefix={}&start-after={}", encoded(prefix), encoded(after));
        let digest = sign::hex_digest(&[]);
        let asked =
            S3Request { method: "GET", path: &path, query: &query, headers: &[], body_digest: &digest };
        let (_, body) = self.tried(&asked, &Bytes::new()).await?;
        let text = std::str::from_utf8(&body).map_err(AwsError::malformed)?;
        // Names of ours have no character that XML would spell otherwise.
        let names = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        Ok(names.map(|(name, _)| name.to_owned()).collect())
    }

    async fn tried(&self, asked: &S3Request<'_>, body: &Bytes) -> Result<(HeaderMap, Bytes), AwsError> {
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let left = OPERATION.saturating_sub(started.elapsed());
            let tried = self.attempt(asked, body);
            let error = match tokio::time::timeout(ATTEMPT.min(left), tried).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => AwsError::TimedOut,
            };
            let pause = jitter(attempt);
            let again = error.again() == Again::AfterAPause && attempt < ATTEMPTS;
            if !again || started.elapsed() + pause >= OPERATION {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// An address that gives the object to whoever has it, for `seconds` from `now` on; `more` are query parameters in
    /// alphabetical order.
    pub(crate) fn presigned(
        &self,
        key: &str,
        seconds: u32,
        more: &[(&str, &str)],
        now: Millis,
    ) -> Redacted<String> {
        let path = self.path(key);
        let host = self.origin.host();
        let query = self.signer.s3_presigned(host, &path, seconds, more, &Stamp::new(now));
        Redacted::new(format!("{}://{host}{path}?{query}", self.scheme))
    }

    fn path(&self, key: &str) -> String {
        let mut path = String::with_capacity(2 + self.bucket.len() + key.len());
        for segment in [self.bucket.as_str()].into_iter().chain(key.split('/')) {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        path
    }

    async fn attempt(&self, asked: &S3Request<'_>, body: &Bytes) -> Result<(HeaderMap, Bytes), AwsError> {
        // Signatures live by AWS's time, not by the stack's clock.
        let stamp = Stamp::new(SystemClock.now());
        let request = || self.request(asked, body, &stamp);
        let (head, body) = self.origin.exchange(request).await?;
        match head.status {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT => Ok((head.headers, body)),
            status => Err(AwsError::from_xml(status.as_u16(), body)),
        }
    }

    fn request(
        &self,
        asked: &S3Request<'_>,
        body: &Bytes,
        stamp: &Stamp,
    ) -> Result<Request<Full<Bytes>>, AwsError> {
        let authorization = self.signer.s3_authorization(asked, self.origin.host(), stamp);
        let value = |text: &str| HeaderValue::try_from(text).map_err(AwsError::malformed);
        let mut authorization = value(&authorization)?;
        authorization.set_sensitive(true);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = asked.method.parse().map_err(AwsError::malformed)?;
        let address = match asked.query {
            "" => asked.path.to_owned(),
            query => format!("{}?{query}", asked.path),
        };
        *request.uri_mut() = address.parse().map_err(AwsError::malformed)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.origin.host_header().clone());
        headers.insert(header::USER_AGENT, self.user_agent.clone());
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert(AMZ_DATE, value(&stamp.date_time)?);
        headers.insert(CONTENT_SHA256, value(asked.body_digest)?);
        for (name, text) in asked.headers {
            headers.insert(HeaderName::from_static(name), value(text)?);
        }
        if let Some(token) = &self.token {
            headers.insert(AMZ_TOKEN, token.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sigv4::http_request::{
        PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
        SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
    };
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use std::time::UNIX_EPOCH;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const HOST: &str = "s3.me-central-1.amazonaws.com";

    fn client(token: Option<&str>) -> S3 {
        let config = AwsConfig {
            region: "me-central-1".into(),
            endpoint_url: None,
            ca_bundle: None,
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Redacted::new(SECRET.into()),
            session_token: token.map(|token| Redacted::new(token.into())),
        };
        S3::new(&config, "tests", "media").unwrap()
    }

    /// AWS's own crate with S3's settings.
    fn theirs(
        request: &mut Request<()>,
        body: SignableBody<'_>,
        token: Option<&str>,
        seconds: u64,
        expires: Option<u64>,
    ) {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.session_token_mode = SessionTokenMode::Include;
        if let Some(expires) = expires {
            settings.expires_in = Some(Duration::from_secs(expires));
            settings.signature_location = SignatureLocation::QueryParams;
            settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        }
        let identity =
            aws_credential_types::Credentials::from_keys("AKIDEXAMPLE", SECRET, token.map(str::to_owned))
                .into();
        let params = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&identity)
            .region("me-central-1")
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
            .collect();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            body,
        );
        let signed = sign(signable.unwrap(), &params).unwrap().into_parts().0;
        signed.apply_to_request_http1x(request);
    }

    proptest! {
        #[test]
        fn any_upload_is_signed_as_awss_own_crate_signs_it(
            key in "[a-zA-Z0-9 _.~+%&=@ء-ي-]{1,20}(/[a-zA-Z0-9 _.~+%&=@-]{1,20}){0,3}",
            body in proptest::collection::vec(any::<u8>(), 0..300),
            token in proptest::option::of("[A-Za-z0-9+/=]{1,200}"),
            seconds in 0u32..4_000_000_000,
            only_new in any::<bool>(),
        ) {
            let client = client(token.as_deref());
            let path = client.path(&key);
            let stamp = Stamp::new(Millis::from_unix_ms(u64::from(seconds) * 1000));
            let body = Bytes::from(body);
            let digest = sign::hex_digest(&body);
            let checksum = STANDARD.encode(hex::decode(&digest).unwrap());
            let mut headers = vec![("content-type", "image/png"), (CHECKSUM, checksum.as_str())];
            if only_new {
                headers.push(("if-none-match", "*"));
            }
            let asked = S3Request { method: "PUT", path: &path, query: "", headers: &headers, body_digest: &digest };
            let ours = client.request(&asked, &body, &stamp).unwrap();
            let mut request = Request::put(format!("https://{HOST}{path}")).header("host", HOST);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let mut request = request.body(()).unwrap();
            theirs(&mut request, SignableBody::Bytes(&body), token.as_deref(), seconds.into(), None);
            prop_assert_eq!(&request.headers()["authorization"], &ours.headers()["authorization"]);
            prop_assert_eq!(&request.headers()["x-amz-content-sha256"], &ours.headers()["x-amz-content-sha256"]);
        }

        #[test]
        fn any_list_range_and_question_for_a_checksum_is_signed_as_awss_own_crate_signs_it(
            prefix in "[a-zA-Z0-9 _.~+%&=@-]{1,20}/",
            after in "[a-zA-Z0-9/_.~+%&=@-]{0,30}",
            (first, last) in (0u64..200_000_000, 0u64..200_000_000),
            token in proptest::option::of("[A-Za-z0-9+/=]{1,200}"),
            seconds in 0u32..4_000_000_000,
        ) {
            let client = client(token.as_deref());
            let stamp = Stamp::new(Millis::from_unix_ms(u64::from(seconds) * 1000));
            let query = format!("list-type=2&prefix={}&start-after={}", encoded(&prefix), encoded(&after));
            let range = format!("bytes={first}-{last}");
            let digest = sign::hex_digest(&[]);
            for (method, path, query, headers) in [
                ("GET", "/media", query.as_str(), &[][..]),
                ("GET", "/media/in/t/m", "", &[("range", range.as_str())]),
                ("HEAD", "/media/in/t/m", "", &[("x-amz-checksum-mode", "ENABLED")]),
            ] {
                let asked = S3Request { method, path, query, headers, body_digest: &digest };
                let ours = client.request(&asked, &Bytes::new(), &stamp).unwrap();
                let mut request = Request::builder().method(method).header("host", HOST);
                for (name, value) in headers {
                    prop_assert_eq!(&ours.headers()[*name], value);
                    request = request.header(*name, *value);
                }
                let mut request = request.uri(format!("https://{HOST}{}", ours.uri())).body(()).unwrap();
                theirs(&mut request, SignableBody::Bytes(b""), token.as_deref(), seconds.into(), None);
                prop_assert_eq!(&request.headers()["authorization"], &ours.headers()["authorization"]);
            }
        }

        #[test]
        fn any_presigned_address_is_the_one_that_awss_own_crate_makes(
            filename in "[a-zA-Z0-9 _.ء-ي%\"';&=+-]{1,40}",
            token in proptest::option::of("[A-Za-z0-9+/=]{1,200}"),
            seconds in 0u32..4_000_000_000,
            valid in 1u32..604_800,
        ) {
            let client = client(token.as_deref());
            let more = [("response-content-disposition", filename.as_str()), ("response-content-type", "a/b")];
            let now = Millis::from_unix_ms(u64::from(seconds) * 1000);
            let ours = client.presigned("in/t/m", valid, &more, now).into_exposed();

            let unsigned = format!(
                "https://{HOST}/media/in/t/m?response-content-disposition={}&response-content-type=a%2Fb",
                encoded(&filename)
            );
            let mut request = Request::get(unsigned).header("host", HOST).body(()).unwrap();
            let body = SignableBody::UnsignedPayload;
            theirs(&mut request, body, token.as_deref(), seconds.into(), Some(valid.into()));
            // The order of parameters is nobody's business.
            let sorted = |url: &str| {
                let (path, query) = url.split_once('?').unwrap();
                let mut parameters: Vec<_> = query.split('&').map(str::to_owned).collect();
                parameters.sort();
                (path.to_owned(), parameters)
            };
            prop_assert_eq!(sorted(&request.uri().to_string()), sorted(&ours));
        }
    }
}
