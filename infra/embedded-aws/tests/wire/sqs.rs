use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};

use crate::stack::{Stack, receipt};

#[tokio::test]
async fn a_message_comes_back_whole_and_is_gone_once_deleted() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({})).await;
    let sent = stack
        .ok(
            "AmazonSQS.SendMessage",
            json!({ "QueueUrl": url, "MessageBody": "مرحبا 😀", "MessageGroupId": "tenant-a",
                    "MessageAttributes": { "kind": { "DataType": "String", "StringValue": "hook" },
                                           "raw": { "DataType": "Binary.x", "BinaryValue": "AP8=" } },
                    "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1" } } }),
        )
        .await;
    let messages = stack.receive(&url, 0).await;
    let message = &messages[0];
    assert_eq!(message["Body"], "مرحبا 😀");
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["MessageAttributes"]["raw"], json!({ "DataType": "Binary.x", "BinaryValue": "AP8=" }));
    let system = &message["Attributes"];
    assert_eq!(system["ApproximateReceiveCount"], "1");
    assert_eq!(
        (&system["MessageGroupId"], &system["AWSTraceHeader"]),
        (&json!("tenant-a"), &json!("Root=1"))
    );
    for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"] {
        assert!(system[name].is_string(), "{name}");
    }
    assert_eq!(stack.depth("inbound").await, (0, 1, 0));
    stack.ok("AmazonSQS.DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": receipt(message) })).await;
    assert_eq!(stack.depth("inbound").await, (0, 0, 0));
}

