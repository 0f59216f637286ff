//! Queues: how full they are, and what lies in their dead-letter queues.

use crate::{AdminError, Desk};
use platform::aws::{Effort, Service};
use serde_json::{Value, json};

/// A queue of the stage.
struct Queue {
    url: String,
    /// Without `hadar-<stage>-`.
    short: String,
}

/// How many messages wait, are being worked on, or are delayed, per queue.
pub(crate) async fn depths(desk: &mut Desk<'_>) -> Result<(), AdminError> {
    for queue in queues(desk).await? {
        let found = attributes(desk, &queue.url).await?;
        let count = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
        let line = format!(
            "{:<16} waiting {:<6} in flight {:<6} delayed {}",
            queue.short,
            count("ApproximateNumberOfMessages"),
            count("ApproximateNumberOfMessagesNotVisible"),
            count("ApproximateNumberOfMessagesDelayed"),
        );
        desk.say(&line)?;
    }
    Ok(())
}

/// Starts the move of a dead-letter queue's messages to where they came from.
pub(crate) async fn redrive(desk: &mut Desk<'_>, name: &str) -> Result<(), AdminError> {
    let found = queues(desk).await?;
    let full = format!("{}{name}", prefix(desk));
    let queue = found.iter().find(|queue| queue.short == name || queue.url.ends_with(&format!("/{name}")));
    let queue = queue.filter(|queue| queue.short.ends_with("-dlq")).ok_or(AdminError::NoDeadLetters(full))?;
    let facts = attributes(desk, &queue.url).await?;
    let arn = facts.get("QueueArn").cloned().unwrap_or_default();
    call(desk, "StartMessageMoveTask", &json!({"SourceArn": arn})).await?;
    let waiting = facts.get("ApproximateNumberOfMessages").and_then(Value::as_str).unwrap_or("?");
    desk.say(&format!("{}: about {waiting} messages are on their way back", queue.short))
}

async fn queues(desk: &Desk<'_>) -> Result<Vec<Queue>, AdminError> {
    let (mut found, mut token) = (Vec::new(), Value::Null);
    let prefix = prefix(desk);
    loop {
        let mut input = json!({"QueueNamePrefix": prefix, "MaxResults": 100});
        if let (Some(input), true) = (input.as_object_mut(), token.is_string()) {
            input.insert("NextToken".to_owned(), token);
        }
        let page = call(desk, "ListQueues", &input).await?;
        let urls = page.get("QueueUrls").and_then(Value::as_array).into_iter().flatten();
        found.extend(urls.filter_map(Value::as_str).map(|url| {
            let name = url.rsplit('/').next().unwrap_or_default();
            Queue { url: url.to_owned(), short: name.strip_prefix(&prefix).unwrap_or(name).to_owned() }
        }));
        token = page.get("NextToken").cloned().unwrap_or_default();
        if !token.is_string() {
            found.sort_by(|one, other| one.short.cmp(&other.short));
            return Ok(found);
        }
    }
}

async fn attributes(desk: &Desk<'_>, url: &str) -> Result<Value, AdminError> {
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let found = call(desk, "GetQueueAttributes", &input).await?;
    Ok(found.get("Attributes").cloned().unwrap_or_default())
}

fn prefix(desk: &Desk<'_>) -> String {
    format!("hadar-{}-", desk.config.stage)
}

async fn call(desk: &Desk<'_>, operation: &'static str, input: &Value) -> Result<Value, AdminError> {
    Ok(desk.aws.call(Service::Sqs, operation, input, Effort::Standard).await?)
}
