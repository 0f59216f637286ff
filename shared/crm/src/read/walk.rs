//! Lists that are filtered on the way: an index is walked, newest first, until a page is full or enough was looked at.

use super::Slice;
use platform::dynamo::StoreError;
use ulid::Ulid;

/// How many index entries one request looks at; then the page is given as it is, with a cursor.
const AT_MOST: usize = 2_000;
/// How many index entries are read at a time, at least.
const CHUNK: u32 = 100;

/// Index entries in a row, newest first.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    /// Positions, each with what is shown there, if anything is.
    pub(super) entries: Vec<(Ulid, Option<T>)>,
    /// The position of the last entry looked at; absent when there was none.
    pub(super) last: Option<Ulid>,
    /// Whether there are older ones.
    pub(super) more: bool,
}

/// What is walked.
pub(super) trait Source: Send {
    /// What is shown.
    type Item: Send;

    /// Reads about `count` index entries older than `before`, from the newest on when absent.
    fn read(
        &mut self,
        before: Option<Ulid>,
        count: u32,
    ) -> impl Future<Output = Result<Chunk<Self::Item>, StoreError>> + Send;
}

/// Walks from `after` on until `limit` items are found. Looks one item further than it shows, so that a full page
/// that happens to be the last one says so.
pub(super) async fn walk<S: Source>(
    source: &mut S,
    after: Option<Ulid>,
    limit: u32,
) -> Result<Slice<S::Item>, StoreError> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    let mut shown_at = after;
    let mut before = after;
    let mut looked_at = 0;
    loop {
        let chunk = source.read(before, limit.saturating_add(1).max(CHUNK)).await?;
        looked_at += chunk.entries.len();
        for (at, item) in chunk.entries {
            let Some(item) = item else { continue };
            if items.len() == wanted {
                return Ok(Slice { items, next: shown_at });
            }
            items.push(item);
            shown_at = Some(at);
        }
        let (Some(last), true) = (chunk.last, chunk.more) else { return Ok(Slice { items, next: None }) };
        if looked_at >= AT_MOST {
            return Ok(Slice { items, next: Some(last) });
        }
        before = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from `highest` down to 1, of which every `shows`-th is shown.
    struct Numbers {
        highest: u64,
        shows: u64,
    }

    impl Source for Numbers {
        type Item = u64;

        async fn read(&mut self, before: Option<Ulid>, count: u32) -> Result<Chunk<u64>, StoreError> {
            let top = before.map_or(self.highest, |before| before.timestamp_ms() - 1);
            let numbers: Vec<u64> = (1..=top).rev().take(count as usize).collect();
            let last = numbers.last().copied();
            let entries = numbers.iter().map(|n| (at(*n), (n % self.shows == 0).then_some(*n))).collect();
            Ok(Chunk { entries, last: last.map(at), more: last.is_some_and(|last| last > 1) })
        }
    }

    fn at(n: u64) -> Ulid {
        Ulid::from_parts(n, 0)
    }

    async fn all(highest: u64, shows: u64, limit: u32) -> (Vec<u64>, Vec<usize>) {
        let (mut after, mut found, mut pages) = (None, Vec::new(), Vec::new());
        loop {
            let page = walk(&mut Numbers { highest, shows }, after, limit).await.unwrap();
            pages.push(page.items.len());
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                return (found, pages);
            }
        }
    }

    #[tokio::test]
    async fn every_item_is_found_once_whatever_the_page_size() {
        for (highest, shows) in [(0, 1), (1, 1), (25, 1), (101, 1), (1_000, 3), (450, 7)] {
            for limit in [1, 2, 25, 99, 100] {
                let (found, _) = all(highest, shows, limit).await;
                let expected: Vec<u64> = (1..=highest).rev().filter(|n| n % shows == 0).collect();
                assert_eq!(found, expected, "{highest} by {shows}, {limit} a page");
            }
        }
    }

    #[tokio::test]
    async fn a_full_last_page_says_that_it_is_the_last() {
        assert_eq!(all(25, 1, 25).await.1, [25]);
        assert_eq!(all(26, 1, 25).await.1, [25, 1]);
        assert_eq!(all(0, 1, 25).await.1, [0]);
    }

    #[tokio::test]
    async fn a_page_ends_after_enough_was_looked_at_although_it_is_not_full() {
        let (found, pages) = all(5_000, 2_500, 25).await;
        assert_eq!(found, [5_000, 2_500]);
        assert!(pages.len() > 1 && pages.len() <= 4, "{pages:?}");
    }
}
