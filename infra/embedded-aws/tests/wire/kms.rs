use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stack::Stack;

async fn create(stack: &Stack, body: Value) -> String {
    stack.ok("TrentService.CreateKey", body).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_data_key_opens_only_in_its_context_under_any_name_of_its_key() {
    let stack = Stack::memory().await;
    let key = create(&stack, json!({})).await;
    let alias = json!({ "AliasName": "alias/tenant", "TargetKeyId": key });
    stack.ok("TrentService.CreateAlias", alias.clone()).await;
    assert_eq!(stack.call("TrentService.CreateAlias", alias).await.kind(), "AlreadyExistsException");
    let arn = format!("arn:aws:kms:me-central-1:000000000000:key/{key}");
    let made = stack
        .ok(
            "TrentService.GenerateDataKey",
            json!({ "KeyId": "alias/tenant", "KeySpec": "AES_256", "EncryptionContext": { "t": "a" } }),
        )
        .await;
    assert_eq!(STANDARD.decode(made["Plaintext"].as_str().unwrap()).unwrap().len(), 32);
    for name in [
        None,
        Some(key.as_str()),
        Some(&arn),
        Some("alias/tenant"),
        Some("arn:aws:kms:me-central-1:000000000000:alias/tenant"),
    ] {
        let mut request =
            json!({ "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": { "t": "a" } });
        if let Some(name) = name {
            request["KeyId"] = json!(name);
        }
        let opened = stack.ok("TrentService.Decrypt", request).await;
        assert_eq!(
            (&opened["Plaintext"], opened["KeyId"].as_str().unwrap()),
            (&made["Plaintext"], arn.as_str())
        );
    }
    for context in [json!({}), json!({ "t": "b" }), json!({ "t": "a", "u": "" })] {
        let request = json!({ "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context });
        assert_eq!(stack.call("TrentService.Decrypt", request).await.kind(), "InvalidCiphertextException");
    }
    let other = create(&stack, json!({})).await;
    let request = json!({ "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": { "t": "a" }, "KeyId": other });
    assert_eq!(stack.call("TrentService.Decrypt", request).await.kind(), "IncorrectKeyException");
    let garbage = json!({ "CiphertextBlob": STANDARD.encode("garbage") });
    assert_eq!(stack.call("TrentService.Decrypt", garbage).await.kind(), "InvalidCiphertextException");
}

#[tokio::test]
async fn a_key_works_only_while_it_is_enabled_and_wanted() {
    let stack = Stack::memory().await;
    let key = create(&stack, json!({ "Description": "tenant tokens" })).await;
    let data_key = json!({ "KeyId": key, "KeySpec": "AES_256" });
    stack.ok("TrentService.DisableKey", json!({ "KeyId": key })).await;
    assert_eq!(
        stack.call("TrentService.GenerateDataKey", data_key.clone()).await.kind(),
        "DisabledException"
    );
    stack.ok("TrentService.EnableKey", json!({ "KeyId": key })).await;
    stack.ok("TrentService.ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 })).await;
    assert_eq!(
        stack.call("TrentService.GenerateDataKey", data_key.clone()).await.kind(),
        "KMSInvalidStateException"
    );
    stack.ok("TrentService.CancelKeyDeletion", json!({ "KeyId": key })).await;
    let described = stack.ok("TrentService.DescribeKey", json!({ "KeyId": key })).await;
    assert_eq!(described["KeyMetadata"]["KeyState"], "Disabled");
    stack.ok("TrentService.ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 7 })).await;
    stack.clock.advance(Duration::from_secs(7 * 86_400));
    assert_eq!(
        stack.call("TrentService.DescribeKey", json!({ "KeyId": key })).await.kind(),
        "NotFoundException"
    );
    assert_eq!(stack.ok("TrentService.ListKeys", json!({})).await["Keys"], json!([]));
}

#[tokio::test]
async fn a_mac_is_verified_and_kinds_of_key_do_not_mix() {
    let stack = Stack::memory().await;
    let hmac = create(&stack, json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" })).await;
    let mut request =
        json!({ "KeyId": hmac, "MacAlgorithm": "HMAC_SHA_256", "Message": STANDARD.encode("m") });
    let made = stack.ok("TrentService.GenerateMac", request.clone()).await;
    request["Mac"] = made["Mac"].clone();
    assert_eq!(stack.ok("TrentService.VerifyMac", request.clone()).await["MacValid"], true);
    request["Message"] = json!(STANDARD.encode("n"));
    assert_eq!(stack.call("TrentService.VerifyMac", request).await.kind(), "KMSInvalidMacException");
    let encrypt = json!({ "KeyId": hmac, "Plaintext": STANDARD.encode("p") });
    assert_eq!(stack.call("TrentService.Encrypt", encrypt).await.kind(), "InvalidKeyUsageException");
    let rsa = json!({ "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY" });
    assert_eq!(stack.call("TrentService.CreateKey", rsa).await.kind(), "UnsupportedOperationException");
}

#[tokio::test]
async fn re_encryption_moves_between_keys_and_contexts() {
    let stack = Stack::memory().await;
    let (one, two) = (create(&stack, json!({})).await, create(&stack, json!({})).await);
    let sealed = stack
        .ok(
            "TrentService.Encrypt",
            json!({ "KeyId": one, "Plaintext": STANDARD.encode("hi"), "EncryptionContext": { "x": "1" } }),
        )
        .await;
    let moved = stack
        .ok(
            "TrentService.ReEncrypt",
            json!({ "CiphertextBlob": sealed["CiphertextBlob"], "SourceEncryptionContext": { "x": "1" },
                    "DestinationKeyId": two, "DestinationEncryptionContext": { "x": "2" } }),
        )
        .await;
    let opened = stack
        .ok("TrentService.Decrypt", json!({ "CiphertextBlob": moved["CiphertextBlob"], "EncryptionContext": { "x": "2" }, "KeyId": two }))
        .await;
    assert_eq!(opened["Plaintext"], STANDARD.encode("hi"));
    stack.ok("TrentService.EnableKeyRotation", json!({ "KeyId": two })).await;
    assert_eq!(
        stack.ok("TrentService.GetKeyRotationStatus", json!({ "KeyId": two })).await["KeyRotationEnabled"],
        true
    );
}
