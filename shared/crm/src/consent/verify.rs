//! A ledger in its table against its own chain, its end, and every end that was ever sealed (I-21, T11).

use domain::ids::TenantId;
use domain::ledger::{BrokenRow, LedgerHead, Walk};
use platform::checkpoints::{Checkpoint, CheckpointError, Checkpoints, Sealed};
use platform::dynamo::{Store, StoreError};

/// How many rows are read at once.
const AT_ONCE: u32 = 100;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedLedger {
    /// How many rows there are.
    pub rows: u64,
    /// Of how many the personal part was erased.
    pub erased: u64,
    /// Where it ends.
    pub head: LedgerHead,
    /// The newest sealed end; absent where none was sealed yet.
    pub newest: Option<Checkpoint>,
    /// How many there are.
    pub checkpoints: usize,
}

/// A ledger is not the one that was written, or that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LedgerNotChecked {
    /// It is another one.
    #[error(transparent)]
    Broken(#[from] BrokenRow),
    /// A sealed end is none, or could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks a tenant's whole ledger, and that it holds every end that is known: the table's, those that were sealed, and
/// one from elsewhere.
///
/// # Errors
/// [`LedgerNotChecked::Broken`] with the first place; else what did not answer, or an end that nobody sealed.
pub async fn check(
    store: &Store,
    checkpoints: &Checkpoints,
    tenant: TenantId,
    known: Option<&LedgerHead>,
) -> Result<CheckedLedger, LedgerNotChecked> {
    // First the ends: rows that are written meanwhile are newer.
    let sealed = checkpoints.proven(Sealed::Consents, tenant).await?;
    let head = store.ledger_head(tenant).await?;
    let ends = sealed.iter().map(|one| LedgerHead { seq: one.seq, hash: one.hash.clone() });
    let mut missing: Vec<LedgerHead> =
        ends.chain([head.clone()]).chain(known.cloned()).filter(|end| end.seq > 0).collect();
    let mut walk = Walk::start(tenant);
    loop {
        let rows = store.ledger_rows(tenant, walk.head().seq, AT_ONCE).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            walk.take(row)?;
            missing.retain(|end| end.seq != row.seq || end.hash != row.hash);
        }
    }
    if let Some(end) = missing.first() {
        return Err(BrokenRow::End { last: walk.head().seq, known: end.seq }.into());
    }
    Ok(CheckedLedger {
        rows: walk.head().seq,
        erased: walk.erased(),
        head,
        checkpoints: sealed.len(),
        newest: sealed.into_iter().last(),
    })
}
