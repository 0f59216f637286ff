use std::time::Duration;

use serde_json::{Value, json};

use crate::stack::Stack;

async fn current(stack: &Stack, id: &str) -> Value {
    stack.ok("secretsmanager.GetSecretValue", json!({ "SecretId": id })).await
}

#[tokio::test]
async fn a_secret_is_found_by_name_and_by_whole_or_partial_arn() {
    let stack = Stack::memory().await;
    let made =
        stack.ok("secretsmanager.CreateSecret", json!({ "Name": "hadar/meta", "SecretString": "v1" })).await;
    let arn = made["ARN"].as_str().unwrap();
    for id in ["hadar/meta", arn, &arn[..arn.len() - 7]] {
        assert_eq!(current(&stack, id).await["SecretString"], "v1");
    }
    assert_eq!(
        stack.call("secretsmanager.GetSecretValue", json!({ "SecretId": "none" })).await.kind(),
        "ResourceNotFoundException"
    );
    let again = json!({ "Name": "hadar/meta", "SecretString": "other" });
    assert_eq!(stack.call("secretsmanager.CreateSecret", again).await.kind(), "ResourceExistsException");
}

#[tokio::test]
async fn a_pending_version_becomes_current_when_its_label_moves() {
    let stack = Stack::memory().await;
    let first = stack.ok("secretsmanager.CreateSecret", json!({ "Name": "s", "SecretString": "v1" })).await;
    let token = "11111111-2222-3333-4444-555555555555";
    let put = json!({ "SecretId": "s", "SecretBinary": "djI=", "VersionStages": ["AWSPENDING"], "ClientRequestToken": token });
    stack.ok("secretsmanager.PutSecretValue", put.clone()).await;
    stack.ok("secretsmanager.PutSecretValue", put.clone()).await;
    let mut other = put;
    other["SecretBinary"] = json!("djM=");
    assert_eq!(stack.call("secretsmanager.PutSecretValue", other).await.kind(), "ResourceExistsException");
    assert_eq!(current(&stack, "s").await["SecretString"], "v1");
    let mut shift = json!({ "SecretId": "s", "VersionStage": "AWSCURRENT", "MoveToVersionId": token });
    assert_eq!(
        stack.call("secretsmanager.UpdateSecretVersionStage", shift.clone()).await.kind(),
        "InvalidParameterException"
    );
    shift["RemoveFromVersionId"] = first["VersionId"].clone();
    stack.ok("secretsmanager.UpdateSecretVersionStage", shift).await;
    let now = current(&stack, "s").await;
    assert_eq!((&now["SecretBinary"], &now["VersionId"]), (&json!("djI="), &json!(token)));
    let before = stack
        .ok("secretsmanager.GetSecretValue", json!({ "SecretId": "s", "VersionStage": "AWSPREVIOUS" }))
        .await;
    assert_eq!(before["SecretString"], "v1");
    let versions = stack.ok("secretsmanager.ListSecretVersionIds", json!({ "SecretId": "s" })).await;
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);
    let described = stack.ok("secretsmanager.DescribeSecret", json!({ "SecretId": "s" })).await;
    assert_eq!(described["VersionIdsToStages"][token], json!(["AWSPENDING", "AWSCURRENT"]));
    assert!(described.get("SecretString").is_none());
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_window_closes() {
    let stack = Stack::memory().await;
    stack.ok("secretsmanager.CreateSecret", json!({ "Name": "s", "SecretString": "v1" })).await;
    stack.ok("secretsmanager.DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).await;
    assert_eq!(
        stack.call("secretsmanager.GetSecretValue", json!({ "SecretId": "s" })).await.kind(),
        "InvalidRequestException"
    );
    assert_eq!(stack.ok("secretsmanager.ListSecrets", json!({})).await["SecretList"], json!([]));
    stack.ok("secretsmanager.RestoreSecret", json!({ "SecretId": "s" })).await;
    assert_eq!(current(&stack, "s").await["SecretString"], "v1");
    stack.ok("secretsmanager.DeleteSecret", json!({ "SecretId": "s", "RecoveryWindowInDays": 7 })).await;
    stack.clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(
        stack.call("secretsmanager.RestoreSecret", json!({ "SecretId": "s" })).await.kind(),
        "ResourceNotFoundException"
    );
    stack.ok("secretsmanager.CreateSecret", json!({ "Name": "s", "SecretString": "new" })).await;
    stack
        .ok(
            "secretsmanager.UpdateSecret",
            json!({ "SecretId": "s", "SecretString": "newer", "Description": "d" }),
        )
        .await;
    let listed = stack
        .ok("secretsmanager.ListSecrets", json!({ "Filters": [{ "Key": "name", "Values": ["s"] }] }))
        .await;
    assert_eq!(listed["SecretList"][0]["Description"], "d");
}
