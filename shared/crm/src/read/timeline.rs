//! A person's messages: the partitions of all their contacts, read as one.

use domain::ids::{ContactId, TenantId};
use futures_util::future::try_join_all;
use platform::dynamo::{EntryPage, Store, StoreError};
use ulid::Ulid;

/// Entries of several contacts, newest first, each once.
pub(super) async fn union(
    store: &Store,
    tenant: TenantId,
    contacts: &[ContactId],
    before: Option<Ulid>,
    limit: u32,
) -> Result<EntryPage, StoreError> {
    let pages = contacts.iter().map(|contact| store.timeline(tenant, *contact, before, limit));
    Ok(merged(try_join_all(pages).await?, limit))
}

/// Where the page after this one begins.
pub(super) fn next(page: &EntryPage) -> Option<Ulid> {
    page.entries.last().filter(|_| page.more).map(|entry| entry.id.ulid())
}

fn merged(pages: Vec<EntryPage>, limit: u32) -> EntryPage {
    // A page that was cut short says nothing about what lies beyond its end, so neither may the union.
    let floor = pages
        .iter()
        .filter(|page| page.more)
        .filter_map(|page| page.entries.last())
        .map(|entry| entry.id)
        .max();
    let mut more = pages.iter().any(|page| page.more);
    let mut entries: Vec<_> = pages.into_iter().flat_map(|page| page.entries).collect();
    entries.retain(|entry| floor.is_none_or(|floor| entry.id >= floor));
    entries.sort_by_key(|entry| std::cmp::Reverse((entry.id, entry.contact)));
    // A message that was recorded under two contacts before they were joined is one message.
    entries.dedup_by_key(|entry| entry.id);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    more |= entries.len() > limit;
    entries.truncate(limit);
    EntryPage { entries, more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{MessageId, derived_ulid};
    use domain::message::Direction;
    use domain::provider::Provider;
    use domain::time::Millis;
    use platform::dynamo::Entry;
    use uuid::Uuid;

    fn page(contact: &str, times: &[u64], more: bool) -> EntryPage {
        let entry = |at: &u64| Entry {
            id: MessageId::from_ulid(Ulid::from_parts(*at, 0)),
            contact: ContactId::from_ulid(derived_ulid(1, &[contact])),
            direction: Direction::Inbound,
            kind: "text".into(),
            provider: Provider::Meta,
            number: "1".into(),
            provider_message_id: at.to_string(),
            received_at: Millis::from_unix_ms(*at),
            trace_id: Uuid::nil(),
            raw: "{}".into(),
            ours: false,
            translations: Vec::new(),
        };
        EntryPage { entries: times.iter().map(entry).collect(), more }
    }

    fn times(page: &EntryPage) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.id.ulid().timestamp_ms()).collect()
    }

    #[test]
    fn the_timelines_of_one_person_are_one_timeline() {
        let union = merged(vec![page("a", &[9, 5, 1], false), page("b", &[7, 5, 3], false)], 25);
        assert_eq!((times(&union), union.more), (vec![9, 7, 5, 3, 1], false));
        assert_eq!(next(&union), None);
    }

    #[test]
    fn a_union_ends_where_it_knows_all_of_its_parts() {
        let union = merged(vec![page("a", &[9, 5], true), page("b", &[7, 3, 1], false)], 2);
        assert_eq!((times(&union), union.more), (vec![9, 7], true));
        let cut_short = merged(vec![page("a", &[9, 8], true), page("b", &[7, 3], false)], 25);
        assert_eq!((times(&cut_short), cut_short.more), (vec![9, 8], true));
        assert_eq!(next(&cut_short), Some(Ulid::from_parts(8, 0)));
    }
}
