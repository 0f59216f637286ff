//! A running stack and a client for it.

use std::path::Path;

use bytes::Bytes;
use embedded_aws::{EmbeddedAws, Faults, Options, StackClock};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A stack on a free port.
pub(crate) struct Stack {
    pub(crate) aws: EmbeddedAws,
    pub(crate) clock: StackClock,
    pub(crate) faults: Faults,
    pub(crate) base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// What came back from S3.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Plain {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Reply {
    /// The error's name without its namespace.
    pub(crate) fn kind(&self) -> &str {
        let kind = self.body["__type"].as_str().unwrap_or_default();
        kind.rsplit('#').next().unwrap()
    }
}

impl Stack {
    pub(crate) async fn memory() -> Self {
        Self::start(None).await
    }

    pub(crate) async fn on(dir: &Path) -> Self {
        Self::start(Some(dir)).await
    }

    async fn start(dir: Option<&Path>) -> Self {
        let options = Options { data_dir: dir.map(Path::to_path_buf), ..Options::default() };
        let (clock, faults) = (options.clock.clone(), options.faults.clone());
        let aws = EmbeddedAws::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(aws.clone().serve(listener, async {
            stopped.await.unwrap();
        }));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { aws, clock, faults, base, client, stop: Some(stop), served }
    }

    /// Stops as Ctrl-C does, and frees the data directory.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.served).await.unwrap();
    }

    /// Calls an operation; `None` when the connection was closed without an answer.
    pub(crate) async fn try_call(&self, target: &str, body: Value) -> Option<Reply> {
        let request = Request::post(&self.base)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("user-agent", "thin/1 hadar/sender")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=x")
            .body(Full::from(body.to_string()))
            .unwrap();
        self.exchange(request).await
    }

    pub(crate) async fn call(&self, target: &str, body: Value) -> Reply {
        self.try_call(target, body).await.unwrap()
    }

    /// Calls an operation that must succeed.
    pub(crate) async fn ok(&self, target: &str, body: Value) -> Value {
        let reply = self.call(target, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{target}: {}", reply.body);
        reply.body
    }

    /// A bare request, without signature or target.
    pub(crate) async fn bare(&self, method: Method, path: &str, signed: bool) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if signed {
            request = request.header("authorization", "AWS4-HMAC-SHA256 Credential=x");
        }
        self.exchange(request.body(Full::default()).unwrap()).await.unwrap()
    }

    /// A request to S3, signed in its header; `None` when the connection was closed without an answer.
    pub(crate) async fn try_s3(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static [u8],
    ) -> Option<Plain> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !path.contains("X-Amz-Signature") {
            let scope = "AWS4-HMAC-SHA256 Credential=x/20260101/me-central-1/s3/aws4_request, Signature=x";
            request = request.header("authorization", scope);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(Bytes::from_static(body))).unwrap();
        let (parts, body) = self.client.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Plain { status: parts.status, headers: parts.headers, body })
    }

    pub(crate) async fn s3(&self, method: Method, path: &str) -> Plain {
        self.try_s3(method, path, &[], b"").await.unwrap()
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Option<Reply> {
        let (parts, body) = self.client.request(request).await.ok()?.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Some(Reply { status: parts.status, headers: parts.headers, body })
    }

    /// Creates a queue and gives its URL.
    pub(crate) async fn queue(&self, name: &str, attributes: Value) -> String {
        let created =
            self.ok("AmazonSQS.CreateQueue", json!({ "QueueName": name, "Attributes": attributes })).await;
        created["QueueUrl"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, url: &str, body: &str) -> Value {
        self.ok("AmazonSQS.SendMessage", json!({ "QueueUrl": url, "MessageBody": body })).await
    }

    /// Receives up to ten messages with everything about them.
    pub(crate) async fn receive(&self, url: &str, wait: u32) -> Vec<Value> {
        let reply = self
            .ok(
                "AmazonSQS.ReceiveMessage",
                json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait,
                        "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"] }),
            )
            .await;
        reply["Messages"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) async fn depth(&self, name: &str) -> (u64, u64, u64) {
        let aws = self.aws.clone();
        let depths = tokio::task::spawn_blocking(move || aws.queue_depths()).await.unwrap();
        let depth = depths.into_iter().find(|depth| depth.name == name).unwrap();
        (depth.visible, depth.in_flight, depth.delayed)
    }
}

pub(crate) fn receipt(message: &Value) -> &str {
    message["ReceiptHandle"].as_str().unwrap()
}
