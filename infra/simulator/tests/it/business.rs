//! A business with a number on each provider: it records the webhooks it gets and calls the providers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::routing::get;
use http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use simulator::{Account, Provider, Setup, Simulator, faults};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// Where the clock stands at first: 2026-11-20T08:00:00Z.
pub(crate) const START: i64 = 1_795_161_600_000;
pub(crate) const CUSTOMER: &str = "971501234567";
pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const WABA: &str = "102290129340398";
pub(crate) const TOKEN: &str = "EAAdemo";

/// A webhook as it came.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Posted {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The first status of a Meta webhook.
    pub(crate) fn status(&self) -> Value {
        self.json()["entry"][0]["changes"][0]["value"]["statuses"][0].clone()
    }
}

#[derive(Clone)]
pub(crate) struct Business {
    pub(crate) sim: Simulator,
    pub(crate) root: String,
    pub(crate) clock: Arc<AtomicI64>,
    /// What webhooks are answered with.
    pub(crate) answer: Arc<AtomicU16>,
    posted: Arc<Mutex<Vec<Posted>>>,
    http: reqwest::Client,
}

impl Business {
    pub(crate) async fn start() -> Self {
        // Whoever comes second finds the provider of the first, which is the same.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(AtomicI64::new(START));
        let account = |tenant: &str, provider| Account {
            tenant_id: tenant.into(),
            webhook_url: format!("/hooks/{tenant}"),
            provider,
        };
        let sim = Simulator::new(Setup {
            accounts: vec![
                account("tnt_m", meta()),
                account(
                    "tnt_d",
                    Provider::Dialog360 { api_key: "d360".into(), webhook_token: "hook-d".into() },
                ),
                account(
                    "tnt_u",
                    Provider::Ultramsg {
                        instance_id: "41580".into(),
                        token: "um-token".into(),
                        webhook_token: "hook-u".into(),
                    },
                ),
            ],
            front_url: front.clone(),
            clock: {
                let clock = clock.clone();
                Arc::new(move || clock.load(Ordering::Relaxed))
            },
            faults: Arc::new(|_| faults::Verdict::default()),
            memory: None,
        })
        .unwrap();
        let business = Self {
            sim: sim.clone(),
            root: format!("{front}/_sim"),
            clock,
            answer: Arc::new(AtomicU16::new(200)),
            posted: Arc::default(),
            http: reqwest::Client::builder().retry(reqwest::retry::never()).no_proxy().build().unwrap(),
        };
        let hooks =
            Router::new().route("/hooks/{tenant}", get(challenge).post(post)).with_state(business.clone());
        let router = Router::new().nest("/_sim", sim.router()).merge(hooks);
        tokio::spawn(async move { axum::serve(listener, router).await });
        business
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Waits until nothing is on its way, and gives every webhook so far.
    pub(crate) async fn posted(&self) -> Vec<Posted> {
        let idle = async {
            while !self.sim.idle() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), idle).await.unwrap();
        self.posted.lock().unwrap().clone()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.root))
    }

    /// A call of the Graph API with the right token.
    pub(crate) fn graph(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, &format!("/graph/v26.0/{path}"))
            .header("authorization", format!("Bearer {TOKEN}"))
    }

    /// Sends a message through Meta.
    pub(crate) async fn send(&self, body: &Value) -> (u16, Value) {
        answered(self.graph("POST", &format!("{NUMBER}/messages")), body).await
    }

    /// Lets the business write freely to the customer.
    pub(crate) async fn open_window(&self) {
        self.sim.behave(json!({"open_window": [CUSTOMER]})).await.unwrap();
    }

    /// A customer writes to the number of a tenant.
    pub(crate) async fn customer(&self, body: Value) -> Value {
        self.sim.customer_writes(CUSTOMER, body).await.unwrap()
    }
}

pub(crate) fn meta() -> Provider {
    Provider::Meta {
        app_secret: "s3cret".into(),
        verify_token: "verify".into(),
        phone_number_id: NUMBER.into(),
        waba_id: WABA.into(),
        token: TOKEN.into(),
    }
}

/// A body posted as JSON, and the answer.
pub(crate) async fn answered(request: reqwest::RequestBuilder, body: &Value) -> (u16, Value) {
    read(request.header("content-type", "application/json").body(body.to_string())).await
}

/// A request without a body, and the answer.
pub(crate) async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A text to the customer.
pub(crate) fn text(body: &str) -> Value {
    json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "text", "text": {"body": body},
        "biz_opaque_callback_data": "msg_1.7"})
}

async fn post(State(business): State<Business>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> StatusCode {
    business.posted.lock().unwrap().push(Posted { uri, headers, bytes });
    StatusCode::from_u16(business.answer.load(Ordering::Relaxed)).unwrap()
}

async fn challenge(Query(query): Query<HashMap<String, String>>) -> (StatusCode, String) {
    match (query.get("hub.verify_token").map(String::as_str), query.get("hub.challenge")) {
        (Some("verify"), Some(challenge)) => (StatusCode::OK, challenge.clone()),
        _ => (StatusCode::FORBIDDEN, String::new()),
    }
}
