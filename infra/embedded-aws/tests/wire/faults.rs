use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};

use crate::dynamodb::{create_table, item};
use crate::stack::Stack;

fn set(stack: &Stack, rules: Value) {
    stack.faults.set(serde_json::from_value(rules).unwrap());
}

#[tokio::test]
async fn each_service_throttles_and_fails_in_its_own_words() {
    let stack = Stack::memory().await;
    for (service, target, throttled, failed) in [
        (
            "dynamodb",
            "DynamoDB_20120810.ListTables",
            "ProvisionedThroughputExceededException",
            "InternalServerError",
        ),
        ("sqs", "AmazonSQS.ListQueues", "RequestThrottled", "InternalFailure"),
        ("kms", "TrentService.ListKeys", "ThrottlingException", "KMSInternalException"),
        ("secretsmanager", "secretsmanager.ListSecrets", "ThrottlingException", "InternalServiceError"),
    ] {
        set(
            &stack,
            json!([{ "service": service, "operation": "*", "action": "throttle", "times": 1 },
                           { "service": service, "operation": "*", "action": "error", "status": 503, "times": 1 }]),
        );
        let first = stack.call(target, json!({})).await;
        assert_eq!((first.status, first.kind()), (StatusCode::BAD_REQUEST, throttled));
        let second = stack.call(target, json!({})).await;
        assert_eq!((second.status, second.kind()), (StatusCode::SERVICE_UNAVAILABLE, failed));
        stack.ok(target, json!({})).await;
    }
}

#[tokio::test]
async fn a_lost_acknowledgement_has_its_effect_and_a_lost_request_has_none() {
    let stack = Stack::memory().await;
    create_table(&stack, "crm").await;
    let put = |pk: &str| json!({ "TableName": "crm", "Item": { "pk": { "S": pk } } });
    for (action, pk, written) in [("drop_after", "after", true), ("drop_before", "before", false)] {
        // The client sends a request again on a fresh connection when a kept one closes, so every attempt is
        // dropped.
        set(
            &stack,
            json!([{ "service": "dynamodb", "operation": "PutItem", "table": "crm", "action": action }]),
        );
        assert!(stack.try_call("DynamoDB_20120810.PutItem", put(pk)).await.is_none(), "{action}");
        stack.faults.clear();
        assert_eq!(item(&stack, "crm", pk).await != Value::Null, written, "{action}");
    }
}

#[tokio::test]
async fn a_crash_calls_back_with_the_callers_name_and_has_no_effect() {
    let stack = Stack::memory().await;
    let url = stack.queue("inbound", json!({})).await;
    let crashed = Arc::new(Mutex::new(Vec::new()));
    stack.faults.on_crash({
        let crashed = crashed.clone();
        move |name| crashed.lock().unwrap().push(name.to_owned())
    });
    set(
        &stack,
        json!([{ "service": "sqs", "operation": "SendMessage", "table": "inbound", "contains": "poison", "action": "crash" }]),
    );
    stack.send(&url, "healthy").await;
    let poison = json!({ "QueueUrl": url, "MessageBody": "poison" });
    assert!(stack.try_call("AmazonSQS.SendMessage", poison).await.is_none());
    assert_eq!(crashed.lock().unwrap()[0], "sender");
    assert_eq!(stack.depth("inbound").await, (1, 0, 0));
}

#[tokio::test]
async fn latency_waits_and_a_timeout_never_answers() {
    let stack = Stack::memory().await;
    set(&stack, json!([{ "service": "kms", "operation": "ListKeys", "action": "latency", "ms": 300 }]));
    let begun = Instant::now();
    stack.ok("TrentService.ListKeys", json!({})).await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    set(&stack, json!([{ "service": "kms", "operation": "ListKeys", "action": "timeout" }]));
    let call = stack.try_call("TrentService.ListKeys", json!({}));
    assert!(tokio::time::timeout(Duration::from_millis(500), call).await.is_err());
}
