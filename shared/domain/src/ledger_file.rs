//! A consent ledger as a file: lines of JSON, each the only way to write what it says, so that one changed byte shows
//! and names its row.

use crate::ids::TenantId;
use crate::ledger::{BrokenRow, LedgerHead, LedgerRow, Walk, digest};
use serde::{Deserialize, Serialize};

/// The first line: whose ledger, and where it ended when the export began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    kind: FrontKind,
    tenant_id: TenantId,
    head: LedgerHead,
    check: String,
}

/// The last line of a page: where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    kind: EndKind,
    rows: usize,
    next_cursor: Option<String>,
    check: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FrontKind {
    Ledger,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EndKind {
    End,
}

fn front_check(tenant: TenantId, head: &LedgerHead) -> String {
    digest(&["ledger", &tenant.to_string(), &head.seq.to_string(), &head.hash])
}

fn end_check(rows: usize, next: Option<&str>) -> String {
    digest(&["end", &rows.to_string(), next.unwrap_or_default()])
}

/// Writes a page: with the first line when it is the first one (`head` is given), and with the last line.
///
/// # Errors
/// JSON that cannot be written.
pub fn page(
    tenant: TenantId,
    head: Option<&LedgerHead>,
    rows: &[LedgerRow],
    next_cursor: Option<&str>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    if let Some(head) = head {
        let check = front_check(tenant, head);
        line(&mut lines, &Front { kind: FrontKind::Ledger, tenant_id: tenant, head: head.clone(), check })?;
    }
    for row in rows {
        line(&mut lines, row)?;
    }
    let check = end_check(rows.len(), next_cursor);
    let next_cursor = next_cursor.map(str::to_owned);
    line(&mut lines, &End { kind: EndKind::End, rows: rows.len(), next_cursor, check })?;
    Ok(lines)
}

fn line<T: Serialize>(lines: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *lines, value)?;
    lines.push(b'\n');
    Ok(())
}

/// What a sound file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose ledger it is.
    pub tenant: TenantId,
    /// How many rows.
    pub rows: u64,
    /// Of how many the personal part was erased.
    pub erased: u64,
    /// Where it ends.
    pub head: LedgerHead,
}

/// A file is not what was exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenFile {
    /// It does not begin with the line that says whose ledger it is.
    #[error("line 1 is not the first line of an export: {0}")]
    Front(String),
    /// A line that is no row as it is written.
    #[error("line {line}, where row {row} is expected, is not as it was exported: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// The row that belongs there.
        row: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A row that does not fit.
    #[error("line {line}: {broken}")]
    Row {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        broken: BrokenRow,
    },
    /// It ends too early.
    #[error("{0}")]
    End(BrokenRow),
}

/// Checks a file: every line, every row, the chain, and that it reaches the end that its first line names, or one that
/// was known from elsewhere.
///
/// # Errors
/// The first line that is not as it was exported.
pub fn verify_file(bytes: &[u8], known: Option<&LedgerHead>) -> Result<Verified, BrokenFile> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let (_, first) = lines.next().ok_or_else(|| BrokenFile::Front("the file is empty".to_owned()))?;
    let front: Front = exact(first).map_err(BrokenFile::Front)?;
    if front.check != front_check(front.tenant_id, &front.head) {
        return Err(BrokenFile::Front("its check does not fit".to_owned()));
    }
    let mut walk = Walk::start(front.tenant_id);
    let mut missing: Vec<&LedgerHead> =
        [Some(&front.head), known].into_iter().flatten().filter(|head| head.seq > 0).collect();
    let mut in_page = 0;
    for (index, text) in lines {
        let line = index + 1;
        let expected = walk.head().seq + 1;
        let broken = |why: String| BrokenFile::Line { line, row: expected, why };
        if text.starts_with(b"{\"kind\":\"end\"") {
            let end: End = exact(text).map_err(broken)?;
            if end.rows != in_page || end.check != end_check(in_page, end.next_cursor.as_deref()) {
                return Err(broken("its check does not fit".to_owned()));
            }
            in_page = 0;
            continue;
        }
        let row: LedgerRow = exact(text).map_err(broken)?;
        walk.take(&row).map_err(|broken| BrokenFile::Row { line, broken })?;
        in_page += 1;
        missing.retain(|head| head.seq != row.seq || head.hash != row.hash);
    }
    if let Some(head) = missing.first() {
        return Err(BrokenFile::End(BrokenRow::End { last: walk.head().seq, known: head.seq }));
    }
    if in_page > 0 {
        let (line, row) = (bytes.split_inclusive(|byte| *byte == b'\n').count(), walk.head().seq);
        return Err(BrokenFile::Line { line, row, why: "the last line of its page is missing".to_owned() });
    }
    Ok(Verified {
        tenant: front.tenant_id,
        rows: walk.head().seq,
        erased: walk.erased(),
        head: walk.head().clone(),
    })
}

/// Reads a line that must be written in the one way in which it is exported.
fn exact<T: Serialize + for<'de> Deserialize<'de>>(line: &[u8]) -> Result<T, String> {
    let value: T = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut written = Vec::new();
    self::line(&mut written, &value).map_err(|error| error.to_string())?;
    if written == line { Ok(value) } else { Err("it says the same in other characters".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{ledger, tenant};

    fn file() -> (Vec<u8>, Vec<LedgerRow>) {
        let mut rows = ledger(4);
        rows[1].personal = None;
        let head = rows[3].head();
        let mut file = page(tenant(), Some(&head), &rows[..2], Some("Y3Vyc29y")).unwrap();
        file.extend(page(tenant(), None, &rows[2..], None).unwrap());
        (file, rows)
    }

    #[test]
    fn a_file_of_several_pages_is_checked_as_one() {
        let (file, rows) = file();
        let sound = verify_file(&file, Some(&rows[1].head())).unwrap();
        assert_eq!((sound.rows, sound.erased, &sound.head), (4, 1, &rows[3].head()));
        let empty = page(tenant(), Some(&LedgerHead::none()), &[], None).unwrap();
        assert_eq!(verify_file(&empty, None).unwrap().rows, 0);
        assert!(verify_file(&empty, Some(&rows[1].head())).is_err());
        assert!(verify_file(b"", None).is_err());
    }

    #[test]
    fn every_flipped_bit_of_a_file_shows_and_names_its_line() {
        let (file, _) = file();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut other = file.clone();
                other[at] ^= 1 << bit;
                let line = 1 + file[..at].iter().filter(|byte| **byte == b'\n').count();
                let named = match verify_file(&other, None) {
                    Err(BrokenFile::Front(_)) => 1,
                    Err(BrokenFile::Line { line, .. } | BrokenFile::Row { line, .. }) => line,
                    odd @ (Ok(_) | Err(BrokenFile::End(_))) => panic!("byte {at} bit {bit}: {odd:?}"),
                };
                assert_eq!(named, line, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn lines_that_are_taken_out_show() {
        let (file, _) = file();
        let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        for gone in 0..lines.len() {
            let rest: Vec<u8> = lines
                .iter()
                .enumerate()
                .filter(|(n, _)| *n != gone)
                .flat_map(|(_, line)| line.to_vec())
                .collect();
            assert!(verify_file(&rest, None).is_err(), "without line {}", gone + 1);
        }
    }
}
