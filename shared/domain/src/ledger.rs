//! The consent ledger of a tenant as a chain: every row names the one before it, and what is personal in it is bound in
//! by a salted commitment, so that it can be erased and the chain still holds (I-9, I-21, F5). The words that a business
//! shows to everybody are its own: they stay.

use crate::consent::{ConsentState, Purpose};
use crate::ids::{ConsentId, ContactId, TenantId};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What the first row names as the one before it: 64 zeros.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a ledger ends: the newest row's place and hash. 0 and 64 zeros while there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LedgerHead {
    /// The place of the newest row.
    pub seq: u64,
    /// Its hash, in hex.
    pub hash: String,
}

impl LedgerHead {
    /// The end of a ledger without rows.
    #[must_use]
    pub fn none() -> Self {
        Self { seq: 0, hash: NOTHING.to_owned() }
    }
}

/// What is personal in a row: sealed with the contact's own data key, which is destroyed with the person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LedgerPersonal))]
#[serde(deny_unknown_fields)]
pub struct Personal {
    /// What makes the commitment impossible to guess, in hex.
    pub salt: String,
    /// The words as they were said, or typed by whoever took them down.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wording: Option<String>,
    /// A keyed hash of the address it came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip_hash: Option<String>,
    /// Who took it down, as an import says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collected_by: Option<String>,
}

impl Personal {
    /// What binds it into the row: SHA-256 over every field, each with its length before it, absent ones as empty.
    #[must_use]
    pub fn commitment(&self) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        digest(&[
            "hadar consent personal|v1",
            &self.salt,
            &text(&self.wording),
            &text(&self.ip_hash),
            &text(&self.collected_by),
        ])
    }
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LedgerRow {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// Its id, derived from the event, so that one event is one row.
    pub id: ConsentId,
    /// Who agreed or withdrew.
    pub contact_id: ContactId,
    /// What it is for.
    pub purpose: Purpose,
    /// Agreed, withdrawn, or asked for.
    pub state: ConsentState,
    /// When it happened.
    pub occurred_at: Millis,
    /// When it was written down.
    pub recorded_at: Millis,
    /// The language of the words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Which version of the words it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// The business's own words, as a form shows them to everybody; what was said or typed is in `personal`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wording: Option<String>,
    /// Where it came about.
    pub source: String,
    /// Who wrote it down: a key's id, `contact` or `system`.
    pub actor: String,
    /// The row that it answers: the box of a form.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirms: Option<ConsentId>,
    /// The trace it came with.
    pub trace_id: Uuid,
    /// What is personal in it; absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub personal: Option<Personal>,
    /// What binds the personal part in, in hex.
    pub commitment: String,
    /// The hash of the row before it, in hex; 64 zeros for the first.
    pub previous: String,
    /// Its own hash, in hex.
    pub hash: String,
}

impl LedgerRow {
    /// The hash that a row with these contents must have in a tenant's ledger: SHA-256 over every field but the personal
    /// ones, each with its length before it, absent ones as empty.
    #[must_use]
    pub fn expected_hash(&self, tenant: TenantId) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        digest(&[
            "hadar consent row|v1",
            &tenant.to_string(),
            &self.previous,
            &self.seq.to_string(),
            &self.id.to_string(),
            &self.contact_id.to_string(),
            self.purpose.as_str(),
            self.state.as_str(),
            &self.occurred_at.to_string(),
            &self.recorded_at.to_string(),
            &text(&self.language),
            &text(&self.version),
            &text(&self.wording),
            &self.source,
            &self.actor,
            &self.confirms.map(|id| id.to_string()).unwrap_or_default(),
            &self.trace_id.to_string(),
            &self.commitment,
        ])
    }

    /// Whether the row says what its hash and its commitment were made of.
    #[must_use]
    pub fn is_as_written(&self, tenant: TenantId) -> bool {
        let bound = self.personal.as_ref().is_none_or(|personal| personal.commitment() == self.commitment);
        bound && self.hash == self.expected_hash(tenant)
    }

    /// Where the ledger ends with this row.
    #[must_use]
    pub fn head(&self) -> LedgerHead {
        LedgerHead { seq: self.seq, hash: self.hash.clone() }
    }
}

