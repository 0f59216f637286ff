//! Who gets in, what is stored, and what the provider is told, on embedded AWS services.

#[cfg(test)]
mod stack;

use domain::provider::Provider;
use serde_json::{Value, json};
use stack::{Ask, Stack, hmac, hub_signature, path, tenant};

const BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[{"a":"\u0645\/"}]}"#;

fn signed(secret: &str, body: &[u8]) -> [(&'static str, String); 1] {
    [("x-hub-signature-256", hub_signature(secret, body))]
}

#[tokio::test]
async fn a_signed_body_is_stored_byte_for_byte_and_acknowledged() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own"), ("verify_token", "v")]).await;
    for base in ["", "/api"] {
        let answer = stack.post(format!("{base}{}", path(tenant("a"))), &signed("own", BODY), BODY).await;
        assert_eq!(answer.status, 200);
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        let trace_id = told["trace_id"].as_str().unwrap().to_owned();
        assert_eq!(told, json!({"ok": true, "trace_id": trace_id}));
        assert!(answer.headers.contains(&("x-trace-id", trace_id.clone().into())));
        assert_eq!(trace_id.as_bytes()[14], b'7', "a UUID v7");
        assert_eq!(stack.queued().await, [(Provider::Meta, "signature".into(), trace_id, BODY.to_vec())]);
    }
}

#[tokio::test]
async fn every_forgery_gets_the_same_words_and_leaves_nothing() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own")]).await;
    stack.connect(tenant("b"), Provider::Meta, &[("app_secret", "other")]).await;
    let right = hub_signature("own", BODY);
    let hub = |value: String| vec![("x-hub-signature-256", value)];
    let forgeries = [
        (path(tenant("a")), vec![]),
        (path(tenant("a")), hub(String::new())),
        (path(tenant("a")), hub(hub_signature("other", BODY))),
        (path(tenant("a")), hub(hub_signature("platform-app", BODY))),
        (path(tenant("a")), hub(hub_signature("", BODY))),
        (path(tenant("a")), hub(right.to_uppercase())),
        (path(tenant("a")), hub(right.replace("sha256=", ""))),
        (path(tenant("a")), hub(right.replace("sha256=", "sha1="))),
        (path(tenant("a")), hub(right[..right.len() - 1].to_owned())),
        (path(tenant("a")), hub(format!("{right}0"))),
        (path(tenant("a")), hub(format!("{right},{right}"))),
        (path(tenant("a")), [hub(right.clone()), hub(right.clone())].concat()),
        (path(tenant("a")), vec![("x-hub-signature", right.replace("sha256", "sha1"))]),
        (path(tenant("a")), vec![("x-hadar-webhook-secret", "own".to_owned())]),
        (format!("{}/own", path(tenant("a"))), vec![]),
        (path(tenant("b")), hub(right.clone())),
        (path(tenant("nobody")), hub(right.clone())),
        (path(tenant("nobody")), hub(hub_signature("of nobody", BODY))),
        ("/v1/webhooks/whatsapp/tnt_x".to_owned(), hub(right.clone())),
        ("/api/webhooks/whatsapp".to_owned(), hub(right.clone())),
        ("/api/webhooks/whatsapp".to_owned(), hub(hub_signature("platform-app", BODY))),
    ];
    for (path, headers) in forgeries {
        let answer = stack.post(path.clone(), &headers, BODY).await;
        assert_eq!(answer.status, 401, "{path} {headers:?}");
        let mut told: Value = serde_json::from_str(&answer.body).unwrap();
        told["error"]["trace_id"] = Value::Null;
        let words = json!({"data": null, "error": {"code": "unauthorized",
            "message": "The webhook's credential is missing or wrong.", "trace_id": null}});
        assert_eq!(told, words, "{path}");
    }
    assert_eq!(stack.queued().await, []);
}

#[tokio::test]
async fn a_single_tenant_needs_no_integration_but_the_platforms_secret() {
    let stack = Stack::start(Some(tenant("one"))).await;
    let answer = stack.post("/api/webhooks/whatsapp".into(), &signed("platform-app", BODY), BODY).await;
    assert_eq!(answer.status, 200);
    let answer = stack.post("/api/webhooks/whatsapp".into(), &signed("wrong", BODY), BODY).await;
    assert_eq!(answer.status, 401);
    assert_eq!(stack.queued().await.len(), 1);
    let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=platform-verify";
    assert_eq!(stack.get("/api/webhooks/whatsapp".into(), query).await.body, "42");
}