#[tokio::test]
async fn only_the_latest_receipt_deletes_or_extends() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({ "VisibilityTimeout": "30" })).await;
    stack.send(&url, "x").await;
    let first = stack.receive(&url, 0).await;
    stack.clock.advance(Duration::from_secs(31));
    let second = stack.receive(&url, 0).await;
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    let old = json!({ "QueueUrl": url, "ReceiptHandle": receipt(&first[0]) });
    stack.ok("AmazonSQS.DeleteMessage", old.clone()).await;
    assert_eq!(stack.depth("inbound").await, (0, 1, 0));
    let mut extend = old;
    extend["VisibilityTimeout"] = json!(60);
    assert_eq!(
        stack.call("AmazonSQS.ChangeMessageVisibility", extend.clone()).await.kind(),
        "InvalidParameterValueException"
    );
    extend["ReceiptHandle"] = json!(receipt(&second[0]));
    stack.ok("AmazonSQS.ChangeMessageVisibility", extend.clone()).await;
    stack.clock.advance(Duration::from_secs(45));
    assert!(stack.receive(&url, 0).await.is_empty());
    extend["VisibilityTimeout"] = json!(43_200);
    assert_eq!(
        stack.call("AmazonSQS.ChangeMessageVisibility", extend).await.status,
        StatusCode::BAD_REQUEST,
        "beyond 12 h"
    );
    let garbage = json!({ "QueueUrl": url, "ReceiptHandle": "zzz" });
    assert_eq!(stack.call("AmazonSQS.DeleteMessage", garbage).await.kind(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_long_poll_wakes_for_a_message_for_a_due_delay_and_for_the_clock() {
    let stack = std::sync::Arc::new(Stack::memory().await);
    let url = stack.queue("outbound", json!({})).await;
    let wait = |url: &str| {
        let (stack, url) = (stack.clone(), url.to_owned());
        tokio::spawn(async move {
            let begun = Instant::now();
            (stack.receive(&url, 20).await, begun.elapsed())
        })
    };
    let poll = wait(&url);
    tokio::time::sleep(Duration::from_millis(200)).await;
    stack.send(&url, "now").await;
    let (messages, took) = poll.await.unwrap();
    assert_eq!((messages.len(), took < Duration::from_secs(5)), (1, true));

    let poll = wait(&url);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let delayed = json!({ "QueueUrl": url, "MessageBody": "soon", "DelaySeconds": 1 });
    stack.ok("AmazonSQS.SendMessage", delayed).await;
    let (messages, took) = poll.await.unwrap();
    assert_eq!((messages.len(), took < Duration::from_secs(5)), (1, true));
    assert!(took >= Duration::from_secs(1));

    let delayed = json!({ "QueueUrl": url, "MessageBody": "later", "DelaySeconds": 900 });
    stack.ok("AmazonSQS.SendMessage", delayed).await;
    assert_eq!(stack.depth("outbound").await.2, 1);
    let poll = wait(&url);
    tokio::time::sleep(Duration::from_millis(100)).await;
    stack.clock.advance(Duration::from_secs(900));
    let (messages, took) = poll.await.unwrap();
    assert!(took < Duration::from_secs(5));
    assert!(messages.iter().any(|message| message["Body"] == "later"));
}

#[tokio::test]
async fn a_stopping_stack_ends_long_polls() {
    let stack = Stack::memory().await;
    let url = stack.queue("outbound", json!({})).await;
    let begun = Instant::now();
    let poll = async {
        stack.try_call("AmazonSQS.ReceiveMessage", json!({ "QueueUrl": url, "WaitTimeSeconds": 20 })).await
    };
    let ended = tokio::time::timeout(Duration::from_millis(200), poll).await;
    assert!(ended.is_err());
    stack.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn limits_are_those_of_the_service() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({})).await;
    let mib = "x".repeat(1_048_576);
    stack.send(&url, &mib).await;
    let cases = [
        (json!({ "MessageBody": format!("{mib}x") }), "InvalidParameterValueException"),
        (json!({ "MessageBody": "x", "DelaySeconds": 901 }), "InvalidParameterValueException"),
        (json!({ "MessageBody": "" }), "MissingRequiredParameterException"),
        (json!({ "MessageBody": "a\u{0}b" }), "InvalidMessageContents"),
        (json!({ "MessageBody": "a\u{FFFF}b" }), "InvalidMessageContents"),
        (json!({ "MessageBody": "x", "MessageDeduplicationId": "d" }), "InvalidParameterValueException"),
        (
            json!({ "MessageBody": "x", "MessageAttributes": { "n": { "DataType": "Number", "StringValue": "seven" } } }),
            "InvalidParameterValueException",
        ),
    ];
    for (mut request, kind) in cases {
        request["QueueUrl"] = json!(url);
        let reply = stack.call("AmazonSQS.SendMessage", request).await;
        assert_eq!((reply.status, reply.kind()), (StatusCode::BAD_REQUEST, kind));
    }
    for (field, value) in
        [("MaxNumberOfMessages", 11), ("WaitTimeSeconds", 21), ("VisibilityTimeout", 43_201)]
    {
        let reply = stack.call("AmazonSQS.ReceiveMessage", json!({ "QueueUrl": url, field: value })).await;
        assert_eq!(reply.kind(), "InvalidParameterValueException", "{field}");
    }
}

#[tokio::test]
async fn batches_are_checked_whole_and_answered_one_by_one() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({})).await;
    let batch = |entries: Vec<Value>| json!({ "QueueUrl": url, "Entries": entries });
    let entry = |id: &str, body: &str| json!({ "Id": id, "MessageBody": body });
    let half = "x".repeat(600_000);
    let eleven = (0..11).map(|id| entry(&id.to_string(), "x")).collect();
    for (entries, kind) in [
        (vec![], "EmptyBatchRequest"),
        (eleven, "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "x"), entry("a", "y")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "x")], "InvalidBatchEntryId"),
        (vec![entry("a", &half), entry("b", &half)], "BatchRequestTooLong"),
    ] {
        let reply = stack.call("AmazonSQS.SendMessageBatch", batch(entries)).await;
        assert_eq!(reply.kind(), kind);
        let query = format!("AWS.SimpleQueueService.{kind};Sender");
        assert_eq!(reply.headers["x-amzn-query-error"], query.as_str());
    }
    let sent =
        stack.ok("AmazonSQS.SendMessageBatch", batch(vec![entry("good", "x"), entry("bad", "\u{1}")])).await;
    assert_eq!(sent["Successful"][0]["Id"], "good");
    assert_eq!(
        (&sent["Failed"][0]["Id"], &sent["Failed"][0]["Code"]),
        (&json!("bad"), &json!("InvalidMessageContents"))
    );
    assert_eq!(sent["Failed"][0]["SenderFault"], true);
    let message = &stack.receive(&url, 0).await[0];
    let deletes = json!({ "QueueUrl": url, "Entries": [{ "Id": "1", "ReceiptHandle": receipt(message) }, { "Id": "2", "ReceiptHandle": "?" }] });
    let deleted = stack.ok("AmazonSQS.DeleteMessageBatch", deletes).await;
    assert_eq!(
        (&deleted["Successful"][0]["Id"], &deleted["Failed"][0]["Code"]),
        (&json!("1"), &json!("ReceiptHandleIsInvalid"))
    );
}

