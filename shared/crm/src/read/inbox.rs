//! The inbox: the tenant's messages are walked newest first, and each conversation is shown at its newest one.

use super::conversation::{Conversation, Facts};
use super::family::{Families, Family};
use super::walk::{Chunk, Source, walk};
use super::{ConversationStatus, Slice, timeline, unread};
use domain::ids::{ContactId, ConversationId, LeadId, MessageId, TenantId};
use domain::language::Language;
use domain::provider::Provider;
use domain::time::Millis;
use domain::window::ServiceWindow;
use futures_util::future::try_join_all;
use platform::dynamo::{Conversation as Stored, Entry, IndexedEntry, Store, StoreError};
use std::collections::{HashMap, HashSet};
use std::fmt;
use ulid::Ulid;

/// How late a message may reach us and still be told from one that was shown on an earlier page, in milliseconds.
const LATE_MS: u64 = 10 * 60 * 1000;
/// How many entries of a conversation are looked through for its newest message at the time of the first page, and
/// how many of them at a time.
const LOOK_BACK: (usize, u32) = (100, 20);

/// Which conversations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InboxFilter {
    /// Only the unread, or only the read.
    pub unread: Option<bool>,
    /// Only those in a language.
    pub language: Option<Language>,
    /// Only those that these answer.
    pub status: Option<ConversationStatus>,
    /// Only those that somebody works on; an empty name is nobody.
    pub assignee: Option<String>,
    /// Only those filed under a tag.
    pub tag: Option<String>,
    /// Only those whose latest message one provider carried.
    pub provider: Option<Provider>,
    /// Only those on one number, by the name its provider gives it.
    pub number: Option<String>,
    /// Only those whose service window is open, or is not.
    pub window_open: Option<bool>,
}

impl InboxFilter {
    /// Whether a conversation's own items decide.
    fn takes(&self, facts: &Facts, now: Millis) -> bool {
        let open = || ServiceWindow::at(facts.last_inbound().map(|(_, at)| at), now).open;
        self.unread.is_none_or(|unread| unread == facts.unread())
            && self.language.is_none_or(|language| facts.language() == Some(language))
            && self.status.is_none_or(|status| facts.status() == status)
            && self.assignee.as_deref().is_none_or(|name| facts.assignee().unwrap_or_default() == name)
            && self.tag.as_ref().is_none_or(|tag| facts.tags().contains(tag))
            && self.window_open.is_none_or(|wanted| open() == wanted)
    }

    const fn asks_for_carrier(&self) -> bool {
        self.provider.is_some() || self.number.is_some()
    }

    fn takes_carrier(&self, facts: &Facts) -> bool {
        let carrier = facts.carried_by.as_ref();
        self.provider.is_none_or(|provider| carrier.is_some_and(|(carrier, _)| *carrier == provider))
            && self.number.as_ref().is_none_or(|number| carrier.is_some_and(|(_, on)| on == number))
    }
}

/// A place in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxPosition {
    /// The message at which the page before ended.
    pub before: Ulid,
    /// When the first page was given: what moved since then was not on it.
    pub since: Millis,
}

impl InboxPosition {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (before, since) = text.split_once('@')?;
        Some(Self {
            before: Ulid::from_string(before).ok()?,
            since: Millis::from_unix_ms(since.parse().ok()?),
        })
    }
}

impl fmt::Display for InboxPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.before, self.since.unix_ms())
    }
}

/// A tenant's conversations, newest activity first. A page may be shorter than `limit` although there is more.
///
/// # Errors
/// The table did not answer.
pub async fn conversations(
    store: &Store,
    tenant: TenantId,
    filter: InboxFilter,
    after: Option<InboxPosition>,
    limit: u32,
    now: Millis,
) -> Result<Slice<Conversation, InboxPosition>, StoreError> {
    let mut inbox = Inbox {
        store,
        tenant,
        filter,
        now,
        since: after.map(|after| after.since),
        families: Families::default(),
        facts: HashMap::new(),
        done: HashSet::new(),
        newest_then: HashMap::new(),
    };
    let found = walk(&mut inbox, after.map(|after| after.before), limit).await?;
    let leads: Vec<_> = found.items.iter().flat_map(|(family, _)| family.possible_leads()).collect();
    let leads = store.leads(tenant, &leads).await?;
    let shown = found.items.into_iter().map(|(family, facts)| {
        let lead = family.lead(&leads).map(|lead| lead.id);
        async move {
            let facts = with_carrier(store, tenant, &family, facts).await?;
            shown(store, tenant, &family, facts, lead, now).await
        }
    });
    let since = after.map_or(now, |after| after.since);
    Ok(Slice {
        items: try_join_all(shown).await?,
        next: found.next.map(|before| InboxPosition { before, since }),
    })
}

