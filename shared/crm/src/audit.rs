//! The audit log: read newest first, and checked as a chain (I-21).

use domain::ids::TenantId;
use domain::time::Millis;
use platform::dynamo::{AuditEntry, AuditHead, Store, StoreError};

/// How many entries one page looks at, at most; a page may be shorter than its limit although there is more.
const LOOKED_AT: usize = 1_000;
/// How many are read at once.
const AT_ONCE: u32 = 100;
/// How far the clocks of two functions may be apart, in milliseconds: entries are in the order of the chain, not of time.
const APART_MS: u64 = 60 * 60 * 1_000;
/// What the first entry names as the one before it: 64 zeros.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this action.
    pub action: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this target.
    pub target: Option<String>,
    /// Not before.
    pub since: Option<Millis>,
    /// Before.
    pub until: Option<Millis>,
}

impl AuditFilter {
    fn admits(&self, entry: &AuditEntry) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.action, &entry.action)
            && is(&self.actor, &entry.actor)
            && is(&self.target, &entry.target)
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries, newest first.
    pub items: Vec<AuditEntry>,
    /// The place before which to go on; absent when there is no more.
    pub next: Option<u64>,
}

/// A tenant's log before a place (all when absent), newest first, at most `limit` entries.
///
/// # Errors
/// The table did not answer.
pub async fn entries(
    store: &Store,
    tenant: TenantId,
    filter: &AuditFilter,
    before: Option<u64>,
    limit: u32,
) -> Result<AuditPage, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut items, mut before, mut looked_at) = (Vec::new(), before, 0);
    loop {
        let page = store.audit_entries(tenant, before, AT_ONCE).await?;
        let more = u32::try_from(page.len()).is_ok_and(|len| len >= AT_ONCE);
        for entry in page {
            if filter.since.is_some_and(|since| since.since(entry.at) > APART_MS) {
                return Ok(AuditPage { items, next: None });
            }
            before = Some(entry.seq).filter(|seq| *seq > 1);
            looked_at += 1;
            if filter.admits(&entry) {
                items.push(entry);
            }
            if items.len() >= limit {
                return Ok(AuditPage { items, next: before });
            }
        }
        if !more || before.is_none() {
            return Ok(AuditPage { items, next: None });
        }
        if looked_at >= LOOKED_AT {
            return Ok(AuditPage { items, next: before });
        }
    }
}

/// A tenant's whole log, oldest first.
///
/// # Errors
/// The table did not answer.
pub async fn whole(store: &Store, tenant: TenantId) -> Result<Vec<AuditEntry>, StoreError> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = store.audit_entries(tenant, before, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        all.extend(page);
    }
    all.reverse();
    Ok(all)
}

/// Where a log is not the one that was written, and how that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenAt {
    /// The log does not begin with its first entry.
    #[error("the log begins with entry {0}: entries before it are missing")]
    Front(u64),
    /// An entry's contents are not those that its hash was made of.
    #[error("entry {0} is not what was written")]
    Edited(u64),
    /// Entries between two others are missing.
    #[error("after entry {0} entries are missing")]
    Gap(u64),
    /// An entry comes after one that is not before it.
    #[error("entry {0} is out of order")]
    Order(u64),
    /// An entry names another one as the one before it.
    #[error("entry {0} does not continue the one before it")]
    Link(u64),
    /// The newest entries are missing, or the log is another one than that whose end is known.
    #[error("the log ends with entry {last}, and not with entry {known} as it should")]
    End {
        /// The newest entry that is there; 0 when there is none.
        last: u64,
        /// The newest entry as it is known.
        known: u64,
    },
}

