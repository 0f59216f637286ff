//! The soft lock: while somebody answers a conversation, nobody else does without saying so.

use super::{fresh, keeper};
use crate::read::{Facts, Family};
use crate::send::Target;
use domain::identity::Identity;
use domain::ids::{ConversationId, KeyId, TenantId};
use domain::time::Millis;
use platform::dynamo::{ConversationLock, LockTaken, Store, StoreError};
use serde::Serialize;

/// Somebody answers a conversation at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConversationLock))]
pub struct Lock {
    /// The key that asked for it.
    pub key_id: KeyId,
    /// The person behind it, as the caller named them.
    pub agent: Option<String>,
    /// Until when, unless it is renewed.
    pub until: Millis,
}

impl From<&ConversationLock> for Lock {
    fn from(lock: &ConversationLock) -> Self {
        Self { key_id: lock.key, agent: lock.agent.clone(), until: lock.until }
    }
}

/// Who wants to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    /// With which key.
    pub key: KeyId,
    /// The person behind it.
    pub agent: Option<String>,
    /// Whether they answer although somebody else does.
    pub anyway: bool,
}

/// What asking for a lock came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is the asker's.
    Yes(Lock),
    /// Somebody else has it.
    Theirs(Lock),
    /// There is no such conversation.
    NotFound,
}

/// What giving a lock up came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unlocked {
    /// The asker does not have it (any more).
    Yes,
    /// Somebody else has it.
    Theirs(Lock),
    /// There is no such conversation.
    NotFound,
}

/// Takes or renews the lock of a conversation for a while.
///
/// # Errors
/// The table did not answer.
pub async fn lock(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    by: &Answering,
    until: Millis,
    now: Millis,
) -> Result<Taken, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(Taken::NotFound) };
    let items = fresh(store, tenant, &family).await?;
    let (Some(contact), Some(facts)) = (keeper(&items, &family), Facts::of(items.iter())) else {
        return Ok(Taken::NotFound);
    };
    // Before two contacts were joined each may have been locked.
    if let Some(theirs) = facts.lock(now).filter(|lock| !by.anyway && !is_held_by(lock, by)) {
        return Ok(Taken::Theirs(theirs));
    }
    let wanted = ConversationLock { key: by.key, agent: by.agent.clone(), until };
    Ok(match store.lock_conversation(tenant, contact, &wanted, by.anyway, now).await? {
        LockTaken::Yes => Taken::Yes(Lock::from(&wanted)),
        LockTaken::Theirs(lock) => Taken::Theirs(Lock::from(&lock)),
        LockTaken::NoConversation => Taken::NotFound,
    })
}

/// Gives the lock of a conversation up.
///
/// # Errors
/// The table did not answer.
pub async fn unlock(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    by: &Answering,
    now: Millis,
) -> Result<Unlocked, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else {
        return Ok(Unlocked::NotFound);
    };
    let items = fresh(store, tenant, &family).await?;
    if items.is_empty() {
        return Ok(Unlocked::NotFound);
    }
    let mut left = Unlocked::Yes;
    for item in items.iter().filter(|item| item.lock.is_some()) {
        let (key, agent) = (by.key, by.agent.as_deref());
        if let Some(lock) = store.unlock_conversation(tenant, item.contact, key, agent, now).await? {
            left = Unlocked::Theirs(Lock::from(&lock));
        }
    }
    Ok(left)
}

/// The lock that keeps somebody from sending to a recipient; `None` when there is none, and for a recipient that is not
/// there.
///
/// # Errors
/// The table did not answer.
pub async fn in_the_way(
    store: &Store,
    tenant: TenantId,
    target: &Target,
    by: &Answering,
    now: Millis,
) -> Result<Option<Lock>, StoreError> {
    if by.anyway {
        return Ok(None);
    }
    let contact = match target {
        Target::Conversation(id) => Some(id.contact()),
        Target::Contact(contact) => Some(*contact),
        Target::Lead(id) => store.lead(tenant, *id).await?.map(|lead| lead.contact),
        Target::Phone(phone) => {
            let known = store.known_identity(tenant, &Identity::Phone(phone.clone()), false).await?;
            known.filter(|known| known.former_since.is_none()).map(|known| known.contact)
        }
    };
    let Some(contact) = contact else { return Ok(None) };
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let items = fresh(store, tenant, &family).await?;
    let facts = Facts::of(items.iter());
    Ok(facts.and_then(|facts| facts.lock(now)).filter(|lock| !lets_through(lock, by)))
}

/// Whether a lock is somebody's own.
fn is_held_by(lock: &Lock, by: &Answering) -> bool {
    lock.key_id == by.key && lock.agent == by.agent
}

/// Whether a lock lets somebody send. A key that names nobody decides for itself who of its people answers, and a lock
/// that names nobody is its key's.
fn lets_through(lock: &Lock, by: &Answering) -> bool {
    lock.key_id == by.key && (by.agent.is_none() || lock.agent.is_none() || lock.agent == by.agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    fn key(name: &str) -> KeyId {
        KeyId::from_ulid(derived_ulid(1, &[name]))
    }

    #[test]
    fn a_lock_lets_its_holder_and_the_key_behind_it_through_and_nobody_else() {
        let lock = |agent: Option<&str>| Lock {
            key_id: key("desk"),
            agent: agent.map(str::to_owned),
            until: Millis::from_unix_ms(5),
        };
        let by = |name: &str, agent: Option<&str>| Answering {
            key: key(name),
            agent: agent.map(str::to_owned),
            anyway: false,
        };
        for (held, asking, through) in [
            (Some("omar"), by("desk", Some("omar")), true),
            (Some("omar"), by("desk", Some("sara")), false),
            (Some("omar"), by("desk", None), true),
            (Some("omar"), by("other", Some("omar")), false),
            (Some("omar"), by("other", None), false),
            (None, by("desk", None), true),
            (None, by("desk", Some("sara")), true),
            (None, by("other", None), false),
        ] {
            assert_eq!(lets_through(&lock(held), &asking), through, "{held:?} {asking:?}");
        }
    }
}