/// One conversation, by the id of any contact of the person; `None` when there is none.
///
/// # Errors
/// The table did not answer.
pub async fn conversation(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    now: Millis,
) -> Result<Option<Conversation>, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(None) };
    let items = store.conversations(tenant, &family.ids()).await?;
    let Some(facts) = Facts::of(items.iter()) else { return Ok(None) };
    let facts = with_carrier(store, tenant, &family, facts).await?;
    let leads = store.leads(tenant, &family.possible_leads()).await?;
    let lead = family.lead(&leads).map(|lead| lead.id);
    Ok(Some(shown(store, tenant, &family, facts, lead, now).await?))
}

async fn shown(
    store: &Store,
    tenant: TenantId,
    family: &Family,
    facts: Facts,
    lead: Option<LeadId>,
    now: Millis,
) -> Result<Conversation, StoreError> {
    let count = if facts.unread() {
        unread::count(store, tenant, &family.ids(), facts.read_up_to()).await?
    } else {
        0
    };
    Ok(Conversation { unread_count: count, ..facts.shown(family, lead, now) })
}

/// A conversation that the customer never wrote in has its provider and number from the business's latest message.
async fn with_carrier(
    store: &Store,
    tenant: TenantId,
    family: &Family,
    mut facts: Facts,
) -> Result<Facts, StoreError> {
    if facts.carried_by.is_none() {
        let newest = timeline::union(store, tenant, &family.ids(), None, 1).await?.entries.into_iter().next();
        facts.carried_by = newest.map(|entry| (entry.provider, entry.number));
    }
    Ok(facts)
}

struct Inbox<'a> {
    store: &'a Store,
    tenant: TenantId,
    filter: InboxFilter,
    now: Millis,
    /// When the first page was given; absent while it is being made.
    since: Option<Millis>,
    families: Families,
    facts: HashMap<ContactId, Option<Facts>>,
    /// Persons whose place was met.
    done: HashSet<ContactId>,
    /// Persons' newest messages at the time of the first page, where that had to be looked up.
    newest_then: HashMap<ContactId, Option<Ulid>>,
}

impl Source for Inbox<'_> {
    type Item = (Family, Facts);

    async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<Self::Item>, StoreError> {
        let page = self.store.messages_by_time(self.tenant, before, count).await?;
        self.families.load(self.store, self.tenant, page.entries.iter().map(|entry| entry.contact)).await?;
        self.load_facts(&page.entries).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for entry in &page.entries {
            entries.push((entry.id.ulid(), self.at(entry.id, entry.contact).await?));
        }
        Ok(Chunk { entries, last: page.entries.last().map(|entry| entry.id.ulid()), more: page.more })
    }
}

impl Inbox<'_> {
    async fn load_facts(&mut self, entries: &[IndexedEntry]) -> Result<(), StoreError> {
        let mut families: HashMap<ContactId, Family> = HashMap::new();
        for entry in entries {
            if let Some(family) = self.families.of(entry.contact)
                && !self.facts.contains_key(&family.id())
            {
                families.insert(family.id(), family);
            }
        }
        let ids: Vec<ContactId> = families.values().flat_map(Family::ids).collect();
        let items: HashMap<ContactId, Stored> = self
            .store
            .conversations(self.tenant, &ids)
            .await?
            .into_iter()
            .map(|item| (item.contact, item))
            .collect();
        for (id, family) in families {
            let facts = Facts::of(family.ids().iter().filter_map(|member| items.get(member)));
            self.facts.insert(id, facts);
        }
        Ok(())
    }

    /// What is shown at a message, if anything is.
    async fn at(
        &mut self,
        message: MessageId,
        contact: ContactId,
    ) -> Result<Option<(Family, Facts)>, StoreError> {
        let Some(family) = self.families.of(contact) else { return Ok(None) };
        let Some(Some(facts)) = self.facts.get(&family.id()) else { return Ok(None) };
        let Some(newest) = facts.newest() else { return Ok(None) };
        if self.done.contains(&family.id()) {
            return Ok(None);
        }
        let facts = facts.clone();
        match place(message.ulid(), newest, self.since) {
            Place::NotYet => return Ok(None),
            Place::Here => {}
            Place::Passed => {
                self.done.insert(family.id());
                return Ok(None);
            }
            Place::Unsure { since } => {
                if self.newest_then(&family, since).await? != Some(message.ulid()) {
                    return Ok(None);
                }
            }
        }
        self.done.insert(family.id());
        if !self.filter.takes(&facts, self.now) {
            return Ok(None);
        }
        if !self.filter.asks_for_carrier() {
            return Ok(Some((family, facts)));
        }
        let facts = with_carrier(self.store, self.tenant, &family, facts).await?;
        Ok(self.filter.takes_carrier(&facts).then_some((family, facts)))
    }

    /// The newest message of a person that had been received when the first page was given.
    async fn newest_then(&mut self, family: &Family, since: Millis) -> Result<Option<Ulid>, StoreError> {
        if let Some(known) = self.newest_then.get(&family.id()) {
            return Ok(*known);
        }
        let (mut before, mut newest, mut looked_at) = (None, None, 0);
        while newest.is_none() && looked_at < LOOK_BACK.0 {
            let page = timeline::union(self.store, self.tenant, &family.ids(), before, LOOK_BACK.1).await?;
            let mut written =
                page.entries.iter().filter(|entry| is_written(entry) && entry.received_at <= since);
            newest = written.next().map(|entry| entry.id.ulid());
            looked_at += page.entries.len();
            before = page.entries.last().map(|entry| entry.id.ulid());
            if !page.more || before.is_none() {
                break;
            }
        }
        self.newest_then.insert(family.id(), newest);
        Ok(newest)
    }
}

