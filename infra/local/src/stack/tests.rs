//! Whole stacks, several in one process.

use crate::{DemoTenant, Options, Ready, Stack, StartError, template};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

async fn ask(method: &str, url: String, body: &str) -> (u16, Value) {
    let client: Client<_, Full<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::from(body.to_owned()))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn refused(options: Options) -> String {
    let said = Stack::start(options).await.map(drop).unwrap_err().to_string();
    assert!(!said.contains('\n'), "one line: {said}");
    said
}

fn kept_in(dir: &Path) -> Options {
    Options { data_dir: Some(dir.to_path_buf()), ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_stacks_run_beside_each_other_and_each_has_three_demo_tenants() {
    let (one, two) = tokio::join!(Stack::start(Options::default()), Stack::start(Options::default()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.ready().base_url, two.ready().base_url);
    for stack in [&one, &two] {
        let tenants = &stack.ready().tenants;
        let shown: Vec<_> = tenants.iter().map(|one| (one.provider.as_str(), one.plan.as_str())).collect();
        assert_eq!(shown, [("meta", "enterprise"), ("dialog360", "growth"), ("ultramsg", "starter")]);
        assert!(
            stack.ready().queues.contains_key("inbound") && stack.ready().queues.contains_key("inbound-dlq")
        );
        for table in ["crm", "consents", "ephemeral"] {
            assert!(stack.ready().tables.contains_key(table), "{table}");
        }
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_keeps_the_demo_tenants_and_serves_one_stack_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = Stack::start(kept_in(dir.path())).await.unwrap();
    let tenants = first.ready().tenants.clone();
    let said = refused(kept_in(dir.path())).await;
    assert!(said.contains("in use by another process"), "{said}");
    first.stop().await;
    let again = Stack::start(kept_in(dir.path())).await.unwrap();
    let keys = |tenants: &[DemoTenant]| {
        tenants.iter().map(|one| (one.id.clone(), one.keys.clone(), one.meta.clone())).collect::<Vec<_>>()
    };
    assert_eq!(keys(&again.ready().tenants), keys(&tenants));
    let variables = std::fs::read_to_string(dir.path().join("demo.env")).unwrap();
    for (name, value) in [("HADAR", &again.ready().base_url), ("META_KEY", &tenants[0].keys.live_admin)] {
        assert!(variables.contains(&format!("export {name}='{value}'\n")), "{variables}");
    }
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_stack_from_starting_is_said_in_one_line() {
    let running = Stack::start(Options { demo: false, ..Options::default() }).await.unwrap();
    let port = running.ready().base_url.rsplit(':').next().unwrap().parse().unwrap();
    let said = refused(Options { port, ..Options::default() }).await;
    assert!(said.starts_with(&format!("cannot listen on 127.0.0.1:{port}: the port is in use")), "{said}");

    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(
        &plain,
        "Resources: {B: {Type: 'AWS::RDS::DBInstance'}}\nParameters: {Stage: {Default: x}}",
    )
    .unwrap();
    let said = refused(kept_in(&plain)).await;
    assert!(said.starts_with("cannot use the data directory"), "{said}");
    let said = refused(Options { template: Some(plain), ..Options::default() }).await;
    assert_eq!(said, "template: B: AWS::RDS::DBInstance is not supported by the local stack");
    let said = refused(Options { template: Some(dir.path().join("none")), ..Options::default() }).await;
    assert!(said.starts_with("cannot read the template"), "{said}");
    let ready_file = Some(dir.path().join("no/ready.json"));
    let failed = Stack::start(Options { ready_file, ..Options::default() }).await;
    assert!(matches!(failed, Err(StartError::File { .. })), "{failed:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_or_a_queue_that_the_template_lacks_is_missing_here() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("template.yaml");
    let whole = template::DEPLOYED;
    std::fs::write(&file, whole.replace("Path: $default", "Path: /v1/only-this")).unwrap();
    let stack = Stack::start(Options { template: Some(file.clone()), ..Options::default() }).await.unwrap();
    let base = &stack.ready().base_url;
    let (status, body) = ask("GET", format!("{base}/nowhere"), "").await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("not_found")));
    stack.stop().await;

    std::fs::write(&file, whole.replace("  InboundDlq:\n", "  OtherDlq:\n")).unwrap();
    let said = refused(Options { template: Some(file), ..Options::default() }).await;
    assert!(
        said.starts_with("template: ") && said.contains("InboundDlq, which is not in the template"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ready_file_is_there_when_the_stack_serves_and_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ready.json");
    std::fs::write(&file, "of an earlier stack").unwrap();
    let stack = Stack::start(Options { ready_file: Some(file.clone()), ..Options::default() }).await.unwrap();
    let written: Ready = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(&written, stack.ready());
    let (status, _) = ask("GET", format!("{}/_local/status", written.base_url), "").await;
    assert_eq!(status, 200);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controls_answer_in_their_own_words_and_refuse_in_the_envelope() {
    let stack = Stack::start(Options { demo: false, ..Options::default() }).await.unwrap();
    let at = |path: &str| format!("{}/_local/{path}", stack.ready().base_url);
    let (status, body) = ask("GET", at("status"), "").await;
    let empty = json!({"visible": 0, "in_flight": 0, "delayed": 0});
    let queues = json!({"inbound": empty, "inbound-dlq": empty, "outbound": empty, "outbound-dlq": empty,
        "deliveries": empty, "deliveries-dlq": empty, "assistant": empty, "assistant-dlq": empty});
    let expected = json!({"idle": true, "queues": queues, "parked": 0});
    assert_eq!((status, body), (200, expected));

    let before = stack.clock().now_ms();
    let (status, body) = ask("PUT", at("clock"), r#"{"advance_seconds": 3600}"#).await;
    assert_eq!(status, 200);
    assert!(body["now"].is_string() && stack.clock().now_ms() >= before + 3_600_000);

    let (status, body) = ask("POST", at("sweep"), "").await;
    assert_eq!((status, &body["sweeper"]["parked"], &body["expired"]), (200, &json!(0), &json!(0)));

    let rules = r#"{"rules":[{"service":"dynamodb","operation":"*","table":"crm","action":"throttle"}]}"#;
    let (status, body) = ask("PUT", at("faults"), rules).await;
    assert_eq!((status, &body["rules"][0]["table"]), (200, &json!("hadar-local-crm")));
    assert_eq!(stack.faults().rules().len(), 1);
    let (status, _) = ask("GET", at("status"), "").await;
    assert_eq!(status, 200, "the status is told even then");
    ask("PUT", at("faults"), r#"{"rules":[]}"#).await;
    assert!(stack.faults().rules().is_empty());

    for (method, path, body, status, code) in [
        ("PUT", "clock", r#"{"advance_seconds": -1}"#, 400, "validation_error"),
        ("PUT", "clock", r#"{"seconds": 1}"#, 400, "validation_error"),
        (
            "PUT",
            "faults",
            r#"{"rules":[{"service": "rds","operation":"*","action":"error"}]}"#,
            400,
            "validation_error",
        ),
        ("GET", "sweep", "", 405, "method_not_allowed"),
        ("GET", "other", "", 404, "not_found"),
    ] {
        let (answered, said) = ask(method, at(path), body).await;
        assert_eq!((answered, &said["error"]["code"]), (status, &json!(code)), "{method} {path} {body}");
        assert!(said["data"].is_null() && said["error"]["trace_id"].is_string(), "{said}");
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_api_gateway_would_not_let_through_stops_at_the_front() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let url = &stack.ready().tenants[0].webhook_url;
    let (status, body) = ask("POST", url.clone(), &"x".repeat(10 * 1024 * 1024 + 1)).await;
    assert_eq!((status, &body["error"]["code"]), (413, &json!("payload_too_large")));
    let (status, body) = ask("GET", format!("{url}?token={}", "x".repeat(10_240)), "").await;
    assert_eq!((status, &body["error"]["code"]), (431, &json!("payload_too_large")));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_stack_is_idle_and_a_dropped_one_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::start(kept_in(dir.path())).await.unwrap();
    assert!(stack.wait_idle(SOON).await);
    assert_eq!(stack.kill_invocations("processor"), 0);
    drop(stack);
    // The tasks of a dropped stack end when the runtime next looks at them.
    for _ in 0..100 {
        match Stack::start(kept_in(dir.path())).await {
            Ok(again) => return again.stop().await,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the data directory was never free again");
}
