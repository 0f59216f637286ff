//! A receiver of customer webhooks, as an integrator would build one: it keeps what it gets, checks it, and answers as
//! told.

use crate::{Answer, World, hmac_hex};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where receivers are kept.
pub const ENDPOINTS: &str = "/v1/webhooks/endpoints";
/// Where deliveries are listed.
pub const DELIVERIES: &str = "/v1/webhooks/deliveries";
/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came.
#[derive(Debug, Clone)]
pub struct Got {
    /// The headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Bytes,
}

impl Got {
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers))
    }

    /// The payload.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The type of event.
    #[must_use]
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// The time of the signature, in Unix seconds.
    #[must_use]
    pub fn t(&self) -> u64 {
        let signature = self.header("x-hadar-signature");
        let t = signature.strip_prefix("t=").and_then(|rest| rest.split(',').next()?.parse().ok());
        t.unwrap_or_else(|| panic!("no time in {signature}"))
    }

    /// How many signatures there are, and whether one of them is by this secret over these bytes.
    #[must_use]
    pub fn signed_by(&self, secret: &str) -> (usize, bool) {
        let mut signed = format!("{}.", self.t()).into_bytes();
        signed.extend_from_slice(&self.body);
        let expected = format!("v1={}", hmac_hex(secret, &signed));
        let all: Vec<&str> = self.header("x-hadar-signature").split(',').skip(1).collect();
        (all.len(), all.contains(&expected.as_str()))
    }
}

/// How a receiver answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// How long it takes.
    pub after: Duration,
}

impl Reply {
    /// A status and nothing else.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), after: Duration::ZERO }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[derive(Debug)]
struct Inside {
    got: Vec<Got>,
    next: VecDeque<Reply>,
    then: Reply,
}

/// A receiver on this machine.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where it is.
    pub url: String,
    inside: Arc<Mutex<Inside>>,
}

impl Receiver {
    /// Starts one that takes everything.
    pub async fn start() -> Self {
        let then = Reply::status(204);
        let inside = Arc::new(Mutex::new(Inside { got: Vec::new(), next: VecDeque::new(), then }));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let router = Router::new().fallback(take).with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}/hooks"), inside }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that came.
    #[must_use]
    pub fn got(&self) -> Vec<Got> {
        self.lock().got.clone()
    }

    /// What came of a type.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.kind() == kind).collect()
    }

    /// How it answers from now on.
    pub fn answers(&self, then: Reply) {
        self.lock().then = then;
    }

    /// How it answers next, once.
    pub fn answers_once(&self, reply: Reply) {
        self.lock().next.push_back(reply);
    }

    /// Waits until this many came.
    pub async fn until(&self, count: usize) -> Vec<Got> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let got = self.got();
            if got.len() >= count {
                return got;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} came: {got:?}", got.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn take(State(inside): State<Arc<Mutex<Inside>>>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.got.push(Got { headers, body });
        inside.next.pop_front().unwrap_or_else(|| inside.then.clone())
    };
    tokio::time::sleep(reply.after).await;
    let mut response = reply.body.into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::IM_A_TEAPOT);
    for (name, value) in reply.headers {
        let value = value.parse().unwrap_or_else(|error| panic!("{value}: {error}"));
        response.headers_mut().insert(name, value);
    }
    response
}

impl World {
    /// Sends a request with a key and a JSON body.
    pub async fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string()).await
    }

    /// Registers a receiver for a tenant; its id and its secret.
    pub async fn register(&self, key: &str, url: &str, events: &[&str]) -> (String, String) {
        let made = self.post(ENDPOINTS, key, &json!({"url": url, "events": events})).await;
        assert_eq!(made.status, 201, "{url}: {:?}", made.json());
        let text = |name: &str| made.data()[name].as_str().unwrap_or_default().to_owned();
        (text("id"), text("secret"))
    }
}
