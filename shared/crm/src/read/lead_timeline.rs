//! Everything that happened with a lead: messages, calls, e-mails, notes and what people did, by time.

use super::Slice;
use super::family::Family;
use super::message::{Message, Owner, shown};
use super::walk::{Chunk, Source, walk};
use domain::ids::{ContactId, ConversationId, EventId, LeadId, TenantId};
use domain::message::Direction;
use domain::time::Millis;
use futures_util::future::{try_join, try_join_all};
use platform::dynamo::{Entry, Happening, Store, StoreError};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

/// Something that happened with a lead.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEvent {
    /// Its id; what happened to a message shares the message's ULID.
    pub id: EventId,
    /// What happened, such as `whatsapp.message.received` or `voice.call`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When.
    pub at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The lead it is about, when it is about one and not about the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
    /// Who wrote it down: a key's id or a source; absent for messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What there is to know about it.
    pub data: EventData,
}

/// What there is to know about an event.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TimelineData))]
#[serde(untagged)]
pub enum EventData {
    /// The message.
    Message(Box<Message>),
    /// Anything else.
    Other(Value),
}

impl From<Happening> for TimelineEvent {
    fn from(happening: Happening) -> Self {
        Self {
            id: happening.id,
            event_type: happening.kind,
            at: Millis::from_unix_ms(happening.id.ulid().timestamp_ms()),
            trace_id: happening.trace_id,
            lead_id: happening.lead,
            actor: Some(happening.actor),
            data: EventData::Other(happening.data),
        }
    }
}

/// What happened with a lead, newest first; `None` when there is no such lead. `kinds` are types, or what types begin
/// with up to a dot; all when empty.
///
/// # Errors
/// The table did not answer.
pub async fn lead_timeline(
    store: &Store,
    tenant: TenantId,
    id: LeadId,
    kinds: &[String],
    after: Option<Ulid>,
    limit: u32,
) -> Result<Option<Slice<TimelineEvent>>, StoreError> {
    let Some(lead) = store.leads(tenant, &[id]).await?.pop() else { return Ok(None) };
    let Some(family) = Family::read(store, tenant, lead.contact).await? else { return Ok(None) };
    let mut source = Timeline { store, tenant, contacts: family.ids(), kinds };
    let found = walk(&mut source, after, limit).await?;
    let owner = Owner::of(store, tenant, &family).await?;
    let (mut entries, mut order) = (Vec::new(), Vec::with_capacity(found.items.len()));
    for item in found.items {
        match item {
            Found::Message(entry) => {
                order.push(Slot::Message(entry.id.ulid()));
                entries.push(*entry);
            }
            Found::Happening(happening) => order.push(Slot::Happening(happening)),
        }
    }
    let messages = shown(store, tenant, owner, entries, false).await?;
    let mut messages: HashMap<Ulid, Message> =
        messages.into_iter().map(|message| (message.id.ulid(), message)).collect();
    let items = order.into_iter().filter_map(|slot| match slot {
        Slot::Message(id) => messages.remove(&id).map(message_event),
        Slot::Happening(happening) => Some(TimelineEvent::from(*happening)),
    });
    Ok(Some(Slice { items: items.collect(), next: found.next }))
}

/// What happened in a conversation beside its messages, newest first, of these kinds; `None` when there is no such
/// conversation.
pub(super) async fn happenings_of(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    kinds: &[String],
    after: Option<Ulid>,
    limit: u32,
) -> Result<Option<Slice<Happening>>, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(None) };
    if store.conversations(tenant, &family.ids()).await?.is_empty() {
        return Ok(None);
    }
    let mut source = Timeline { store, tenant, contacts: family.ids(), kinds };
    let found = walk(&mut source, after, limit).await?;
    let items = found.items.into_iter().filter_map(|item| match item {
        Found::Happening(happening) => Some(*happening),
        Found::Message(_) => None,
    });
    Ok(Some(Slice { items: items.collect(), next: found.next }))
}

enum Slot {
    Message(Ulid),
    Happening(Box<Happening>),
}

fn message_event(message: Message) -> TimelineEvent {
    TimelineEvent {
        id: EventId::from_ulid(message.id.ulid()),
        event_type: message_kind(&message.kind, message.direction).to_owned(),
        at: message.created_at,
        trace_id: message.trace_id,
        lead_id: None,
        actor: None,
        data: EventData::Message(Box::new(message)),
    }
}

fn message_kind(kind: &str, direction: Direction) -> &'static str {
    match (kind, direction) {
        ("edit", _) => "whatsapp.message.edited",
        ("revoke", _) => "whatsapp.message.revoked",
        (_, Direction::Inbound) => "whatsapp.message.received",
        (_, Direction::Outbound) => "whatsapp.message.sent",
    }
}

