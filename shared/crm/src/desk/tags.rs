//! What people file conversations under.

use super::{fresh, keeper};
use crate::read::Family;
use domain::ids::{ConversationId, TenantId};
use platform::dynamo::{Store, StoreError};
use std::collections::BTreeSet;

/// The most tags of one conversation.
pub const MOST_TAGS: usize = 20;

/// How the tags of a conversation change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagChange {
    /// These and no others.
    pub only: Option<BTreeSet<String>>,
    /// These too.
    pub add: BTreeSet<String>,
    /// Not these.
    pub remove: BTreeSet<String>,
}

/// What changing tags came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// They are changed.
    Yes,
    /// There would be more than [`MOST_TAGS`].
    TooMany,
    /// There is no such conversation.
    NotFound,
}

/// Changes the tags of a conversation. Additions and removals of several hands at once all hold.
///
/// # Errors
/// The table did not answer.
pub async fn tag(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    change: &TagChange,
) -> Result<Tagged, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(Tagged::NotFound) };
    let items = fresh(store, tenant, &family).await?;
    let Some(contact) = keeper(&items, &family) else { return Ok(Tagged::NotFound) };
    let known = items.iter().flat_map(|item| item.tags.iter().cloned()).collect();
    let mut after: BTreeSet<String> = change.only.clone().unwrap_or(known);
    after.extend(change.add.iter().cloned());
    after.retain(|tag| !change.remove.contains(tag));
    if after.len() > MOST_TAGS {
        return Ok(Tagged::TooMany);
    }
    if change.only.is_some() {
        store.tag_conversation(tenant, contact, &after).await?;
        // What was filed under a contact before it was joined is not filed any more.
        for other in items.iter().filter(|item| item.contact != contact && !item.tags.is_empty()) {
            store.tag_conversation(tenant, other.contact, &BTreeSet::new()).await?;
        }
        return Ok(Tagged::Yes);
    }
    let add: BTreeSet<String> = change.add.difference(&change.remove).cloned().collect();
    if !add.is_empty() {
        store.add_conversation_tags(tenant, contact, &add).await?;
    }
    if !change.remove.is_empty() {
        for item in &items {
            store.remove_conversation_tags(tenant, item.contact, &change.remove).await?;
        }
    }
    Ok(Tagged::Yes)
}
