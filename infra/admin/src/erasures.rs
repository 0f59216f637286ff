//! Erasures, done again on tables that were restored from before them.

use crate::{AdminError, Desk};
use crm::privacy::erase_again;
use platform::dynamo::Store;

/// How many are read at once.
const AT_ONCE: u32 = 100;

/// Reads the erasures of every tenant from the table `from`, which knows all of them, and begins each again on the table
/// of this desk where its person is there once more; the sweeper does the rest. May be run again.
pub(crate) async fn again(desk: &mut Desk<'_>, from: String) -> Result<(), AdminError> {
    let config = &desk.config;
    let known =
        Store::new(desk.aws.clone(), from, config.consents_table.clone(), config.ephemeral_table.clone());
    let (mut seen, mut begun, mut after) = (0_u32, 0_u32, None);
    loop {
        let tenants = known.tenants(after, AT_ONCE).await?;
        let Some(last) = tenants.last() else { break };
        after = Some(*last);
        for tenant in tenants {
            let Some(key) = known.grave_key(tenant).await? else { continue };
            let mut place = None;
            loop {
                let page = known.erasures(tenant, place, AT_ONCE).await?;
                let Some(last) = page.last() else { break };
                place = Some(last.id);
                for erasure in &page {
                    seen += 1;
                    begun += u32::from(erase_again(&desk.platform, tenant, erasure, &key).await?);
                }
            }
        }
    }
    desk.say(&format!("{seen} erasures, {begun} of them begun again: the sweeper completes them"))
}
