//! Receiving: what is due, a dead letter moved aside, and waiting for what is not there yet.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{Row, params};
use serde_json::{Map, Value, json};

use super::api::{Attributes, ReceiveMessage};
use super::messages::Receipt;
use super::redrive::RedrivePolicy;
use super::state::{Queue, State};
use super::{Sqs, attributes, error, md5};
use crate::protocol::ApiError;

/// Who sent: SQS names a principal, and this stack has but one.
const SENDER: &str = "AIDALOCALSTACK0000000";

/// A receive, with the defaults filled in but those of the queue.
#[derive(Clone)]
struct Receive {
    name: String,
    most: i64,
    visibility: Option<i64>,
    wait: Option<i64>,
    shown: Shown,
}

/// Which attributes the caller asks for.
#[derive(Clone)]
struct Shown {
    system: Vec<String>,
    message: Vec<String>,
}

/// One look into the queue.
struct Look {
    queue: i64,
    messages: Vec<Value>,
    wait_seconds: i64,
    next_ms: Option<i64>,
}

impl Sqs {
    pub(super) async fn receive(&self, request: ReceiveMessage) -> Result<Value, ApiError> {
        let receive = self.checked(request)?;
        let begun = self.clock.now_ms();
        let mut open = self.polls.subscribe();
        let mut clock_moved = self.clock.changes();
        let first = receive.clone();
        let (mut look, mut news) = {
            let wakes = self.wakes.clone();
            self.worker
                .run(move |state| {
                    // Subscribed on the thread that changes the queue, so nothing falls between look and
                    // wait.
                    let news = wakes.subscribe(state.queue(&first.name)?.id);
                    Ok((state.look(&first)?, news))
                })
                .await?
        };
        let queue = look.queue;
        let deadline = begun + look.wait_seconds * 1000;
        loop {
            let now = self.clock.now_ms();
            if !look.messages.is_empty() || now >= deadline || !*open.borrow() {
                let messages = look.messages;
                return Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) });
            }
            let until = look.next_ms.map_or(deadline, |next| next.min(deadline));
            let left = Duration::from_millis(until.saturating_sub(now).max(1).unsigned_abs());
            tokio::select! {
                _ = news.changed() => {}
                _ = clock_moved.changed() => {}
                _ = open.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
            let again = receive.clone();
            look = self.worker.run(move |state| state.look(&again)).await?;
            if look.queue != queue {
                // Deleted and made anew: what we wait on is gone.
                return Err(error::no_such_queue());
            }
        }
    }

    fn checked(&self, request: ReceiveMessage) -> Result<Receive, ApiError> {
        let name = self.named(request.queue_url)?;
        let most = request.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&most) {
            return Err(out_of_range("MaxNumberOfMessages", most, "must be between 1 and 10, if provided."));
        }
        if let Some(seconds) = request.visibility_timeout
            && !attributes::VISIBILITY.contains(&seconds)
        {
            return Err(out_of_range(
                "VisibilityTimeout",
                seconds,
                "must be between 0 and 43200, if provided.",
            ));
        }
        if let Some(seconds) = request.wait_time_seconds
            && !attributes::WAIT.contains(&seconds)
        {
            return Err(out_of_range("WaitTimeSeconds", seconds, "must be >= 0 and <= 20, if provided."));
        }
        let mut system = request.attribute_names;
        system.extend(request.message_system_attribute_names);
        Ok(Receive {
            name,
            most,
            visibility: request.visibility_timeout,
            wait: request.wait_time_seconds,
            shown: Shown { system, message: request.message_attribute_names },
        })
    }
}

impl State {
    fn look(&mut self, receive: &Receive) -> Result<Look, ApiError> {
        let queue = self.queue(&receive.name)?.clone();
        self.expire(&queue)?;
        let number = |name| attributes::number(&queue.attributes, name);
        let wait_seconds = receive.wait.unwrap_or_else(|| number("ReceiveMessageWaitTimeSeconds"));
        let hidden_ms = receive.visibility.unwrap_or_else(|| number("VisibilityTimeout")) * 1000;
        let now = self.clock.now_ms();
        let messages = self.take(&queue, receive, now, hidden_ms)?;
        let next_ms = if messages.is_empty() && wait_seconds > 0 {
            self.connection
                .prepare_cached("SELECT MIN(visible_ms) FROM messages WHERE queue = ?1 AND visible_ms > ?2")?
                .query_row(params![queue.id, now], |row| row.get(0))?
        } else {
            None
        };
        Ok(Look { queue: queue.id, messages, wait_seconds, next_ms })
    }

