//! Messages sent, deleted, hidden longer or shorter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{
    Batch, ChangeVisibility, DeleteEntry, DeleteMessage, SendEntry, SendMessage, VisibilityEntry,
};
use super::batch::{self, Outcomes};
use super::content::{Checked, MAX_BYTES};
use super::state::State;
use super::{Sqs, attributes, done, error, md5};
use crate::protocol::ApiError;

/// A message may stay hidden this long after it was received, extensions included.
const LONGEST_HIDDEN_MS: i64 = 43_200_000;

impl Sqs {
    pub(super) async fn send(&self, request: SendMessage) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let message = Checked::check(request.message)?;
        self.worker.run(move |state| state.send(&name, &message)).await
    }

    pub(super) async fn send_batch(&self, request: Batch<SendEntry>) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let entries = batch::check(request.entries, "SendMessageBatch", |entry| &entry.id)?;
        let entries: Vec<_> =
            entries.into_iter().map(|entry| (entry.id, Checked::check(entry.message))).collect();
        let bytes: usize =
            entries.iter().filter_map(|(_, entry)| entry.as_ref().ok()).map(|entry| entry.bytes).sum();
        if bytes > MAX_BYTES {
            let message = format!(
                "Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {bytes} bytes."
            );
            return Err(error::batch("BatchRequestTooLong", message));
        }
        self.worker
            .run(move |state| {
                state.queue(&name)?;
                let mut outcomes = Outcomes::default();
                for (id, entry) in entries {
                    outcomes.add(&id, entry.and_then(|message| state.send(&name, &message)));
                }
                Ok(outcomes.answer())
            })
            .await
    }

    pub(super) async fn delete(&self, request: DeleteMessage) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let handle = request.receipt_handle.ok_or_else(|| error::missing("ReceiptHandle"))?;
        self.worker.run(move |state| state.delete(&name, &handle)).await
    }

    pub(super) async fn delete_batch(&self, request: Batch<DeleteEntry>) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let entries = batch::check(request.entries, "DeleteMessageBatch", |entry| &entry.id)?;
        self.worker
            .run(move |state| {
                state.queue(&name)?;
                let mut outcomes = Outcomes::default();
                for entry in entries {
                    let handle = entry.receipt_handle.ok_or_else(|| error::missing("ReceiptHandle"));
                    outcomes.add(&entry.id, handle.and_then(|handle| state.delete(&name, &handle)));
                }
                Ok(outcomes.answer())
            })
            .await
    }

    pub(super) async fn change_visibility(&self, request: ChangeVisibility) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let handle = request.receipt_handle.ok_or_else(|| error::missing("ReceiptHandle"))?;
        let seconds = request.visibility_timeout.ok_or_else(|| error::missing("VisibilityTimeout"))?;
        self.worker.run(move |state| state.hide(&name, &handle, seconds)).await
    }

    pub(super) async fn change_visibility_batch(
        &self,
        request: Batch<VisibilityEntry>,
    ) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let entries = batch::check(request.entries, "ChangeMessageVisibilityBatch", |entry| &entry.id)?;
        self.worker
            .run(move |state| {
                state.queue(&name)?;
                let mut outcomes = Outcomes::default();
                for entry in entries {
                    let outcome = match (entry.receipt_handle, entry.visibility_timeout) {
                        (Some(handle), Some(seconds)) => state.hide(&name, &handle, seconds),
                        (None, _) => Err(error::missing("ReceiptHandle")),
                        (_, None) => Err(error::missing("VisibilityTimeout")),
                    };
                    outcomes.add(&entry.id, outcome);
                }
                Ok(outcomes.answer())
            })
            .await
    }
}

