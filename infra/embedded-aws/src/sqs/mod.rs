//! SQS: standard queues, durable on SQLite, on the stack's clock.

mod api;
mod attributes;
mod batch;
mod content;
mod error;
mod md5;
mod messages;
mod move_tasks;
mod queues;
mod receive;
mod redrive;
mod state;
mod worker;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Identity;
use crate::clock::StackClock;
use crate::data_dir::{DataDir, OpenError};
use crate::protocol::{ApiError, parse};
use state::{State, Wakes};
use worker::Worker;

/// How full a queue is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct QueueDepth {
    /// The queue's name.
    pub name: String,
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages received and not yet deleted, whose visibility timeout runs.
    pub in_flight: u64,
    /// Messages that are not yet due.
    pub delayed: u64,
}

/// The queues.
pub(crate) struct Sqs {
    worker: Worker,
    wakes: Wakes,
    identity: Identity,
    clock: StackClock,
    polls: watch::Sender<bool>,
}

impl Sqs {
    pub(crate) fn open(
        data_dir: Option<&DataDir>,
        identity: Identity,
        clock: StackClock,
        release_in_flight: bool,
    ) -> Result<Self, OpenError> {
        let wakes = Wakes::default();
        let state = State::open(data_dir, identity.clone(), clock.clone(), wakes.clone())?;
        if release_in_flight {
            state.release_in_flight()?;
        }
        let worker = Worker::start(state)?;
        Ok(Self { worker, wakes, identity, clock, polls: watch::Sender::new(true) })
    }

    /// Runs one operation.
    pub(crate) async fn call(&self, operation: &str, body: &[u8], host: &str) -> Result<Value, ApiError> {
        match operation {
            "SendMessage" => self.send(parse(body)?).await,
            "SendMessageBatch" => self.send_batch(parse(body)?).await,
            "ReceiveMessage" => self.receive(parse(body)?).await,
            "DeleteMessage" => self.delete(parse(body)?).await,
            "DeleteMessageBatch" => self.delete_batch(parse(body)?).await,
            "ChangeMessageVisibility" => self.change_visibility(parse(body)?).await,
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(parse(body)?).await,
            "CreateQueue" => self.create_queue(parse(body)?, host).await,
            "GetQueueUrl" => self.queue_url(parse(body)?, host).await,
            "ListQueues" => self.list_queues(parse(body)?, host).await,
            "GetQueueAttributes" => self.queue_attributes(parse(body)?).await,
            "SetQueueAttributes" => self.set_queue_attributes(parse(body)?).await,
            "PurgeQueue" => self.purge_queue(parse(body)?).await,
            "DeleteQueue" => self.delete_queue(parse(body)?).await,
            "TagQueue" => self.tag_queue(parse(body)?).await,
            "UntagQueue" => self.untag_queue(parse(body)?).await,
            "ListQueueTags" => self.queue_tags(parse(body)?).await,
            "ListDeadLetterSourceQueues" => self.dead_letter_sources(parse(body)?, host).await,
            "StartMessageMoveTask" => self.start_move(parse(body)?).await,
            "ListMessageMoveTasks" => self.list_moves(parse(body)?).await,
            "CancelMessageMoveTask" => self.cancel_move(parse(body)?).await,
            other => Err(ApiError::unknown_operation(&format!("SQS {other}"))),
        }
    }

    /// How full each queue is, by name.
    pub(crate) fn depths(&self) -> Vec<QueueDepth> {
        self.worker.run_blocking(|state| state.depths()).unwrap_or_else(|error| {
            tracing::error!(error = error.message(), "the queue depths cannot be read");
            Vec::new()
        })
    }

    /// Lets waiting receives answer with what they have: nothing.
    pub(crate) fn end_long_polls(&self) {
        self.polls.send_replace(false);
    }

    /// The queue's name in its URL: any host, this account.
    fn named(&self, queue_url: Option<String>) -> Result<String, ApiError> {
        let url = queue_url.ok_or_else(|| error::missing("QueueUrl"))?;
        let mut path = url.rsplit('/');
        match (path.next(), path.next()) {
            (Some(name), Some(account)) if account == self.identity.account_id => Ok(name.to_owned()),
            _ => Err(error::no_such_queue()),
        }
    }

    fn url(&self, host: &str, name: &str) -> String {
        format!("http://{host}/{}/{name}", self.identity.account_id)
    }
}

/// An answer with nothing to say.
fn done() -> Value {
    json!({})
}

/// String to string, as attributes and tags travel.
type Map = BTreeMap<String, String>;
