//! Who wrote when, kept in a file, so that a stack that is started again finds its windows as it left them. People are
//! in it as digests: the file lies beside the tables, and nobody who was erased there may be read here.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One customer who wrote to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrote {
    pub(crate) tenant_id: String,
    /// The digest of a number or user id.
    pub(crate) who: String,
    pub(crate) at_ms: i64,
}

/// The file, to be added to; none when nothing is kept.
#[derive(Debug, Default)]
pub(crate) struct Memory(Option<Mutex<File>>);

impl Memory {
    /// Reads what was noted, the latest of each customer, and writes the file anew with that. A line that a kill cut
    /// short is passed over.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Wrote>)> {
        let mut latest = BTreeMap::new();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        for wrote in text.lines().filter_map(|line| serde_json::from_str::<Wrote>(line).ok()) {
            let key = (wrote.tenant_id.clone(), wrote.who.clone());
            let known = latest.get(&key).is_some_and(|known: &Wrote| known.at_ms >= wrote.at_ms);
            if !known {
                latest.insert(key, wrote);
            }
        }
        let kept: Vec<_> = latest.into_values().collect();
        let mut draft = path.as_os_str().to_owned();
        draft.push(".tmp");
        let mut file = File::create(&draft)?;
        for wrote in &kept {
            file.write_all(line(wrote).as_bytes())?;
        }
        fs::rename(&draft, path)?;
        Ok((Self(Some(Mutex::new(file))), kept))
    }

    /// Adds a line. What cannot be written is lost at the next start, and no more than that.
    pub(crate) fn note(&self, wrote: &Wrote) {
        let Some(file) = &self.0 else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line(wrote).as_bytes()) {
            tracing::debug!(%error, "a customer's message is not noted");
        }
    }
}

/// A number or user id as the file names it.
pub(crate) fn digest(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

fn line(wrote: &Wrote) -> String {
    let mut line = serde_json::to_string(wrote).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrote(digits: &str, at_ms: i64) -> Wrote {
        Wrote { tenant_id: "t".into(), who: digest(digits), at_ms }
    }

    #[test]
    fn the_latest_of_each_customer_is_kept_and_a_line_cut_short_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("customers.jsonl");
        let (memory, found) = Memory::open(&file).unwrap();
        assert_eq!(found, []);
        for one in [wrote("1", 5), wrote("2", 6), wrote("1", 9), wrote("1", 7)] {
            memory.note(&one);
        }
        drop(memory);
        let mut cut = File::options().append(true).open(&file).unwrap();
        cut.write_all(b"{\"tenant_id\":\"t\",\"dig").unwrap();
        let (memory, found) = Memory::open(&file).unwrap();
        assert_eq!(found, [wrote("1", 9), wrote("2", 6)]);
        memory.note(&wrote("3", 1));
        assert_eq!(Memory::open(&file).unwrap().1.len(), 3, "what is noted after a cut is whole");
    }
}