#[tokio::test]
async fn a_queue_is_created_once_and_found_under_any_host() {
    let stack = Stack::memory().await;
    let attributes = json!({ "VisibilityTimeout": "90", "KmsMasterKeyId": "alias/q" });
    let url = stack.queue("inbound", attributes.clone()).await;
    assert_eq!(url, format!("{}/000000000000/inbound", stack.base));
    assert_eq!(stack.queue("inbound", attributes).await, url);
    let other = json!({ "QueueName": "inbound", "Attributes": { "VisibilityTimeout": "91" } });
    assert_eq!(stack.call("AmazonSQS.CreateQueue", other).await.kind(), "QueueNameExists");
    stack.send("https://sqs.me-central-1.amazonaws.com/000000000000/inbound", "x").await;
    let foreign = json!({ "QueueUrl": "http://localhost/111111111111/inbound", "MessageBody": "x" });
    let reply = stack.call("AmazonSQS.SendMessage", foreign).await;
    assert_eq!(reply.kind(), "QueueDoesNotExist");
    assert_eq!(reply.headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
    let described =
        stack.ok("AmazonSQS.GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": ["All"] })).await;
    let shown = &described["Attributes"];
    assert_eq!(
        (&shown["VisibilityTimeout"], &shown["MaximumMessageSize"]),
        (&json!("90"), &json!("1048576"))
    );
    assert_eq!(
        (&shown["SqsManagedSseEnabled"], &shown["ApproximateNumberOfMessages"]),
        (&json!("false"), &json!("1"))
    );
    stack.ok("AmazonSQS.PurgeQueue", json!({ "QueueUrl": url })).await;
    assert_eq!(stack.depth("inbound").await, (0, 0, 0));
    stack.ok("AmazonSQS.DeleteQueue", json!({ "QueueUrl": url })).await;
    assert_eq!(
        stack.call("AmazonSQS.GetQueueUrl", json!({ "QueueName": "inbound" })).await.kind(),
        "QueueDoesNotExist"
    );
}

#[tokio::test]
async fn fifo_is_refused_and_never_pretended() {
    let stack = Stack::memory().await;
    for request in [
        json!({ "QueueName": "a.fifo", "Attributes": { "FifoQueue": "true" } }),
        json!({ "QueueName": "a.fifo" }),
        json!({ "QueueName": "a", "Attributes": { "FifoQueue": "true" } }),
    ] {
        assert_eq!(stack.call("AmazonSQS.CreateQueue", request).await.kind(), "UnsupportedOperation");
    }
    assert_eq!(stack.ok("AmazonSQS.ListQueues", json!({})).await["QueueUrls"], json!([]));
}

#[tokio::test]
async fn tags_and_pages_of_queues() {
    let stack = Stack::memory().await;
    for name in ["a1", "a2", "a3", "b1"] {
        stack.queue(name, json!({})).await;
    }
    let first = stack.ok("AmazonSQS.ListQueues", json!({ "QueueNamePrefix": "a", "MaxResults": 2 })).await;
    assert_eq!(first["QueueUrls"].as_array().unwrap().len(), 2);
    let rest = json!({ "QueueNamePrefix": "a", "MaxResults": 2, "NextToken": first["NextToken"] });
    let rest = stack.ok("AmazonSQS.ListQueues", rest).await;
    assert_eq!(rest["QueueUrls"], json!([format!("{}/000000000000/a3", stack.base)]));
    assert_eq!(rest["NextToken"], Value::Null);
    let url = rest["QueueUrls"][0].as_str().unwrap();
    stack.ok("AmazonSQS.TagQueue", json!({ "QueueUrl": url, "Tags": { "stage": "local" } })).await;
    let tags = stack.ok("AmazonSQS.ListQueueTags", json!({ "QueueUrl": url })).await;
    assert_eq!(tags["Tags"], json!({ "stage": "local" }));
}

#[tokio::test]
async fn messages_past_their_retention_are_gone() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({ "MessageRetentionPeriod": "60" })).await;
    stack.send(&url, "x").await;
    stack.clock.advance(Duration::from_secs(59));
    assert_eq!(stack.depth("inbound").await, (1, 0, 0));
    stack.clock.advance(Duration::from_secs(2));
    assert!(stack.receive(&url, 0).await.is_empty());
    assert_eq!(stack.depth("inbound").await, (0, 0, 0));
}

/// Measures; run with `--ignored --nocapture`, best in release.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn sends_per_second() {
    let dir = tempfile::tempdir().unwrap();
    let stack = std::sync::Arc::new(Stack::on(dir.path()).await);
    let url = stack.queue("inbound", json!({})).await;
    let begun = Instant::now();
    let senders: Vec<_> = (0..16)
        .map(|_| {
            let (stack, url) = (stack.clone(), url.clone());
            tokio::spawn(async move {
                for _ in 0..500 {
                    stack
                        .send(&url, "a message of ordinary length, as a webhook would put it on the queue")
                        .await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let rate = 8000.0 / begun.elapsed().as_secs_f64();
    println!("{rate:.0} sends a second, client included");
}
