//! DynamoDB: dynoxide's engine, called in this process, its answers written as the service writes them.

mod dispatch;
mod ttl;

use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::data_dir::{DataDir, OpenError};
use crate::protocol::{Answer, Api, ApiError, json_answer};

/// Calls that may be in the engine at once. Its storage takes them one by one; the others read their input or
/// write
/// their answer meanwhile, and the rest wait without a thread.
const CONCURRENT: usize = 4;

/// The tables.
pub(crate) struct Dynamo {
    database: Database,
    slots: Arc<Semaphore>,
}

impl Dynamo {
    pub(crate) fn open(data_dir: Option<&DataDir>) -> Result<Self, OpenError> {
        let database = match data_dir.map(|dir| dir.file("dynamodb.sqlite")) {
            None => Database::memory()
                .map_err(|error| OpenError::Database { path: ":memory:".into(), cause: error.to_string() })?,
            Some(path) => {
                let refused = |cause: String| OpenError::Database { path: path.clone(), cause };
                let text = path.to_str().ok_or_else(|| refused("the path is not UTF-8".to_owned()))?;
                let database = Database::new(text).map_err(|error| refused(error.to_string()))?;
                // The engine's only way to `synchronous=NORMAL`: every commit still reaches the system before
                // it is
                // answered, so the death of the process loses nothing, and no write waits for the disk.
                database.disable_bulk_loading().map_err(|error| refused(error.to_string()))?;
                database
            }
        };
        Ok(Self { database, slots: Arc::new(Semaphore::new(CONCURRENT)) })
    }

    /// Runs one operation.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> Answer {
        let Some(run) = dispatch::operation(operation) else {
            return ApiError::unknown_operation(&format!("DynamoDB {operation}")).answer(Some(Api::DynamoDb));
        };
        let Ok(slot) = self.slots.clone().acquire_owned().await else {
            return Api::DynamoDb.failed(StatusCode::SERVICE_UNAVAILABLE).answer(Some(Api::DynamoDb));
        };
        let database = self.database.clone();
        let outcome = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            run(&database, &body)
        })
        .await;
        match outcome {
            Ok(Ok(json)) => json_answer(Some(Api::DynamoDb), StatusCode::OK, json.into()),
            Ok(Err(error)) => refusal(operation, error),
            Err(error) => {
                tracing::error!(%error, operation, "the table engine stopped in the middle of a call");
                Api::DynamoDb.failed(StatusCode::INTERNAL_SERVER_ERROR).answer(Some(Api::DynamoDb))
            }
        }
    }

    /// Deletes what has expired; gives how many.
    pub(crate) fn sweep_ttl(&self, now_seconds: i64) -> usize {
        ttl::sweep(&self.database, now_seconds)
    }
}

fn refusal(operation: &str, error: DynoxideError) -> Answer {
    let error = dispatch::worded_for(operation, error);
    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
    if status.is_server_error() {
        tracing::error!(%error, operation, "the table engine failed");
    }
    json_answer(Some(Api::DynamoDb), status, error.to_json().into())
}