#[tokio::test]
async fn the_credential_that_verified_names_the_provider() {
    let stack = Stack::start(None).await;
    let tenant = tenant("all");
    stack.connect(tenant, Provider::Meta, &[("app_secret", "own")]).await;
    stack.connect(tenant, Provider::Dialog360, &[("webhook_secret", "d-secret")]).await;
    stack.connect(tenant, Provider::Ultramsg, &[("webhook_secret", "u-secret")]).await;
    let now = stack.platform.clock.now().unix_ms() / 1000;
    let stamped = [format!("{now}.").as_bytes(), BODY].concat();
    let cases = [
        ("", signed("own", BODY).to_vec(), Provider::Meta, "signature"),
        ("", vec![("x-360dialog-signature", hmac("partner", BODY))], Provider::Dialog360, "signature"),
        ("", vec![("x-hadar-webhook-secret", "d-secret".into())], Provider::Dialog360, "header"),
        ("", vec![("x-mandato-webhook-secret", "d-secret".into())], Provider::Dialog360, "header"),
        ("/d-secret", vec![], Provider::Dialog360, "url_token"),
        ("/u-secret", vec![], Provider::Ultramsg, "url_token"),
        (
            "",
            vec![("x-hadar-signature", format!("t={now},v1={}", hmac("u-secret", &stamped)))],
            Provider::Ultramsg,
            "signature",
        ),
    ];
    for (token, headers, provider, strength) in cases {
        let answer = stack.post(format!("{}{token}", path(tenant)), &headers, BODY).await;
        assert_eq!(answer.status, 200, "{provider} {strength}");
        let queued = stack.queued().await;
        assert_eq!((queued[0].0, queued[0].1.as_str()), (provider, strength));
    }
    for query in ["token=d-secret", "a=b&token=u-secret"] {
        let body = BODY.to_vec();
        let ask = Ask { method: "POST", path: path(tenant), query, headers: vec![], body };
        assert_eq!(stack.ask(&ask).await.status, 200, "{query}");
    }
    let wrong_beside_right = [("x-hadar-webhook-secret", "wrong".to_owned())];
    let answer = stack.post(format!("{}/d-secret", path(tenant)), &wrong_beside_right, BODY).await;
    assert_eq!(answer.status, 401, "a wrong credential is not made good by a weaker one");
}

#[tokio::test]
async fn both_secrets_are_good_while_they_rotate() {
    let stack = Stack::start(None).await;
    stack
        .connect(tenant("own"), Provider::Meta, &[("app_secret", "new"), ("app_secret_previous", "old")])
        .await;
    stack.connect(tenant("platform"), Provider::Meta, &[]).await;
    let status =
        async |name, secret| stack.post(path(tenant(name)), &signed(secret, BODY), BODY).await.status;
    assert_eq!((status("own", "new").await, status("own", "old").await), (200, 200));
    assert_eq!(status("platform", "platform-app").await, 200);

    let next = json!({"meta_app_secret": "platform-app-2", "meta_verify_token": "platform-verify"});
    stack.rotate_platform_secret(next, "00000000-0000-4000-8000-000000000002").await;
    stack.advance(301);
    assert_eq!(status("platform", "platform-app-2").await, 200);
    assert_eq!(status("platform", "platform-app").await, 200, "the previous version");
    let next = json!({"meta_app_secret": "platform-app-3", "meta_verify_token": "platform-verify"});
    stack.rotate_platform_secret(next, "00000000-0000-4000-8000-000000000003").await;
    stack.advance(301);
    assert_eq!(status("platform", "platform-app-3").await, 200);
    assert_eq!(status("platform", "platform-app").await, 401, "two rotations ago");
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_opens_no_door() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Ultramsg, &[("webhook_secret", "token-a")]).await;
    let mut stolen = stack.platform.store.tenant_facts(tenant("a")).await.unwrap().integrations;
    stack.platform.store.save_integration(tenant("b"), &stolen.pop().unwrap()).await.unwrap();
    let status = async |name| stack.post(format!("{}/token-a", path(tenant(name))), &[], BODY).await.status;
    assert_eq!((status("a").await, status("b").await), (200, 401));
}

#[tokio::test]
async fn what_cannot_be_stored_is_not_acknowledged() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own")]).await;
    let post = async || stack.post(path(tenant("a")), &signed("own", BODY), BODY).await;
    for (service, action) in [
        ("dynamodb", "throttle"),
        ("kms", "error"),
        ("sqs", "error"),
        ("sqs", "throttle"),
        ("sqs", "drop_before"),
    ] {
        stack.advance(301);
        stack.fault(json!({"service": service, "operation": "*", "action": action}));
        let answer = post().await;
        stack.heal();
        assert_eq!(answer.status, 503, "{service} {action}");
        assert!(answer.headers.iter().any(|(name, _)| *name == "retry-after"));
        assert!(answer.body.contains(r#""code":"service_unavailable""#));
        assert_eq!(stack.queued().await, []);
        assert_eq!(post().await.status, 200, "after {service} came back");
        assert_eq!(stack.queued().await.len(), 1);
    }
}

#[tokio::test]
async fn a_queue_that_hangs_is_answered_for_before_the_provider_hangs_up() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own")]).await;
    stack.fault(json!({"service": "sqs", "operation": "*", "action": "timeout"}));
    let asked = std::time::Instant::now();
    assert_eq!(stack.post(path(tenant("a")), &signed("own", BODY), BODY).await.status, 503);
    assert!(asked.elapsed() < std::time::Duration::from_millis(4500));
}