/// Where a ledger is not the one that was written, and how that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRow {
    /// It does not begin with its first row.
    #[error("the ledger begins with row {0}: rows before it are missing")]
    Front(u64),
    /// A row's contents are not those that its hash was made of.
    #[error("row {seq} ({id}) is not what was written")]
    Edited {
        /// Its place.
        seq: u64,
        /// Its id.
        id: ConsentId,
    },
    /// Rows between two others are missing.
    #[error("after row {0} rows are missing")]
    Gap(u64),
    /// A row comes after one that is not before it.
    #[error("row {0} is out of order")]
    Order(u64),
    /// A row names another one as the one before it.
    #[error("row {seq} ({id}) does not continue the one before it")]
    Link {
        /// Its place.
        seq: u64,
        /// Its id.
        id: ConsentId,
    },
    /// The newest rows are missing, or the ledger is another one than that whose end is known.
    #[error("the ledger ends with row {last}, and not with row {known} as it should")]
    End {
        /// The newest row that is there; 0 when there is none.
        last: u64,
        /// The newest row as it is known.
        known: u64,
    },
}

/// Walks a ledger row by row, oldest first.
#[derive(Debug, Clone)]
pub struct Walk {
    tenant: TenantId,
    last: LedgerHead,
    erased: u64,
}

impl Walk {
    /// Before the first row.
    #[must_use]
    pub fn start(tenant: TenantId) -> Self {
        Self { tenant, last: LedgerHead::none(), erased: 0 }
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// It is not the row that was written, or not the next one.
    pub fn take(&mut self, row: &LedgerRow) -> Result<(), BrokenRow> {
        let (seq, id) = (row.seq, row.id);
        let edited = !row.is_as_written(self.tenant);
        if seq != self.last.seq + 1 {
            // A place that was edited is an edit; a sound row in another place is a gap or a reordering.
            if edited {
                return Err(BrokenRow::Edited { seq: self.last.seq + 1, id });
            }
            return Err(match self.last.seq {
                last if seq <= last => BrokenRow::Order(seq),
                0 => BrokenRow::Front(seq),
                last => BrokenRow::Gap(last),
            });
        }
        if edited {
            return Err(BrokenRow::Edited { seq, id });
        }
        if row.previous != self.last.hash {
            return Err(BrokenRow::Link { seq, id });
        }
        self.last = row.head();
        self.erased += u64::from(row.personal.is_none());
        Ok(())
    }

    /// Where it stands.
    #[must_use]
    pub const fn head(&self) -> &LedgerHead {
        &self.last
    }

    /// How many rows had their personal part erased.
    #[must_use]
    pub const fn erased(&self) -> u64 {
        self.erased
    }
}

/// Checks a whole ledger, oldest row first. With a `head` that was known before, missing rows at the end show as well; a
/// ledger that grew since is well.
///
/// # Errors
/// The first place where the chain is broken.
pub fn verify(tenant: TenantId, rows: &[LedgerRow], head: Option<&LedgerHead>) -> Result<Walk, BrokenRow> {
    let mut walk = Walk::start(tenant);
    for row in rows {
        walk.take(row)?;
    }
    if let Some(known) = head.filter(|head| head.seq > 0) {
        let there = rows.iter().any(|row| row.seq == known.seq && row.hash == known.hash);
        if !there {
            return Err(BrokenRow::End { last: walk.last.seq, known: known.seq });
        }
    }
    Ok(walk)
}

/// SHA-256 over texts, each with its length in bytes before it as 8 bytes, big-endian; in hex.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::ids::derived_ulid;

