//! What the queue thread owns: the database, the queues' definitions, and whom to wake after a commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::attributes;
use super::move_tasks::Moving;
use super::{Map, QueueDepth, error};
use crate::Identity;
use crate::clock::StackClock;
use crate::data_dir::{DataDir, OpenError, open_sqlite};
use crate::protocol::ApiError;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL, tags TEXT NOT NULL,
    created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT, trace_header TEXT, group_id TEXT, sent_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL,
    in_flight INTEGER NOT NULL DEFAULT 0, received_ms INTEGER, first_received_ms INTEGER,
    receive_count INTEGER NOT NULL DEFAULT 0, receipt TEXT, dead_letter_source TEXT);
CREATE INDEX IF NOT EXISTS messages_due ON messages (queue, visible_ms, id, in_flight);
CREATE INDEX IF NOT EXISTS messages_age ON messages (queue, sent_ms);
CREATE TABLE IF NOT EXISTS moves (
    handle TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, status TEXT NOT NULL, per_second INTEGER,
    started_ms INTEGER NOT NULL, moved INTEGER NOT NULL, to_move INTEGER NOT NULL, failure TEXT);";

/// How often, on the stack's clock, a queue is searched for messages past their retention.
const RETENTION_CHECK_MS: i64 = 1000;

/// A queue as defined.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) id: i64,
    pub(super) attributes: Map,
    pub(super) tags: Map,
    pub(super) created_ms: i64,
    pub(super) modified_ms: i64,
}

/// Everything behind the queue thread.
pub(super) struct State {
    pub(super) connection: Connection,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) moving: Vec<Moving>,
    pub(super) identity: Identity,
    pub(super) clock: StackClock,
    definitions_changed: bool,
    retention_checked: HashMap<i64, i64>,
    woken: BTreeSet<i64>,
    wakes: Wakes,
}

impl State {
    pub(super) fn open(
        data_dir: Option<&DataDir>,
        identity: Identity,
        clock: StackClock,
        wakes: Wakes,
    ) -> Result<Self, OpenError> {
        let connection = open_sqlite(data_dir, "sqs.sqlite", SCHEMA)?;
        let mut state = Self {
            connection,
            queues: BTreeMap::new(),
            moving: Vec::new(),
            identity,
            clock,
            definitions_changed: false,
            retention_checked: HashMap::new(),
            woken: BTreeSet::new(),
            wakes,
        };
        state
            .reload()
            .map_err(|error| OpenError::Stored { what: "queues", cause: error.message().to_owned() })?;
        Ok(state)
    }

    /// Gives back every message that somebody held: for a stack whose only consumers ended with it. Their receive
    /// counts stay; their receipts are void with the next receive.
    pub(super) fn release_in_flight(&self) -> Result<(), OpenError> {
        self.connection
            .execute(
                "UPDATE messages SET in_flight = 0, visible_ms = MIN(visible_ms, ?1) WHERE in_flight = 1",
                [self.clock.now_ms()],
            )
            .map(drop)
            .map_err(|error| OpenError::Stored { what: "messages", cause: error.to_string() })
    }

    /// The queue of this name.
    pub(super) fn queue(&self, name: &str) -> Result<&Queue, ApiError> {
        self.queues.get(name).ok_or_else(error::no_such_queue)
    }

