//! Parts of files as they come in: in any order, more than once, from several clients at once.

use super::ImportError;
use super::lone::mark;
use super::part::{PART, Part};
use bytes::Bytes;
use domain::ids::TenantId;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use platform::bucket::{Bucket, BucketError, ObjectKey};
use platform::dynamo::Store;
use tokio::sync::Mutex;

/// How many parts are fetched or removed at a time.
const AT_A_TIME: usize = 8;

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is kept, or the file that it was the last of.
    New,
    /// It was there already.
    Present,
    /// All parts came and do not make the file; they were removed.
    Misfit,
}

/// Keeps a part until the others came; whoever finds all of them puts them together, in its turn: a file is held whole
/// meanwhile.
pub(super) async fn take(
    store: &Store,
    bucket: &Bucket,
    tenant: TenantId,
    part: Part,
    turn: &Mutex<()>,
) -> Result<Taken, ImportError> {
    let Part { whole, number, bytes } = part;
    let (folder, file) = (whole.folder, whole.file);
    let key = ObjectKey::of_file(tenant, folder, file);
    if bucket.facts(&key).await?.is_some() {
        return Ok(Taken::Present);
    }
    let taken = |is_new| if is_new { Taken::New } else { Taken::Present };
    if whole.parts() == 1 {
        mark(store, bucket, tenant, &whole).await?;
        return Ok(taken(bucket.put_new(&key, &whole.content_type, bytes).await?));
    }
    let own = ObjectKey::of_part(tenant, folder, file, number);
    let is_new = bucket.put_new(&own, &whole.content_type, bytes).await?;
    let there = bucket.parts(tenant, folder, file).await?;
    let needed: Vec<ObjectKey> =
        (0..whole.parts()).map(|number| ObjectKey::of_part(tenant, folder, file, number)).collect();
    let is_complete = needed.iter().all(|key| there.contains(key));
    let _turn = if is_complete { Some(turn.lock().await) } else { None };
    let bytes = if is_complete { joined(bucket, needed).await? } else { None };
    let Some(bytes) = bytes else {
        if bucket.facts(&key).await?.is_none() {
            // Of what was all there and no longer is, the parts did not fit, or somebody was erased.
            return Ok(if is_complete { Taken::Misfit } else { taken(is_new) });
        }
        // Somebody else put the file together since it was looked for: no part is left beside it.
        let is_left = bucket.facts(&own).await?.is_some();
        if is_left {
            bucket.delete(&own).await?;
        }
        return Ok(taken(is_new && !is_left));
    };
    let fits = whole.is(&bytes);
    if fits {
        mark(store, bucket, tenant, &whole).await?;
        bucket.put_new(&key, &whole.content_type, bytes).await?;
    }
    remove(bucket, there).await?;
    Ok(if fits { taken(is_new) } else { Taken::Misfit })
}

/// What the parts make; `None` when one of them is gone meanwhile.
async fn joined(bucket: &Bucket, parts: Vec<ObjectKey>) -> Result<Option<Bytes>, BucketError> {
    // Parts that do not belong together may be longer than the file: the buffer never grows.
    let mut bytes = Vec::with_capacity(parts.len() * PART);
    let fetched = stream::iter(parts).map(|key| async move { bucket.get(&key).await });
    let mut fetched = fetched.buffered(AT_A_TIME);
    while let Some(part) = fetched.try_next().await? {
        let Some(part) = part else { return Ok(None) };
        bytes.extend_from_slice(&part.bytes);
    }
    Ok(Some(bytes.into()))
}

/// Removes what unfinished imports of a tenant left, whoever it is about.
pub(crate) async fn forget_unfinished(bucket: &Bucket, tenant: TenantId) -> Result<(), BucketError> {
    loop {
        let left = bucket.unfinished(tenant).await?;
        if left.is_empty() {
            return Ok(());
        }
        remove(bucket, left).await?;
    }
}

async fn remove(bucket: &Bucket, keys: Vec<ObjectKey>) -> Result<(), BucketError> {
    let gone = stream::iter(keys).map(|key| async move { bucket.delete(&key).await });
    gone.buffer_unordered(AT_A_TIME).try_collect().await
}
