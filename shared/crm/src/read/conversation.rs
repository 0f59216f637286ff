//! A conversation as the API shows it, from what its contacts' items say together.

use super::contact::{ContactBrief, brief};
use super::family::Family;
use crate::desk::Lock;
use domain::ids::{ContactId, ConversationId, EventId, LeadId};
use domain::language::Language;
use domain::provider::Provider;
use domain::time::Millis;
use domain::window::ServiceWindow;
use platform::dynamo::Conversation as Stored;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use ulid::Ulid;

/// A conversation. Every field is always there, whoever carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The contact it is with.
    pub contact_id: ContactId,
    /// The same, in short.
    pub contact: ContactBrief,
    /// The contact's lead.
    pub lead_id: Option<LeadId>,
    /// Who carried the latest message.
    pub provider: Option<Provider>,
    /// The number of ours it was on.
    pub number: NumberName,
    /// What the customer writes in, as far as they said.
    pub language: Option<Language>,
    /// Who answers. A customer who writes reopens a closed conversation.
    pub status: ConversationStatus,
    /// Who works on it.
    pub assignee: Option<String>,
    /// What it is filed under.
    pub tags: BTreeSet<String>,
    /// Who answers it at this moment.
    pub lock: Option<Lock>,
    /// The 24-hour service window.
    pub window: ServiceWindow,
    /// When either side last wrote.
    pub last_message_at: Option<Millis>,
    /// Whether the customer wrote something that no operator has marked as read.
    pub unread: bool,
    /// How many messages that is; 100 is a hundred or more.
    pub unread_count: u32,
    /// What last moved it to a person.
    #[serde(skip)]
    pub handoff: Option<EventId>,
    /// When the first event about the contact was received.
    pub created_at: Option<Millis>,
}

/// Who answers a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ConversationStatus {
    /// The assistant, until a person takes over.
    Bot,
    /// A person.
    Human,
    /// Nobody, any more.
    Closed,
}

impl ConversationStatus {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Human => "human",
            Self::Closed => "closed",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Bot, Self::Human, Self::Closed].into_iter().find(|status| status.as_str() == text)
    }
}

/// A number of ours, by the name its provider gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberName {
    /// Meta's and 360dialog's id of the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// UltraMsg's instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

impl NumberName {
    /// Reads the name a message was recorded with; `-` stands for a body that named none.
    pub(super) fn of(provider: Provider, number: &str) -> Self {
        if number.is_empty() || number == "-" {
            return Self::default();
        }
        let number = Some(number.to_owned());
        match provider {
            Provider::Meta | Provider::Dialog360 => Self { phone_number_id: number, instance_id: None },
            Provider::Ultramsg => Self { phone_number_id: None, instance_id: number },
            Provider::Sandbox => Self::default(),
        }
    }
}

/// What the items of one person say together: the latest word on each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    last_inbound: Option<(Ulid, Millis)>,
    last_outbound: Option<Ulid>,
    language: Option<(Ulid, Language)>,
    pub(super) carried_by: Option<(Provider, String)>,
    read_up_to: Option<Ulid>,
    status: Option<(Ulid, String)>,
    assignee: Option<(Ulid, String)>,
    tags: BTreeSet<String>,
    lock: Option<Lock>,
    handoff: Option<EventId>,
}

