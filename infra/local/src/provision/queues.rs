//! Queues, those without a redrive policy first.

use super::{arn, call, text};
use crate::options::StartError;
use crate::resources::{Resource, Resources};
use crate::template::Queue;
use platform::aws::{Aws, Service};
use serde_json::{Map, Value, json};

/// The queues such that each comes after the one it redrives to.
pub(super) fn in_order(queues: &[Queue]) -> Result<Vec<&Queue>, StartError> {
    let mut waiting: Vec<&Queue> = queues.iter().collect();
    let mut ordered: Vec<&Queue> = Vec::with_capacity(queues.len());
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&Queue>, Vec<&Queue>) = waiting.into_iter().partition(|queue| {
            let target = queue.redrive.as_ref().map(|redrive| &redrive.target);
            target.is_none_or(|target| ordered.iter().any(|done| done.id == *target))
        });
        if ready.is_empty() {
            let names: Vec<_> = rest.iter().map(|queue| queue.id.as_str()).collect();
            return Err(StartError::Template(format!(
                "{}: redrive to each other in a circle",
                names.join(", ")
            )));
        }
        ordered.extend(ready);
        waiting = rest;
    }
    Ok(ordered)
}

/// Makes a queue, or gives the one there is the attributes of the template.
pub(super) async fn make(queue: &Queue, made: &Resources, aws: &Aws) -> Result<Resource, StartError> {
    let failed = |error| StartError::set_up(format!("the queue {}", queue.id), &error);
    let attributes = attributes(queue, made)?;
    let input = json!({"QueueName": queue.name, "Attributes": attributes});
    let url = match call(aws, Service::Sqs, "CreateQueue", &input).await {
        Ok(answer) => text(&answer, "/QueueUrl"),
        // The template has changed since the data directory was made.
        Err(error) if matches!(error.code(), Some("QueueNameExists" | "QueueAlreadyExists")) => {
            let found = call(aws, Service::Sqs, "GetQueueUrl", &json!({"QueueName": queue.name})).await;
            let url = text(&found.map_err(failed)?, "/QueueUrl");
            let input = json!({"QueueUrl": url, "Attributes": attributes});
            call(aws, Service::Sqs, "SetQueueAttributes", &input).await.map_err(failed)?;
            url
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(Resource { reference: url, arn: arn("sqs", &queue.name), name: queue.name.clone() })
}

fn attributes(queue: &Queue, made: &Resources) -> Result<Map<String, Value>, StartError> {
    let plain = queue.attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value.to_string())));
    let mut attributes: Map<String, Value> = plain.collect();
    if let Some(redrive) = &queue.redrive {
        let policy = json!({
            "deadLetterTargetArn": made.get(&redrive.target)?.arn,
            "maxReceiveCount": redrive.max_receives,
        });
        attributes.insert("RedrivePolicy".to_owned(), json!(policy.to_string()));
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Redrive;

    fn queue(id: &str, target: Option<&str>) -> Queue {
        let redrive = target.map(|target| Redrive { target: target.into(), max_receives: 5 });
        Queue { id: id.into(), name: id.into(), attributes: vec![("DelaySeconds", 1)], redrive }
    }

    #[test]
    fn dead_letter_queues_come_before_what_redrives_to_them() {
        let queues = [queue("a", Some("b")), queue("b", Some("c")), queue("c", None)];
        let order: Vec<_> = in_order(&queues).unwrap().iter().map(|queue| queue.id.as_str()).collect();
        assert_eq!(order, ["c", "b", "a"]);
        let circle = in_order(&[queue("a", Some("b")), queue("b", Some("a"))]).unwrap_err();
        assert_eq!(circle.to_string(), "template: a, b: redrive to each other in a circle");
    }

    #[test]
    fn attributes_are_texts_and_the_policy_is_json_in_a_text() {
        let mut made = Resources::default();
        made.insert("d", Resource { reference: "u".into(), arn: "arn:d".into(), name: "d".into() });
        let attributes = attributes(&queue("a", Some("d")), &made).unwrap();
        assert_eq!(attributes["DelaySeconds"], "1");
        assert_eq!(attributes["RedrivePolicy"], r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":5}"#);
    }
}
