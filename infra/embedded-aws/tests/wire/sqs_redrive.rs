use std::time::Duration;

use serde_json::{Value, json};

use crate::stack::{Stack, receipt};

const ARN: &str = "arn:aws:sqs:me-central-1:000000000000:";

/// `inbound` with the dead-letter queue `inbound-dlq` after two receives.
pub(crate) async fn pair(stack: &Stack) -> (String, String) {
    let dlq = stack.queue("inbound-dlq", json!({})).await;
    let policy =
        json!({ "deadLetterTargetArn": format!("{ARN}inbound-dlq"), "maxReceiveCount": 2 }).to_string();
    let url = stack.queue("inbound", json!({ "VisibilityTimeout": "10", "RedrivePolicy": policy })).await;
    (url, dlq)
}

/// Receives twice and lets the visibility end, so that the next look buries.
pub(crate) async fn exhaust(stack: &Stack, url: &str) {
    for _ in 0..2 {
        assert!(!stack.receive(url, 0).await.is_empty());
        stack.clock.advance(Duration::from_secs(11));
    }
    assert!(stack.receive(url, 0).await.is_empty());
}

pub(crate) async fn task(stack: &Stack) -> Value {
    let tasks =
        stack.ok("AmazonSQS.ListMessageMoveTasks", json!({ "SourceArn": format!("{ARN}inbound-dlq") })).await;
    tasks["Results"][0].clone()
}

async fn settled(stack: &Stack) -> Value {
    for _ in 0..200 {
        let task = task(stack).await;
        if task["Status"] != "RUNNING" {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the task does not end")
}

#[tokio::test]
async fn a_message_received_too_often_is_buried_with_its_history() {
    let stack = Stack::memory().await;
    let (url, dlq) = pair(&stack).await;
    let sent = stack.send(&url, "poison").await;
    exhaust(&stack, &url).await;
    let dead = &stack.receive(&dlq, 0).await[0];
    assert_eq!(dead["MessageId"], sent["MessageId"]);
    assert_eq!(dead["Attributes"]["ApproximateReceiveCount"], "3");
    assert_eq!(dead["Attributes"]["DeadLetterQueueSourceArn"], format!("{ARN}inbound"));
}

#[tokio::test]
async fn a_buried_message_makes_room_for_the_next() {
    let stack = Stack::memory().await;
    let (url, _) = pair(&stack).await;
    stack.send(&url, "poison").await;
    for _ in 0..2 {
        stack.receive(&url, 0).await;
        stack.clock.advance(Duration::from_secs(11));
    }
    stack.send(&url, "healthy").await;
    let one = stack.ok("AmazonSQS.ReceiveMessage", json!({ "QueueUrl": url })).await;
    assert_eq!(one["Messages"][0]["Body"], "healthy");
}

#[tokio::test]
async fn a_move_task_brings_dead_letters_back_as_new_messages() {
    let stack = Stack::memory().await;
    let (url, dlq) = pair(&stack).await;
    let sent = stack.send(&url, "poison").await;
    exhaust(&stack, &url).await;
    let sources = stack.ok("AmazonSQS.ListDeadLetterSourceQueues", json!({ "QueueUrl": dlq })).await;
    assert_eq!(sources["queueUrls"], json!([url]));
    stack.ok("AmazonSQS.StartMessageMoveTask", json!({ "SourceArn": format!("{ARN}inbound-dlq") })).await;
    let back = &stack.receive(&url, 5).await[0];
    assert_eq!(
        (&back["Body"], &back["Attributes"]["ApproximateReceiveCount"]),
        (&json!("poison"), &json!("1"))
    );
    assert_ne!(back["MessageId"], sent["MessageId"]);
    let task = settled(&stack).await;
    assert_eq!(
        (&task["Status"], &task["ApproximateNumberOfMessagesMoved"]),
        (&json!("COMPLETED"), &json!(1))
    );
    stack.ok("AmazonSQS.DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": receipt(back) })).await;
}

#[tokio::test]
async fn a_move_task_moves_thousands_and_at_a_rate_when_told() {
    let stack = Stack::memory().await;
    let (url, dlq) = pair(&stack).await;
    let entries: Vec<_> = (0..10).map(|id| json!({ "Id": id.to_string(), "MessageBody": "x" })).collect();
    for _ in 0..100 {
        stack.ok("AmazonSQS.SendMessageBatch", json!({ "QueueUrl": dlq, "Entries": entries })).await;
    }
    let start = json!({ "SourceArn": format!("{ARN}inbound-dlq"), "DestinationArn": format!("{ARN}inbound"), "MaxNumberOfMessagesPerSecond": 20 });
    let started = stack.ok("AmazonSQS.StartMessageMoveTask", start.clone()).await;
    assert_eq!(
        stack.call("AmazonSQS.StartMessageMoveTask", start.clone()).await.kind(),
        "UnsupportedOperation"
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    let running = task(&stack).await;
    assert_eq!((&running["Status"], &running["TaskHandle"]), (&json!("RUNNING"), &started["TaskHandle"]));
    let cancelled =
        stack.ok("AmazonSQS.CancelMessageMoveTask", json!({ "TaskHandle": started["TaskHandle"] })).await;
    let moved = cancelled["ApproximateNumberOfMessagesMoved"].as_u64().unwrap();
    assert!((2..=20).contains(&moved), "{moved}");
    assert_eq!(task(&stack).await["Status"], "CANCELLED");
    assert_eq!(stack.depth("inbound").await.0, moved);
    let mut unlimited = start;
    unlimited.as_object_mut().unwrap().remove("MaxNumberOfMessagesPerSecond");
    stack.ok("AmazonSQS.StartMessageMoveTask", unlimited).await;
    assert_eq!(settled(&stack).await["Status"], "COMPLETED");
    assert_eq!((stack.depth("inbound").await.0, stack.depth("inbound-dlq").await.0), (1000, 0));
    assert!(!stack.receive(&url, 0).await.is_empty());
}

#[tokio::test]
async fn a_dead_letter_of_unknown_origin_fails_the_task() {
    let stack = Stack::memory().await;
    let (_, dlq) = pair(&stack).await;
    stack.send(&dlq, "put here by hand").await;
    stack.ok("AmazonSQS.StartMessageMoveTask", json!({ "SourceArn": format!("{ARN}inbound-dlq") })).await;
    let task = settled(&stack).await;
    assert_eq!(
        (&task["Status"], &task["FailureReason"]),
        (&json!("FAILED"), &json!("CouldNotDetermineMessageSource"))
    );
    let reply =
        stack.call("AmazonSQS.StartMessageMoveTask", json!({ "SourceArn": format!("{ARN}inbound") })).await;
    assert_eq!(reply.kind(), "InvalidParameterValueException");
}

#[tokio::test]
async fn a_policy_must_name_a_queue_that_is_there() {
    let stack = Stack::memory().await;
    let policy = json!({ "deadLetterTargetArn": format!("{ARN}none"), "maxReceiveCount": 2 }).to_string();
    let request = json!({ "QueueName": "inbound", "Attributes": { "RedrivePolicy": policy } });
    assert_eq!(stack.call("AmazonSQS.CreateQueue", request).await.kind(), "InvalidParameterValueException");
}
