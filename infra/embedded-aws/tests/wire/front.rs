use http::{Method, StatusCode};
use serde_json::json;

use crate::stack::Stack;

#[tokio::test]
async fn a_request_without_a_signature_is_refused() {
    let stack = Stack::memory().await;
    let reply = stack.bare(Method::POST, "/", false).await;
    assert_eq!((reply.status, reply.kind()), (StatusCode::FORBIDDEN, "MissingAuthenticationTokenException"));
}

#[tokio::test]
async fn what_is_not_emulated_is_refused_by_name() {
    let stack = Stack::memory().await;
    for target in [
        "DynamoDB_20120810.CreateBackup",
        "AmazonSQS.AddPermission",
        "TrentService.Sign",
        "secretsmanager.RotateSecret",
        "AmazonSNS.Publish",
    ] {
        let reply = stack.call(target, json!({})).await;
        assert_eq!(
            (reply.status, reply.kind()),
            (StatusCode::BAD_REQUEST, "UnknownOperationException"),
            "{target}"
        );
        let operation = target.rsplit('.').next().unwrap();
        let text = reply.body.get("message").or(reply.body.get("Message")).unwrap().as_str().unwrap();
        assert!(text.contains(operation), "{text}");
    }
    let reply = stack.bare(Method::POST, "/schedules/one", true).await;
    assert_eq!(reply.kind(), "UnknownOperationException");
    assert!(reply.body["message"].as_str().unwrap().contains("POST /schedules/one"));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_serialization_error() {
    let stack = Stack::memory().await;
    for target in [
        "AmazonSQS.SendMessage",
        "TrentService.Decrypt",
        "secretsmanager.GetSecretValue",
        "DynamoDB_20120810.PutItem",
    ] {
        let reply = stack.call(target, json!("text")).await;
        assert_eq!(
            (reply.status, reply.kind()),
            (StatusCode::BAD_REQUEST, "SerializationException"),
            "{target}"
        );
    }
}
