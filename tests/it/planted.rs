//! Secrets and people planted through the API, and then looked for wherever something stays behind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::tenant::Plan;
use e2e::desk::{MESSAGES, text_of};
use e2e::receiver::{Receiver, Reply};
use e2e::{Answer, Shop, World};
use local::{Account, Options, SimulatedProvider};
use platform::aws::Service;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// In every planted text, so that the log of other tests is not kept.
const MARK: &str = "kanari";
const CUSTOMER: &str = "971505557731";
const NAME: &str = "Kanariname kanari20";
const TEXT: &str = "kanari21 wants a sea view";

/// The lines logged by this process that hold something planted.
static LOGGED: Mutex<(usize, Vec<String>)> = Mutex::new((0, Vec::new()));

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        logged.0 += 1;
        if text.to_lowercase().contains(MARK) || text.contains(CUSTOMER) {
            logged.1.push(text.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Planted<'w> {
    shop: Shop<'w>,
    /// What is behind UltraMsg's webhook address.
    url_secret: String,
    /// What must lie nowhere.
    secrets: Vec<String>,
}

impl Planted<'_> {
    fn takes_note(&mut self, answer: &Answer) {
        let data = answer.data();
        let shown = data["shown_once"].as_object().cloned().unwrap_or_default();
        self.secrets.extend(shown.values().filter_map(Value::as_str).map(str::to_owned));
        for name in ["secret", "key", "token"] {
            self.secrets.extend(data[name].as_str().map(str::to_owned));
        }
    }

    /// Opens an account with these secrets at a provider and connects it.
    async fn connects(&mut self, name: &str, provider: SimulatedProvider, body: Value) {
        self.shop.world.stack.simulator().connect(Account {
            tenant_id: self.shop.id.clone(),
            webhook_url: format!("/v1/webhooks/whatsapp/{}", self.shop.id),
            provider,
        });
        let answer = self.shop.put(name, &body).await;
        assert_eq!(answer.status, 201, "{name}: {:?}", answer.json());
        for secret in ["access_token", "app_secret", "verify_token", "api_key", "webhook_secret", "token"] {
            self.secrets.extend(body[secret].as_str().map(str::to_owned));
        }
        self.takes_note(&answer);
    }

    async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let answer = self.shop.world.post(path, &self.shop.admin, body).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.json());
        self.takes_note(&answer);
        answer
    }

    async fn hears(&self, provider: &str, said: Value) {
        self.shop.world.advance(1).await;
        let mut body = json!({"tenant_id": self.shop.id, "provider": provider, "name": NAME});
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        self.shop.world.stack.simulator().customer_writes(CUSTOMER, body).await.unwrap();
        self.shop.world.settled().await;
    }

    /// Connections, keys, receivers and their rotations.
    async fn settles_in(&mut self, receiver: &Receiver) {
        let text = |text: &str| text.to_owned();
        let (phone_number_id, waba_id) = (text("20018800001"), text("20028800001"));
        let (token, app_secret) = (text("EAAkanari01token"), text("kanari02appsecret"));
        let body = json!({"phone_number_id": phone_number_id, "waba_id": waba_id, "access_token": token,
            "app_secret": app_secret, "verify_token": "kanari03verifytoken"});
        let verify_token = text("kanari03verifytoken");
        let meta = SimulatedProvider::Meta { app_secret, verify_token, phone_number_id, waba_id, token };
        self.connects("meta", meta, body).await;
        let api_key = text("kanari04d360key");
        let body = json!({"api_key": api_key, "webhook_secret": "kanari05webhooksecret0"});
        let dialog360 = SimulatedProvider::Dialog360 { api_key, webhook_token: String::new() };
        self.connects("dialog360", dialog360, body).await;
        let (instance_id, token) = (text("30018800001"), text("kanari06ultratoken"));
        let body = json!({"instance_id": instance_id, "token": token});
        let ultramsg = SimulatedProvider::Ultramsg { instance_id, token, webhook_token: String::new() };
        self.connects("ultramsg", ultramsg, body).await;
        for name in ["one", "two", "three"] {
            let body = json!({"name": name, "role": "agent", "environment": "live"});
            let made = self.post("/v1/api-keys", &body).await;
            let path = format!("/v1/api-keys/{}/rotate", text_of(&made.data(), "id"));
            self.post(&path, &json!({})).await;
        }
        let body = json!({"url": receiver.url, "events": ["*"]});
        let made = self.post("/v1/webhooks/endpoints", &body).await;
        let path = format!("/v1/webhooks/endpoints/{}/rotate-secret", text_of(&made.data(), "id"));
        self.post(&path, &json!({})).await;
        for (source, body) in [
            ("property_finder", json!({"secret": "kanari10pfsecret", "signature_header": "X-PF-Signature"})),
            ("bayut", json!({"api_key": "kanari11bayutkey"})),
            ("website", json!({})),
        ] {
            let path = format!("/v1/integrations/leads/{source}");
            let headers = [
                ("authorization", &*format!("Bearer {}", self.shop.admin)),
                ("content-type", "application/json"),
            ];
            let answer = self.shop.world.send("PUT", &path, &headers, body.to_string()).await;
            assert_eq!(answer.status, 200, "{source}: {:?}", answer.json());
            for name in ["secret", "api_key"] {
                self.secrets.extend(body[name].as_str().map(str::to_owned));
            }
            self.takes_note(&answer);
        }
        for provider in ["meta", "dialog360", "ultramsg"] {
            let path = format!("/v1/integrations/whatsapp/{provider}/rotate-secret");
            let rotated = self.post(&path, &json!({})).await;
            if provider == "ultramsg" {
                self.url_secret = text_of(&rotated.data()["shown_once"], "webhook_secret");
            }
        }
    }

    /// Messages both ways, refusals, nonsense, a replay.
    async fn works(&mut self, receiver: &Receiver) {
        let world = self.shop.world;
        receiver.answers_once(Reply::status(500));
        for provider in ["meta", "dialog360", "ultramsg"] {
            self.hears(provider, json!({"text": TEXT})).await;
            let talk = world.all("/v1/conversations", &self.shop.viewer).await[0]["id"].clone();
            let send = json!({"conversation_id": talk, "text": "kanari22 answer"});
            self.post(MESSAGES, &send).await;
            world.settled().await;
        }
        // Somebody with the right secret posts what nobody can read, and somebody with a wrong one something good.
        for secret in self.secrets.clone() {
            let path = format!("/v1/webhooks/whatsapp/{}/{secret}", self.shop.id);
            let body = format!("{{\"data\": \"{NAME} {CUSTOMER} {TEXT}\", \"event_type\":");
            if !secret.contains('/') {
                world.send("POST", &path, &[("content-type", "application/json")], body).await;
            }
        }
        world.settled().await;
        for event in world.all("/v1/events?state=parked", &self.shop.admin).await {
            let path = format!("/v1/events/{}/replay", text_of(&event, "id"));
            world.post(&path, &self.shop.admin, &json!({})).await;
        }
        world.settled().await;
        let reject = json!({"match": {"operation": "send"}, "action": {"reject_token": true}});
        world.behave(json!({"rules": [reject]})).await;
        let talk = world.all("/v1/conversations", &self.shop.viewer).await[0]["id"].clone();
        self.post(MESSAGES, &json!({"conversation_id": talk, "text": "kanari23 refused"})).await;
        world.settled().await;
        world.behave(json!({"rules": []})).await;
        self.post("/v1/integrations/whatsapp/ultramsg/check", &json!({})).await;
    }
}

