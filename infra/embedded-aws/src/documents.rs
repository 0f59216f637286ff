//! Small durable records as JSON documents: keys, aliases and secrets, which are read from memory and written
//! through.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data_dir::{DataDir, OpenError, open_sqlite};
use crate::protocol::ApiError;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID";

/// The documents of all kinds.
#[derive(Clone)]
pub(crate) struct Documents {
    connection: Arc<Mutex<Connection>>,
}

impl Documents {
    pub(crate) fn open(data_dir: Option<&DataDir>) -> Result<Self, OpenError> {
        let connection = open_sqlite(data_dir, "keys-and-secrets.sqlite", SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Every document of one kind, by id.
    pub(crate) fn load<T: DeserializeOwned>(
        &self,
        kind: &'static str,
    ) -> Result<BTreeMap<String, T>, OpenError> {
        let stored = |cause: String| OpenError::Stored { what: kind, cause };
        let rows = self.rows(kind).map_err(|error| stored(error.to_string()))?;
        rows.into_iter()
            .map(|(id, body)| {
                let document = serde_json::from_str(&body).map_err(|error| stored(error.to_string()))?;
                Ok((id, document))
            })
            .collect()
    }

    /// Writes one document.
    pub(crate) fn put<T: Serialize>(&self, kind: &str, id: &str, document: &T) -> Result<(), ApiError> {
        let body = serde_json::to_string(document).map_err(|error| ApiError::internal(error.to_string()))?;
        self.locked()
            .prepare_cached("INSERT OR REPLACE INTO documents (kind, id, body) VALUES (?1, ?2, ?3)")?
            .execute(params![kind, id, body])?;
        Ok(())
    }

    /// Removes one document.
    pub(crate) fn remove(&self, kind: &str, id: &str) -> Result<(), ApiError> {
        self.locked().execute("DELETE FROM documents WHERE kind = ?1 AND id = ?2", params![kind, id])?;
        Ok(())
    }

    fn rows(&self, kind: &str) -> rusqlite::Result<Vec<(String, String)>> {
        let connection = self.locked();
        let mut statement = connection.prepare("SELECT id, body FROM documents WHERE kind = ?1")?;
        let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    fn locked(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
