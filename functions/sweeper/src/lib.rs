//! Every minute: what a crash left behind goes back to where a person or the queue finds it.

use crm::sweep::Swept;
use platform::Platform;
use platform::bucket::Bucket;
use platform::dynamo::StoreError;
use platform::transport::Transport;

/// Runs one sweep; `owner` holds the lease, so that one owner's sweeps never wait for each other.
///
/// # Errors
/// The table did not answer; the next minute's sweep does the rest.
pub async fn sweep(
    platform: &Platform,
    transport: &Transport,
    bucket: &Bucket,
    owner: &str,
) -> Result<Swept, StoreError> {
    crm::sweep::sweep(platform, transport, bucket, owner, platform.clock.now()).await
}