impl Facts {
    /// Joins the items of one person; `None` when nobody wrote.
    pub(crate) fn of<'a>(items: impl Iterator<Item = &'a Stored>) -> Option<Self> {
        let mut facts = Self::default();
        for item in items {
            // The number belongs to the customer's latest message, so it goes with it.
            if item.last_inbound >= facts.last_inbound && item.carried_by.is_some() {
                facts.carried_by.clone_from(&item.carried_by);
            }
            facts.last_inbound = facts.last_inbound.max(item.last_inbound);
            facts.last_outbound = facts.last_outbound.max(item.last_outbound);
            facts.read_up_to = facts.read_up_to.max(item.read_up_to);
            facts.status = facts.status.max(item.status.clone());
            facts.assignee = facts.assignee.max(item.assignee.clone());
            facts.tags.extend(item.tags.iter().cloned());
            facts.handoff = facts.handoff.max(item.handoff);
            if let Some(lock) = &item.lock
                && facts.lock.as_ref().is_none_or(|known| lock.until > known.until)
            {
                facts.lock = Some(Lock::from(lock));
            }
            if item.language.map(|(order, _)| order) > facts.language.map(|(order, _)| order) {
                facts.language = item.language;
            }
        }
        facts.newest().is_some().then_some(facts)
    }

    /// Where the latest message of either side stands.
    pub(super) fn newest(&self) -> Option<Ulid> {
        self.last_inbound.map(|(order, _)| order).max(self.last_outbound)
    }

    pub(super) fn language(&self) -> Option<Language> {
        self.language.map(|(_, language)| language)
    }

    pub(super) fn unread(&self) -> bool {
        self.last_inbound.is_some_and(|(order, _)| self.read_up_to.is_none_or(|read| order > read))
    }

    /// The customer's latest message.
    pub(crate) const fn last_inbound(&self) -> Option<(Ulid, Millis)> {
        self.last_inbound
    }

    /// Everything up to here was read.
    pub(super) const fn read_up_to(&self) -> Option<Ulid> {
        self.read_up_to
    }

    /// What it is filed under.
    pub(super) const fn tags(&self) -> &BTreeSet<String> {
        &self.tags
    }

    /// Who answers at `now`.
    pub(crate) fn lock(&self, now: Millis) -> Option<Lock> {
        self.lock.clone().filter(|lock| lock.until > now)
    }

    /// When the business last wrote.
    pub(crate) const fn last_outbound(&self) -> Option<Ulid> {
        self.last_outbound
    }

    /// Whether somebody said that a person answers.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.status.as_ref().is_some_and(|(_, status)| status == ConversationStatus::Human.as_str())
    }

    /// When somebody last gave it back to the bot, if nobody decided otherwise since.
    pub(crate) fn given_back_at(&self) -> Option<Millis> {
        let bot = ConversationStatus::Bot.as_str();
        let (order, _) = self.status.as_ref().filter(|(_, status)| status == bot)?;
        Some(Millis::from_unix_ms(order.timestamp_ms()))
    }

    /// Who works on it.
    pub(crate) fn assignee(&self) -> Option<&str> {
        self.assignee.as_ref().map(|(_, name)| name.as_str()).filter(|name| !name.is_empty())
    }

    /// Who answers: as an operator set it; a closed conversation is open again once the customer writes.
    pub(crate) fn status(&self) -> ConversationStatus {
        let open =
            if self.assignee().is_some() { ConversationStatus::Human } else { ConversationStatus::Bot };
        let Some((set, name)) = &self.status else { return open };
        match ConversationStatus::parse(name) {
            Some(ConversationStatus::Closed) if self.last_inbound.is_some_and(|(order, _)| order > *set) => {
                open
            }
            Some(status) => status,
            None => open,
        }
    }

    /// The conversation as it is shown at `now`.
    pub(super) fn shown(self, family: &Family, lead_id: Option<LeadId>, now: Millis) -> Conversation {
        let last_message_at = self.newest().map(|order| Millis::from_unix_ms(order.timestamp_ms()));
        let (provider, number) = match &self.carried_by {
            Some((provider, number)) => (Some(*provider), NumberName::of(*provider, number)),
            None => (None, NumberName::default()),
        };
        Conversation {
            id: family.id().conversation(),
            contact_id: family.id(),
            contact: brief(family),
            lead_id,
            provider,
            number,
            language: self.language(),
            status: self.status(),
            assignee: self.assignee().map(str::to_owned),
            lock: self.lock(now),
            window: ServiceWindow::at(self.last_inbound.map(|(_, at)| at), now),
            last_message_at,
            unread: self.unread(),
            unread_count: 0,
            handoff: self.handoff,
            created_at: family.created_at(),
            tags: self.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    fn order(at: u64) -> Ulid {
        derived_ulid(at, &["message"])
    }

    fn item(inbound: Option<u64>, number: &str) -> Stored {
        Stored {
            contact: ContactId::from_ulid(order(1)),
            last_inbound: inbound.map(|at| (order(at), Millis::from_unix_ms(at))),
            last_outbound: None,
            language: None,
            carried_by: inbound.map(|_| (Provider::Meta, number.to_owned())),
            read_up_to: None,
            status: None,
            assignee: None,
            tags: BTreeSet::new(),
            lock: None,
            handoff: None,
        }
    }

    #[test]
    fn a_closed_conversation_is_open_again_once_the_customer_writes() {
        let closed =
            |inbound| Stored { status: Some((order(7), "closed".into())), ..item(Some(inbound), "1") };
        let status = |item: &Stored| Facts::of([item].into_iter()).unwrap().status();
        assert_eq!(status(&closed(5)), ConversationStatus::Closed);
        assert_eq!(status(&closed(8)), ConversationStatus::Bot);
        let assigned = Stored { assignee: Some((order(6), "sara".into())), ..closed(8) };
        assert_eq!(status(&assigned), ConversationStatus::Human);
        assert_eq!(status(&item(Some(5), "1")), ConversationStatus::Bot);
    }

    #[test]
    fn the_items_of_one_person_are_read_as_one_in_any_order() {
        let older = Stored {
            language: Some((order(3), Language::Ar)),
            last_outbound: Some(order(9)),
            ..item(Some(5), "1")
        };
        let newer = Stored { language: Some((order(2), Language::En)), ..item(Some(7), "2") };
        for items in [[&older, &newer], [&newer, &older]] {
            let facts = Facts::of(items.into_iter()).unwrap();
            assert_eq!(facts.newest(), Some(order(9)));
            assert_eq!(facts.language(), Some(Language::Ar));
            assert_eq!(facts.carried_by, Some((Provider::Meta, "2".to_owned())));
            assert!(facts.unread());
        }
    }

    #[test]
    fn a_conversation_is_unread_until_it_is_read_up_to_the_customers_last_message() {
        let read = |up_to| Stored { read_up_to: Some(order(up_to)), ..item(Some(5), "1") };
        assert!(!Facts::of([&read(5)].into_iter()).unwrap().unread());
        assert!(!Facts::of([&read(6)].into_iter()).unwrap().unread());
        assert!(Facts::of([&read(4)].into_iter()).unwrap().unread());
        let echo_only = Stored { last_outbound: Some(order(9)), ..item(None, "") };
        assert!(!Facts::of([&echo_only].into_iter()).unwrap().unread());
    }

    #[test]
    fn where_nobody_wrote_there_is_no_conversation() {
        assert_eq!(Facts::of(std::iter::empty()), None);
        assert_eq!(Facts::of([&item(None, "")].into_iter()), None);
    }

    #[test]
    fn a_number_has_the_name_its_provider_gives_it() {
        assert_eq!(NumberName::of(Provider::Dialog360, "1").phone_number_id.as_deref(), Some("1"));
        assert_eq!(NumberName::of(Provider::Ultramsg, "7").instance_id.as_deref(), Some("7"));
        assert_eq!(NumberName::of(Provider::Meta, "-"), NumberName::default());
    }
}
