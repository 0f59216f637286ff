//! Audit logs against their sealed ends: a log that was cut, or written anew from end to end, is sound by itself and
//! shows against what was sealed before (I-21).

use crate::audit::{BrokenAt, verify, whole};
use domain::ids::TenantId;
use domain::time::Millis;
use platform::Platform;
use platform::checkpoints::{Checkpoint, CheckpointError, Checkpoints, Sealed};
use platform::dynamo::{AuditEntry, AuditHead, Store, StoreError};
use platform::telemetry::chain;

/// How often ends are sealed, in milliseconds: what is younger is protected by the chain alone.
const EVERY_MS: u64 = 60 * 60 * 1_000;
/// How many tenants are read at once.
const AT_ONCE: u32 = 100;

/// Seals the end of every audit log and consent ledger that has grown since the last time, once an hour; says how many. Which are sealed already
/// the bucket says, so that nothing in the table can keep a log from it.
///
/// # Errors
/// The table did not answer. What cannot be sealed now is sealed with the next hour's.
pub async fn seal(platform: &Platform, owner: &str, now: Millis) -> Result<u32, StoreError> {
    let Some(checkpoints) = &platform.checkpoints else { return Ok(0) };
    // The lease is never given back: it ends when the next hour begins. The hour makes each a holder of its own.
    let holder = format!("{owner}/{}", now.unix_ms());
    if !platform.store.take_lease("audit-checkpoints", &holder, now, now.plus_ms(EVERY_MS)).await? {
        return Ok(0);
    }
    let (mut sealed, mut after) = (0, None);
    loop {
        let tenants = platform.store.tenants(after, AT_ONCE).await?;
        let Some(last) = tenants.last() else { return Ok(sealed) };
        after = Some(*last);
        for tenant in tenants {
            let log = platform.store.audit_head(tenant).await?;
            let ledger = platform.store.ledger_head(tenant).await?;
            let ends = [(Sealed::Audit, log.seq, log.hash), (Sealed::Consents, ledger.seq, ledger.hash)];
            for (what, seq, hash) in ends.iter().filter(|(_, seq, _)| *seq > 0) {
                match checkpoints.seal(*what, tenant, (*seq, hash), now).await {
                    Ok(new) => sealed += u32::from(new),
                    Err(error) => {
                        tracing::warn!(tenant.id = %tenant, "the end of {what:?} was not sealed: {}", chain(&error));
                    }
                }
            }
        }
    }
}

/// What a check against the sealed ends found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many entries there are.
    pub entries: usize,
    /// Where the log ends.
    pub head: AuditHead,
    /// The newest sealed end; absent where none was sealed yet.
    pub newest: Option<Checkpoint>,
    /// How many there are.
    pub checkpoints: usize,
}

/// A log is not the one that was written, or that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum NotChecked {
    /// It is another one.
    #[error(transparent)]
    Broken(#[from] BrokenAt),
    /// A sealed end is none, or could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks a tenant's whole log: its chain, the table's own end, and every end that was ever sealed. Each of them is
/// compared, because whoever rewrote a log may have waited until the new one was sealed as well.
///
/// # Errors
/// [`NotChecked::Broken`] with the first place; else what did not answer, or an end that nobody sealed.
pub async fn check(
    store: &Store,
    checkpoints: &Checkpoints,
    tenant: TenantId,
) -> Result<Checked, NotChecked> {
    // First the ends: entries that are written meanwhile are newer.
    let sealed = checkpoints.proven(Sealed::Audit, tenant).await?;
    let head = store.audit_head(tenant).await?;
    let entries = whole(store, tenant).await?;
    against(&entries, &head, &sealed)?;
    Ok(Checked { entries: entries.len(), head, checkpoints: sealed.len(), newest: sealed.into_iter().last() })
}

/// The pure part of [`check`].
///
/// # Errors
/// The first place where the log is not the one that was written.
pub fn against(entries: &[AuditEntry], head: &AuditHead, sealed: &[Checkpoint]) -> Result<(), BrokenAt> {
    verify(entries, Some(head))?;
    let at = |seq: u64| {
        let index = usize::try_from(seq).ok()?.checked_sub(1)?;
        entries.get(index)
    };
    // The chain is without gaps here, so that an entry's place is its index.
    for known in sealed {
        if at(known.seq).is_none_or(|entry| entry.hash != known.hash) {
            let last = entries.last().map_or(0, |last| last.seq);
            return Err(BrokenAt::End { last, known: known.seq });
        }
    }
    Ok(())
}