    /// The ARN of a queue.
    pub(super) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.identity.region, self.identity.account_id)
    }

    /// The name in an ARN of this account and region.
    pub(super) fn name_in_arn<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let name = arn.rsplit(':').next()?;
        (self.arn(name) == arn).then_some(name)
    }

    /// Says that those who wait for this queue should look again, once the present transaction is committed.
    pub(super) fn wake(&mut self, queue: i64) {
        self.woken.insert(queue);
    }

    /// Says that the definitions in memory were changed, so that a rollback reads them again.
    pub(super) fn definitions_changed(&mut self) {
        self.definitions_changed = true;
    }

    /// Runs one job so that an error leaves no trace of it.
    pub(super) fn guarded<T>(
        &mut self,
        job: impl FnOnce(&mut Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.connection.prepare_cached("SAVEPOINT job")?.execute([])?;
        let outcome = job(self);
        if outcome.is_err() {
            self.connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
            if self.definitions_changed {
                self.reload()?;
            }
        }
        self.connection.prepare_cached("RELEASE job")?.execute([])?;
        outcome
    }

    /// Opens the transaction of a group of jobs.
    pub(super) fn begin(&mut self) -> bool {
        self.succeeded("BEGIN")
    }

    /// Commits it and wakes who waits; on failure everything is as before.
    pub(super) fn commit(&mut self) -> bool {
        let committed = self.succeeded("COMMIT");
        if !committed {
            self.succeeded("ROLLBACK");
            if let Err(error) = self.reload() {
                tracing::error!(error = error.message(), "the queues cannot be read");
            }
        }
        self.definitions_changed = false;
        for queue in std::mem::take(&mut self.woken) {
            self.wakes.wake(queue);
        }
        committed
    }

    /// Drops messages past the queue's retention, at most once a second per queue.
    pub(super) fn expire(&mut self, queue: &Queue) -> Result<(), ApiError> {
        let now = self.clock.now_ms();
        let checked = self.retention_checked.entry(queue.id).or_insert(i64::MIN);
        if now.saturating_sub(*checked).abs() < RETENTION_CHECK_MS {
            return Ok(());
        }
        *checked = now;
        let oldest =
            now - attributes::number(&queue.attributes, "MessageRetentionPeriod").saturating_mul(1000);
        self.connection
            .prepare_cached("DELETE FROM messages WHERE queue = ?1 AND sent_ms < ?2")?
            .execute(params![queue.id, oldest])?;
        Ok(())
    }

    /// How full each queue is.
    pub(super) fn depths(&mut self) -> Result<Vec<QueueDepth>, ApiError> {
        let queues: Vec<_> = self.queues.iter().map(|(name, queue)| (name.clone(), queue.clone())).collect();
        queues.into_iter().map(|(name, queue)| self.depth(name, &queue)).collect()
    }

    /// How full one queue is.
    pub(super) fn depth(&mut self, name: String, queue: &Queue) -> Result<QueueDepth, ApiError> {
        self.expire(queue)?;
        let counted = self
            .connection
            .prepare_cached(
                "SELECT COALESCE(SUM(visible_ms <= ?2), 0), COALESCE(SUM(visible_ms > ?2 AND in_flight), 0),
                        COALESCE(SUM(visible_ms > ?2 AND NOT in_flight), 0) FROM messages WHERE queue = ?1",
            )?
            .query_row(params![queue.id, self.clock.now_ms()], |row| {
                Ok(QueueDepth { name, visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? })
            })?;
        Ok(counted)
    }

    fn succeeded(&self, statement: &str) -> bool {
        let result =
            self.connection.prepare_cached(statement).and_then(|mut statement| statement.execute([]));
        if let Err(error) = &result {
            tracing::error!(%error, statement, "the queues' database refused");
        }
        result.is_ok()
    }

    fn reload(&mut self) -> Result<(), ApiError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT name, id, attributes, tags, created_ms, modified_ms FROM queues")?;
        let rows = statement.query_map([], |row| {
            let (attributes, tags): (String, String) = (row.get(2)?, row.get(3)?);
            Ok((
                row.get::<_, String>(0)?,
                Queue {
                    id: row.get(1)?,
                    attributes: serde_json::from_str(&attributes).unwrap_or_default(),
                    tags: serde_json::from_str(&tags).unwrap_or_default(),
                    created_ms: row.get(4)?,
                    modified_ms: row.get(5)?,
                },
            ))
        })?;
        let queues = rows.collect::<Result<_, _>>()?;
        drop(statement);
        self.queues = queues;
        self.moving = Moving::load(&self.connection)?;
        self.definitions_changed = false;
        Ok(())
    }
}

/// Those who wait for a queue to change.
#[derive(Clone, Default)]
pub(super) struct Wakes {
    queues: Arc<Mutex<HashMap<i64, watch::Sender<()>>>>,
}

impl Wakes {
    /// A receiver that changes when the queue may have something new: subscribe, look, then await
    /// `changed()`.
    pub(super) fn subscribe(&self, queue: i64) -> watch::Receiver<()> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(queue).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    fn wake(&self, queue: i64) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = queues.get(&queue) {
            waiting.send_replace(());
        }
    }
}
