//! `kill -9` of the whole stack, in the middle of the work.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic")]

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::Ready;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::Semaphore;

/// So many of the posts are answered when the stack is killed, and more are under way.
const ANSWERS_BEFORE_THE_KILL: u32 = 20;

struct Process {
    child: Child,
    ready: Ready,
}

impl Process {
    async fn start(dir: &Path) -> Self {
        let ready_file = dir.join("ready.json");
        #[expect(clippy::zombie_processes, reason = "`Drop` waits for it")]
        let child = Command::new(env!("CARGO_BIN_EXE_hadar"))
            .args(["--port", "0", "--data-dir"])
            .arg(dir.join("data"))
            .arg("--ready-file")
            .arg(&ready_file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..600 {
            if let Ok(text) = std::fs::read(&ready_file) {
                return Self { child, ready: serde_json::from_slice(&text).unwrap() };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the stack did not get ready");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

async fn ask(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: http::request::Builder,
    body: String,
) -> Option<(u16, Value)> {
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let response = client.request(request).await.ok()?;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}

#[tokio::test]
async fn what_was_answered_200_survives_a_kill_of_the_whole_stack_and_is_applied_once() {
    let dir = tempfile::tempdir().unwrap();
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut process = Process::start(dir.path()).await;
    let mut accepted = BTreeSet::new();
    for round in 0..3 {
        let tenant = process.ready.tenants.iter().find(|one| one.provider == "meta").unwrap().clone();
        let meta = tenant.meta.clone().unwrap();
        let taken = Semaphore::new(0);
        let posts = (0..150).map(|n| {
            let (client, meta, url, taken) = (&client, &meta, &tenant.webhook_url, &taken);
            async move {
                let id = format!("wamid.{round}.{n}");
                let body = json!({"object": "whatsapp_business_account", "entry": [{"id": meta.waba_id, "changes": [{"field": "messages",
                    "value": {"metadata": {"phone_number_id": meta.phone_number_id}, "messages": [{"from": format!("97150{n:07}"),
                        "id": id, "timestamp": (1_790_000_000 + round).to_string(), "type": "text", "text": {"body": "hi"}}]}}]}]})
                .to_string();
                let mut mac = Hmac::<Sha256>::new_from_slice(meta.app_secret.as_bytes()).unwrap();
                mac.update(body.as_bytes());
                let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
                let request = http::Request::post(url).header("x-hub-signature-256", signature);
                let answer = ask(client, request, body).await;
                taken.add_permits(1);
                answer.filter(|(status, _)| *status == 200).map(|_| id)
            }
        });
        // The kill comes while the posts are being answered and worked off.
        let (answers, ()) = tokio::join!(futures_util::future::join_all(posts), async {
            drop(taken.acquire_many(ANSWERS_BEFORE_THE_KILL).await);
            process.kill();
        });
        accepted.extend(answers.into_iter().flatten());
        std::fs::remove_file(dir.path().join("ready.json")).unwrap();
        process = Process::start(dir.path()).await;
    }
    assert!(!accepted.is_empty());

    let base = process.ready.base_url.clone();
    let idle = async {
        for _ in 0..600 {
            let status =
                ask(&client, http::Request::get(format!("{base}/_local/status")), String::new()).await;
            if status.is_some_and(|(_, status)| status["idle"] == true) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    };
    assert!(idle.await, "the stack did not come to rest");
    let key = &process.ready.tenants[0].keys.live_viewer;
    let mut shown: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = http::Request::get(format!("{base}/v1/conversations?limit=100{cursor}"))
            .header("authorization", format!("Bearer {key}"));
        let (status, page) = ask(&client, list, String::new()).await.unwrap();
        assert_eq!(status, 200, "{page}");
        for conversation in page["data"]["items"].as_array().unwrap() {
            let url = format!("{base}/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
            let request = http::Request::get(url).header("authorization", format!("Bearer {key}"));
            let (_, messages) = ask(&client, request, String::new()).await.unwrap();
            let messages = messages["data"]["items"].as_array().unwrap().clone();
            shown.extend(messages.iter().map(|one| one["provider_message_id"].as_str().unwrap().to_owned()));
        }
        match page["data"]["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let once: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(once.len(), shown.len(), "applied twice");
    let lost: Vec<&String> = accepted.difference(&once).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), accepted.len());
}

#[tokio::test]
async fn an_object_that_was_answered_200_is_whole_after_a_kill_and_the_rest_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut process = Process::start(dir.path()).await;
    let object = |process: &Process, n: usize| {
        let endpoint = &process.ready.aws_endpoint_url;
        http::Request::builder()
            .uri(format!("{endpoint}/hadar-local-media-000000000000/in/{n}"))
            .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/me-central-1/s3/aws4_request")
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    };
    let content = |n: usize| format!("{n:07}\n").repeat(8192);
    let puts = (0..200).map(|n| {
        let (client, request) = (&client, object(&process, n).method("PUT"));
        async move { ask(client, request, content(n)).await.filter(|(status, _)| *status == 200).map(|_| n) }
    });
    let (answers, ()) = tokio::join!(futures_util::future::join_all(puts), async {
        tokio::time::sleep(Duration::from_millis(120)).await;
        process.kill();
    });
    let stored: BTreeSet<usize> = answers.into_iter().flatten().collect();
    std::fs::remove_file(dir.path().join("ready.json")).unwrap();
    process = Process::start(dir.path()).await;
    for n in 0..200 {
        let request = object(&process, n).body(Full::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(status == 200 || (status == 404 && !stored.contains(&n)), "{n}: {status}");
        assert!(status == 404 || bytes == content(n), "{n} is not whole");
    }
}
