//! The simulated providers and the stack, each through the other's front door.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers may panic")]

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::{DemoTenant, Options, Stack};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let client: Client<_, Full<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request =
        http::Request::builder().method(method).uri(url).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let response = client.request(request.body(Full::from(text)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn conversations(stack: &Stack, tenant: &DemoTenant) -> Vec<Value> {
    let url = format!("{}/v1/conversations", stack.ready().base_url);
    let key = format!("Bearer {}", tenant.keys.live_viewer);
    let (status, body) = ask("GET", &url, &[("authorization", &key)], &Value::Null).await;
    assert_eq!(status, 200, "{body}");
    body["data"]["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_writes_through_the_simulator_is_a_conversation_for_each_provider() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let sim = stack.ready().sim_url.clone();
    for tenant in &stack.ready().tenants {
        let url = format!("{sim}/customers/+971501234567/messages");
        let said =
            json!({"tenant_id": tenant.id, "text": "مرحبا، هل الشقة متاحة؟", "name": "Layla", "copies": 2});
        let (status, told) = ask("POST", &url, &[], &said).await;
        assert_eq!((status, &told["answers"]), (200, &json!([200, 200])), "{}: {told}", tenant.provider);
        assert!(stack.wait_idle(SOON).await);
        let found = conversations(&stack, tenant).await;
        assert_eq!(found.len(), 1, "{}: {found:?}", tenant.provider);
        assert_eq!(found[0]["window"]["open"], true, "{}: {found:?}", tenant.provider);
        assert_eq!(found[0]["language"], "ar", "{}: {found:?}", tenant.provider);
        assert_eq!(found[0]["contact"]["phone"], "+971501234567", "{}: {found:?}", tenant.provider);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_message_that_a_customer_can_send_is_understood() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let common = [
        json!({"text": "Hello"}),
        json!({"kind": "image", "caption": "The view"}),
        json!({"kind": "audio"}),
        json!({"kind": "voice", "transcript": "I will come at five"}),
        json!({"kind": "video"}),
        json!({"kind": "document", "filename": "passport.pdf"}),
        json!({"kind": "sticker"}),
        json!({"kind": "location", "latitude": 25.1, "longitude": 55.2, "place": "Marina Gate"}),
        json!({"kind": "contacts"}),
    ];
    let cloud = [
        json!({"kind": "button_reply", "id": "yes", "title": "Yes"}),
        json!({"kind": "list_reply", "id": "row-1", "title": "Two bedrooms", "description": "From 95,000"}),
        json!({"kind": "template_button", "text": "Stop", "payload": "STOP"}),
        json!({"kind": "unsupported"}),
    ];
    for tenant in &stack.ready().tenants {
        let has_buttons = tenant.provider != "ultramsg";
        let all: Vec<_> = common.iter().chain(cloud.iter().filter(|_| has_buttons)).cloned().collect();
        let body = json!({"tenant_id": tenant.id, "messages": all, "shuffle": true});
        let told = stack.simulator().customer_writes("971501112233", body).await.unwrap();
        assert!(told["answers"].as_array().unwrap().iter().all(|status| status == 200), "{told}");
        assert!(stack.wait_idle(SOON).await);
        let id = conversations(&stack, tenant).await[0]["id"].as_str().unwrap().to_owned();
        let url = format!("{}/v1/conversations/{id}/messages?limit=100", stack.ready().base_url);
        let key = format!("Bearer {}", tenant.keys.live_viewer);
        let (_, body) = ask("GET", &url, &[("authorization", &key)], &Value::Null).await;
        // Who presses "Stop" is answered, once.
        let shown = body["data"]["items"].as_array().unwrap();
        let (heard, said): (Vec<&Value>, _) = shown.iter().partition(|one| one["direction"] == "inbound");
        let stopped = usize::from(has_buttons);
        assert_eq!((heard.len(), said.len()), (all.len(), stopped), "{}: {body}", tenant.provider);
        let (_, status) =
            ask("GET", &format!("{}/_local/status", stack.ready().base_url), &[], &Value::Null).await;
        assert_eq!(status["parked"], 0, "{}: nothing was unreadable", tenant.provider);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_posted_by_hand_opens_the_window_at_the_provider_as_well() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let tenant = stack.ready().tenants.iter().find(|tenant| tenant.provider == "dialog360").unwrap();
    let keys = tenant.dialog360.as_ref().unwrap();
    let send = json!({"messaging_product": "whatsapp", "to": "971507654321", "type": "text", "text": {"body": "Hi"}});
    let messages = format!("{}/360dialog/messages", stack.ready().sim_url);
    let key = [("d360-api-key", keys.api_key.as_str())];
    let (status, refused) = ask("POST", &messages, &key, &send).await;
    assert_eq!((status, &refused["error"]["code"]), (400, &json!(131_047)), "{refused}");

    let now = stack.clock().now_ms() / 1000;
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages",
        "value": {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "5"},
            "contacts": [{"wa_id": "971507654321", "profile": {"name": "Omar"}}],
            "messages": [{"from": "971507654321", "id": "wamid.HAND1", "timestamp": now.to_string(), "type": "text",
                "text": {"body": "Hello"}}]}}]}]});
    let url = format!("{}?token={}", tenant.webhook_url, keys.webhook_token);
    assert_eq!(ask("POST", &url, &[], &body).await.0, 200);
    let (status, sent) = ask("POST", &messages, &key, &send).await;
    assert_eq!(status, 200, "{sent}");
    stack.clock().advance(Duration::from_secs(24 * 3600));
    assert_eq!(ask("POST", &messages, &key, &send).await.0, 400, "a day later it is closed");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_idle_when_the_statuses_of_what_was_sent_have_come() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let tenant = stack.ready().tenants.iter().find(|tenant| tenant.provider == "dialog360").unwrap();
    let keys = tenant.dialog360.as_ref().unwrap();
    stack
        .simulator()
        .behave(json!({"open_window": ["+971507654321"], "statuses": {"delay_ms": 50}}))
        .await
        .unwrap();
    let send = json!({"messaging_product": "whatsapp", "to": "971507654321", "type": "text", "text": {"body": "Hi"},
        "biz_opaque_callback_data": "msg_1.1"});
    let messages = format!("{}/360dialog/messages", stack.ready().sim_url);
    let (status, sent) = ask("POST", &messages, &[("d360-api-key", keys.api_key.as_str())], &send).await;
    assert_eq!(status, 200, "{sent}");
    assert!(!stack.status().await.idle, "the statuses are on their way");
    assert!(stack.wait_idle(SOON).await);
    let noted = stack.simulator().sent();
    assert_eq!(noted.len(), 1);
    assert!(
        noted[0].accepted && noted[0].headers_ok && noted[0].to.as_deref() == Some("971507654321"),
        "{noted:?}"
    );
    assert_eq!(noted[0].tenant_id.as_deref(), Some(tenant.id.as_str()));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faults_of_the_stack_act_on_the_providers() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let base = &stack.ready().base_url;
    let rules = json!({"rules": [
        {"service": "provider", "operation": "send", "action": "error", "status": 503, "times": 1},
        {"service": "llm", "operation": "*", "action": "throttle"},
    ]});
    assert_eq!(ask("PUT", &format!("{base}/_local/faults"), &[], &rules).await.0, 200);
    let tenant = stack.ready().tenants.iter().find(|tenant| tenant.provider == "meta").unwrap();
    let meta = tenant.meta.as_ref().unwrap();
    let bearer = format!("Bearer {}", meta.token);
    let url = format!("{}/graph/v26.0/{}/messages", stack.ready().sim_url, meta.phone_number_id);
    let send = json!({"messaging_product": "whatsapp", "to": "971507654321", "type": "template",
        "template": {"name": "office_hours", "language": {"code": "ar"}}});
    let (status, body) = ask("POST", &url, &[("authorization", &bearer)], &send).await;
    assert_eq!((status, &body["error"]["code"]), (503, &json!(131_000)), "{body}");
    let (status, body) = ask("POST", &url, &[("authorization", &bearer)], &send).await;
    assert_eq!((status, &body["messages"][0]["message_status"]), (200, &json!("accepted")), "{body}");
    let (status, _) =
        ask("GET", &format!("{}/llm/v1/models", stack.ready().sim_url), &[], &Value::Null).await;
    assert_eq!(status, 429);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let kept = || Options { data_dir: Some(dir.path().to_path_buf()), ..Options::default() };
    let first = Stack::start(kept()).await.unwrap();
    let tenant = first.ready().tenants.iter().find(|tenant| tenant.provider == "dialog360").unwrap().clone();
    let body = json!({"tenant_id": tenant.id, "text": "Hello"});
    first.simulator().customer_writes("+971507654321", body).await.unwrap();
    first.stop().await;
    let again = Stack::start(kept()).await.unwrap();
    let send = json!({"messaging_product": "whatsapp", "to": "971507654321", "type": "text", "text": {"body": "Hi"}});
    let key = tenant.dialog360.unwrap().api_key;
    let url = format!("{}/360dialog/messages", again.ready().sim_url);
    let (status, sent) = ask("POST", &url, &[("d360-api-key", &key)], &send).await;
    assert_eq!(status, 200, "{sent}");
    assert!(again.wait_idle(SOON).await);
    again.stop().await;
}
