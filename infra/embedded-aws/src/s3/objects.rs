//! Buckets and objects: one file per object under the data directory, or in memory.
//!
//! A file is written under another name, synced and renamed, so that an object is there whole or not at all, whenever
//! the process dies. Its name is the digest of the key: no key can be a path. The key and what else is known about the
//! object stand in the first line of the file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::data_dir::OpenError;

/// The longest first line that is read.
const HEADER_LIMIT: u64 = 64 * 1024;
/// What a file is called before it is whole.
const UNFINISHED: &str = "new";

/// What is known about an object beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) key: String,
    /// In bytes.
    pub(super) size: u64,
    /// MD5 in hexadecimal.
    pub(super) etag: String,
    pub(super) modified_ms: i64,
    /// SHA-256 in base64, where the upload came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// `content-type` and the other headers that come back with the object, names in lower case.
    pub(super) headers: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Stored {
    meta: Meta,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    /// A file, and where the bytes begin in it.
    File(PathBuf, u64),
}

/// The bytes of an object, to be read: those it had when it was looked up.
#[derive(Debug)]
pub(super) enum Content {
    Memory(Bytes),
    /// An open file, and where the bytes begin in it.
    File(File, u64),
}

impl Content {
    /// A part of them, which they have.
    pub(super) fn read(self, range: Range<u64>) -> io::Result<Bytes> {
        let place = |at: u64| usize::try_from(at).map_err(io::Error::other);
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(place(range.start)?..place(range.end)?)),
            Self::File(mut file, begin) => {
                file.seek(SeekFrom::Start(begin + range.start))?;
                let mut bytes = vec![0; place(range.end - range.start)?];
                file.read_exact(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

type Bucket = BTreeMap<String, Stored>;

/// All buckets.
#[derive(Debug)]
pub(super) struct Objects {
    root: Option<PathBuf>,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// What became of a request for a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    New,
    ThereAlready,
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Stored,
    /// It was to be a new object, and there is one.
    ThereAlready,
    NoBucket,
}

impl Objects {
    /// Reads what is there; files that were never finished are removed.
    pub(super) fn open(root: Option<PathBuf>) -> Result<Self, OpenError> {
        let buckets = match &root {
            None => BTreeMap::new(),
            Some(root) => {
                read_buckets(root).map_err(|cause| OpenError::DataDir { path: root.clone(), cause })?
            }
        };
        Ok(Self { root, buckets: Mutex::new(buckets) })
    }

    pub(super) fn bucket_names(&self) -> Vec<String> {
        self.locked().keys().cloned().collect()
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        self.locked().contains_key(bucket)
    }

    pub(super) fn create_bucket(&self, bucket: &str) -> io::Result<Made> {
        let mut buckets = self.locked();
        if buckets.contains_key(bucket) {
            return Ok(Made::ThereAlready);
        }
        if let Some(root) = &self.root {
            fs::create_dir_all(root.join(bucket))?;
            sync_dir(root)?;
        }
        buckets.insert(bucket.to_owned(), Bucket::new());
        Ok(Made::New)
    }

    /// Stores an object, in place of an earlier one unless it must be new.
    pub(super) fn put(&self, bucket: &str, meta: Meta, bytes: Bytes, only_new: bool) -> io::Result<Put> {
        if !self.has_bucket(bucket) {
            return Ok(Put::NoBucket);
        }
        let body = match &self.root {
            None => Body::Memory(bytes),
            Some(root) => {
                let folder = root.join(bucket);
                let mut header = serde_json::to_vec(&meta)?;
                header.push(b'\n');
                let begin = u64::try_from(header.len()).map_err(io::Error::other)?;
                let unfinished = folder.join(format!("{}.{UNFINISHED}", uuid::Uuid::new_v4()));
                write_whole(&unfinished, &[&header, &bytes])?;
                // The name and the entry change together: two writers of one key must not leave them apart.
                let path = folder.join(file_name(&meta.key));
                let mut buckets = self.locked();
                if only_new && buckets.get(bucket).is_some_and(|found| found.contains_key(&meta.key)) {
                    fs::remove_file(&unfinished)?;
                    return Ok(Put::ThereAlready);
                }
                fs::rename(&unfinished, &path)?;
                sync_dir(&folder)?;
                let stored = Stored { body: Body::File(path, begin), meta };
                let bucket = buckets.entry(bucket.to_owned()).or_default();
                bucket.insert(stored.meta.key.clone(), stored);
                return Ok(Put::Stored);
            }
        };
        let stored = Stored { body, meta };
        let mut buckets = self.locked();
        let bucket = buckets.entry(bucket.to_owned()).or_default();
        if only_new && bucket.contains_key(&stored.meta.key) {
            return Ok(Put::ThereAlready);
        }
        bucket.insert(stored.meta.key.clone(), stored);
        Ok(Put::Stored)
    }

    /// What is known about an object.
    pub(super) fn head(&self, bucket: &str, key: &str) -> Option<Meta> {
        Some(self.locked().get(bucket)?.get(key)?.meta.clone())
    }

    /// An object.
    pub(super) fn get(&self, bucket: &str, key: &str) -> io::Result<Option<(Meta, Content)>> {
        let buckets = self.locked();
        let Some(stored) = buckets.get(bucket).and_then(|bucket| bucket.get(key)) else { return Ok(None) };
        let content = match &stored.body {
            Body::Memory(bytes) => Content::Memory(bytes.clone()),
            // Opened while the entry is held: a newer object gets another file under the same name.
            Body::File(path, begin) => Content::File(File::open(path)?, *begin),
        };
        Ok(Some((stored.meta.clone(), content)))
    }

    /// Removes an object, if it is there; false when there is no such bucket.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> io::Result<bool> {
        let mut buckets = self.locked();
        let Some(objects) = buckets.get_mut(bucket) else { return Ok(false) };
        if let Some(Stored { body: Body::File(path, _), .. }) = objects.get(key) {
            fs::remove_file(path)?;
            if let Some(folder) = path.parent() {
                sync_dir(folder)?;
            }
        }
        objects.remove(key);
        Ok(true)
    }

    /// What is known about every object whose key begins with `prefix`, in the order of the keys; `None` when there
    /// is no such bucket.
    pub(super) fn under(&self, bucket: &str, prefix: &str) -> Option<Vec<Meta>> {
        let buckets = self.locked();
        let found = buckets.get(bucket)?.range(prefix.to_owned()..);
        Some(
            found
                .take_while(|(key, _)| key.starts_with(prefix))
                .map(|(_, stored)| stored.meta.clone())
                .collect(),
        )
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Never a part of the key itself.
fn file_name(key: &str) -> String {
    hex::encode(digest(&SHA256, key.as_bytes()))
}

fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

/// A rename lasts when its folder does.
fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read_buckets(root: &Path) -> io::Result<BTreeMap<String, Bucket>> {
    fs::create_dir_all(root)?;
    let mut buckets = BTreeMap::new();
    for folder in fs::read_dir(root)? {
        let folder = folder?.path();
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        if !folder.is_dir() {
            continue;
        }
        let mut bucket = Bucket::new();
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == UNFINISHED) {
                fs::remove_file(&path)?;
                continue;
            }
            let stored = read_stored(path)?;
            bucket.insert(stored.meta.key.clone(), stored);
        }
        buckets.insert(name.to_owned(), bucket);
    }
    Ok(buckets)
}

fn read_stored(path: PathBuf) -> io::Result<Stored> {
    let file = File::open(&path)?;
    let length = file.metadata()?.len();
    let mut header = Vec::new();
    BufReader::new(file.take(HEADER_LIMIT)).read_until(b'\n', &mut header)?;
    let meta: Meta = serde_json::from_slice(&header)?;
    let begin = u64::try_from(header.len()).map_err(io::Error::other)?;
    if begin.checked_add(meta.size) != Some(length) {
        let cause = format!("{} is not as long as it says", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, cause));
    }
    Ok(Stored { meta, body: Body::File(path, begin) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(key: &str, bytes: &[u8]) -> Meta {
        let size = bytes.len().try_into().unwrap();
        let (etag, sha256, headers) = ("e".into(), None, BTreeMap::new());
        Meta { key: key.into(), size, etag, modified_ms: 1, sha256, headers }
    }

    fn put(objects: &Objects, key: &str, bytes: &'static [u8]) {
        let put = objects.put("media", meta(key, bytes), Bytes::from_static(bytes), false).unwrap();
        assert_eq!(put, Put::Stored);
    }

    fn get(objects: &Objects, key: &str) -> Option<Bytes> {
        objects.get("media", key).unwrap().map(|(meta, content)| content.read(0..meta.size).unwrap())
    }

    #[test]
    fn no_key_leads_out_of_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("buckets");
        let objects = Objects::open(Some(root.clone())).unwrap();
        objects.create_bucket("media").unwrap();
        for key in
            ["../../up", "/etc/passwd", "a/../../b", "..", "nul\0", "a\nb", "C:\\x", "😀", &"x".repeat(1024)]
        {
            put(&objects, key, b"bytes\nwith lines\n");
            assert_eq!(get(&objects, key).unwrap(), "bytes\nwith lines\n", "{key:?}");
        }
        let beside: Vec<_> =
            fs::read_dir(dir.path()).unwrap().flatten().map(|file| file.file_name()).collect();
        assert_eq!(beside, ["buckets"]);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        let reopened = Objects::open(Some(root)).unwrap();
        assert_eq!(get(&reopened, "../../up").unwrap(), "bytes\nwith lines\n");
        assert_eq!(reopened.under("media", "").unwrap().len(), 9);
    }

    #[test]
    fn what_was_never_finished_is_gone_and_what_was_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Objects::open(Some(dir.path().to_path_buf())).unwrap();
        let objects = open();
        objects.create_bucket("media").unwrap();
        put(&objects, "a", b"old");
        put(&objects, "a", b"newer");
        put(&objects, "b", b"");
        objects.delete("media", "b").unwrap();
        drop(objects);
        fs::write(dir.path().join("media/half.new"), b"{\"key\":").unwrap();
        let objects = open();
        assert_eq!(get(&objects, "a").unwrap(), "newer");
        assert_eq!(get(&objects, "b"), None);
        assert!(!dir.path().join("media/half.new").exists());
    }

    #[test]
    fn a_file_that_is_cut_keeps_the_stack_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::open(Some(dir.path().to_path_buf())).unwrap();
        objects.create_bucket("media").unwrap();
        put(&objects, "a", b"whole");
        let path = dir.path().join("media").join(file_name("a"));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let refusal = Objects::open(Some(dir.path().to_path_buf())).unwrap_err().to_string();
        assert!(refusal.contains("not as long as it says"), "{refusal}");
    }

