//! Many people at one inbox: who answers at the moment, what is noted for each other, when a person takes over.

mod handoff;
mod lock;
mod notes;
mod tags;

pub use handoff::{Cause, HandoffReason, hand_off};
pub use lock::{Answering, Lock, Taken, Unlocked, in_the_way, lock, unlock};
pub use notes::{NewNote, note};
pub use tags::{MOST_TAGS, TagChange, Tagged, tag};

pub(crate) use handoff::HANDOFF;
pub(crate) use notes::NOTE;

use crate::read::{ConversationStatus, Facts, Family};
use domain::ids::{ContactId, ConversationId, TenantId};
use domain::time::Millis;
use platform::dynamo::{Conversation, Store, StoreError};

/// Whether a bot may answer a conversation now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BotVerdict {
    /// It may.
    May,
    /// A person answers.
    Human,
    /// Nobody answers any more.
    Closed,
    /// Somebody is answering at this moment.
    Locked,
    /// There is no such conversation.
    NoConversation,
}

/// Says whether a bot may answer a conversation, as things stand at this moment. Whatever answers by itself asks before
/// every message.
///
/// # Errors
/// The table did not answer.
pub async fn may_bot_answer(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    now: Millis,
) -> Result<BotVerdict, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else {
        return Ok(BotVerdict::NoConversation);
    };
    let items = fresh(store, tenant, &family).await?;
    let Some(facts) = Facts::of(items.iter()) else { return Ok(BotVerdict::NoConversation) };
    Ok(match facts.status() {
        ConversationStatus::Human => BotVerdict::Human,
        ConversationStatus::Closed => BotVerdict::Closed,
        ConversationStatus::Bot if facts.lock(now).is_some() => BotVerdict::Locked,
        ConversationStatus::Bot => BotVerdict::May,
    })
}

/// The conversations of all contacts that are one person, as they stand at this moment.
async fn fresh(store: &Store, tenant: TenantId, family: &Family) -> Result<Vec<Conversation>, StoreError> {
    let ids = family.ids();
    let reads = ids.iter().map(|contact| store.conversation_now(tenant, *contact));
    Ok(futures_util::future::try_join_all(reads).await?.into_iter().flatten().collect())
}

/// The contact under which a person's conversation is kept: one that was joined into another has its own still.
pub(crate) fn keeper(items: &[Conversation], family: &Family) -> Option<ContactId> {
    let own = items.iter().find(|item| item.contact == family.id());
    own.or_else(|| items.first()).map(|item| item.contact)
}
