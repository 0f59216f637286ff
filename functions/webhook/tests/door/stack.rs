//! A webhook on embedded AWS services, and the tenants and secrets it finds there.

use domain::ids::{TenantId, derived_ulid};
use domain::provider::Provider;
use domain::tenant::Number;
use domain::time::Millis;
use embedded_aws::faults::Rule;
use embedded_aws::{EmbeddedAws, Faults, Options, StackClock};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use platform::Platform;
use platform::aws::{Aws, Effort, Service};
use platform::clock::Clock;
use platform::config::Config;
use platform::dynamo::{About, Integration};
use platform::queue::inbound::InboundEnvelope;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use webhook::Webhook;
use webhook::answer::Answer;
use webhook::request::{Headers, Request};

#[derive(Debug)]
struct StackTime(StackClock);

impl Clock for StackTime {
    fn now(&self) -> Millis {
        Millis::from_unix_ms(u64::try_from(self.0.now_ms()).unwrap())
    }
}

pub(crate) struct Stack {
    pub(crate) webhook: Webhook,
    pub(crate) platform: Platform,
    client: Aws,
    clock: StackClock,
    faults: Faults,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::from_ulid(derived_ulid(1_700_000_000_000, &[name]))
}

pub(crate) fn hub_signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hmac(secret, body))
}

pub(crate) fn hmac(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// A request, from parts.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) query: &'a str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Stack {
    pub(crate) async fn start(single_tenant: Option<TenantId>) -> Self {
        let (clock, faults) = (StackClock::new(), Faults::new());
        let options = Options { clock: clock.clone(), faults: faults.clone(), ..Options::default() };
        let aws = EmbeddedAws::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(aws.serve(listener, std::future::pending()));

        let variables = |queue: &str, key: &str| {
            let single = single_tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
            BTreeMap::from([
                ("AWS_REGION", "me-central-1".to_owned()),
                ("AWS_ENDPOINT_URL", endpoint.clone()),
                ("AWS_ACCESS_KEY_ID", "test".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
                ("HADAR_CRM_TABLE", "crm".to_owned()),
                ("HADAR_EPHEMERAL_TABLE", "ephemeral".to_owned()),
                ("HADAR_INBOUND_QUEUE_URL", queue.to_owned()),
                ("HADAR_TOKENS_KEY_ID", key.to_owned()),
                ("HADAR_PLATFORM_SECRET_ID", "platform".to_owned()),
                ("HADAR_SINGLE_TENANT_ID", single),
            ])
        };
        let config = |variables: BTreeMap<&str, String>| {
            Config::from_lookup(|name| variables.get(name).cloned()).unwrap()
        };
        let client = Aws::new(&config(variables("", "")).aws, "tests").unwrap();
        let call = async |service, operation, input: Value| {
            client.call::<_, Value>(service, operation, &input, Effort::Standard).await.unwrap()
        };
        call(
            Service::DynamoDb,
            "CreateTable",
            json!({"TableName": "crm", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}),
        )
        .await;
        let queue = call(Service::Sqs, "CreateQueue", json!({"QueueName": "inbound"})).await;
        let key = call(Service::Kms, "CreateKey", json!({})).await;
        let secret = json!({"meta_app_secret": "platform-app", "meta_verify_token": "platform-verify",
            "dialog360_platform_secret": "partner"});
        let secret = json!({"Name": "platform", "SecretString": secret.to_string(),
            "ClientRequestToken": "00000000-0000-4000-8000-000000000001"});
        call(Service::SecretsManager, "CreateSecret", secret).await;

        let url = queue["QueueUrl"].as_str().unwrap();
        let config = config(variables(url, key["KeyMetadata"]["KeyId"].as_str().unwrap()));
        let platform = Platform::new(&config, Arc::new(StackTime(clock.clone()))).unwrap();
        Self { webhook: Webhook::new(platform.clone()), platform, client, clock, faults }
    }

    /// Connects a number with these secrets.
    pub(crate) async fn connect(&self, tenant: TenantId, provider: Provider, secrets: &[(&str, &str)]) {
        let number = Number {
            provider,
            phone_number_id: Some("1".into()),
            waba_id: None,
            instance_id: Some("2".into()),
        };
        let mut integration = Integration {
            number,
            status: "live".into(),
            broken_reason: None,
            sealed: BTreeMap::new(),
            versions: BTreeMap::new(),
            revision: 0,
            about: About::default(),
        };
        let place = integration.sort_key();
        for (name, secret) in secrets {
            let field = format!("{place}|{name}");
            let sealed =
                self.platform.vault.seal(tenant, "integration", &field, secret.as_bytes()).await.unwrap();
            integration.sealed.insert((*name).to_owned(), sealed.to_string());
        }
        self.platform.store.save_integration(tenant, &integration).await.unwrap();
    }

    pub(crate) async fn rotate_platform_secret(&self, secret: Value, token: &str) {
        let input =
            json!({"SecretId": "platform", "SecretString": secret.to_string(), "ClientRequestToken": token});
        let put =
            self.client.call::<_, Value>(Service::SecretsManager, "PutSecretValue", &input, Effort::Once);
        put.await.unwrap();
    }

    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &ask.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let answer = self.webhook.handle(Request {
            method: ask.method,
            path: &ask.path,
            query: ask.query,
            headers: Headers::from_map(&headers),
            body: ask.body.as_slice().into(),
        });
        let answer = answer.await;
        assert!(answer.headers.contains(&("x-content-type-options", "nosniff".into())));
        assert_eq!(answer.headers.iter().filter(|(name, _)| *name == "x-trace-id").count(), 1);
        answer
    }

    pub(crate) async fn post(&self, path: String, headers: &[(&'static str, String)], body: &[u8]) -> Answer {
        let ask = Ask { method: "POST", path, query: "", headers: headers.to_vec(), body: body.to_vec() };
        self.ask(&ask).await
    }

    pub(crate) async fn get(&self, path: String, query: &str) -> Answer {
        self.ask(&Ask { method: "GET", path, query, headers: vec![], body: vec![] }).await
    }

    /// Takes everything out of the queue: provider, strength, trace id and body of each message.
    pub(crate) async fn queued(&self) -> Vec<(Provider, String, String, Vec<u8>)> {
        let mut all = Vec::new();
        loop {
            let received = self.platform.inbound.receive(10, 0).await.unwrap();
            if received.is_empty() {
                return all;
            }
            for message in &received {
                let envelope = InboundEnvelope::parse(&message.body).unwrap();
                let strength = serde_json::to_value(envelope.auth_strength).unwrap();
                let body = envelope.body.decode().unwrap().into_owned();
                let strength = strength.as_str().unwrap().to_owned();
                all.push((envelope.provider, strength, envelope.trace_id.to_string(), body));
            }
            let receipts: Vec<_> = received.into_iter().map(|message| message.receipt).collect();
            self.platform.inbound.delete_batch(&receipts).await.unwrap();
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn fault(&self, rule: Value) {
        self.faults.set(vec![serde_json::from_value::<Rule>(rule).unwrap()]);
    }

    pub(crate) fn heal(&self) {
        self.faults.set(vec![]);
    }
}

pub(crate) fn path(tenant: TenantId) -> String {
    format!("/v1/webhooks/whatsapp/{tenant}")
}
