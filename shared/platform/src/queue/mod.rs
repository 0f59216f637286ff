//! A queue: ours to fill from the functions; emptied by Lambda's event source, or by the local stack's loop.

pub mod assistant;
pub mod batch;
pub mod deliveries;
pub mod inbound;
pub mod outbound;

use crate::aws::{Aws, AwsError, Effort, Service};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;

/// SQS takes this many entries, and this many bytes of bodies, in one batch.
const BATCH_ENTRIES: usize = 10;
const BATCH_BYTES: usize = 1 << 20;

/// One SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    aws: Aws,
    url: String,
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// SQS's id of the message; the same on every delivery.
    pub message_id: String,
    /// What this delivery is deleted or hidden by.
    pub receipt: String,
    /// The text that was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
}

/// The queue did not take, or did not let go of, what it was given.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The call failed.
    #[error("queue: {action}")]
    Aws {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: AwsError,
    },
    /// The call succeeded, but not for every entry of the batch.
    #[error("queue: {action}: {refused} entries refused, the first as {code}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// How many entries are left.
        refused: usize,
        /// The reason SQS gave for the first of them.
        code: String,
    },
}

impl QueueError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Aws { source, .. } => source.is_transient(),
            Self::Refused { .. } => true,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendInput<'a> {
    queue_url: &'a str,
    message_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchInput<'a, E> {
    queue_url: &'a str,
    entries: &'a [E],
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct SendEntry<'a> {
    id: String,
    message_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct DeleteEntry<'a> {
    id: String,
    receipt_handle: &'a str,
}

#[derive(Deserialize)]
struct BatchOutput {
    #[serde(rename = "Failed", default)]
    failed: Vec<FailedEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    id: String,
    #[serde(default)]
    code: String,
}

/// A result we do not look into.
#[derive(Deserialize)]
struct Done {}

impl Queue {
    /// Names the queue. No I/O.
    #[must_use]
    pub const fn new(aws: Aws, url: String) -> Self {
        Self { aws, url }
    }

    /// Opens a connection to SQS ahead of the first message.
    pub async fn connect(&self) {
        self.aws.connect(Service::Sqs).await;
    }

    /// Sends one message. `Ok` means that SQS has stored it.
    ///
    /// # Errors
    /// SQS is down, slow, or refuses the text. It may have stored it all the same.
    pub async fn send(&self, body: &str) -> Result<(), QueueError> {
        self.send_one(body, None, None).await
    }

