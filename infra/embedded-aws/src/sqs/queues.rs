//! Queues as things: made, listed, described, changed, emptied, tagged, deleted.

use rusqlite::params;
use serde_json::{Value, json};

use super::api::{ChangeQueue, CreateQueue, ListQueues, OneQueue, QueueUrl};
use super::state::{Queue, State};
use super::{Map, Sqs, attributes, done, error};
use crate::protocol::ApiError;

const PAGE: usize = 1000;

impl Sqs {
    pub(super) async fn create_queue(&self, request: CreateQueue, host: &str) -> Result<Value, ApiError> {
        let name = request.queue_name.ok_or_else(|| error::missing("QueueName"))?;
        check_name(&name)?;
        let url = self.url(host, &name);
        let given = request.attributes.unwrap_or_default();
        let tags = request.tags.unwrap_or_default();
        self.worker.run(move |state| state.create(&name, &given, tags)).await?;
        Ok(json!({ "QueueUrl": url }))
    }

    pub(super) async fn queue_url(&self, request: QueueUrl, host: &str) -> Result<Value, ApiError> {
        let name = request.queue_name.ok_or_else(|| error::missing("QueueName"))?;
        if request.owner.is_some_and(|owner| owner != self.identity.account_id) {
            return Err(error::no_such_queue());
        }
        let url = self.url(host, &name);
        self.worker.run(move |state| state.queue(&name).map(drop)).await?;
        Ok(json!({ "QueueUrl": url }))
    }

    pub(super) async fn list_queues(&self, request: ListQueues, host: &str) -> Result<Value, ApiError> {
        let prefix = request.queue_name_prefix.unwrap_or_default();
        let names = self
            .worker
            .run(move |state| {
                Ok(state.queues.keys().filter(|name| name.starts_with(&prefix)).cloned().collect::<Vec<_>>())
            })
            .await?;
        Ok(self.page("QueueUrls", names, request.max_results, request.next_token.as_ref(), host))
    }

    pub(super) async fn dead_letter_sources(&self, request: OneQueue, host: &str) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let names = self
            .worker
            .run(move |state| {
                state.queue(&name)?;
                Ok(state.sources_of(&state.arn(&name)))
            })
            .await?;
        Ok(self.page("queueUrls", names, request.max_results, request.next_token.as_ref(), host))
    }

    pub(super) async fn queue_attributes(&self, request: OneQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let wanted = request.attribute_names;
        let all = self.worker.run(move |state| state.describe(&name)).await?;
        if let Some(unknown) = wanted.iter().find(|name| !is_attribute(name, &all)) {
            return Err(error::invalid_attribute_name(unknown));
        }
        let everything = wanted.iter().any(|name| name == "All");
        let shown: Map = all.into_iter().filter(|(name, _)| everything || wanted.contains(name)).collect();
        Ok(if shown.is_empty() { done() } else { json!({ "Attributes": shown }) })
    }

    pub(super) async fn set_queue_attributes(&self, request: ChangeQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let given = request.attributes.ok_or_else(|| error::missing("Attributes"))?;
        self.worker
            .run(move |state| {
                state.check_policy(&given)?;
                state.change(&name, |queue| attributes::apply(&mut queue.attributes, &given))
            })
            .await?;
        Ok(done())
    }

    pub(super) async fn purge_queue(&self, request: OneQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        self.worker
            .run(move |state| {
                let id = state.queue(&name)?.id;
                state.connection.execute("DELETE FROM messages WHERE queue = ?1", [id])?;
                Ok(())
            })
            .await?;
        Ok(done())
    }

    pub(super) async fn delete_queue(&self, request: OneQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        self.worker
            .run(move |state| {
                let id = state.queue(&name)?.id;
                state.definitions_changed();
                state.connection.execute("DELETE FROM messages WHERE queue = ?1", [id])?;
                state.connection.execute("DELETE FROM queues WHERE id = ?1", [id])?;
                state.queues.remove(&name);
                state.wake(id);
                Ok(())
            })
            .await?;
        Ok(done())
    }

    pub(super) async fn tag_queue(&self, request: ChangeQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let tags = request.tags.ok_or_else(|| error::missing("Tags"))?;
        self.worker
            .run(move |state| {
                state.change(&name, |queue| {
                    queue.tags.extend(tags);
                    Ok(())
                })
            })
            .await?;
        Ok(done())
    }

    pub(super) async fn untag_queue(&self, request: ChangeQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let keys = request.tag_keys.ok_or_else(|| error::missing("TagKeys"))?;
        self.worker
            .run(move |state| {
                state.change(&name, |queue| {
                    queue.tags.retain(|key, _| !keys.contains(key));
                    Ok(())
                })
            })
            .await?;
        Ok(done())
    }

    pub(super) async fn queue_tags(&self, request: OneQueue) -> Result<Value, ApiError> {
        let name = self.named(request.queue_url)?;
        let tags = self.worker.run(move |state| Ok(state.queue(&name)?.tags.clone())).await?;
        Ok(if tags.is_empty() { done() } else { json!({ "Tags": tags }) })
    }

    /// One page of queue URLs; the token is the last name of the page before.
    fn page(
        &self,
        field: &str,
        names: Vec<String>,
        max: Option<usize>,
        after: Option<&String>,
        host: &str,
    ) -> Value {
        let size = max.unwrap_or(PAGE).clamp(1, PAGE);
        let mut names = names.into_iter().filter(|name| after.is_none_or(|after| name > after));
        let page: Vec<String> = names.by_ref().take(size).collect();
        let urls: Vec<String> = page.iter().map(|name| self.url(host, name)).collect();
        let mut answer = json!({ field: urls });
        if max.is_some()
            && names.next().is_some()
            && let (Some(answer), Some(last)) = (answer.as_object_mut(), page.last())
        {
            answer.insert("NextToken".to_owned(), json!(last));
        }
        answer
    }
}

