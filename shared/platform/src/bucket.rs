//! The bucket of media: whole objects under keys that start with what they are and whose they are.
//!
//! Not a part of [`crate::Platform`]: few functions have a file to hold.

use crate::aws::{AwsError, S3};
use crate::config::Config;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ids::{MessageId, ObjectId, TenantId};
use domain::redacted::Redacted;
use domain::time::Millis;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, Method};
use std::ops::Range;
use std::sync::Arc;
use ulid::Ulid;

/// The largest object that is kept, in bytes: a document as large as WhatsApp carries one.
pub const LARGEST: usize = 100 * 1024 * 1024;

/// Where a tenant's files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Those of messages, as customers sent them.
    Received,
    /// Those that were uploaded to be sent.
    ToSend,
}

impl Folder {
    /// The first part of the keys in it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "in",
            Self::ToSend => "out",
        }
    }

    /// Reads what [`Folder::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Received, Self::ToSend].into_iter().find(|folder| folder.as_str() == text)
    }
}

/// The name of an object. Only this type formats one, and only characters that need no encoding are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The file of a message: `in/<tenant>/<message>`. The lifecycle of the template goes by the first part.
    #[must_use]
    pub fn of_message(tenant: TenantId, message: MessageId) -> Self {
        Self(format!("in/{tenant}/{message}"))
    }

    /// A file to send: `out/<tenant>/<object>`.
    #[must_use]
    pub fn to_send(tenant: TenantId, object: ObjectId) -> Self {
        Self(format!("out/{tenant}/{object}"))
    }

    /// A file by the ULID of its message, or of itself where it is one to send.
    #[must_use]
    pub fn of_file(tenant: TenantId, folder: Folder, file: Ulid) -> Self {
        match folder {
            Folder::Received => Self::of_message(tenant, MessageId::from_ulid(file)),
            Folder::ToSend => Self::to_send(tenant, ObjectId::from_ulid(file)),
        }
    }

    /// A part of a file that is being imported: `part/<tenant>/<folder>-<file>.<part>`.
    #[must_use]
    pub fn of_part(tenant: TenantId, folder: Folder, file: Ulid, part: u32) -> Self {
        Self(format!("{}{part}", parts_of(tenant, folder, file)))
    }

    /// The mark of a file that came before its message: `lone/<tenant>/<message>`.
    #[must_use]
    pub fn of_lone(tenant: TenantId, message: MessageId) -> Self {
        Self(format!("{}{message}", lone_of(tenant)))
    }

    /// The key as it is in the bucket.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its MIME type, as it was stored.
    pub content_type: String,
}

/// What is known about an object without fetching it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// In bytes.
    pub size: u64,
    /// Its MIME type, as it was stored.
    pub content_type: String,
    /// Its SHA-256, where it was asked for and S3 keeps one of the whole: of what was copied there in pieces it has none.
    pub sha256: Option<[u8; 32]>,
}

/// The bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("the bucket of media: {0}")]
pub struct BucketError(#[from] AwsError);

impl BucketError {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.0.is_transient()
    }
}

/// The bucket of media. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Bucket(Arc<S3>);

impl Bucket {
    /// Makes the client; no I/O.
    ///
    /// # Errors
    /// An endpoint, a credential or a CA bundle that cannot be used, or no bucket in the configuration.
    pub fn new(config: &Config) -> Result<Self, BucketError> {
        if config.media_bucket.is_empty() {
            return Err(BucketError(AwsError::Config("HADAR_MEDIA_BUCKET is not set".to_owned())));
        }
        Ok(Self(Arc::new(S3::new(&config.aws, &config.function, &config.media_bucket)?)))
    }

    /// Stores an object.
    ///
    /// # Errors
    /// S3 did not take it.
    pub async fn put(&self, key: &ObjectKey, content_type: &str, bytes: Bytes) -> Result<(), BucketError> {
        Ok(self.0.put(key.as_str(), content_type, bytes).await?)
    }

    /// Stores an object unless there is one under its key; true when it was stored.
    ///
    /// # Errors
    /// S3 did not take it.
    pub async fn put_new(
        &self,
        key: &ObjectKey,
        content_type: &str,
        bytes: Bytes,
    ) -> Result<bool, BucketError> {
        Ok(self.0.put_new(key.as_str(), content_type, bytes).await?)
    }