/// An entry of a timeline, not yet shown.
enum Found {
    Message(Box<Entry>),
    Happening(Box<Happening>),
}

impl Found {
    fn id(&self) -> Ulid {
        match self {
            Self::Message(entry) => entry.id.ulid(),
            Self::Happening(happening) => happening.id.ulid(),
        }
    }

    fn kind(&self) -> &str {
        match self {
            Self::Message(entry) => message_kind(&entry.kind, entry.direction),
            Self::Happening(happening) => &happening.kind,
        }
    }
}

struct Timeline<'a> {
    store: &'a Store,
    tenant: TenantId,
    contacts: Vec<ContactId>,
    kinds: &'a [String],
}

impl Timeline<'_> {
    fn takes(&self, kind: &str) -> bool {
        let within = |wanted: &String| {
            kind.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.kinds.is_empty() || self.kinds.iter().any(within)
    }

    /// Whether messages can be among what is asked for.
    fn wants_messages(&self) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.split('.').next() == Some("whatsapp"))
    }

    /// Whether anything but messages can be.
    fn wants_happenings(&self) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.split('.').next() != Some("whatsapp"))
    }
}

impl Source for Timeline<'_> {
    type Item = Found;

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<Found>, StoreError> {
        let (store, tenant) = (self.store, self.tenant);
        let messages = self.contacts.iter().filter(|_| self.wants_messages());
        let messages = messages.map(|contact| store.timeline(tenant, *contact, before, count));
        let happenings = self.contacts.iter().filter(|_| self.wants_happenings());
        let happenings = happenings.map(|contact| store.happenings(tenant, *contact, before, count));
        let (messages, happenings) = try_join(try_join_all(messages), try_join_all(happenings)).await?;
        let messages = messages.into_iter().map(|page| {
            let found = page.entries.into_iter().map(|entry| Found::Message(Box::new(entry)));
            (found.collect::<Vec<_>>(), page.more)
        });
        let happenings = happenings.into_iter().map(|page| {
            let found = page.happenings.into_iter().map(|one| Found::Happening(Box::new(one)));
            (found.collect::<Vec<_>>(), page.more)
        });
        let (found, more) = merged(messages.chain(happenings).collect());
        let last = found.last().map(Found::id);
        let entries = found.into_iter().map(|one| {
            let at = one.id();
            (at, Some(one).filter(|one| self.takes(one.kind())))
        });
        Ok(Chunk { entries: entries.collect(), last, more })
    }
}

/// Pages of several lists as one, newest first, each entry once. It ends where a page was cut short: what lies beyond
/// is not known.
fn merged(pages: Vec<(Vec<Found>, bool)>) -> (Vec<Found>, bool) {
    let cut = pages.iter().filter(|(_, more)| *more);
    let floor = cut.filter_map(|(found, _)| found.last().map(Found::id)).max();
    let more = pages.iter().any(|(_, more)| *more);
    let mut found: Vec<Found> = pages.into_iter().flat_map(|(found, _)| found).collect();
    found.retain(|one| floor.is_none_or(|floor| one.id() >= floor));
    found.sort_by_key(|one| std::cmp::Reverse(one.id()));
    // A message that was recorded under two contacts before they were joined is one message.
    found.dedup_by_key(|one| one.id());
    (found, more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    fn happening(at: u64) -> Found {
        Found::Happening(Box::new(Happening {
            id: EventId::from_ulid(Ulid::from_parts(at, 0)),
            contact: ContactId::from_ulid(derived_ulid(1, &["c"])),
            lead: None,
            kind: "note".to_owned(),
            actor: "key".to_owned(),
            recorded_at: Millis::from_unix_ms(at),
            trace_id: Uuid::nil(),
            data: Value::Null,
        }))
    }

    fn times(pages: &[(&[u64], bool)]) -> (Vec<u64>, bool) {
        let pages =
            pages.iter().map(|(times, more)| (times.iter().map(|at| happening(*at)).collect(), *more));
        let (found, more) = merged(pages.collect());
        (found.iter().map(|one| one.id().timestamp_ms()).collect(), more)
    }

    #[test]
    fn lists_are_read_as_one_up_to_where_all_are_known() {
        assert_eq!(times(&[(&[9, 5, 1], false), (&[7, 5, 3], false)]), (vec![9, 7, 5, 3, 1], false));
        assert_eq!(times(&[(&[9, 8], true), (&[7, 3], false)]), (vec![9, 8], true));
        assert_eq!(times(&[(&[9, 2], true), (&[7, 3], true)]), (vec![9, 7, 3], true));
        assert_eq!(times(&[(&[], false), (&[], false)]), (vec![], false));
    }
}
