use std::time::Duration;

use embedded_aws::{EmbeddedAws, Options};
use serde_json::json;

use crate::dynamodb::{create_table, item};
use crate::sqs_redrive::{exhaust, pair};
use crate::stack::Stack;

#[tokio::test]
async fn everything_answered_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::on(dir.path()).await;
    create_table(&stack, "crm").await;
    stack
        .ok("DynamoDB_20120810.PutItem", json!({ "TableName": "crm", "Item": { "pk": { "S": "a" } } }))
        .await;
    let url = stack.queue("inbound", json!({ "VisibilityTimeout": "3600" })).await;
    stack.send(&url, "in flight").await;
    stack.receive(&url, 0).await;
    stack.send(&url, "waiting").await;
    stack
        .ok("AmazonSQS.SendMessage", json!({ "QueueUrl": url, "MessageBody": "later", "DelaySeconds": 900 }))
        .await;
    let key = stack.ok("TrentService.CreateKey", json!({})).await;
    let key = key["KeyMetadata"]["KeyId"].clone();
    stack.ok("TrentService.CreateAlias", json!({ "AliasName": "alias/a", "TargetKeyId": key })).await;
    let sealed = stack.ok("TrentService.Encrypt", json!({ "KeyId": key, "Plaintext": "aGk=" })).await;
    stack.ok("secretsmanager.CreateSecret", json!({ "Name": "s", "SecretString": "v1" })).await;
    stack.stop().await;

    let stack = Stack::on(dir.path()).await;
    assert_ne!(item(&stack, "crm", "a").await, json!(null));
    assert_eq!(stack.depth("inbound").await, (1, 1, 1));
    assert_eq!(stack.receive(&url, 0).await[0]["Body"], "waiting");
    let opened = stack
        .ok("TrentService.Decrypt", json!({ "CiphertextBlob": sealed["CiphertextBlob"], "KeyId": "alias/a" }))
        .await;
    assert_eq!(opened["Plaintext"], "aGk=");
    let secret = stack.ok("secretsmanager.GetSecretValue", json!({ "SecretId": "s" })).await;
    assert_eq!(secret["SecretString"], "v1");
}

#[tokio::test]
async fn a_second_opening_of_the_same_directory_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::on(dir.path()).await;
    let options = || Options { data_dir: Some(dir.path().to_path_buf()), ..Options::default() };
    let refusal = EmbeddedAws::open(options()).err().unwrap().to_string();
    assert!(refusal.contains("in use by another process") && !refusal.contains('\n'), "{refusal}");
    stack.stop().await;
    EmbeddedAws::open(options()).unwrap();
}

#[tokio::test]
async fn a_move_task_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::on(dir.path()).await;
    let (url, dlq) = pair(&stack).await;
    for _ in 0..5 {
        stack.send(&url, "poison").await;
    }
    exhaust(&stack, &url).await;
    assert_eq!(stack.depth("inbound-dlq").await.0, 5);
    let source = "arn:aws:sqs:me-central-1:000000000000:inbound-dlq";
    let slow = json!({ "SourceArn": source, "MaxNumberOfMessagesPerSecond": 1 });
    stack.ok("AmazonSQS.StartMessageMoveTask", slow).await;
    stack.stop().await;

    let stack = Stack::on(dir.path()).await;
    stack.clock.advance(Duration::from_secs(60));
    let tasks = stack.ok("AmazonSQS.ListMessageMoveTasks", json!({ "SourceArn": source })).await;
    assert_eq!(tasks["Results"][0]["Status"], "RUNNING");
    assert!(!stack.receive(&url, 5).await.is_empty());
    assert!(stack.depth("inbound-dlq").await.0 < 5);
    drop(dlq);
}
