//! S3: buckets and objects on path-style addresses, in the REST protocol with its XML.
//!
//! What Hadar uses, and what `aws s3 ls|cp|rm` need for small files. Everything else is refused with `NotImplemented`.

mod address;
mod answer;
mod api;
mod chunked;
mod list;
mod objects;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;

use crate::clock::StackClock;
use crate::data_dir::{DataDir, OpenError};
use crate::protocol::Answer;
use answer::S3Error;
use objects::Objects;

pub(crate) use address::{Named, is_meant};

/// The most one object may have here, in bytes: no file that WhatsApp carries is larger.
pub(crate) const MAX_BODY: usize = 128 * 1024 * 1024;

/// The buckets.
pub(crate) struct S3 {
    objects: Arc<Objects>,
    clock: StackClock,
}

impl S3 {
    pub(crate) fn open(data_dir: Option<&DataDir>, clock: StackClock) -> Result<Self, OpenError> {
        let root = data_dir.map(|dir| dir.file("buckets"));
        Ok(Self { objects: Arc::new(Objects::open(root)?), clock })
    }

    /// Makes a bucket where it is missing.
    pub(crate) fn ensure_bucket(&self, name: &str) -> std::io::Result<()> {
        self.objects.create_bucket(name).map(|_made| ())
    }

    /// What a request asks for, or the answer that refuses it.
    pub(crate) fn named(&self, parts: &Parts) -> Result<Named, Box<Answer>> {
        Named::read(parts, self.clock.now_ms()).map_err(|error| Box::new(error.answer()))
    }

    /// Runs one operation, on a thread that may wait for the disk.
    pub(crate) async fn call(&self, named: Named, parts: &Parts, body: Bytes) -> Answer {
        let (objects, headers, now_ms) =
            (Arc::clone(&self.objects), parts.headers.clone(), self.clock.now_ms());
        let work = tokio::task::spawn_blocking(move || api::run(&objects, &named, &headers, body, now_ms));
        match work.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => error.answer(),
            Err(_) => S3Error::internal("the operation panicked").answer(),
        }
    }
}

/// The answer to a body that is larger than [`MAX_BODY`] or was cut off.
pub(crate) fn too_large() -> Answer {
    let message = "Your proposed upload exceeds the maximum allowed size, or was cut off.";
    S3Error::new(StatusCode::BAD_REQUEST, "EntityTooLarge", message).answer()
}

/// The answer of a fault rule.
pub(crate) fn failed(status: StatusCode) -> Answer {
    let message = "We encountered an internal error. Please try again.";
    S3Error::new(status, "InternalError", message).answer()
}

/// The answer of a fault rule that throttles.
pub(crate) fn throttled() -> Answer {
    S3Error::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.").answer()
}
