//! Move tasks: dead letters go back where they came from, or elsewhere, step by step between other work, and
//! on after
//! a restart.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::api::{CancelMove, ListMoves, StartMove};
use super::state::State;
use super::{Sqs, error};
use crate::protocol::ApiError;

/// Messages moved before other work gets its turn.
const STEP: i64 = 200;
/// A task with a rate moves a tenth of it this often.
const BEAT: Duration = Duration::from_millis(100);

/// A task that runs.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    handle: String,
    source: String,
    destination: Option<String>,
    per_second: Option<i64>,
    /// Tenths of messages owed by the rate and not yet moved.
    owed: i64,
}

impl Moving {
    /// The tasks that were running when the database was last used.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(
            "SELECT handle, source, destination, per_second FROM moves WHERE status = 'RUNNING'",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Self {
                handle: row.get(0)?,
                source: row.get(1)?,
                destination: row.get(2)?,
                per_second: row.get(3)?,
                owed: 0,
            })
        })?;
        rows.collect()
    }
}

impl Sqs {
    pub(super) async fn start_move(&self, request: StartMove) -> Result<Value, ApiError> {
        let source = request.source_arn.ok_or_else(|| error::missing("SourceArn"))?;
        let per_second = request.max_number_of_messages_per_second;
        if per_second.is_some_and(|rate| !(1..=500).contains(&rate)) {
            return Err(error::invalid(
                "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a value between \
                 1 and 500.",
            ));
        }
        let destination = request.destination_arn;
        let handle = self.worker.run(move |state| state.start_move(source, destination, per_second)).await?;
        Ok(json!({ "TaskHandle": handle }))
    }

