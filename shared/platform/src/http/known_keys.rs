//! API keys that this process looked up: good for as long as no key of their tenant changed, which the count of requests
//! tells ([`Store::count_request`](crate::dynamo::Store::count_request)). So a request costs one table operation, and a
//! revocation still holds with the next one.

use crate::dynamo::ApiKeyRecord;
use domain::time::Millis;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many keys are remembered; then all are forgotten.
const AT_MOST: usize = 1_000;
/// How long a record is trusted, in milliseconds, in case somebody changed the table by hand.
const TRUSTED_MS: u64 = 5 * 60 * 1_000;

/// What is known of a key.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The version of its tenant's keys.
    pub(super) version: String,
    /// The key as it is in that version; absent while only the version is known.
    pub(super) record: Option<ApiKeyRecord>,
    since: Millis,
}

/// Keys by their digests. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct KnownKeys(Arc<Mutex<HashMap<String, Known>>>);

impl KnownKeys {
    pub(super) fn get(&self, digest: &str, now: Millis) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()?;
        let trusted = now.since(known.since) < TRUSTED_MS && now >= known.since;
        Some(Known { record: known.record.filter(|_| trusted), ..known })
    }

    /// Remembers a record that was read after this version was, and counted in it; or the version alone.
    pub(super) fn remember(
        &self,
        digest: String,
        version: String,
        record: Option<ApiKeyRecord>,
        now: Millis,
    ) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= AT_MOST && !all.contains_key(&digest) {
            all.clear();
        }
        all.insert(digest, Known { version, record, since: now });
    }

    /// The key was used: that need not be noted again soon.
    pub(super) fn used(&self, digest: &str, at: Millis) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = all.get_mut(digest).and_then(|known| known.record.as_mut()) {
            record.last_used_at = Some(at);
        }
    }
}