    #[test]
    fn in_memory_works_the_same() {
        let objects = Objects::open(None).unwrap();
        let refused = objects.put("media", meta("a", b"x"), Bytes::from_static(b"x"), false).unwrap();
        assert_eq!(refused, Put::NoBucket);
        assert_eq!(objects.create_bucket("media").unwrap(), Made::New);
        assert_eq!(objects.create_bucket("media").unwrap(), Made::ThereAlready);
        put(&objects, "a", b"x");
        assert_eq!(get(&objects, "a").unwrap(), "x");
        assert!(objects.delete("media", "a").unwrap() && objects.delete("media", "a").unwrap());
        assert_eq!(get(&objects, "a"), None);
    }

    #[test]
    fn what_must_be_new_takes_nobodys_place_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        for root in [None, Some(dir.path().to_path_buf())] {
            let objects = Objects::open(root).unwrap();
            objects.create_bucket("media").unwrap();
            let only_new = |bytes: &'static [u8]| {
                objects.put("media", meta("a", bytes), Bytes::from_static(bytes), true).unwrap()
            };
            assert_eq!((only_new(b"first"), only_new(b"second")), (Put::Stored, Put::ThereAlready));
            assert_eq!(get(&objects, "a").unwrap(), "first");
        }
        assert_eq!(fs::read_dir(dir.path().join("media")).unwrap().count(), 1);
    }
}