    pub(crate) fn tenant() -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &["t"]))
    }

    pub(crate) fn ledger(count: u64) -> Vec<LedgerRow> {
        let mut rows: Vec<LedgerRow> = Vec::new();
        for seq in 1..=count {
            let personal = Personal {
                salt: format!("{seq:032x}"),
                wording: Some(format!("أوافق \"{seq}\"\n")),
                ip_hash: (seq % 2 == 0).then(|| "00ff".to_owned()),
                collected_by: None,
            };
            let mut row = LedgerRow {
                seq,
                id: ConsentId::from_ulid(derived_ulid(seq, &["row"])),
                contact_id: ContactId::from_ulid(derived_ulid(seq % 3, &["contact"])),
                purpose: Purpose::Marketing,
                state: [ConsentState::Pending, ConsentState::Granted, ConsentState::Revoked]
                    [usize::try_from(seq % 3).unwrap()],
                occurred_at: Millis::from_unix_ms(1_700_000_000_000 + seq),
                recorded_at: Millis::from_unix_ms(1_700_000_000_500 + seq),
                language: Some("ar".to_owned()),
                version: None,
                wording: None,
                source: "form:form_1".to_owned(),
                actor: "contact".to_owned(),
                confirms: None,
                trace_id: Uuid::nil(),
                commitment: personal.commitment(),
                personal: Some(personal),
                previous: rows.last().map_or_else(|| NOTHING.to_owned(), |last| last.hash.clone()),
                hash: String::new(),
            };
            row.hash = row.expected_hash(tenant());
            rows.push(row);
        }
        rows
    }

    fn broken(rows: &[LedgerRow], head: Option<&LedgerHead>) -> Option<BrokenRow> {
        verify(tenant(), rows, head).err()
    }

    #[test]
    fn a_ledger_as_it_was_written_is_well_and_so_is_one_that_grew() {
        assert_eq!(broken(&[], None), None);
        assert_eq!(broken(&[], Some(&LedgerHead::none())), None);
        let all = ledger(9);
        for known in &all {
            assert_eq!(broken(&all, Some(&known.head())), None);
        }
        let other = TenantId::from_ulid(derived_ulid(1, &["u"]));
        assert!(verify(other, &all, None).is_err(), "of another tenant");
    }

    #[test]
    fn what_is_erased_leaves_the_chain_whole_and_what_is_edited_breaks_it() {
        let mut all = ledger(5);
        all[2].personal = None;
        assert_eq!(verify(tenant(), &all, None).unwrap().erased(), 1);
        let edits: [fn(&mut LedgerRow); 16] = [
            |row| row.id = ConsentId::from_ulid(derived_ulid(99, &["x"])),
            |row| row.contact_id = ContactId::from_ulid(derived_ulid(99, &["x"])),
            |row| row.purpose = Purpose::Channel,
            |row| row.state = ConsentState::Granted,
            |row| row.occurred_at = row.occurred_at.plus_ms(1),
            |row| row.recorded_at = row.recorded_at.plus_ms(1),
            |row| row.language = None,
            |row| row.version = Some("2".to_owned()),
            |row| row.wording = Some("Send me everything".to_owned()),
            |row| row.source.push('x'),
            |row| row.actor = "key_1".to_owned(),
            |row| row.confirms = Some(row.id),
            |row| row.trace_id = Uuid::max(),
            |row| row.commitment = NOTHING.to_owned(),
            |row| row.personal.as_mut().unwrap().wording = None,
            |row| row.personal.as_mut().unwrap().salt.push('0'),
        ];
        for (n, edit) in edits.iter().enumerate() {
            let mut all = ledger(5);
            // The third row is revoked.
            edit(&mut all[4]);
            let (seq, id) = (5, all[4].id);
            assert_eq!(broken(&all, None), Some(BrokenRow::Edited { seq, id }), "edit {n}");
        }
        // With a new hash the next row's link breaks; at the end only a known head tells.
        let mut all = ledger(5);
        let known = all[4].head();
        all[3].source = "paper".to_owned();
        all[3].hash = all[3].expected_hash(tenant());
        assert_eq!(broken(&all, None), Some(BrokenRow::Link { seq: 5, id: all[4].id }));
        let mut all = ledger(5);
        all[4].source = "paper".to_owned();
        all[4].hash = all[4].expected_hash(tenant());
        assert_eq!(broken(&all, Some(&known)), Some(BrokenRow::End { last: 5, known: 5 }));
    }

    #[test]
    fn missing_moved_and_doubled_rows_show() {
        let all = ledger(5);
        assert_eq!(broken(&all[1..], None), Some(BrokenRow::Front(2)));
        assert_eq!(broken(&all[..3], Some(&all[4].head())), Some(BrokenRow::End { last: 3, known: 5 }));
        let mut gap = ledger(5);
        gap.remove(2);
        assert_eq!(broken(&gap, None), Some(BrokenRow::Gap(2)));
        let mut doubled = ledger(5);
        doubled.insert(3, all[2].clone());
        assert_eq!(broken(&doubled, None), Some(BrokenRow::Order(3)));
    }
}