    /// The files of a tenant in a folder by their ULIDs, in order, those after `after` only; at most a thousand.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn files(
        &self,
        tenant: TenantId,
        folder: Folder,
        after: Option<Ulid>,
    ) -> Result<Vec<Ulid>, BucketError> {
        let prefix = format!("{}/{tenant}/", folder.as_str());
        let after = after.map(|file| ObjectKey::of_file(tenant, folder, file).0);
        let names = self.0.names(&prefix, after.as_deref().unwrap_or_default()).await?;
        let ids = names.iter().filter_map(|name| name.strip_prefix(&prefix));
        Ok(ids
            .filter_map(|id| match folder {
                Folder::Received => MessageId::parse(id).ok().map(|id| id.ulid()),
                Folder::ToSend => ObjectId::parse(id).ok().map(|id| id.ulid()),
            })
            .collect())
    }

    /// The parts of a file that is being imported.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn parts(
        &self,
        tenant: TenantId,
        folder: Folder,
        file: Ulid,
    ) -> Result<Vec<ObjectKey>, BucketError> {
        let names = self.0.names(&parts_of(tenant, folder, file), "").await?;
        Ok(names.into_iter().map(ObjectKey).collect())
    }

    /// The parts of all files of a tenant that are being imported; at most a thousand.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn unfinished(&self, tenant: TenantId) -> Result<Vec<ObjectKey>, BucketError> {
        let names = self.0.names(&format!("part/{tenant}/"), "").await?;
        Ok(names.into_iter().map(ObjectKey).collect())
    }

    /// The messages that had not come when their files did; at most a thousand.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn lone(&self, tenant: TenantId) -> Result<Vec<MessageId>, BucketError> {
        let prefix = lone_of(tenant);
        let names = self.0.names(&prefix, "").await?;
        let ids = names.iter().filter_map(|name| name.strip_prefix(&prefix));
        Ok(ids.filter_map(|id| MessageId::parse(id).ok()).collect())
    }

    /// Fetches a whole object of at most 16 MiB; `None` when there is none.
    ///
    /// # Errors
    /// S3 did not answer, or the object is larger.
    pub async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, BucketError> {
        let answer = self.0.call(Method::GET, key.as_str(), &[], Bytes::new()).await;
        let Some((headers, bytes)) = found(answer)? else { return Ok(None) };
        Ok(Some(Object { bytes, content_type: content_type(&headers) }))
    }

    /// Fetches bytes of an object of `size`, at least one and at most 16 MiB; `None` when there is none. A key is written
    /// with one content only, so what was asked of it before still holds; another length is an error all the same.
    ///
    /// # Errors
    /// S3 did not answer, or the object has another size.
    pub async fn get_range(
        &self,
        key: &ObjectKey,
        range: Range<usize>,
        size: usize,
    ) -> Result<Option<Bytes>, BucketError> {
        let span = format!("{}-{}", range.start, range.end.saturating_sub(1));
        let asked = format!("bytes={span}");
        let answer = self.0.call(Method::GET, key.as_str(), &[("range", &asked)], Bytes::new()).await;
        let Some((headers, bytes)) = found(answer)? else { return Ok(None) };
        let given = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
        if given != Some(format!("bytes {span}/{size}").as_str()) || bytes.len() != range.len() {
            return Err(AwsError::malformed("other bytes of an object than were asked for").into());
        }
        Ok(Some(bytes))
    }

    /// What is known about an object, its digest aside; `None` when there is none.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn facts(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, BucketError> {
        self.head(key, &[]).await
    }

    /// What is known about an object; `None` when there is none. Takes the right to decrypt it.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn facts_with_digest(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, BucketError> {
        self.head(key, &[("x-amz-checksum-mode", "ENABLED")]).await
    }

    async fn head(
        &self,
        key: &ObjectKey,
        headers: &[(&'static str, &str)],
    ) -> Result<Option<ObjectFacts>, BucketError> {
        let answer = self.0.call(Method::HEAD, key.as_str(), headers, Bytes::new()).await;
        let Some((headers, _)) = found(answer)? else { return Ok(None) };
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let size = length.ok_or_else(|| AwsError::malformed("an object without a length"))?;
        Ok(Some(ObjectFacts { size, content_type: content_type(&headers), sha256: sha256(&headers) }))
    }

    /// Removes an object; it need not be there.
    ///
    /// # Errors
    /// S3 did not answer.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), BucketError> {
        found(self.0.call(Method::DELETE, key.as_str(), &[], Bytes::new()).await)?;
        Ok(())
    }

    /// An address that gives the object to whoever has it, as a file with the given `Content-Disposition`, for
    /// `seconds` (at most seven days) from `now` on. Whether the object is there is not looked up.
    #[must_use]
    pub fn presigned_get(
        &self,
        key: &ObjectKey,
        seconds: u32,
        disposition: &str,
        now: Millis,
    ) -> Redacted<String> {
        self.0.presigned(key.as_str(), seconds, &[("response-content-disposition", disposition)], now)
    }
}

/// What the keys of a file's parts begin with.
fn parts_of(tenant: TenantId, folder: Folder, file: Ulid) -> String {
    format!("part/{tenant}/{}-{file}.", folder.as_str())
}

/// What the marks of a tenant's files without messages begin with.
fn lone_of(tenant: TenantId) -> String {
    format!("lone/{tenant}/")
}

/// What is not there is no error; a bucket that is not there is one.
fn found(answer: Result<(HeaderMap, Bytes), AwsError>) -> Result<Option<(HeaderMap, Bytes)>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        // The answer to `HEAD` has no body, and so no code.
        Err(AwsError::Service { status: 404, code, .. }) if code.is_empty() || code == "NoSuchKey" => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    text.unwrap_or("application/octet-stream").to_owned()
}

/// A sum of sums, of what came in pieces, ends in a dash and their number: no base64.
fn sha256(headers: &HeaderMap) -> Option<[u8; 32]> {
    let text = headers.get("x-amz-checksum-sha256")?.to_str().ok()?;
    STANDARD.decode(text).ok()?.try_into().ok()
}
