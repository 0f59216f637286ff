//! The data directory: one process at a time, and the SQLite files in it.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

/// How long a database is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the services could not be opened, one line each.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be created or written.
    #[error("cannot use the data directory {}: {cause}", path.display())]
    DataDir {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Another process has it.
    #[error("the data directory {} is in use by another process{holder}; stop it or choose another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// ` (process 123)`, or nothing where it is not known.
        holder: String,
    },
    /// A database file cannot be opened.
    #[error("cannot open the database {}: {cause}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite or the table engine said.
        cause: String,
    },
    /// A stored record cannot be read back.
    #[error("cannot read the stored {what}: {cause}")]
    Stored {
        /// What kind of record.
        what: &'static str,
        /// Why not.
        cause: String,
    },
    /// The queue thread cannot be started.
    #[error("cannot start the queue thread: {0}")]
    Thread(std::io::Error),
}

/// A claimed directory. The claim ends when this is dropped, or with the process.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory where it is missing and locks it for this process.
    pub(crate) fn claim(path: PathBuf) -> Result<Self, OpenError> {
        fs::create_dir_all(&path).map_err(|cause| OpenError::DataDir { path: path.clone(), cause })?;
        let lock_path = path.join("lock");
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|cause| OpenError::DataDir { path: lock_path.clone(), cause })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { holder: holder(&mut lock), path });
            }
            Err(TryLockError::Error(cause)) => return Err(OpenError::DataDir { path: lock_path, cause }),
        }
        note_holder(&mut lock).map_err(|cause| OpenError::DataDir { path: lock_path, cause })?;
        Ok(Self { path, _lock: lock })
    }

    /// A file in the directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Opens a SQLite file of the directory, or one in memory.
pub(crate) fn open_sqlite(
    data_dir: Option<&DataDir>,
    name: &str,
    schema: &str,
) -> Result<Connection, OpenError> {
    let path = data_dir.map(|dir| dir.file(name));
    let open = || -> rusqlite::Result<Connection> {
        let connection = match &path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(schema)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| OpenError::Database {
        path: path.as_deref().unwrap_or(Path::new(":memory:")).to_path_buf(),
        cause: error.to_string(),
    })
}

/// Writes a database anew, without what was deleted, while others have it open.
pub(crate) fn compact(path: &Path) -> Result<(), OpenError> {
    let anew = || -> rusqlite::Result<i64> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch("VACUUM")?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
    };
    let failed = |cause: String| OpenError::Database { path: path.to_path_buf(), cause };
    match anew() {
        Ok(0) => Ok(()),
        Ok(_busy) => Err(failed("somebody has been reading it all the time".to_owned())),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn holder(lock: &mut File) -> String {
    let mut process = String::new();
    match lock.read_to_string(&mut process) {
        Ok(read) if read > 0 => format!(" (process {})", process.trim()),
        _ => String::new(),
    }
}

fn note_holder(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    lock.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_claimed_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::claim(dir.path().to_path_buf()).unwrap();
        let refusal = DataDir::claim(dir.path().to_path_buf()).unwrap_err().to_string();
        assert!(refusal.contains("in use by another process"), "{refusal}");
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        drop(first);
        DataDir::claim(dir.path().to_path_buf()).unwrap();
    }

    #[test]
    fn an_unusable_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plain");
        fs::write(&file, "x").unwrap();
        let refusal = DataDir::claim(file.clone()).unwrap_err().to_string();
        assert!(refusal.contains("cannot use the data directory") && refusal.contains("plain"), "{refusal}");
        assert!(!refusal.contains('\n'));
    }
}