    /// Sends one message on behalf of `group`: a standard queue shares its consumers fairly between groups, so that
    /// one tenant's flood does not hold up the others' mail.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn send_for(&self, group: &str, body: &str) -> Result<(), QueueError> {
        self.send_one(body, Some(group), None).await
    }

    /// As [`Queue::send_for`], not to be received before `wait` is over, in whole seconds rounded up; SQS holds a
    /// message back for at most 15 minutes.
    ///
    /// # Errors
    /// As [`Queue::send`].
    pub async fn send_later(&self, group: &str, body: &str, wait: Duration) -> Result<(), QueueError> {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.send_one(body, Some(group), Some(seconds).filter(|seconds| *seconds > 0)).await
    }

    async fn send_one(
        &self,
        body: &str,
        group: Option<&str>,
        delay_seconds: Option<u64>,
    ) -> Result<(), QueueError> {
        let input =
            SendInput { queue_url: &self.url, message_body: body, message_group_id: group, delay_seconds };
        let sent = self.aws.call::<_, Done>(Service::Sqs, "SendMessage", &input, Effort::Standard).await;
        sent.map(drop).map_err(|source| QueueError::Aws { action: "send a message", source })
    }

    /// Sends messages in as few calls as SQS allows; what a call refuses is sent once more.
    ///
    /// # Errors
    /// At least one message is not stored; others may be.
    pub async fn send_batch(&self, bodies: &[String]) -> Result<(), QueueError> {
        self.send_all(bodies, None).await
    }

    /// As [`Queue::send_batch`], on behalf of `group`; see [`Queue::send_for`].
    ///
    /// # Errors
    /// As [`Queue::send_batch`].
    pub async fn send_batch_for(&self, group: &str, bodies: &[String]) -> Result<(), QueueError> {
        self.send_all(bodies, Some(group)).await
    }

    async fn send_all(&self, bodies: &[String], group: Option<&str>) -> Result<(), QueueError> {
        for range in batches(bodies.iter().map(String::len)) {
            let entries = bodies.get(range).unwrap_or_default().iter().enumerate();
            let entries = entries
                .map(|(id, body)| SendEntry {
                    id: id.to_string(),
                    message_body: body,
                    message_group_id: group,
                })
                .collect();
            self.batch("send messages", "SendMessageBatch", entries, |entry| &entry.id).await?;
        }
        Ok(())
    }

    /// Deletes deliveries by their receipts; what a call refuses is tried once more.
    ///
    /// # Errors
    /// At least one message will be delivered again.
    pub async fn delete_batch(&self, receipts: &[String]) -> Result<(), QueueError> {
        for receipts in receipts.chunks(BATCH_ENTRIES) {
            let entries = receipts.iter().enumerate();
            let entries = entries
                .map(|(id, receipt)| DeleteEntry { id: id.to_string(), receipt_handle: receipt })
                .collect();
            self.batch("delete messages", "DeleteMessageBatch", entries, |entry| &entry.id).await?;
        }
        Ok(())
    }

    async fn batch<E: Serialize>(
        &self,
        action: &'static str,
        operation: &'static str,
        mut entries: Vec<E>,
        id: impl Fn(&E) -> &String,
    ) -> Result<(), QueueError> {
        let mut tried_before = false;
        loop {
            let input = BatchInput { queue_url: &self.url, entries: &entries };
            let done =
                self.aws.call::<_, BatchOutput>(Service::Sqs, operation, &input, Effort::Standard).await;
            let failed = done.map_err(|source| QueueError::Aws { action, source })?.failed;
            match failed.first() {
                None => return Ok(()),
                Some(first) if tried_before => {
                    return Err(QueueError::Refused {
                        action,
                        refused: failed.len(),
                        code: first.code.clone(),
                    });
                }
                Some(_) => {
                    entries.retain(|entry| failed.iter().any(|failed| failed.id == *id(entry)));
                    tried_before = true;
                }
            }
        }
    }

    /// Hides a delivery for `seconds` from now (0 to 43,200), which is how a record backs off.
    ///
    /// # Errors
    /// The delivery comes back at its old time.
    pub async fn change_visibility(&self, receipt: &str, seconds: u32) -> Result<(), QueueError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            queue_url: &'a str,
            receipt_handle: &'a str,
            visibility_timeout: u32,
        }
        let input = Input { queue_url: &self.url, receipt_handle: receipt, visibility_timeout: seconds };
        let done =
            self.aws.call::<_, Done>(Service::Sqs, "ChangeMessageVisibility", &input, Effort::Standard).await;
        done.map(drop).map_err(|source| QueueError::Aws { action: "hide a message", source })
    }

    /// Receives up to `max` messages (1 to 10), waiting up to `wait_seconds` (0 to 20) for the first. On Lambda the
    /// event source does this; the local stack's loop has only this.
    ///
    /// # Errors
    /// SQS is down or refuses.
    pub async fn receive(&self, max: u32, wait_seconds: u32) -> Result<Vec<Received>, QueueError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Input<'a> {
            queue_url: &'a str,
            max_number_of_messages: u32,
            wait_time_seconds: u32,
            message_system_attribute_names: [&'a str; 1],
        }
        #[derive(Deserialize)]
        struct Output {
            #[serde(rename = "Messages", default)]
            messages: Option<Vec<Message>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Message {
            message_id: String,
            receipt_handle: String,
            body: String,
            #[serde(default)]
            attributes: Attributes,
        }
        #[derive(Deserialize, Default)]
        struct Attributes {
            #[serde(rename = "ApproximateReceiveCount", default)]
            receive_count: Option<String>,
        }
        let input = Input {
            queue_url: &self.url,
            max_number_of_messages: max,
            wait_time_seconds: wait_seconds,
            message_system_attribute_names: ["ApproximateReceiveCount"],
        };
        let effort = if wait_seconds > 0 { Effort::LongPoll } else { Effort::Standard };
        let output = self.aws.call::<_, Output>(Service::Sqs, "ReceiveMessage", &input, effort).await;
        let output = output.map_err(|source| QueueError::Aws { action: "receive messages", source })?;
        let received = output.messages.unwrap_or_default().into_iter().map(|message| Received {
            message_id: message.message_id,
            receipt: message.receipt_handle,
            body: message.body,
            receive_count: message.attributes.receive_count.and_then(|count| count.parse().ok()).unwrap_or(1),
        });
        Ok(received.collect())
    }
}

/// Cuts a list of lengths into runs that fit a batch.
fn batches(lengths: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (index, length) in lengths.enumerate() {
        match runs.last_mut() {
            Some(run) if run.len() < BATCH_ENTRIES && bytes + length <= BATCH_BYTES => {
                run.end = index + 1;
                bytes += length;
            }
            _ => {
                runs.push(index..index + 1);
                bytes = length;
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_ten_entries_and_one_mebibyte() {
        assert!(batches(std::iter::empty()).is_empty());
        assert_eq!(batches(std::iter::repeat_n(1, 21)), [0..10, 10..20, 20..21]);
        assert_eq!(batches([BATCH_BYTES, 1, BATCH_BYTES - 1, 1].into_iter()), [0..1, 1..3, 3..4]);
    }
}
