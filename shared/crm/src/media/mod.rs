//! Files: what customers sent, fetched once and kept; what will be sent, taken and handed to the provider.
//!
//! A provider keeps a customer's file for seven days, so it is fetched when it is first asked for and served from the
//! bucket from then on. No address that a provider or a caller gives is trusted: credentials go to the provider's own
//! hosts, everything else is fetched from the public internet only.

mod download;
mod error;
mod fetch;
mod number;
mod upload;

pub use download::{Download, download};
pub use error::{MediaError, UploadError};
pub use upload::{Uploaded, upload, upload_from};

use domain::file::{disposition, safe_name};
use domain::ids::{ObjectId, TenantId};
use domain::outgoing::{MediaSource, Outgoing, OutgoingMedia};
use domain::time::Millis;
use platform::Platform;
use platform::bucket::{Bucket, BucketError, ObjectKey};
use platform::transport::Transport;
use std::borrow::Cow;

/// The kinds of messages that have a file.
pub(crate) const FILE_KINDS: [&str; 6] = ["image", "video", "audio", "voice", "document", "sticker"];

/// How long a provider may fetch a file that is sent by address, in seconds.
const SEND_S: u32 = 3600;

/// What is needed to work with files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Tables and secrets.
    pub platform: Platform,
    /// Where files are kept.
    pub bucket: Bucket,
    /// The way to the providers.
    pub transport: Transport,
}

/// A file as the provider is told of it: one of ours (`obj_...`) by an address that is good for an hour, every other
/// source as it is. `None` when the file is no longer kept.
///
/// # Errors
/// The bucket did not answer.
pub async fn source_for_send(
    bucket: &Bucket,
    tenant: TenantId,
    source: &MediaSource,
    filename: Option<&str>,
    now: Millis,
) -> Result<Option<MediaSource>, BucketError> {
    let MediaSource::Id(id) = source else { return Ok(Some(source.clone())) };
    let Ok(object) = ObjectId::parse(id) else { return Ok(Some(source.clone())) };
    let key = ObjectKey::to_send(tenant, object);
    if bucket.facts(&key).await?.is_none() {
        return Ok(None);
    }
    let name = safe_name(filename, "file", None);
    let url = bucket.presigned_get(&key, SEND_S, &disposition(&name), now);
    Ok(Some(MediaSource::Url(url.into_exposed())))
}

/// A message with its file as the provider is told of it; `None` when the file is no longer kept.
pub(crate) async fn addressed<'c>(
    bucket: &Bucket,
    tenant: TenantId,
    content: &'c Outgoing,
    now: Millis,
) -> Result<Option<Cow<'c, Outgoing>>, BucketError> {
    let Outgoing::Media(media) = content else { return Ok(Some(Cow::Borrowed(content))) };
    let source = source_for_send(bucket, tenant, &media.source, media.filename.as_deref(), now).await?;
    Ok(source.map(|source| match source == media.source {
        true => Cow::Borrowed(content),
        false => Cow::Owned(Outgoing::Media(OutgoingMedia { source, ..media.clone() })),
    }))
}
