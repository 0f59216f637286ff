//! The file of a message: from the bucket, else from its provider and into the bucket.

use super::number::{Door, of_message};
use super::{Files, MediaError, fetch};
use crate::read::{Message, message};
use bytes::Bytes;
use domain::file::{FileType, disposition, received_limit, safe_name, served_as};
use domain::ids::{MessageId, ObjectId, TenantId};
use domain::message::{Media, MediaKind};
use domain::redacted::Redacted;
use domain::time::Millis;
use platform::bucket::ObjectKey;

/// The largest file that is handed out by ourselves, in bytes: an answer of Lambda has 6 MB, base64 counted.
const DIRECT: u64 = 4 * 1024 * 1024;
/// How long the address of a larger one is good, in seconds.
const ADDRESS_S: u32 = 300;

/// A file.
#[derive(Debug, Clone)]
pub enum Download {
    /// Here it is.
    Here {
        /// Its bytes.
        bytes: Bytes,
        /// What it is by its bytes, from a short list that browsers do not run.
        content_type: &'static str,
        /// The name to save it under.
        name: String,
    },
    /// It is large: whoever has this address gets it for five minutes.
    There(Redacted<String>),
}

/// The file of a message; fetched from the provider when it is first asked for.
///
/// # Errors
/// As [`MediaError`] says; nothing is stored then.
pub async fn download(
    files: &Files,
    tenant: TenantId,
    id: MessageId,
    now: Millis,
) -> Result<Download, MediaError> {
    let found = message(&files.platform.store, tenant, id, false).await?.ok_or(MediaError::NotFound)?;
    // What was taken back is not shown, and neither is its file.
    let media = found.media.as_ref().filter(|_| found.revoked_at.is_none()).ok_or(MediaError::NotFound)?;
    let key = key(tenant, id, media);
    if let Some(facts) = files.bucket.facts(&key).await? {
        if facts.size > DIRECT {
            let found = FileType::served_under(&facts.content_type);
            return Ok(elsewhere(files, &key, id, media, found, now));
        }
        // Between the two calls it can only have expired.
        let object = files.bucket.get(&key).await?.ok_or(MediaError::Gone)?;
        return Ok(here(object.bytes, id, media));
    }
    if ObjectKey::of_message(tenant, id) != key {
        return Err(MediaError::Gone);
    }
    let bytes = from_provider(files, tenant, &found, media).await?;
    files.bucket.put(&key, served_as(&bytes), bytes.clone()).await?;
    let large = u64::try_from(bytes.len()).map_or(true, |size| size > DIRECT);
    Ok(match large {
        true => elsewhere(files, &key, id, media, FileType::of(&bytes), now),
        false => here(bytes, id, media),
    })
}

/// Where the file of a message is kept: its own object, or the one it was sent from.
fn key(tenant: TenantId, id: MessageId, media: &Media) -> ObjectKey {
    match media.id.as_deref().map(ObjectId::parse) {
        Some(Ok(object)) => ObjectKey::to_send(tenant, object),
        _ => ObjectKey::of_message(tenant, id),
    }
}

async fn from_provider(
    files: &Files,
    tenant: TenantId,
    message: &Message,
    media: &Media,
) -> Result<Bytes, MediaError> {
    let provider = message.provider;
    let facts = files.platform.store.tenant_facts(tenant).await?;
    let number = &message.number;
    let (phone_number_id, instance_id) = (number.phone_number_id.as_deref(), number.instance_id.as_deref());
    let integration = of_message(facts, provider, phone_number_id, instance_id);
    let integration = integration.ok_or(MediaError::NotConnected { provider })?;
    let door = Door::open(files, tenant, integration).await?;
    let kind = MediaKind::parse(&message.kind).unwrap_or(MediaKind::Document);
    fetch::fetch(files, &door, media, received_limit(kind)).await
}

fn here(bytes: Bytes, id: MessageId, media: &Media) -> Download {
    let name = safe_name(media.filename.as_deref(), &id.to_string(), FileType::of(&bytes));
    Download::Here { content_type: served_as(&bytes), name, bytes }
}

fn elsewhere(
    files: &Files,
    key: &ObjectKey,
    id: MessageId,
    media: &Media,
    found: Option<FileType>,
    now: Millis,
) -> Download {
    let name = safe_name(media.filename.as_deref(), &id.to_string(), found);
    Download::There(files.bucket.presigned_get(key, ADDRESS_S, &disposition(&name), now))
}
