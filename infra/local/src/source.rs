//! An SQS event source: takes messages from a queue in batches, invokes the function, deletes what it applied.

use crate::invocations::{Ended, Invocations};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage, SqsMessageAttribute};
use futures_util::future::BoxFuture;
use platform::aws::{Aws, AwsError, Effort, Service};
use serde::Deserialize;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How many pollers take from one queue at once.
pub(crate) const POLLERS: usize = 2;
/// SQS gives and takes at most ten messages in one call.
const PER_CALL: usize = 10;
/// The longest that SQS holds a receive.
const LONG_POLL: Duration = Duration::from_secs(20);
/// The pause after a receive that failed; doubled up to sixteen times.
const PAUSE: Duration = Duration::from_millis(100);

/// A warm execution environment of the function.
pub(crate) type Environment = Arc<dyn Fn(SqsEvent) -> BoxFuture<'static, SqsBatchResponse> + Send + Sync>;

/// One event source of one function.
pub(crate) struct EventSource {
    /// The function's name.
    pub(crate) function: String,
    /// The longest an invocation may take.
    pub(crate) timeout: Duration,
    /// The queue.
    pub(crate) queue_url: String,
    /// The queue, as records name it.
    pub(crate) queue_arn: String,
    /// The region, as records name it.
    pub(crate) region: String,
    /// The most records of one invocation.
    pub(crate) batch_size: usize,
    /// How long a batch may be gathered.
    pub(crate) window: Duration,
    /// Whether the function names the records that failed.
    pub(crate) reports_failures: bool,
    /// The client of the event source itself: its calls are not the function's.
    pub(crate) aws: Aws,
    /// Where invocations are registered.
    pub(crate) invocations: Invocations,
    /// Makes a cold environment.
    pub(crate) start: Box<dyn Fn() -> Environment + Send + Sync>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Messages", default)]
    messages: Vec<Received>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(rename = "MD5OfBody", default)]
    md5_of_body: Option<String>,
    #[serde(rename = "MD5OfMessageAttributes", default)]
    md5_of_message_attributes: Option<String>,
    #[serde(default)]
    attributes: HashMap<String, String>,
    #[serde(default)]
    message_attributes: HashMap<String, serde_json::Value>,
}

/// What deletes a message.
struct Handle {
    message_id: String,
    receipt_handle: String,
}

impl EventSource {
    /// Polls until `stop` turns true; an invocation that runs then is brought to its end.
    pub(crate) async fn poll(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut warm = None;
        let mut failures = 0;
        loop {
            let received = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                received = self.gather() => received,
            };
            match received {
                Ok(messages) if messages.is_empty() => failures = 0,
                Ok(messages) => {
                    failures = 0;
                    self.invoke(messages, &mut warm).await;
                }
                Err(error) => {
                    tracing::debug!(%error, queue = %self.queue_url, "an event source cannot receive");
                    tokio::time::sleep(PAUSE * 2u32.saturating_pow(failures)).await;
                    failures = (failures + 1).min(4);
                }
            }
        }
    }

    /// A batch: the first messages there are, and what comes within the window while there is room.
    async fn gather(&self) -> Result<Vec<Received>, AwsError> {
        let mut messages = self.receive(self.batch_size, LONG_POLL).await?;
        let until = Instant::now() + self.window;
        while !messages.is_empty() && messages.len() < self.batch_size {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let more = self.receive(self.batch_size - messages.len(), left);
            // A receive waits in whole seconds; the window need not be over by then.
            match tokio::time::timeout(left, more).await {
                Ok(Ok(more)) => messages.extend(more),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        Ok(messages)
    }

    async fn receive(&self, room: usize, wait: Duration) -> Result<Vec<Received>, AwsError> {
        let input = json!({
            "QueueUrl": self.queue_url,
            "MaxNumberOfMessages": room.min(PER_CALL),
            "WaitTimeSeconds": wait.as_secs(),
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let batch: Batch = self.aws.call(Service::Sqs, "ReceiveMessage", &input, Effort::LongPoll).await?;
        Ok(batch.messages)
    }

    /// One invocation. No answer deletes nothing: the messages come back when their visibility timeout is over.
    async fn invoke(&self, messages: Vec<Received>, warm: &mut Option<Environment>) {
        let handles: Vec<Handle> = messages.iter().map(Handle::of).collect();
        let mut event = SqsEvent::default();
        event.records = messages.into_iter().map(|message| self.record(message)).collect();
        let environment = warm.get_or_insert_with(|| (self.start)());
        match self.invocations.run(&self.function, self.timeout, environment(event)).await {
            Ok(response) => self.delete(&applied(handles, &response, self.reports_failures)).await,
            Err(ended) => {
                tracing::warn!(function = %self.function, "an invocation of {} {ended}", self.function);
                // The runtime catches a panic; a killed or overdue process is replaced by a new one.
                if ended != Ended::Panicked {
                    *warm = None;
                }
            }
        }
    }

    fn record(&self, message: Received) -> SqsMessage {
        let mut record = SqsMessage::default();
        record.message_id = Some(message.message_id);
        record.receipt_handle = Some(message.receipt_handle);
        record.body = Some(message.body);
        record.md5_of_body = message.md5_of_body;
        record.md5_of_message_attributes = message.md5_of_message_attributes;
        record.attributes = message.attributes;
        record.message_attributes = message
            .message_attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, attribute(value)?)))
            .collect();
        record.event_source_arn = Some(self.queue_arn.clone());
        record.event_source = Some("aws:sqs".to_owned());
        record.aws_region = Some(self.region.clone());
        record
    }

    async fn delete(&self, handles: &[Handle]) {
        for chunk in handles.chunks(PER_CALL) {
            let entries: Vec<_> = chunk
                .iter()
                .enumerate()
                .map(|(index, handle)| json!({"Id": index.to_string(), "ReceiptHandle": handle.receipt_handle}))
                .collect();
            let input = json!({"QueueUrl": self.queue_url, "Entries": entries});
            let deleted: Result<serde_json::Value, _> =
                self.aws.call(Service::Sqs, "DeleteMessageBatch", &input, Effort::Standard).await;
            if let Err(error) = deleted {
                tracing::warn!(%error, "applied messages could not be deleted; they come back");
            }
        }
    }
}

impl Handle {
    fn of(message: &Received) -> Self {
        Self { message_id: message.message_id.clone(), receipt_handle: message.receipt_handle.clone() }
    }
}

/// What a response leaves to delete, as Lambda reads it: a failure that names no record of the batch fails them all.
fn applied(handles: Vec<Handle>, response: &SqsBatchResponse, reports_failures: bool) -> Vec<Handle> {
    if !reports_failures || response.batch_item_failures.is_empty() {
        return handles;
    }
    let failed: HashSet<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    if failed.iter().any(|id| !handles.iter().any(|handle| handle.message_id == **id)) {
        return Vec::new();
    }
    handles.into_iter().filter(|handle| !failed.contains(handle.message_id.as_str())).collect()
}

/// From SQS's spelling to the event's.
fn attribute(value: serde_json::Value) -> Option<SqsMessageAttribute> {
    let serde_json::Value::Object(mut members) = value else { return None };
    let mut take = |name: &str| members.remove(name).unwrap_or_default();
    let spelled = json!({
        "stringValue": take("StringValue"),
        "binaryValue": take("BinaryValue"),
        "dataType": take("DataType"),
    });
    serde_json::from_value(spelled).ok()
}

#[cfg(test)]
mod tests;