impl State {
    fn send(&mut self, name: &str, message: &Checked) -> Result<Value, ApiError> {
        let queue = self.queue(name)?;
        let id = queue.id;
        let largest = attributes::number(&queue.attributes, "MaximumMessageSize");
        if i64::try_from(message.bytes).unwrap_or(i64::MAX) > largest {
            return Err(error::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes."
            )));
        }
        let delay =
            message.delay_seconds.unwrap_or_else(|| attributes::number(&queue.attributes, "DelaySeconds"));
        let now = self.clock.now_ms();
        let message_id = Uuid::new_v4().to_string();
        let stored = (!message.attributes.is_empty()).then(|| json!(message.attributes).to_string());
        self.connection
            .prepare_cached(
                "INSERT INTO messages (queue, message_id, body, attributes, trace_header, group_id, sent_ms, visible_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                id,
                message_id,
                message.body,
                stored,
                message.trace_header(),
                message.group_id,
                now,
                now + delay * 1000
            ])?;
        self.wake(id);
        let mut answer = json!({ "MessageId": message_id, "MD5OfMessageBody": md5::of_body(&message.body) });
        if let Some(fields) = answer.as_object_mut() {
            for (field, attributes) in [
                ("MD5OfMessageAttributes", &message.attributes),
                ("MD5OfMessageSystemAttributes", &message.system_attributes),
            ] {
                if let Some(digest) = md5::of_attributes(attributes) {
                    fields.insert(field.to_owned(), json!(digest));
                }
            }
        }
        Ok(answer)
    }

    /// Deletes by the latest receipt; an older one succeeds without effect, as on a standard queue.
    fn delete(&mut self, name: &str, handle: &str) -> Result<Value, ApiError> {
        let queue = self.queue(name)?.id;
        let receipt = Receipt::read(handle)?;
        self.connection
            .prepare_cached("DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3")?
            .execute(params![receipt.message, queue, receipt.nonce])?;
        Ok(done())
    }

    /// Sets when a message in flight is visible again.
    fn hide(&mut self, name: &str, handle: &str, seconds: i64) -> Result<Value, ApiError> {
        let queue = self.queue(name)?.id;
        if !attributes::VISIBILITY.contains(&seconds) {
            return Err(error::invalid(format!(
                "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an \
                 integer between 0 and 43200."
            )));
        }
        let receipt = Receipt::read(handle)?;
        let now = self.clock.now_ms();
        let received: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT received_ms FROM messages
                 WHERE id = ?1 AND queue = ?2 AND receipt = ?3 AND in_flight AND visible_ms > ?4",
            )?
            .query_row(params![receipt.message, queue, receipt.nonce, now], |row| row.get(0))
            .optional()?;
        let received = received.ok_or_else(|| error::not_in_flight(handle))?;
        let visible = now + seconds * 1000;
        if visible - received > LONGEST_HIDDEN_MS {
            return Err(error::invalid(format!(
                "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the \
                 message is beyond the limit [43200 seconds]."
            )));
        }
        self.connection
            .prepare_cached("UPDATE messages SET visible_ms = ?2 WHERE id = ?1")?
            .execute(params![receipt.message, visible])?;
        self.wake(queue);
        Ok(done())
    }
}

/// What a receipt handle stands for.
pub(super) struct Receipt {
    pub(super) message: i64,
    pub(super) nonce: String,
}

impl Receipt {
    /// A fresh receipt of a message.
    pub(super) fn new(message: i64) -> Self {
        Self { message, nonce: Uuid::new_v4().simple().to_string() }
    }

    /// The handle that callers hold.
    pub(super) fn handle(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.message, self.nonce))
    }

    fn read(handle: &str) -> Result<Self, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(handle).map_err(|_| error::bad_receipt_handle())?;
        let text = String::from_utf8(bytes).map_err(|_| error::bad_receipt_handle())?;
        let (message, nonce) = text.split_once(':').ok_or_else(error::bad_receipt_handle)?;
        let message = message.parse().map_err(|_| error::bad_receipt_handle())?;
        Ok(Self { message, nonce: nonce.to_owned() })
    }
}