    pub(super) async fn list_moves(&self, request: ListMoves) -> Result<Value, ApiError> {
        let source = request.source_arn.ok_or_else(|| error::missing("SourceArn"))?;
        let most = request.max_results.unwrap_or(1).clamp(1, 10);
        let results = self
            .worker
            .run(move |state| {
                state.queue_of_arn(&source)?;
                let mut statement = state.connection.prepare_cached(
                    "SELECT handle, status, source, destination, per_second, started_ms, moved, to_move, failure
                     FROM moves WHERE source = ?1 ORDER BY started_ms DESC, rowid DESC LIMIT ?2",
                )?;
                let rows = statement.query_map(params![source, most], described)?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await?;
        Ok(json!({ "Results": results }))
    }

    pub(super) async fn cancel_move(&self, request: CancelMove) -> Result<Value, ApiError> {
        let handle = request.task_handle.ok_or_else(|| error::missing("TaskHandle"))?;
        let moved = self.worker.run(move |state| state.cancel_move(&handle)).await?;
        Ok(json!({ "ApproximateNumberOfMessagesMoved": moved }))
    }
}

impl State {
    fn start_move(
        &mut self,
        source: String,
        destination: Option<String>,
        per_second: Option<i64>,
    ) -> Result<String, ApiError> {
        let id = self.queue_of_arn(&source)?;
        if let Some(destination) = &destination {
            self.queue_of_arn(destination)?;
        }
        if self.sources_of(&source).is_empty() {
            return Err(error::invalid("Source queue must be configured as a Dead Letter Queue."));
        }
        if self.moving.iter().any(|moving| moving.source == source) {
            return Err(error::unsupported(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given \
                 time.",
            ));
        }
        let now = self.clock.now_ms();
        let to_move: i64 = self.connection.query_row(
            "SELECT COUNT(*) FROM messages WHERE queue = ?1 AND visible_ms <= ?2",
            params![id, now],
            |row| row.get(0),
        )?;
        let named = json!({ "taskId": Uuid::new_v4().to_string(), "sourceArn": source }).to_string();
        let handle = STANDARD.encode(named);
        self.connection.execute(
            "INSERT INTO moves (handle, source, destination, status, per_second, started_ms, moved, to_move)
             VALUES (?1, ?2, ?3, 'RUNNING', ?4, ?5, 0, ?6)",
            params![handle, source, destination, per_second, now, to_move],
        )?;
        self.definitions_changed();
        self.moving.push(Moving { handle: handle.clone(), source, destination, per_second, owed: 0 });
        Ok(handle)
    }

    fn cancel_move(&mut self, handle: &str) -> Result<i64, ApiError> {
        let Some(at) = self.moving.iter().position(|moving| moving.handle == handle) else {
            return Err(error::resource_not_found("Task does not exist or is not running."));
        };
        self.definitions_changed();
        self.moving.remove(at);
        self.settle(handle, "CANCELLED", None)?;
        let moved =
            self.connection
                .query_row("SELECT moved FROM moves WHERE handle = ?1", [handle], |row| row.get(0))?;
        Ok(moved)
    }

    /// Moves what is due of every running task; gives the pause until the next step, or `None` with nothing
    /// to do.
    pub(super) fn step_moves(&mut self) -> Option<Duration> {
        if self.moving.is_empty() {
            return None;
        }
        let mut troubled = false;
        for mut moving in self.moving.clone() {
            match self.guarded(|state| state.step(&mut moving)) {
                Ok(true) => {
                    let same = self.moving.iter_mut().filter(|other| other.handle == moving.handle);
                    same.for_each(|other| other.owed = moving.owed);
                }
                Ok(false) => self.moving.retain(|other| other.handle != moving.handle),
                Err(error) => {
                    tracing::error!(error = error.message(), "a move task waits after an error");
                    troubled = true;
                }
            }
        }
        let unlimited = !troubled && self.moving.iter().any(|moving| moving.per_second.is_none());
        match (self.moving.is_empty(), unlimited) {
            (true, _) => None,
            (false, true) => Some(Duration::ZERO),
            (false, false) => Some(BEAT),
        }
    }

    /// One step of one task; whether it goes on.
    fn step(&mut self, moving: &mut Moving) -> Result<bool, ApiError> {
        let now = self.clock.now_ms();
        let Ok(source) = self.queue_of_arn(&moving.source) else {
            self.settle(&moving.handle, "FAILED", Some("AWS.SimpleQueueService.NonExistentQueue"))?;
            return Ok(false);
        };
        let most = match moving.per_second {
            None => STEP,
            Some(rate) => {
                moving.owed += rate;
                let whole = moving.owed / 10;
                moving.owed %= 10;
                whole
            }
        };
        if most == 0 {
            return Ok(true);
        }
        let due: Vec<(i64, Option<String>)> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, dead_letter_source FROM messages WHERE queue = ?1 AND visible_ms <= ?2
                 ORDER BY visible_ms, id LIMIT ?3",
            )?;
            let rows =
                statement.query_map(params![source, now, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut moved = 0;
        let mut lost = false;
        for (message, origin) in due {
            let target = moving.destination.as_deref().or(origin.as_deref());
            let Some(target) = target.and_then(|arn| self.queue_of_arn(arn).ok()) else {
                lost = true;
                break;
            };
            self.renew(message, target, now)?;
            moved += 1;
        }
        self.connection
            .prepare_cached("UPDATE moves SET moved = moved + ?2 WHERE handle = ?1")?
            .execute(params![moving.handle, moved])?;
        if lost {
            self.settle(&moving.handle, "FAILED", Some("CouldNotDetermineMessageSource"))?;
            return Ok(false);
        }
        if moved < most {
            self.settle(&moving.handle, "COMPLETED", None)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// A moved message is a new one: its own id, its own age, never received.
    fn renew(&mut self, message: i64, target: i64, now: i64) -> Result<(), ApiError> {
        self.connection
            .prepare_cached(
                "UPDATE messages SET queue = ?2, message_id = ?3, sent_ms = ?4, visible_ms = ?4, in_flight = 0,
                        received_ms = NULL, first_received_ms = NULL, receive_count = 0, receipt = NULL,
                        dead_letter_source = NULL WHERE id = ?1",
            )?
            .execute(params![message, target, Uuid::new_v4().to_string(), now])?;
        self.wake(target);
        Ok(())
    }

    fn settle(&self, handle: &str, status: &str, failure: Option<&str>) -> Result<(), ApiError> {
        self.connection
            .prepare_cached("UPDATE moves SET status = ?2, failure = ?3 WHERE handle = ?1")?
            .execute(params![handle, status, failure])?;
        Ok(())
    }

    fn queue_of_arn(&self, arn: &str) -> Result<i64, ApiError> {
        let name = self.name_in_arn(arn);
        name.and_then(|name| self.queues.get(name)).map(|queue| queue.id).ok_or_else(|| {
            error::resource_not_found(
                "The resource that you specified for the SourceArn parameter doesn't exist.",
            )
        })
    }
}

fn described(row: &Row<'_>) -> rusqlite::Result<Value> {
    let (handle, status): (String, String) = (row.get(0)?, row.get(1)?);
    let mut task = Map::new();
    // Only a running task can be cancelled, so only its handle is shown.
    let handle = (status == "RUNNING").then_some(handle);
    for (field, value) in [
        ("TaskHandle", json!(handle)),
        ("Status", json!(status)),
        ("SourceArn", json!(row.get::<_, String>(2)?)),
        ("DestinationArn", json!(row.get::<_, Option<String>>(3)?)),
        ("MaxNumberOfMessagesPerSecond", json!(row.get::<_, Option<i64>>(4)?)),
        ("StartedTimestamp", json!(row.get::<_, i64>(5)?)),
        ("ApproximateNumberOfMessagesMoved", json!(row.get::<_, i64>(6)?)),
        ("ApproximateNumberOfMessagesToMove", json!(row.get::<_, i64>(7)?)),
        ("FailureReason", json!(row.get::<_, Option<String>>(8)?)),
    ] {
        if !value.is_null() {
            task.insert(field.to_owned(), value);
        }
    }
    Ok(Value::Object(task))
}
