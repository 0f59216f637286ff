//! Work on conversations by many people: who answers at the moment, what it is filed under, when it went to a person.

use super::conversations::text;
use super::wire::{AttributeValue, Item, Names, Refused, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::{ContactId, EventId, KeyId, TenantId};
use domain::time::Millis;
use std::collections::BTreeSet;

/// Somebody answers a conversation for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationLock {
    /// The key that asked.
    pub key: KeyId,
    /// The person behind it, by the name the caller gave.
    pub agent: Option<String>,
    /// Until when.
    pub until: Millis,
}

/// What asking for a conversation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockTaken {
    /// It is the asker's.
    Yes,
    /// Somebody else has it.
    Theirs(ConversationLock),
    /// There is no such conversation.
    NoConversation,
}

/// What handing a conversation over came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOff {
    /// It went to a person now.
    Moved,
    /// The same event moved it before.
    Before,
    /// A person has it already, or somebody decided later.
    No,
}

impl Store {
    /// Takes or renews the lock of a conversation; with `take_over` also from somebody else.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn lock_conversation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        lock: &ConversationLock,
        take_over: bool,
        now: Millis,
    ) -> Result<LockTaken, StoreError> {
        let mut values = Values::from([
            (":by", s(lock.key)),
            (":agent", s(lock.agent.as_deref().unwrap_or_default())),
            (":until", n(lock.until.unix_ms())),
        ]);
        let condition = if take_over {
            "attribute_exists(pk)"
        } else {
            values.insert(":now", n(now.unix_ms()));
            "attribute_exists(pk) AND (attribute_not_exists(lock_until) OR lock_until <= :now \
             OR (lock_by = :by AND lock_agent = :agent))"
        };
        let taken = self
            .crm
            .update(
                "lock conversation",
                keys::conversation(tenant, contact),
                "SET lock_by = :by, lock_agent = :agent, lock_until = :until",
                Some(condition),
                Names::new(),
                values,
            )
            .await?;
        Ok(match taken {
            Ok(()) => LockTaken::Yes,
            Err(Refused(old)) => {
                old.as_ref().and_then(lock_of).map_or(LockTaken::NoConversation, LockTaken::Theirs)
            }
        })
    }

    /// Gives the lock of a conversation up; answers the lock of somebody else that stands in the way. One that is not
    /// there, or over, is given up already.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn unlock_conversation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        key: KeyId,
        agent: Option<&str>,
        now: Millis,
    ) -> Result<Option<ConversationLock>, StoreError> {
        let values = Values::from([(":by", s(key)), (":agent", s(agent.unwrap_or_default()))]);
        let given_up = self
            .crm
            .update(
                "unlock conversation",
                keys::conversation(tenant, contact),
                "REMOVE lock_by, lock_agent, lock_until",
                Some("lock_by = :by AND lock_agent = :agent"),
                Names::new(),
                values,
            )
            .await?;
        let theirs = given_up.err().and_then(|Refused(old)| old.as_ref().and_then(lock_of));
        Ok(theirs.filter(|lock| lock.until > now))
    }

    /// Files a conversation under these tags and no others.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn tag_conversation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        tags: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let (expression, values) = if tags.is_empty() {
            ("REMOVE tags", Values::new())
        } else {
            ("SET tags = :tags", Values::from([(":tags", set(tags))]))
        };
        self.change_tags(tenant, contact, expression, values).await
    }

    /// Adds tags to a conversation; two hands at once both hold.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn add_conversation_tags(
        &self,
        tenant: TenantId,
        contact: ContactId,
        tags: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        self.change_tags(tenant, contact, "ADD tags :tags", Values::from([(":tags", set(tags))])).await
    }

    /// Takes tags off a conversation; two hands at once both hold.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn remove_conversation_tags(
        &self,
        tenant: TenantId,
        contact: ContactId,
        tags: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        self.change_tags(tenant, contact, "DELETE tags :tags", Values::from([(":tags", set(tags))])).await
    }

    /// Moves a conversation to a person because of an event, unless a person has it or somebody decided later.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn hand_conversation_off(
        &self,
        tenant: TenantId,
        contact: ContactId,
        event: EventId,
    ) -> Result<HandedOff, StoreError> {
        let values = Values::from([(":human", s("human")), (":event", s(event.ulid()))]);
        let moved = self
            .crm
            .update(
                "hand conversation off",
                keys::conversation(tenant, contact),
                "SET #status = :human, status_o = :event, handoff = :event",
                Some(
                    "attribute_exists(pk) AND (attribute_not_exists(status_o) \
                     OR (#status <> :human AND status_o < :event))",
                ),
                Names::from([("#status", "status")]),
                values,
            )
            .await?;
        Ok(match moved {
            Ok(()) => HandedOff::Moved,
            Err(Refused(old)) => {
                let by = old.as_ref().and_then(|item| text(item, "handoff"));
                if by == Some(event.ulid().to_string().as_str()) { HandedOff::Before } else { HandedOff::No }
            }
        })
    }

    async fn change_tags(
        &self,
        tenant: TenantId,
        contact: ContactId,
        expression: &str,
        values: Values,
    ) -> Result<(), StoreError> {
        let (key, there) = (keys::conversation(tenant, contact), Some("attribute_exists(pk)"));
        self.crm.update("tag conversation", key, expression, there, Names::new(), values).await?.ok();
        Ok(())
    }
}

fn set(tags: &BTreeSet<String>) -> AttributeValue {
    AttributeValue::Ss(tags.iter().cloned().collect())
}

pub(super) fn lock_of(item: &Item) -> Option<ConversationLock> {
    let until = match item.get("lock_until")? {
        AttributeValue::N(ms) => ms.parse().ok()?,
        _ => return None,
    };
    Some(ConversationLock {
        key: KeyId::parse(text(item, "lock_by")?).ok()?,
        agent: text(item, "lock_agent").filter(|agent| !agent.is_empty()).map(str::to_owned),
        until: Millis::from_unix_ms(until),
    })
}
