//! The audit log of a tenant: a chain in which every entry names the one before it, so that an edit, a gap or a
//! reordering shows (I-21).

use super::transact::{Cancelled, Condition, Transaction};
use super::wire::{AttributeValue, Item, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How often an append that met another one is tried.
const TRIES: u32 = 20;
const APPEND: &str = "append to the audit log";

/// Something somebody did.
#[derive(Debug, Clone, Copy)]
pub struct NewAuditEntry<'a> {
    /// When.
    pub at: Millis,
    /// Who: a key's id, or `system`.
    pub actor: &'a str,
    /// What, such as `event.replay` or `message.resend`.
    pub action: &'a str,
    /// To what: an id.
    pub target: &'a str,
    /// The trace of the request.
    pub trace_id: Uuid,
}

/// Where a log ends: the newest entry's place and hash. 0 and 64 zeros while there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditHead {
    /// The place of the newest entry.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// The trace of the request.
    pub trace_id: Uuid,
    /// The hash of the entry before it, in hex; 64 zeros for the first.
    pub previous: String,
    /// Its own hash, in hex.
    pub hash: String,
}

impl AuditEntry {
    /// The hash an entry with these contents must have: SHA-256 over every field, each with its length before it.
    #[must_use]
    pub fn expected_hash(&self) -> String {
        let mut hash = Sha256::new();
        let (seq, at, trace) = (self.seq.to_string(), self.at.to_string(), self.trace_id.to_string());
        for field in [&self.previous, &seq, &at, &self.actor, &self.action, &self.target, &trace] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

impl Store {
    /// Adds an entry to the end of a tenant's log.
    ///
    /// # Errors
    /// The table is unreachable, or too many others were faster.
    pub async fn append_audit(
        &self,
        tenant: TenantId,
        entry: NewAuditEntry<'_>,
    ) -> Result<AuditEntry, StoreError> {
        match self.audited(tenant, entry, Transaction::default).await? {
            Ok(entry) => Ok(entry),
            Err(_nothing_else_was_asked) => {
                Err(StoreError::corrupt(APPEND, "HEAD", "a condition that was not made did not hold"))
            }
        }
    }

    /// Makes a change and its entry in the log, both or neither. The change's own conditions come back as they were
    /// refused; `change` is asked again when another entry was faster.
    pub(super) async fn audited(
        &self,
        tenant: TenantId,
        entry: NewAuditEntry<'_>,
        change: impl Fn() -> Transaction,
    ) -> Result<Result<AuditEntry, Cancelled>, StoreError> {
        for _ in 0..TRIES {
            let head = self.audit_head(tenant).await?;
            let (seq, previous) = (head.seq, head.hash);
            let mut next = AuditEntry {
                seq: seq + 1,
                at: entry.at,
                actor: entry.actor.to_owned(),
                action: entry.action.to_owned(),
                target: entry.target.to_owned(),
                trace_id: entry.trace_id,
                previous,
                hash: String::new(),
            };
            next.hash = next.expected_hash();
            let key = keys::audit_entry(tenant, next.seq);
            let mut item: Item =
                serde_dynamo::to_item(&next).map_err(|error| StoreError::corrupt(APPEND, &key.sk, error))?;
            item.insert("pk".to_owned(), AttributeValue::S(key.pk));
            item.insert("sk".to_owned(), AttributeValue::S(key.sk));
            let mut all = change();
            let moved = all.update(
                &self.crm.name,
                keys::audit_head(tenant),
                "SET seq = :next, #hash = :hash",
                Condition::of(
                    "(attribute_not_exists(seq) AND :seq = :none) OR seq = :seq",
                    [(":seq", n(seq)), (":none", n(0)), (":next", n(next.seq)), (":hash", s(&next.hash))],
                )
                .named([("#hash", "hash")]),
            );
            let put = all.put(&self.crm.name, item, Condition::absent());
            match all.commit(&self.crm.aws, APPEND).await? {
                Ok(()) => return Ok(Ok(next)),
                // Of the change's own refusals nothing is known while the log has moved on.
                Err(cancelled) if cancelled.refused(moved) || cancelled.refused(put) => {}
                Err(cancelled) => return Ok(Err(cancelled)),
            }
        }
        Err(StoreError::corrupt(APPEND, "HEAD", "others were faster every time"))
    }

    /// Where a tenant's log ends.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn audit_head(&self, tenant: TenantId) -> Result<AuditHead, StoreError> {
        let head = self.crm.get("read the end of the audit log", &keys::audit_head(tenant), true).await?;
        let none = || AuditHead { seq: 0, hash: "0".repeat(64) };
        Ok(head.as_ref().and_then(read_head).unwrap_or_else(none))
    }

    /// A tenant's audit log before a place (all when absent), newest first, at most `limit` entries.
    ///
    /// # Errors
    /// The table is unreachable, or an entry makes no sense.
    pub async fn audit_entries(
        &self,
        tenant: TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        const ACTION: &str = "list the audit log";
        let upper = before.map_or_else(
            || "A$".to_owned(),
            |seq| format!("{}!", keys::audit_entry(tenant, seq.saturating_sub(1)).sk),
        );
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::audit_partition(tenant))),
                (":low", s("A#")),
                (":high", s(upper)),
            ]),
            scan_index_forward: false,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query(ACTION, &query).await?;
        let entries = page.items.into_iter().map(serde_dynamo::from_item::<Item, AuditEntry>);
        entries.map(|entry| entry.map_err(|error| StoreError::corrupt(ACTION, "A", error))).collect()
    }
}

fn read_head(item: &Item) -> Option<AuditHead> {
    match (item.get("seq")?, item.get("hash")?) {
        (AttributeValue::N(seq), AttributeValue::S(hash)) => {
            Some(AuditHead { seq: seq.parse().ok()?, hash: hash.clone() })
        }
        _ => None,
    }
}
