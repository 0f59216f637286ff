//! How much of a conversation nobody has read.

use super::inbox::is_written;
use super::timeline;
use domain::ids::{ContactId, TenantId};
use domain::message::Direction;
use platform::dynamo::{Store, StoreError};
use ulid::Ulid;

/// Counting ends here: "100" is a hundred or more.
const MOST: u32 = 100;
/// How many entries are read at a time.
const PAGE: u32 = 25;

/// How many messages of a customer came after what was read, at most [`MOST`].
pub(super) async fn count(
    store: &Store,
    tenant: TenantId,
    contacts: &[ContactId],
    read_up_to: Option<Ulid>,
) -> Result<u32, StoreError> {
    let (mut counted, mut looked_at, mut before) = (0, 0, None);
    while looked_at < 2 * MOST {
        let page = timeline::union(store, tenant, contacts, before, PAGE).await?;
        for entry in &page.entries {
            if read_up_to.is_some_and(|read| entry.id.ulid() <= read) {
                return Ok(counted);
            }
            counted += u32::from(entry.direction == Direction::Inbound && is_written(entry));
            if counted >= MOST {
                return Ok(MOST);
            }
        }
        looked_at += PAGE;
        before = timeline::next(&page);
        if before.is_none() {
            break;
        }
    }
    Ok(counted)
}
