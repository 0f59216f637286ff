//! A tenant's whole ledger, out of the house, so that it can be checked without us.

use domain::ids::TenantId;
use domain::ledger::{LedgerHead, LedgerRow};
use platform::dynamo::{Store, StoreError};

/// How many rows one page has, at most.
pub const EXPORTED_AT_ONCE: u32 = 500;

/// A part of the ledger, oldest row first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedPage {
    /// Where the ledger ended when the export began; with the first page.
    pub head: Option<LedgerHead>,
    /// The rows.
    pub rows: Vec<LedgerRow>,
    /// After which place the next page begins; absent at the end.
    pub next: Option<u64>,
}

/// The rows after a place, from the beginning when absent.
///
/// # Errors
/// The tables did not answer.
pub async fn export(store: &Store, tenant: TenantId, after: Option<u64>) -> Result<ExportedPage, StoreError> {
    // First the end: rows that are written meanwhile are newer.
    let head = match after {
        None => Some(store.ledger_head(tenant).await?),
        Some(_) => None,
    };
    let mut rows: Vec<LedgerRow> = Vec::new();
    let mut last = after.unwrap_or(0);
    loop {
        let page = store.ledger_rows(tenant, last, 100).await?;
        let Some(newest) = page.last() else { return Ok(ExportedPage { head, rows, next: None }) };
        last = newest.seq;
        rows.extend(page);
        if u32::try_from(rows.len()).is_ok_and(|len| len >= EXPORTED_AT_ONCE) {
            return Ok(ExportedPage { head, rows, next: Some(last) });
        }
    }
}
