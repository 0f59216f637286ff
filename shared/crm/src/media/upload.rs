//! A file to send: judged, handed to the provider that keeps uploads, or kept until it is sent.

use super::number::{Door, to_send_from};
use super::{Files, MediaError, UploadError, fetch};
use bytes::Bytes;
use domain::file::{FileType, NotTaken, Taken, safe_name, take};
use domain::ids::{ObjectId, TenantId};
use domain::message::MediaKind;
use domain::provider::Provider;
use domain::time::Millis;
use http::Request;
use http::header::CONTENT_TYPE;
use platform::bucket::ObjectKey;
use platform::transport::{CallError, PublicUrl};
use providers::outbound::{upload_request, uploaded};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// How long an uploaded file can be sent, in milliseconds: 30 days, at the providers as in the bucket.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// The most that is fetched from an address, in bytes.
const FETCHED: usize = 16 * 1024 * 1024;

/// The type that says nothing.
const BYTES: &str = "application/octet-stream";

/// A file that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UploadedFile))]
pub struct Uploaded {
    /// What a message names it by: the provider's media id, or `obj_...` for a file that we keep.
    pub id: String,
    /// The kind of message it goes as.
    pub kind: MediaKind,
    /// Its type.
    pub mime_type: &'static str,
    /// Its size in bytes.
    pub size: usize,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// The name it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Until when it can be sent.
    pub expires_at: Millis,
}

/// Takes a file of a claimed type. `object` is its id, should we be the ones who keep it.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn upload(
    files: &Files,
    tenant: TenantId,
    claimed: &str,
    filename: Option<&str>,
    bytes: Bytes,
    object: ObjectId,
    now: Millis,
) -> Result<Uploaded, UploadError> {
    let taken = take(claimed, &bytes).map_err(UploadError::NotTaken)?;
    let facts = files.platform.store.tenant_facts(tenant).await.map_err(MediaError::from)?;
    // A sandbox has no number, and its files never leave us.
    let sandbox = facts.tenant.as_ref().is_some_and(|tenant| tenant.sandbox_of.is_some());
    let name = safe_name(filename, "file", FileType::of(&bytes));
    let id = if sandbox {
        keep(files, tenant, taken, &bytes, object).await?
    } else {
        let integration = to_send_from(facts).ok_or(UploadError::NoNumber)?;
        match integration.number.provider {
            Provider::Meta | Provider::Dialog360 if taken.uploadable => {
                let door = Door::open(files, tenant, integration).await?;
                to_provider(files, &door, taken, &name, &bytes, object).await?
            }
            Provider::Meta | Provider::Dialog360 | Provider::Ultramsg | Provider::Sandbox => {
                keep(files, tenant, taken, &bytes, object).await?
            }
        }
    };
    Ok(Uploaded {
        id,
        kind: taken.kind,
        mime_type: taken.mime,
        size: bytes.len(),
        sha256: hex::encode(Sha256::digest(&bytes)),
        filename: filename.map(|_| name),
        expires_at: now.plus_ms(KEPT_MS),
    })
}

/// Takes a file from a public address. Its type is what the address says, or what the bytes say where it says nothing.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn upload_from(
    files: &Files,
    tenant: TenantId,
    url: &str,
    filename: Option<&str>,
    object: ObjectId,
    now: Millis,
) -> Result<Uploaded, UploadError> {
    let public = PublicUrl::parse(url).map_err(UploadError::Address)?;
    let answer = files.transport.fetch(&public, Request::new(Bytes::new()), FETCHED).await;
    let answer = answer.map_err(|error| UploadError::NotFetched(why(&error).to_owned()))?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        return Err(UploadError::NotFetched(format!("The address answered with status {status}.")));
    }
    let told = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.unwrap_or_default().to_owned();
    let bytes = answer.into_body();
    let claimed = claimed(&told, &bytes);
    upload(files, tenant, claimed, filename, bytes.clone(), object, now).await
}

/// The type that an address claims for its file; where it claims none, what the bytes say.
fn claimed<'t>(told: &'t str, bytes: &[u8]) -> &'t str {
    let essence = told.split(';').next().unwrap_or_default().trim();
    if !essence.is_empty() && !essence.eq_ignore_ascii_case(BYTES) {
        return told;
    }
    FileType::of(bytes).and_then(FileType::mime).unwrap_or(BYTES)
}

/// The words for the caller: what our network says to us stays in the log.
fn why(error: &CallError) -> &'static str {
    tracing::info!("a file to send could not be fetched: {error}");
    match error {
        CallError::NotSent(_) => "The address cannot be reached from the public internet.",
        CallError::Unknown(_) => "The address did not give a file of at most 16 MB within 10 seconds.",
    }
}

async fn keep(
    files: &Files,
    tenant: TenantId,
    taken: Taken,
    bytes: &Bytes,
    object: ObjectId,
) -> Result<String, MediaError> {
    files.bucket.put(&ObjectKey::to_send(tenant, object), taken.mime, bytes.clone()).await?;
    Ok(object.to_string())
}

async fn to_provider(
    files: &Files,
    door: &Door,
    taken: Taken,
    name: &str,
    bytes: &Bytes,
    object: ObjectId,
) -> Result<String, UploadError> {
    let provider = door.provider();
    let boundary = format!("hadar-{}", object.ulid());
    let request = upload_request(&door.sender(), taken.mime, name, bytes, &boundary);
    // Whoever knew our next boundary and put it into the file gets no further.
    let unsuited = NotTaken::Content("The file cannot be uploaded.");
    let request = request.ok_or(UploadError::NotTaken(unsuited))?;
    let answer = files.transport.call(provider, request).await;
    let answer = answer.map_err(|error| MediaError::Unreachable { provider, reason: error.to_string() })?;
    Ok(uploaded(provider, &answer).map_err(|failure| fetch::refused(provider, failure))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_does_not_say_what_it_gives_is_read_by_its_bytes() {
        for (told, bytes, expected) in [
            ("image/png; charset=x", &b"\xff\xd8\xff"[..], "image/png; charset=x"),
            ("text/html", b"\xff\xd8\xff", "text/html"),
            ("", b"\xff\xd8\xff", "image/jpeg"),
            ("Application/Octet-Stream", b"%PDF-1.4", "application/pdf"),
            ("application/octet-stream", b"?", "application/octet-stream"),
            ("", b"<html>", "application/octet-stream"),
        ] {
            assert_eq!(claimed(told, bytes), expected, "{told}");
        }
    }
}
