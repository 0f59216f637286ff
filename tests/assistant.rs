//! A demo tenant whose assistant is the simulated model.

use crate::World;
use crate::desk::Desk;
use domain::ids::{ContactId, TenantId};
use platform::queue::assistant::AssistantJob;
use serde_json::{Value, json};
use std::time::Duration;

/// Where the assistant is connected.
pub const ASSISTANT: &str = "/v1/integrations/assistant";
/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What connects the simulated model, with everything switched on.
#[must_use]
pub fn everything() -> Value {
    json!({
        "model": "demo-chat", "api_key": "sk-of-the-model-7777", "region": "UAE", "legal_basis": "contract",
        "suggestions": true, "translate": true, "auto_reply": true,
    })
}

impl World {
    /// The simulated model answers otherwise from now on.
    pub async fn model(&self, action: Value) {
        let rule = json!({"match": {"provider": "llm", "operation": "chat"}, "action": action});
        self.behave(json!({"rules": [rule]})).await;
    }

    /// The simulated model answers with these words.
    pub async fn model_says(&self, words: &str) {
        let message = json!({"role": "assistant", "content": words});
        let completion = json!({"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
        self.model(json!({"accept_with_body": completion.to_string()})).await;
    }

    /// Waits until a queue is empty, whatever is delayed in others.
    pub async fn drained(&self, queue: &str) {
        self.until("a queue to be empty", async || {
            self.stack.queues().get(queue).is_some_and(|depth| depth.visible + depth.in_flight == 0)
        })
        .await;
    }

    /// Lets the stack's time pass, a second at a time, until a condition holds.
    pub async fn time_passes_until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let holds = async || {
            if holds().await {
                return true;
            }
            self.stack.clock().advance(Duration::from_secs(1));
            false
        };
        self.until(what, holds).await;
    }

    /// Lets the stack's time pass until nothing is queued, delayed or running.
    pub async fn comes_to_rest(&self) {
        let rests = async || self.stack.wait_idle(Duration::from_millis(20)).await;
        self.time_passes_until("the stack to come to rest", rests).await;
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds().await {
            assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What the model was asked, without the question that proved the connection.
    #[must_use]
    pub fn asked(&self) -> Vec<Value> {
        let all = self.stack.simulator().asked();
        all.into_iter().filter(|one| !told(one).starts_with("Answer with one word")).collect()
    }
}

/// What the model was told before a conversation.
#[must_use]
pub fn told(question: &Value) -> &str {
    question["body"]["messages"][0]["content"].as_str().unwrap_or_default()
}

/// The conversation that a question carried: who said it, and what.
#[must_use]
pub fn turns(question: &Value) -> Vec<(String, String)> {
    let all = question["body"]["messages"].as_array().cloned().unwrap_or_default();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    all.iter().skip(1).map(|one| (text(one, "role"), text(one, "content"))).collect()
}

impl Desk<'_> {
    /// Connects the assistant.
    pub async fn connects(&self, body: &Value) -> Value {
        let key = &self.tenant.keys.live_admin;
        let answer = self.world.call("PUT", ASSISTANT, key, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.data()
    }

    /// A customer writes, and the processor has it.
    pub async fn reads(&self, phone: &str, mut said: Value) {
        said["tenant_id"] = json!(self.tenant.id);
        let wrote = self.world.stack.simulator().customer_writes(phone, said).await;
        wrote.unwrap_or_else(|error| panic!("{phone}: {error}"));
        self.world.drained("inbound").await;
    }

    /// The texts that the provider was asked to send to a customer, in order.
    #[must_use]
    pub fn texts_to(&self, phone: &str) -> Vec<String> {
        let mine = self.sent().into_iter().filter(|sent| sent["to"] == json!(phone));
        let text = |sent: Value| {
            let text = sent["body"].pointer("/text/body").or_else(|| sent["body"].get("body"));
            text.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        mine.map(text).collect()
    }

    /// Lets time pass until a customer got so many messages.
    pub async fn until_texts(&self, phone: &str, count: usize) -> Vec<String> {
        let got = async || self.texts_to(phone).len() >= count;
        self.world.time_passes_until(&format!("{count} messages to {phone}"), got).await;
        self.texts_to(phone)
    }

    /// Lets time pass until the model was asked so often.
    pub async fn until_asked(&self, count: usize) {
        let asked = async || self.world.asked().len() >= count;
        self.world.time_passes_until(&format!("{count} questions"), asked).await;
    }

    /// Puts a customer's job on the assistant's queue once more.
    pub async fn queues_again(&self, contact: &str) {
        let tenant = TenantId::parse(&self.tenant.id).unwrap_or_else(|error| panic!("{error}"));
        let contact = ContactId::parse(contact).unwrap_or_else(|error| panic!("{error}"));
        let job = AssistantJob { tenant, contact }.encode();
        let sent = self.world.platform().assistant.send(&job).await;
        sent.unwrap_or_else(|error| panic!("{error}"));
    }
}
