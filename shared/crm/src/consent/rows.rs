//! The rows of a person, by pages and all.

use crate::read::{Family, Slice};
use domain::ids::{ConsentId, ContactId, TenantId};
use domain::time::Millis;
use futures_util::future::try_join_all;
use platform::dynamo::{ConsentRow, Store, StoreError};
use std::fmt;

/// How many rows of one contact are read at once.
const AT_ONCE: u32 = 100;

/// Where a page of the ledger ends: the row's time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(Millis, ConsentId);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.unix_ms(), self.1)
    }
}

impl Position {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self(Millis::from_unix_ms(at.parse().ok()?), ConsentId::parse(id).ok()?))
    }
}

/// What a contact agreed to and withdrew, the latest to happen first, over all the contacts that are this person;
/// `None` when there is no such contact.
///
/// # Errors
/// The table did not answer.
pub async fn rows(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    after: Option<Position>,
    limit: u32,
) -> Result<Option<Slice<ConsentRow, Position>>, StoreError> {
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let before = after.map(|Position(at, id)| (at, id));
    let ids = family.ids();
    let pages = ids.iter().map(|id| store.consent_rows(tenant, *id, before, limit + 1));
    let mut rows: Vec<ConsentRow> = try_join_all(pages).await?.into_iter().flatten().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.occurred_at, row.id)));
    let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| Position(row.occurred_at, row.id));
    Ok(Some(Slice { items: rows, next }))
}

/// Every row of some contacts, in no order.
pub(super) async fn all_rows(
    store: &Store,
    tenant: TenantId,
    contacts: &[ContactId],
) -> Result<Vec<ConsentRow>, StoreError> {
    let mut all = Vec::new();
    for contact in contacts {
        let mut before = None;
        loop {
            let page = store.consent_rows(tenant, *contact, before, AT_ONCE).await?;
            let full = u32::try_from(page.len()).is_ok_and(|len| len >= AT_ONCE);
            before = page.last().map(|row| (row.occurred_at, row.id));
            all.extend(page);
            if !full {
                break;
            }
        }
    }
    Ok(all)
}