/// Checks a whole log, oldest entry first. With a `head` that was known before (from an earlier answer, or from a place
/// that the log's writers cannot reach), missing entries at the end show as well; a log that grew since is well.
///
/// # Errors
/// The first place where the chain is broken.
pub fn verify(entries: &[AuditEntry], head: Option<&AuditHead>) -> Result<(), BrokenAt> {
    let mut previous: Option<&AuditEntry> = None;
    for entry in entries {
        let (seq, hash) = previous.map_or((0, NOTHING), |previous| (previous.seq, previous.hash.as_str()));
        if entry.seq <= seq {
            return Err(BrokenAt::Order(entry.seq));
        }
        if entry.seq != seq + 1 {
            return Err(if seq == 0 { BrokenAt::Front(entry.seq) } else { BrokenAt::Gap(seq) });
        }
        if entry.hash != entry.expected_hash() {
            return Err(BrokenAt::Edited(entry.seq));
        }
        if entry.previous != hash {
            return Err(BrokenAt::Link(entry.seq));
        }
        previous = Some(entry);
    }
    let Some(head) = head.filter(|head| head.seq > 0) else { return Ok(()) };
    let known = entries.iter().find(|entry| entry.seq == head.seq);
    match known {
        Some(entry) if entry.hash == head.hash => Ok(()),
        Some(_) | None => Err(BrokenAt::End { last: previous.map_or(0, |last| last.seq), known: head.seq }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn log(count: u64) -> Vec<AuditEntry> {
        let mut entries: Vec<AuditEntry> = Vec::new();
        for seq in 1..=count {
            let mut entry = AuditEntry {
                seq,
                at: Millis::from_unix_ms(1_700_000_000_000 + seq),
                actor: "key_1".into(),
                action: "event.replay".into(),
                target: format!("evt_{seq}"),
                trace_id: Uuid::nil(),
                previous: entries.last().map_or_else(|| NOTHING.to_owned(), |last| last.hash.clone()),
                hash: String::new(),
            };
            entry.hash = entry.expected_hash();
            entries.push(entry);
        }
        entries
    }

    fn head(entries: &[AuditEntry]) -> AuditHead {
        let last = entries.last().unwrap();
        AuditHead { seq: last.seq, hash: last.hash.clone() }
    }

    #[test]
    fn a_log_as_it_was_written_is_well_and_so_is_one_that_grew() {
        assert_eq!(verify(&[], None), Ok(()));
        assert_eq!(verify(&[], Some(&AuditHead { seq: 0, hash: NOTHING.into() })), Ok(()));
        let all = log(12);
        assert_eq!(verify(&all, None), Ok(()));
        assert_eq!(verify(&all, Some(&head(&all))), Ok(()));
        assert_eq!(verify(&all, Some(&head(&all[..5]))), Ok(()), "an older head");
    }

    #[test]
    fn every_edit_of_every_field_shows() {
        let edits: [fn(&mut AuditEntry); 6] = [
            |entry| entry.actor.push('x'),
            |entry| entry.action = "event.ignore".into(),
            |entry| entry.target = String::new(),
            |entry| entry.at = entry.at.plus_ms(1),
            |entry| entry.trace_id = Uuid::max(),
            |entry| entry.hash = NOTHING.into(),
        ];
        for edit in edits {
            let mut all = log(5);
            edit(&mut all[2]);
            assert_eq!(verify(&all, None), Err(BrokenAt::Edited(3)));
        }
        // An edit with a new hash breaks the link of the next entry; of the last one, only a known head tells.
        let mut all = log(5);
        let known = head(&all);
        all[2].target = "evt_9".into();
        all[2].hash = all[2].expected_hash();
        assert_eq!(verify(&all, None), Err(BrokenAt::Link(4)));
        let mut all = log(5);
        all[4].target = "evt_9".into();
        all[4].hash = all[4].expected_hash();
        assert_eq!(verify(&all, Some(&known)), Err(BrokenAt::End { last: 5, known: 5 }));
    }

    #[test]
    fn missing_moved_and_doubled_entries_show() {
        let mut gap = log(5);
        gap.remove(2);
        assert_eq!(verify(&gap, None), Err(BrokenAt::Gap(2)));
        assert_eq!(verify(&log(5)[1..], None), Err(BrokenAt::Front(2)));
        let mut swapped = log(5);
        swapped.swap(2, 3);
        assert_eq!(verify(&swapped, None), Err(BrokenAt::Gap(2)));
        let mut doubled = log(5);
        doubled.insert(3, doubled[2].clone());
        assert_eq!(verify(&doubled, None), Err(BrokenAt::Order(3)));
        let mut reversed = log(2);
        reversed.reverse();
        assert_eq!(verify(&reversed, None), Err(BrokenAt::Front(2)));
    }

    #[test]
    fn deleting_the_last_entries_shows_against_a_known_end() {
        let all = log(30);
        assert_eq!(verify(&all[..20], None), Ok(()), "a chain that was cut is a chain");
        assert_eq!(verify(&all[..20], Some(&head(&all))), Err(BrokenAt::End { last: 20, known: 30 }));
        assert_eq!(verify(&[], Some(&head(&all))), Err(BrokenAt::End { last: 0, known: 30 }));
    }
}
