//! Conversations: one per contact, every field a maximum or a latest word, so that the order of work does not matter.

use super::conversation_work::lock_of;
use super::wire::{AttributeValue, Item, Key, Names, Refused, StoreError, Values, n, s};
use super::{ConversationLock, Store, keys};
use domain::ids::{ContactId, EventId, TenantId};
use domain::language::Language;
use domain::provider::Provider;
use domain::time::Millis;
use std::collections::BTreeSet;
use ulid::Ulid;

/// How a customer's message moves its conversation.
#[derive(Debug, Clone, Copy)]
pub struct InboundMove<'a> {
    /// Where the message stands among the others.
    pub order: Ulid,
    /// When it counts as sent.
    pub at: Millis,
    /// The language it is written in, when it says so.
    pub language: Option<Language>,
    /// Who carried it.
    pub provider: Provider,
    /// The number it was written to: Meta's phone number id or UltraMsg's instance id.
    pub number: &'a str,
}

/// A conversation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The contact it is with.
    pub contact: ContactId,
    /// The customer's latest message.
    pub last_inbound: Option<(Ulid, Millis)>,
    /// The business's latest message.
    pub last_outbound: Option<Ulid>,
    /// The language of the customer's latest message that says so.
    pub language: Option<(Ulid, Language)>,
    /// Who carried the customer's latest message, and the number it was written to.
    pub carried_by: Option<(Provider, String)>,
    /// Everything up to here was read by an operator.
    pub read_up_to: Option<Ulid>,
    /// Who answers, as an operator last set it, and when.
    pub status: Option<(Ulid, String)>,
    /// Who works on it, as an operator last set it, and when; an empty name is nobody.
    pub assignee: Option<(Ulid, String)>,
    /// What operators filed it under.
    pub tags: BTreeSet<String>,
    /// Who answers it at the moment, or did last.
    pub lock: Option<ConversationLock>,
    /// What last moved it to a person: the entry of its timeline.
    pub handoff: Option<EventId>,
}