/// What is planted in a text, in the clear or in Base 64.
fn found<'s>(text: &str, planted: impl Iterator<Item = &'s String>) -> Vec<&'s String> {
    let in_clear =
        |one: &&String| text.contains(one.as_str()) || text.contains(&STANDARD.encode(one.as_str()));
    planted.filter(in_clear).collect()
}

fn files(dir: &Path, each: &mut impl FnMut(&Path, String)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, each);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            each(&path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

/// Everything that a table holds.
async fn dump(world: &World, table: &str) -> Vec<Value> {
    let (mut items, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({"TableName": table});
        if !start.is_null() {
            input["ExclusiveStartKey"] = start;
        }
        let page = world.aws(Service::DynamoDb, "Scan", &input).await;
        items.extend(page["Items"].as_array().cloned().unwrap_or_default());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// A message that waits on a queue, with everything that is kept beside it.
async fn waiting(world: &World, queue: &str) -> Value {
    let ask = json!({"QueueUrl": world.stack.ready().queues[queue], "WaitTimeSeconds": 0, "VisibilityTimeout": 0,
        "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]});
    for _ in 0..200 {
        let got = world.aws(Service::Sqs, "ReceiveMessage", &ask).await;
        if let Some(message) = got["Messages"].as_array().and_then(|all| all.first()) {
            return message.clone();
        }
        world.advance(5).await;
        // The processor has its turn at the message.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing waits on {queue}");
}

#[tokio::test]
async fn no_planted_secret_lies_anywhere_and_no_person_where_only_ids_belong() {
    let _set = tracing_subscriber::fmt().with_env_filter("debug").with_writer(|| Log).try_init();
    let dir = tempfile::tempdir().unwrap();
    let data_dir = Some(dir.path().to_path_buf());
    let world =
        World::start_with(Options { data_dir, allow_loopback_endpoints: true, ..Options::default() }).await;
    let receiver = Receiver::start().await;
    let shop = world.shop("planted", Plan::Enterprise).await;
    let secrets = vec![shop.admin.clone(), shop.agent.clone(), shop.viewer.clone(), shop.test_admin.clone()];
    let mut planted = Planted { shop, url_secret: String::new(), secrets };
    planted.settles_in(&receiver).await;
    planted.works(&receiver).await;
    // A bare address is no secret; the one with the secret in it is.
    let url_secret = planted.url_secret.clone();
    let secrets: Vec<String> = planted.secrets.into_iter().filter(|one| one.len() >= 12).collect();
    assert!(secrets.len() >= 20, "{}", secrets.len());
    let people: Vec<String> = [CUSTOMER, NAME, TEXT, "kanari22", "kanari23"].map(str::to_owned).to_vec();

    let (mut held, mut known) = (0, 0);
    for table in world.stack.ready().tables.values() {
        for item in dump(&world, table).await {
            held += 1;
            let text = item.to_string();
            known += found(&text, people.iter()).len();
            assert_eq!(found(&text, secrets.iter()), Vec::<&String>::new(), "{table}: {}", item["sk"]);
            let sort = item["sk"]["S"].as_str().unwrap_or_default();
            let partition = item["pk"]["S"].as_str().unwrap_or_default();
            if partition.ends_with("#AUD") || sort.starts_with("AUD") {
                assert_eq!(
                    found(&text, people.iter()),
                    Vec::<&String>::new(),
                    "the audit log holds a person"
                );
            }
        }
    }
    assert!(held > 40 && known > 3, "{held} items were looked at, with {known} traces of the customer");
    let urls = world.aws(Service::Sqs, "ListQueues", &json!({})).await;
    let urls = urls["QueueUrls"].as_array().cloned().unwrap_or_default();
    assert!(urls.len() >= 4, "{urls:?}");
    for url in urls {
        assert_eq!(found(&url.to_string(), people.iter()), Vec::<&String>::new());
    }
    // Whatever is left on a queue: here what the processor cannot apply.
    world
        .faults(json!([{"service": "dynamodb", "operation": "*", "caller": "processor", "action": "error"}]))
        .await;
    let path = format!("/v1/webhooks/whatsapp/{}/{url_secret}", planted.shop.id);
    let body = e2e::bodies::ultramsg_chat("30018800001", CUSTOMER, "kanari24", world.now_s(), TEXT);
    let posted = world.send("POST", &path, &[("content-type", "application/json")], body.to_string()).await;
    assert_eq!(posted.status, 200, "{:?}", posted.json());
    let left = waiting(&world, "inbound-dlq").await;
    assert_eq!(found(&left.to_string(), secrets.iter()), Vec::<&String>::new());
    let about = json!([left["Attributes"], left["MessageAttributes"]]).to_string();
    assert_eq!(found(&about, people.iter()), Vec::<&String>::new());
    world.faults(json!([])).await;
    let audit = world.all("/v1/audit", &planted.shop.admin).await;
    assert!(audit.len() >= 10, "{audit:?}");
    let audit = json!(audit).to_string();
    assert_eq!(found(&audit, secrets.iter().chain(&people)), Vec::<&String>::new());
    for event in world.all("/v1/events", &planted.shop.viewer).await {
        assert_eq!(found(&event.to_string(), secrets.iter()), Vec::<&String>::new());
        let path = format!("/v1/traces/{}", text_of(&event, "trace_id"));
        let trace = world.get(&path, &planted.shop.admin).await;
        assert_eq!(found(&trace.json().to_string(), secrets.iter()), Vec::<&String>::new());
    }
    let (mut looked, mut known) = (0, 0);
    files(dir.path(), &mut |path, text| {
        looked += 1;
        known += found(&text, people.iter()).len();
        assert_eq!(found(&text, secrets.iter()), Vec::<&String>::new(), "{}", path.display());
    });
    assert!(looked > 0 && known > 3, "{looked} files were read, with {known} traces of the customer");
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(logged.0 > 20, "only {} lines were logged", logged.0);
    for line in &logged.1 {
        assert_eq!(found(line, secrets.iter().chain(&people)), Vec::<&String>::new(), "{line}");
    }
}
