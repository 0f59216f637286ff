//! A stack with its demo tenants and a client.

use crate::bodies::MetaBody;
use bytes::Bytes;
use domain::redacted::Redacted;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local::{DemoTenant, Options, Stack};
use platform::Platform;
use platform::aws::{Aws, Effort, Service};
use platform::clock::SystemClock;
use platform::config::{AwsConfig, Config, PROVIDER_TIMEOUT, ProviderRoots};
use serde_json::Value;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;

/// How long a test waits for the stack to come to rest before it gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer of the front door.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Bytes,
}

impl Answer {
    /// The body as JSON; `null` when it is something else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// `data` of the envelope.
    #[must_use]
    pub fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    /// `data.items`.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        self.data()["items"].as_array().cloned().unwrap_or_default()
    }

    /// `error.code`.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A running stack.
#[derive(Debug)]
pub struct World {
    /// The stack.
    pub stack: Stack,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl World {
    /// Starts a stack that keeps nothing, with the demo tenants, on a free port.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a stack.
    pub async fn start_with(options: Options) -> Self {
        let stack = match Stack::start(options).await {
            Ok(stack) => stack,
            Err(error) => panic!("the stack did not start: {error}"),
        };
        Self { stack, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// The demo tenant of a provider.
    #[must_use]
    pub fn tenant(&self, provider: &str) -> DemoTenant {
        let found = self.stack.ready().tenants.iter().find(|tenant| tenant.provider == provider);
        found.cloned().unwrap_or_else(|| panic!("no demo tenant for {provider}"))
    }

    /// A body for the Meta tenant's number.
    #[must_use]
    pub fn meta_body(&self) -> MetaBody {
        let meta = self.tenant("meta").meta.unwrap_or_else(|| panic!("the Meta tenant has no number"));
        MetaBody::of(&meta.phone_number_id, &meta.waba_id)
    }

    /// Sends a request.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let uri = format!("{}{path}", self.stack.ready().base_url);
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap_or_else(|error| panic!("{path}: {error}"));
        let response = self.client.request(request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    /// Reads with a key.
    pub async fn get(&self, path: &str, key: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {key}"))], "").await
    }

    /// Writes with a key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
        self.send("POST", path, &headers, body.to_string()).await
    }

    /// Posts a body to the Meta tenant as Meta would: signed over these bytes.
    pub async fn from_meta(&self, body: impl AsRef<[u8]>) -> Answer {
        let tenant = self.tenant("meta");
        let secret = tenant.meta.as_ref().map(|meta| meta.app_secret.clone()).unwrap_or_default();
        let signature = format!("sha256={}", hmac_hex(&secret, body.as_ref()));
        let path = format!("/v1/webhooks/whatsapp/{}", tenant.id);
        let headers = [("x-hub-signature-256", signature.as_str()), ("content-type", "application/json")];
        self.send("POST", &path, &headers, body.as_ref().to_vec()).await
    }

    /// Posts a body to the 360dialog tenant with its token in the URL.
    pub async fn from_dialog360(&self, body: impl AsRef<[u8]>) -> Answer {
        let tenant = self.tenant("dialog360");
        let token = tenant.dialog360.as_ref().map(|one| one.webhook_token.clone()).unwrap_or_default();
        let path = format!("/v1/webhooks/whatsapp/{}?token={token}", tenant.id);
        self.send("POST", &path, &[("content-type", "application/json")], body.as_ref().to_vec()).await
    }

    /// Posts a body to the UltraMsg tenant with its token in the path.
    pub async fn from_ultramsg(&self, body: impl AsRef<[u8]>) -> Answer {
        let tenant = self.tenant("ultramsg");
        let token = tenant.ultramsg.as_ref().map(|one| one.webhook_token.clone()).unwrap_or_default();
        let path = format!("/v1/webhooks/whatsapp/{}/{token}", tenant.id);
        self.send("POST", &path, &[("content-type", "application/json")], body.as_ref().to_vec()).await
    }

    /// The configuration a function of this stack would have.
    #[must_use]
    pub fn config(&self) -> Config {
        let ready = self.stack.ready();
        Config {
            stage: "test".to_owned(),
            function: "e2e".to_owned(),
            aws: AwsConfig {
                region: "me-central-1".to_owned(),
                endpoint_url: Some(ready.aws_endpoint_url.clone()),
                ca_bundle: None,
                access_key_id: "test".to_owned(),
                secret_access_key: Redacted::new("test".to_owned()),
                session_token: None,
            },
            crm_table: ready.tables["crm"].clone(),
            consents_table: ready.tables["consents"].clone(),
            ephemeral_table: ready.tables["ephemeral"].clone(),
            inbound_queue_url: ready.queues["inbound"].clone(),
            tokens_key_id: "alias/hadar-local-tokens".to_owned(),
            platform_secret_id: "unused".to_owned(),
            single_tenant: None,
            outbound_queue_url: ready.queues.get("outbound").cloned().unwrap_or_default(),
            deliveries_queue_url: ready.queues.get("deliveries").cloned().unwrap_or_default(),
            assistant_queue_url: ready.queues.get("assistant").cloned().unwrap_or_default(),
            llm_url: String::new(),
            allow_loopback_endpoints: false,
            media_bucket: "hadar-local-media-000000000000".to_owned(),
            audit_bucket: "hadar-local-audit-000000000000".to_owned(),
            audit_key_id: "alias/hadar-local-audit".to_owned(),
            providers: ProviderRoots::default(),
            public_url: String::new(),
            dialog360_probe_path: "/health_status".to_owned(),
            provider_timeout: PROVIDER_TIMEOUT,
        }
    }

    /// The parts that a function of this stack would have.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform::new(&self.config(), Arc::new(SystemClock)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Calls an AWS service of the stack through the production client; answers its JSON.
    pub async fn aws(&self, service: Service, operation: &'static str, input: &Value) -> Value {
        let aws = Aws::new(&self.config().aws, "e2e").unwrap_or_else(|error| panic!("{error}"));
        let answer = aws.call(service, operation, input, Effort::Once).await;
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Waits until nothing is queued, delayed or running.
    pub async fn settled(&self) {
        assert!(self.stack.wait_idle(PATIENCE).await, "the stack did not come to rest");
    }

    /// The stack's time in Unix seconds.
    #[must_use]
    pub fn now_s(&self) -> u64 {
        u64::try_from(self.stack.clock().now_ms() / 1000).unwrap_or_default()
    }

    /// Every page of a list.
    pub async fn all(&self, path: &str, key: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let answer = self.get(&format!("{path}{join}limit=100{cursor}"), key).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.json());
            items.extend(answer.items());
            match answer.data()["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

/// HMAC-SHA256 in lower-case hex.
#[must_use]
pub fn hmac_hex(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
