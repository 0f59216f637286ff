//! Files that come before their messages. Its message alone says whose a file is: an erasure finds the others by a mark.

use super::ImportError;
use super::part::Whole;
use bytes::Bytes;
use domain::ids::{MessageId, TenantId};
use platform::bucket::{Bucket, Folder, ObjectKey};
use platform::dynamo::{Store, StoreError};

/// Marks a file that is about to be stored, unless its message is there: before it is, so that none is without its mark.
pub(super) async fn mark(
    store: &Store,
    bucket: &Bucket,
    tenant: TenantId,
    whole: &Whole,
) -> Result<(), ImportError> {
    let message = MessageId::from_ulid(whole.file);
    if whole.folder == Folder::Received && !has_come(store, tenant, message).await? {
        bucket.put(&ObjectKey::of_lone(tenant, message), "text/plain", Bytes::new()).await?;
    }
    Ok(())
}

/// Whether a message is there. One that came within moments may not be seen yet.
pub(crate) async fn has_come(
    store: &Store,
    tenant: TenantId,
    message: MessageId,
) -> Result<bool, StoreError> {
    Ok(store.find_message(tenant, message).await?.is_some() || store.send(tenant, message).await?.is_some())
}