/// Whether an entry moves its conversation (`domain::message::Content::opens_window`, by the name of the kind).
pub(super) fn is_written(entry: &Entry) -> bool {
    !matches!(entry.kind.as_str(), "edit" | "revoke" | "system")
}

/// How a message met on the walk relates to the place of its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The conversation is further down: this is an edit or a note that came after its newest message.
    NotYet,
    /// Here.
    Here,
    /// The conversation was on an earlier page.
    Passed,
    /// It may have been on an earlier page, or it moved since.
    Unsure {
        /// When the first page was given.
        since: Millis,
    },
}

fn place(met: Ulid, newest: Ulid, since: Option<Millis>) -> Place {
    // A message from the future lies in the index at the time it claims and counts as when it was received: the
    // digest is what stays.
    if met.random() == newest.random() {
        return Place::Here;
    }
    if met > newest {
        return Place::NotYet;
    }
    match since {
        // The index follows the table: the newest message is not in it yet, so this is the newest it has.
        None => Place::Here,
        Some(since) if newest.timestamp_ms().saturating_add(LATE_MS) >= since.unix_ms() => {
            Place::Unsure { since }
        }
        Some(_) => Place::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    const FIRST_PAGE: u64 = 1_700_000_000_000;

    fn message(at: u64, name: &str) -> Ulid {
        derived_ulid(at, &[name])
    }

    #[test]
    fn a_conversation_is_shown_at_its_newest_message_and_nowhere_else() {
        let newest = message(FIRST_PAGE - 5_000, "newest");
        let since = Some(Millis::from_unix_ms(FIRST_PAGE));
        for since in [None, since] {
            assert_eq!(place(newest, newest, since), Place::Here);
            assert_eq!(place(message(FIRST_PAGE, "an edit"), newest, since), Place::NotYet);
        }
        let long_ago = message(FIRST_PAGE - 2 * LATE_MS, "newest");
        assert_eq!(place(message(FIRST_PAGE - 3 * LATE_MS, "older"), long_ago, since), Place::Passed);
    }

    #[test]
    fn a_message_from_the_future_is_recognised_where_it_lies() {
        let lies_at = message(FIRST_PAGE + 86_400_000, "forged");
        let counts_as = Ulid::from_parts(FIRST_PAGE, lies_at.random());
        assert_eq!(place(lies_at, counts_as, None), Place::Here);
    }

    #[test]
    fn a_newest_message_that_the_index_does_not_list_yet_does_not_hide_its_conversation() {
        let (met, newest) = (message(FIRST_PAGE - 9_000, "met"), message(FIRST_PAGE - 1, "not listed"));
        assert_eq!(place(met, newest, None), Place::Here);
    }

    #[test]
    fn a_conversation_that_moved_since_the_first_page_is_looked_at_closely() {
        let since = Millis::from_unix_ms(FIRST_PAGE);
        let met = message(FIRST_PAGE - LATE_MS * 2, "met");
        for moved_at in [FIRST_PAGE + 60_000, FIRST_PAGE, FIRST_PAGE - 60_000] {
            assert_eq!(place(met, message(moved_at, "new"), Some(since)), Place::Unsure { since });
        }
    }

    #[test]
    fn a_position_reads_back() {
        let position = InboxPosition { before: message(5, "x"), since: Millis::from_unix_ms(FIRST_PAGE) };
        assert_eq!(InboxPosition::parse(&position.to_string()), Some(position));
        for bad in ["", "@", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV@x"] {
            assert_eq!(InboxPosition::parse(bad), None, "{bad}");
        }
    }
}