/// What an operator sets on a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting<'a> {
    /// Who answers.
    Status(&'a str),
    /// Who works on it; an empty name is nobody.
    Assignee(&'a str),
}

impl Store {
    /// Moves a conversation by a customer's message, creating it when it is new; a message that is older than what
    /// the conversation knows changes at most the language.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn move_conversation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        by: InboundMove<'_>,
    ) -> Result<(), StoreError> {
        let mut values = Values::from([
            (":o", s(by.order)),
            (":at", n(by.at.unix_ms())),
            (":p", s(by.provider)),
            (":n", s(by.number)),
        ]);
        let expression = if let Some(language) = by.language {
            values.insert(":l", s(language.as_str()));
            "SET in_o = :o, in_at = :at, provider = :p, num = :n, lang = :l, lang_o = :o"
        } else {
            "SET in_o = :o, in_at = :at, provider = :p, num = :n"
        };
        let moved = self
            .crm
            .update(
                "move conversation",
                keys::conversation(tenant, contact),
                expression,
                Some("attribute_not_exists(in_o) OR in_o < :o"),
                Names::new(),
                values,
            )
            .await?;
        let (Err(Refused(old)), Some(language)) = (moved, by.language) else { return Ok(()) };
        // The conversation is further already; this message may still be the latest that names a language.
        let known = old.as_ref().and_then(|item| text(item, "lang_o"));
        if known.is_some_and(|known| known >= by.order.to_string().as_str()) {
            return Ok(());
        }
        let values = Values::from([(":o", s(by.order)), (":l", s(language.as_str()))]);
        self.crm
            .update(
                "set conversation language",
                keys::conversation(tenant, contact),
                "SET lang = :l, lang_o = :o",
                Some("attribute_not_exists(lang_o) OR lang_o < :o"),
                Names::new(),
                values,
            )
            .await?
            .ok();
        Ok(())
    }

    /// Notes that the business wrote. Never touches the service window.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_outbound(
        &self,
        tenant: TenantId,
        contact: ContactId,
        order: Ulid,
    ) -> Result<(), StoreError> {
        self.advance(tenant, contact, "note outbound", "out_o", order).await
    }

    /// Notes that an operator read everything up to an entry.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn mark_read(
        &self,
        tenant: TenantId,
        contact: ContactId,
        up_to: Ulid,
    ) -> Result<(), StoreError> {
        self.advance(tenant, contact, "mark read", "read_o", up_to).await
    }

    /// Sets one thing on a conversation unless a later hand did.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn set_conversation(
        &self,
        tenant: TenantId,
        contact: ContactId,
        setting: Setting<'_>,
        order: Ulid,
    ) -> Result<(), StoreError> {
        let (value, names) = match setting {
            Setting::Status(status) => (status, [("#v", "status"), ("#o", "status_o")]),
            Setting::Assignee(assignee) => (assignee, [("#v", "assignee"), ("#o", "assignee_o")]),
        };
        self.crm
            .update(
                "set conversation",
                keys::conversation(tenant, contact),
                "SET #v = :v, #o = :o",
                Some("attribute_exists(pk) AND (attribute_not_exists(#o) OR #o < :o)"),
                Names::from(names),
                Values::from([(":v", s(value)), (":o", s(order))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// A contact's conversation as it stands at this moment.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn conversation_now(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<Conversation>, StoreError> {
        let item = self.crm.get("read conversation", &keys::conversation(tenant, contact), true).await?;
        item.as_ref().map(read).transpose()
    }

    async fn advance(
        &self,
        tenant: TenantId,
        contact: ContactId,
        action: &'static str,
        attribute: &'static str,
        order: Ulid,
    ) -> Result<(), StoreError> {
        self.crm
            .update(
                action,
                keys::conversation(tenant, contact),
                "SET #a = :o",
                Some("attribute_not_exists(#a) OR #a < :o"),
                Names::from([("#a", attribute)]),
                Values::from([(":o", s(order))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Reads the conversations of contacts; absent ones are left out.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn conversations(
        &self,
        tenant: TenantId,
        contacts: &[ContactId],
    ) -> Result<Vec<Conversation>, StoreError> {
        let keys: Vec<Key> = contacts.iter().map(|contact| keys::conversation(tenant, *contact)).collect();
        let items = self.crm.batch_get("read conversations", &keys).await?;
        items.iter().map(read).collect()
    }
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn read(item: &Item) -> Result<Conversation, StoreError> {
    let pk = text(item, "pk").unwrap_or_default();
    let corrupt = |why: &'static str| StoreError::corrupt("read conversation", pk, why);
    let ulid = |name: &str| {
        text(item, name).map(|text| Ulid::from_string(text).map_err(|_| corrupt("not a ULID"))).transpose()
    };
    let key = Key { pk: pk.to_owned(), sk: String::new() };
    let at = match item.get("in_at") {
        Some(AttributeValue::N(ms)) => {
            Some(ms.parse().map(Millis::from_unix_ms).map_err(|_| corrupt("in_at"))?)
        }
        _ => None,
    };
    let provider = text(item, "provider").and_then(Provider::parse);
    Ok(Conversation {
        contact: keys::contact_of(&key).ok_or_else(|| corrupt("no contact in its key"))?,
        last_inbound: ulid("in_o")?.zip(at),
        last_outbound: ulid("out_o")?,
        language: ulid("lang_o")?.zip(text(item, "lang").and_then(Language::parse)),
        carried_by: provider.zip(text(item, "num").map(str::to_owned)),
        read_up_to: ulid("read_o")?,
        status: ulid("status_o")?.zip(text(item, "status").map(str::to_owned)),
        assignee: ulid("assignee_o")?.zip(text(item, "assignee").map(str::to_owned)),
        tags: match item.get("tags") {
            Some(AttributeValue::Ss(tags)) => tags.iter().cloned().collect(),
            _ => BTreeSet::new(),
        },
        lock: lock_of(item),
        handoff: ulid("handoff")?.map(EventId::from_ulid),
    })
}