    /// Takes what is due. Messages received too often go to the dead-letter queue instead, and others take
    /// their place.
    fn take(
        &mut self,
        queue: &Queue,
        receive: &Receive,
        now: i64,
        hidden_ms: i64,
    ) -> Result<Vec<Value>, ApiError> {
        let policy = RedrivePolicy::of(queue);
        let target = policy.as_ref().and_then(|policy| {
            let grave = self.queues.get(self.name_in_arn(&policy.target_arn)?)?.id;
            Some((grave, policy.max_receive_count))
        });
        let arn = self.arn(&receive.name);
        let mut taken = HashSet::new();
        let mut messages = Vec::new();
        loop {
            let mut buried = false;
            for due in self.due(queue.id, now, receive.most)? {
                match target {
                    Some((grave, most)) if due.receive_count >= most => {
                        self.bury(due.id, &arn, grave, now)?;
                        buried = true;
                    }
                    _ if messages.len() >= usize::try_from(receive.most).unwrap_or(1) => break,
                    _ => {
                        // With a visibility timeout of zero the same message is due again at once.
                        if taken.insert(due.id) {
                            messages.push(self.hand_out(due, receive, now, hidden_ms)?);
                        }
                    }
                }
            }
            if !buried {
                return Ok(messages);
            }
        }
    }

    fn due(&self, queue: i64, now: i64, most: i64) -> Result<Vec<Due>, ApiError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, message_id, body, attributes, trace_header, group_id, sent_ms, first_received_ms,
                    receive_count, dead_letter_source
             FROM messages WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY visible_ms, id LIMIT ?3",
        )?;
        let due = statement.query_map(params![queue, now, most], Due::read)?.collect::<Result<_, _>>()?;
        Ok(due)
    }

    fn hand_out(&mut self, due: Due, receive: &Receive, now: i64, hidden_ms: i64) -> Result<Value, ApiError> {
        let receipt = Receipt::new(due.id);
        self.connection
            .prepare_cached(
                "UPDATE messages SET receipt = ?2, receive_count = receive_count + 1, in_flight = 1, received_ms = ?3,
                        first_received_ms = COALESCE(first_received_ms, ?3), visible_ms = ?4 WHERE id = ?1",
            )?
            .execute(params![due.id, receipt.nonce, now, now + hidden_ms])?;
        Ok(due.message(&receipt, &receive.shown, now))
    }
}

struct Due {
    id: i64,
    message_id: String,
    body: String,
    attributes: Option<String>,
    trace_header: Option<String>,
    group_id: Option<String>,
    sent_ms: i64,
    first_received_ms: Option<i64>,
    receive_count: i64,
    dead_letter_source: Option<String>,
}

impl Due {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            message_id: row.get(1)?,
            body: row.get(2)?,
            attributes: row.get(3)?,
            trace_header: row.get(4)?,
            group_id: row.get(5)?,
            sent_ms: row.get(6)?,
            first_received_ms: row.get(7)?,
            receive_count: row.get(8)?,
            dead_letter_source: row.get(9)?,
        })
    }

    fn message(self, receipt: &Receipt, shown: &Shown, now: i64) -> Value {
        let mut message = Map::new();
        let system: Map<String, Value> = [
            ("ApproximateReceiveCount", Some((self.receive_count + 1).to_string())),
            ("SentTimestamp", Some(self.sent_ms.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(self.first_received_ms.unwrap_or(now).to_string())),
            ("SenderId", Some(SENDER.to_owned())),
            ("DeadLetterQueueSourceArn", self.dead_letter_source),
            ("MessageGroupId", self.group_id),
            ("AWSTraceHeader", self.trace_header),
        ]
        .into_iter()
        .filter(|(name, _)| shown.system.iter().any(|wanted| wanted == "All" || wanted == name))
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect();
        if !system.is_empty() {
            message.insert("Attributes".to_owned(), Value::Object(system));
        }
        let mut attributes: Attributes =
            self.attributes.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        attributes.retain(|name, _| shown.message.iter().any(|wanted| is_wanted(wanted, name)));
        if let Some(digest) = md5::of_attributes(&attributes) {
            message.insert("MD5OfMessageAttributes".to_owned(), json!(digest));
            message.insert("MessageAttributes".to_owned(), json!(attributes));
        }
        message.insert("MessageId".to_owned(), json!(self.message_id));
        message.insert("ReceiptHandle".to_owned(), json!(receipt.handle()));
        message.insert("MD5OfBody".to_owned(), json!(md5::of_body(&self.body)));
        message.insert("Body".to_owned(), Value::String(self.body));
        Value::Object(message)
    }
}

/// `All`, `.*`, a name, or a prefix as `name.*`.
fn is_wanted(wanted: &str, name: &str) -> bool {
    matches!(wanted, "All" | ".*")
        || wanted == name
        || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
}

fn out_of_range(parameter: &str, value: i64, rule: &str) -> ApiError {
    error::invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_wanted_by_name_by_prefix_or_all() {
        assert!(is_wanted("All", "kind") && is_wanted(".*", "kind") && is_wanted("kind", "kind"));
        assert!(is_wanted("trace.*", "trace.id") && is_wanted("trace.*", "trace"));
        assert!(!is_wanted("kin", "kind") && !is_wanted("other.*", "kind"));
    }
}