impl State {
    /// Creates the queue, or finds that it is there with the same attributes.
    fn create(&mut self, name: &str, given: &Map, tags: Map) -> Result<(), ApiError> {
        let mut own = Map::new();
        attributes::apply(&mut own, given)?;
        if let Some(queue) = self.queues.get(name) {
            return match attributes::first_difference(&queue.attributes, given) {
                None => Ok(()),
                Some(attribute) => Err(error::queue_exists(attribute)),
            };
        }
        self.check_policy(given)?;
        let now = self.clock.now_ms();
        self.connection.execute(
            "INSERT INTO queues (name, attributes, tags, created_ms, modified_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![name, json!(own).to_string(), json!(tags).to_string(), now],
        )?;
        let id = self.connection.last_insert_rowid();
        self.definitions_changed();
        let queue = Queue { id, attributes: own, tags, created_ms: now, modified_ms: now };
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    fn check_policy(&self, given: &Map) -> Result<(), ApiError> {
        given.get("RedrivePolicy").map_or(Ok(()), |policy| self.check_target(policy))
    }

    /// Changes a queue's definition, in memory and in the database.
    fn change(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Queue) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut queue = self.queue(name)?.clone();
        change(&mut queue)?;
        queue.modified_ms = self.clock.now_ms();
        self.connection.execute(
            "UPDATE queues SET attributes = ?2, tags = ?3, modified_ms = ?4 WHERE id = ?1",
            params![
                queue.id,
                json!(queue.attributes).to_string(),
                json!(queue.tags).to_string(),
                queue.modified_ms
            ],
        )?;
        self.definitions_changed();
        self.wake(queue.id);
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    /// All attributes, the counted ones included.
    fn describe(&mut self, name: &str) -> Result<Map, ApiError> {
        let queue = self.queue(name)?.clone();
        let depth = self.depth(name.to_owned(), &queue)?;
        let mut all = attributes::effective(&queue.attributes);
        for (attribute, value) in [
            ("QueueArn", self.arn(name)),
            ("ApproximateNumberOfMessages", depth.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
            ("CreatedTimestamp", queue.created_ms.div_euclid(1000).to_string()),
            ("LastModifiedTimestamp", queue.modified_ms.div_euclid(1000).to_string()),
        ] {
            all.insert(attribute.to_owned(), value);
        }
        Ok(all)
    }
}

fn is_attribute(name: &str, present: &Map) -> bool {
    name == "All"
        || present.contains_key(name)
        || matches!(
            name,
            "Policy"
                | "RedrivePolicy"
                | "RedriveAllowPolicy"
                | "KmsMasterKeyId"
                | "KmsDataKeyReusePeriodSeconds"
                | "FifoQueue"
                | "ContentBasedDeduplication"
                | "DeduplicationScope"
                | "FifoThroughputLimit"
        )
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.strip_suffix(".fifo").is_some() {
        return Err(attributes::fifo_refused());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 80 || !name.chars().all(allowed) {
        return Err(error::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    Ok(())
}
