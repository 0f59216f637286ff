use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::stack::Stack;

pub(crate) async fn create_table(stack: &Stack, name: &str) {
    stack
        .ok(
            "DynamoDB_20120810.CreateTable",
            json!({ "TableName": name, "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
                    "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }] }),
        )
        .await;
}

pub(crate) async fn item(stack: &Stack, table: &str, pk: &str) -> Value {
    let key = json!({ "TableName": table, "Key": { "pk": { "S": pk } }, "ConsistentRead": true });
    stack.ok("DynamoDB_20120810.GetItem", key).await["Item"].clone()
}

#[tokio::test]
async fn expired_items_go_when_the_stacks_clock_passes_them() {
    let stack = Stack::memory().await;
    create_table(&stack, "ephemeral").await;
    let spec = json!({ "TableName": "ephemeral", "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "ttl" } });
    stack.ok("DynamoDB_20120810.UpdateTimeToLive", spec).await;
    let soon = stack.clock.now_ms() / 1000 + 3600;
    for (pk, ttl) in [
        ("soon", json!({ "N": soon.to_string() })),
        ("later", json!({ "N": (soon + 7200).to_string() })),
        ("text", json!({ "S": "1" })),
        ("ancient", json!({ "N": "1" })),
    ] {
        let put = json!({ "TableName": "ephemeral", "Item": { "pk": { "S": pk }, "ttl": ttl } });
        stack.ok("DynamoDB_20120810.PutItem", put).await;
    }
    assert_eq!(stack.aws.sweep_ttl(), 0);
    stack.clock.advance(Duration::from_secs(3700));
    assert_eq!(stack.aws.sweep_ttl(), 1);
    assert_eq!(item(&stack, "ephemeral", "soon").await, Value::Null);
    for kept in ["later", "text", "ancient"] {
        assert_ne!(item(&stack, "ephemeral", kept).await, Value::Null, "{kept}");
    }
}

#[tokio::test]
async fn a_failed_condition_comes_back_typed_with_the_old_item_and_a_checksum() {
    let stack = Stack::memory().await;
    create_table(&stack, "crm").await;
    let put = json!({ "TableName": "crm", "Item": { "pk": { "S": "a" } },
                      "ConditionExpression": "attribute_not_exists(pk)",
                      "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });
    stack.ok("DynamoDB_20120810.PutItem", put.clone()).await;
    let reply = stack.call("DynamoDB_20120810.PutItem", put).await;
    assert_eq!(reply.kind(), "ConditionalCheckFailedException");
    assert_eq!(reply.body["Item"]["pk"]["S"], "a");
    assert!(reply.headers.contains_key("x-amz-crc32"));
}

#[tokio::test]
async fn a_wrong_value_is_a_client_error() {
    let stack = Stack::memory().await;
    create_table(&stack, "crm").await;
    for (item, kind) in [
        (json!({ "pk": { "N": "x" } }), "ValidationException"),
        (json!({ "pk": { "S": 5 } }), "SerializationException"),
        (json!({ "pk": {} }), "ValidationException"),
        (json!({ "pk": { "S": "a", "N": "1" } }), "ValidationException"),
    ] {
        let reply =
            stack.call("DynamoDB_20120810.PutItem", json!({ "TableName": "crm", "Item": item })).await;
        assert_eq!((reply.status, reply.kind()), (StatusCode::BAD_REQUEST, kind), "{item} {}", reply.body);
        let text = reply.body.to_string();
        assert!(!text.contains("VALIDATION") && !text.contains("SERIALIZATION:"), "{text}");
    }
}
