//! Every minute: what a crash left behind goes back to where a person or the queue finds it.

use crm::sweep::Swept;
use platform::Platform;
use platform::dynamo::StoreError;

/// Runs one sweep.
///
/// # Errors
/// The table did not answer; the next minute's sweep does the rest.
pub async fn sweep(platform: &Platform) -> Result<Swept, StoreError> {
    let owner = uuid::Uuid::new_v4().to_string();
    crm::sweep::sweep(platform, &owner, platform.clock.now()).await
}
