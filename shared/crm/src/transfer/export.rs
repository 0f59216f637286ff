//! Pages of an export: the tables first, then the files.

use super::part::{PART, Part, Whole, count, range};
use domain::ids::TenantId;
use platform::bucket::{Bucket, BucketError, Folder, ObjectFacts, ObjectKey};
use platform::dynamo::{ExportPosition, Record, Store, StoreError};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

/// How many files one page has at most: each is two calls.
const FILES: usize = 50;

/// Where an export stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// In the tables.
    Tables(ExportPosition),
    /// Among the files.
    Files(FilePosition),
}

/// Where an export stands among the files of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilePosition {
    folder: Folder,
    last: Option<Last>,
}

/// The last file of which something was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    file: Ulid,
    /// The part that comes next; `None` when all were given.
    next: Option<u32>,
}

/// A page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket did not answer.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

impl Position {
    /// The beginning.
    #[must_use]
    pub const fn start() -> Self {
        Self::Tables(ExportPosition::start())
    }

    const fn folder(folder: Folder) -> Self {
        Self::Files(FilePosition { folder, last: None })
    }

    /// As a text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Tables(position) => position.text(),
            Self::Files(FilePosition { folder, last }) => {
                let last = last.map(|Last { file, next }| {
                    next.map_or_else(|| file.to_string(), |next| format!("{file}|{next}"))
                });
                format!("{}|{}", folder.as_str(), last.unwrap_or_default())
            }
        }
    }

    /// Reads what [`Position::text`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (begin, rest) = text.split_once('|')?;
        let Some(folder) = Folder::parse(begin) else {
            return ExportPosition::parse(text).map(Self::Tables);
        };
        if rest.is_empty() {
            return Some(Self::folder(folder));
        }
        let (file, next) = match rest.split_once('|') {
            Some((file, next)) => (file, Some(next.parse().ok()?)),
            None => (rest, None),
        };
        let last = Some(Last { file: Ulid::from_string(file).ok()?, next });
        Some(Self::Files(FilePosition { folder, last }))
    }
}

/// The records after a position, and where they end; `None` at the end of everything.
///
/// # Errors
/// [`ExportError`]; the same position may be asked again.
pub async fn page(
    store: &Store,
    bucket: &Bucket,
    tenant: TenantId,
    from: &Position,
) -> Result<(Vec<Record>, Option<Position>), ExportError> {
    match from {
        Position::Tables(position) => {
            let (records, next) = store.export_page(tenant, position).await?;
            let next = next.map_or(Position::folder(Folder::Received), Position::Tables);
            Ok((records, Some(next)))
        }
        Position::Files(position) => Ok(files(bucket, tenant, *position).await?),
    }
}

/// A page of files, of at most [`PART`] bytes of theirs.
async fn files(
    bucket: &Bucket,
    tenant: TenantId,
    mut at: FilePosition,
) -> Result<(Vec<Record>, Option<Position>), BucketError> {
    let folder = at.folder;
    let mut records = Vec::new();
    let mut held = 0;
    loop {
        let begun = at.last.and_then(|last| last.next.map(|next| (last.file, next)));
        let names = bucket.files(tenant, folder, at.last.map(|last| last.file)).await?;
        if begun.is_none() && names.is_empty() {
            let next = match folder {
                Folder::Received => Some(Position::folder(Folder::ToSend)),
                Folder::ToSend => None,
            };
            return Ok((records, next));
        }
        for (file, first) in begun.into_iter().chain(names.into_iter().map(|file| (file, 0))) {
            if records.len() >= FILES {
                return Ok((records, Some(Position::Files(at))));
            }
            let key = ObjectKey::of_file(tenant, folder, file);
            let whole_given = Some(Last { file, next: None });
            // What is gone since it was listed has expired, or was erased.
            let Some(facts) = bucket.facts_with_digest(&key).await? else {
                at.last = whole_given;
                continue;
            };
            let size = usize::try_from(facts.size).unwrap_or(usize::MAX);
            if !records.is_empty() && held + range(first, size).len() > PART {
                return Ok((records, Some(Position::Files(at))));
            }
            let Some(sha256) = digest(bucket, &key, &facts).await? else {
                at.last = whole_given;
                continue;
            };
            let whole = Whole { folder, file, content_type: facts.content_type, size, sha256 };
            for number in first..whole.parts() {
                let cut = range(number, size);
                if !records.is_empty() && held + cut.len() > PART {
                    at.last = Some(Last { file, next: Some(number) });
                    return Ok((records, Some(Position::Files(at))));
                }
                let Some(bytes) = bucket.get_range(&key, cut, size).await? else { break };
                held += bytes.len();
                records.push(Part { whole: whole.clone(), number, bytes }.record());
            }
            at.last = whole_given;
        }
    }
}

/// The digest of a file: S3 has it of all that we store. What an operator copied there in pieces is read for it, a part at
/// a time. `None` when the file is gone meanwhile.
async fn digest(
    bucket: &Bucket,
    key: &ObjectKey,
    facts: &ObjectFacts,
) -> Result<Option<[u8; 32]>, BucketError> {
    if facts.sha256.is_some() {
        return Ok(facts.sha256);
    }
    let size = usize::try_from(facts.size).unwrap_or(usize::MAX);
    let mut sum = Sha256::new();
    for number in 0..count(size) {
        let Some(bytes) = bucket.get_range(key, range(number, size), size).await? else { return Ok(None) };
        sum.update(&bytes);
    }
    Ok(Some(sum.finalize().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let file = derived_ulid(5, &["a"]);
        let last = [None, Some(Last { file, next: None }), Some(Last { file, next: Some(3) })];
        let files = [Folder::Received, Folder::ToSend]
            .into_iter()
            .flat_map(|folder| last.map(|last| Position::Files(FilePosition { folder, last })));
        for position in files.chain([Position::start()]) {
            assert_eq!(Position::parse(&position.text()), Some(position.clone()), "{}", position.text());
        }
        for odd in ["", "in", "part|", "in|x", "in|x|1", "out||2", &format!("in|{file}|x"), "x|"] {
            assert_eq!(Position::parse(odd), None, "{odd}");
        }
    }
}