#[tokio::test]
async fn a_warm_door_needs_neither_table_nor_keys() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own")]).await;
    stack.connect(tenant("p"), Provider::Meta, &[]).await;
    let status =
        async |name, secret| stack.post(path(tenant(name)), &signed(secret, BODY), BODY).await.status;
    assert_eq!((status("a", "own").await, status("p", "platform-app").await), (200, 200));
    for service in ["dynamodb", "kms", "secretsmanager"] {
        stack.fault(json!({"service": service, "operation": "*", "action": "error"}));
        assert_eq!((status("a", "own").await, status("p", "platform-app").await), (200, 200), "{service}");
    }
    stack.fault(json!({"service": "secretsmanager", "operation": "*", "action": "error"}));
    stack.advance(301);
    assert_eq!((status("a", "own").await, status("p", "platform-app").await), (200, 503));
}

#[tokio::test]
async fn a_new_tenant_is_let_in_within_seconds() {
    let stack = Stack::start(None).await;
    let status = async || stack.post(format!("{}/token", path(tenant("new"))), &[], BODY).await.status;
    assert_eq!(status().await, 401);
    stack.connect(tenant("new"), Provider::Ultramsg, &[("webhook_secret", "token")]).await;
    stack.advance(4);
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn who_presents_nothing_causes_no_look_up() {
    let stack = Stack::start(None).await;
    for service in ["dynamodb", "secretsmanager"] {
        stack.fault(json!({"service": service, "operation": "*", "action": "error"}));
        assert_eq!(stack.post(path(tenant("a")), &[], BODY).await.status, 401);
        assert_eq!(stack.get(path(tenant("a")), "hub.mode=other").await.status, 403);
    }
}

#[tokio::test]
async fn the_handshake_answers_the_bare_challenge_to_the_right_token_only() {
    let stack = Stack::start(None).await;
    let secrets = [("app_secret", "own"), ("verify_token", "t&k n"), ("verify_token_previous", "old")];
    stack.connect(tenant("a"), Provider::Meta, &secrets).await;
    let get = async |query| {
        let answer = stack.get(path(tenant("a")), query).await;
        assert!(answer.headers.contains(&("content-type", "text/plain; charset=utf-8".into())));
        (answer.status, answer.body)
    };
    let right = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t%26k+n";
    assert_eq!(get(right).await, (200, "1158201444".into()));
    assert_eq!(get("hub.verify_token=old&hub.challenge=7&hub.mode=subscribe").await, (200, "7".into()));
    let refused = (403, "forbidden".to_owned());
    for query in [
        "",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=platform-verify",
        "hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=old",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=old",
    ] {
        assert_eq!(get(query).await, refused, "{query}");
    }
    assert_eq!(stack.get(path(tenant("nobody")), right).await.status, 403);
    assert_eq!(stack.get("/v1/webhooks/whatsapp/x".into(), right).await.status, 403);
    assert_eq!(stack.queued().await, []);
}

#[tokio::test]
async fn other_methods_codings_sizes_and_paths_are_told_apart() {
    let stack = Stack::start(None).await;
    stack.connect(tenant("a"), Provider::Meta, &[("app_secret", "own")]).await;
    for method in ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"] {
        let ask = Ask { method, path: path(tenant("a")), query: "", headers: vec![], body: vec![] };
        let answer = stack.ask(&ask).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.headers.contains(&("allow", "GET, POST".into())));
    }
    let mut compressed = signed("own", BODY).to_vec();
    compressed.push(("content-encoding", "gzip".into()));
    assert_eq!(stack.post(path(tenant("a")), &compressed, BODY).await.status, 415);
    assert_eq!(stack.post("/v1/webhooks/telegram/x".into(), &[], BODY).await.status, 404);

    let largest = vec![b' '; 3_500_000];
    assert_eq!(stack.post(path(tenant("a")), &signed("own", &largest), &largest).await.status, 200);
    assert_eq!(stack.queued().await[0].3, largest);
    let larger = vec![b' '; 3_500_001];
    assert_eq!(stack.post(path(tenant("a")), &signed("own", &larger), &larger).await.status, 413);
    assert_eq!(stack.queued().await, []);
}
