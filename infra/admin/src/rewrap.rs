//! Wrapping the tenants' secrets anew, a bounded number of tenants at a time.

use crate::{AdminError, Desk};
use crm::rewrap::rewrap;
use domain::ids::TenantId;

/// How many tenants are read at once.
const AT_ONCE: u32 = 100;

pub(crate) async fn run(
    desk: &mut Desk<'_>,
    mut after: Option<TenantId>,
    limit: u32,
) -> Result<(), AdminError> {
    let mut left = limit;
    while left > 0 {
        let ids = desk.platform.store.tenants(after, left.min(AT_ONCE)).await?;
        if ids.is_empty() {
            return desk.say("That was the last tenant.");
        }
        for id in ids {
            let done = rewrap(&desk.platform, id).await.map_err(|error| AdminError::Rewrap(id, error))?;
            // Each tenant is named when it is done, so that an interrupted run can be continued after it.
            desk.say(&format!(
                "{id}  wrapped {}  changed meanwhile {}  damaged {}",
                done.done, done.moved, done.damaged
            ))?;
            after = Some(id);
            left = left.saturating_sub(1);
        }
    }
    match after {
        Some(last) => desk.say(&format!("There may be more: continue with --after {last}")),
        None => Ok(()),
    }
}
