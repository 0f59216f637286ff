//! One demo tenant at its desk: customers write to it, it sends, the providers behave as told.

use crate::{Answer, World};
use local::DemoTenant;
use serde_json::{Value, json};
use std::time::Duration;

/// Where messages are sent.
pub const MESSAGES: &str = "/v1/whatsapp/messages";
/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A demo tenant of a running stack.
#[derive(Debug)]
pub struct Desk<'w> {
    /// The stack.
    pub world: &'w World,
    /// The tenant.
    pub tenant: DemoTenant,
}

impl World {
    /// The desk of a provider's demo tenant.
    #[must_use]
    pub fn desk(&self, provider: &str) -> Desk<'_> {
        Desk { world: self, tenant: self.tenant(provider) }
    }

    /// Moves the stack's clock.
    pub async fn advance(&self, seconds: u64) {
        let headers = [("content-type", "application/json")];
        let body = json!({"advance_seconds": seconds}).to_string();
        let answer = self.send("PUT", "/_local/clock", &headers, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    }

    /// Tells the simulated providers how to behave next.
    pub async fn behave(&self, behaviour: Value) {
        let headers = [("content-type", "application/json")];
        let answer = self.send("PUT", "/_sim/behaviour", &headers, behaviour.to_string()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    }

    /// The faults in force; none clears them.
    pub async fn faults(&self, rules: Value) {
        let headers = [("content-type", "application/json")];
        let body = json!({"rules": rules}).to_string();
        let answer = self.send("PUT", "/_local/faults", &headers, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    }
}

impl Desk<'_> {
    /// The key that sends.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.tenant.keys.live_agent
    }

    /// A customer writes; the provider's ids of what was written.
    pub async fn hears(&self, phone: &str, mut said: Value) -> Vec<String> {
        said["tenant_id"] = json!(self.tenant.id);
        let wrote = self.world.stack.simulator().customer_writes(phone, said).await;
        let wrote = wrote.unwrap_or_else(|error| panic!("{phone}: {error}"));
        self.world.settled().await;
        serde_json::from_value(wrote["message_ids"].clone()).unwrap_or_default()
    }

    /// A customer writes a text; the conversation's id.
    pub async fn conversation(&self, phone: &str, text: &str) -> String {
        self.hears(phone, json!({"text": text})).await;
        let found = self.all("/v1/conversations").await;
        let theirs = |one: &&Value| one["contact"]["phone"].as_str() == Some(&format!("+{phone}"));
        let found =
            found.iter().find(theirs).unwrap_or_else(|| panic!("{phone} has no conversation: {found:?}"));
        text_of(found, "id")
    }

    /// The contact of a conversation.
    pub async fn contact_of(&self, conversation: &str) -> String {
        let found = self.get(&format!("/v1/conversations/{conversation}")).await;
        text_of(&found.data(), "contact_id")
    }

    /// Our id of the newest message of a conversation.
    pub async fn newest(&self, conversation: &str) -> Value {
        let path = format!("/v1/conversations/{conversation}/messages?limit=1");
        let found = self.get(&path).await;
        found.items().into_iter().next().unwrap_or_else(|| panic!("{conversation} is empty"))
    }

    /// Asks to send.
    pub async fn says(&self, body: &Value) -> Answer {
        self.post(MESSAGES, body).await
    }

    /// Asks whether it could be sent.
    pub async fn preflight(&self, body: &Value) -> Answer {
        self.post("/v1/whatsapp/preflight", body).await
    }

    /// Writes with the tenant's key; when the minute's requests are spent, in the next minute.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        loop {
            let answer = self.world.post(path, self.key(), body).await;
            if answer.status != 429 {
                return answer;
            }
            self.world.advance(60).await;
        }
    }

    /// Reads with a viewer's key; when the minute's requests are spent, in the next minute.
    pub async fn get(&self, path: &str) -> Answer {
        loop {
            let answer = self.world.get(path, &self.tenant.keys.live_viewer).await;
            if answer.status != 429 {
                return answer;
            }
            self.world.advance(60).await;
        }
    }

    /// Every page of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let answer = self.get(&format!("{path}{join}limit=100{cursor}")).await;
            assert_eq!(answer.status, 200, "{path}: {:?}", answer.json());
            items.extend(answer.items());
            match answer.data()["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Sends, waits until everything is done, and shows the message.
    pub async fn sends(&self, body: &Value) -> Value {
        let answer = self.says(body).await;
        assert_eq!(answer.status, 202, "{body}: {:?}", answer.json());
        self.world.settled().await;
        self.message(&text_of(&answer.data(), "id")).await
    }

    /// A message as it stands.
    pub async fn message(&self, id: &str) -> Value {
        let found = self.get(&format!("{MESSAGES}/{id}")).await;
        assert_eq!(found.status, 200, "{id}: {:?}", found.json());
        found.data()
    }

    /// Waits until a message is as it should be.
    pub async fn until(&self, id: &str, what: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = self.message(id).await;
            if what(&message) {
                return message;
            }
            assert!(tokio::time::Instant::now() < deadline, "it never came to that: {message}");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// What the provider was asked to send for this tenant, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Value> {
        let all = self.world.stack.simulator().sent();
        let mine = all.iter().filter(|sent| sent.tenant_id.as_deref() == Some(&*self.tenant.id));
        mine.map(|sent| serde_json::to_value(sent).unwrap_or_default()).collect()
    }

    /// How many messages and conversations the tenant has: what a refusal must not change.
    pub async fn stored(&self) -> (usize, usize) {
        let conversations = self.all("/v1/conversations").await;
        let mut messages = 0;
        for conversation in &conversations {
            let path = format!("/v1/conversations/{}/messages", text_of(conversation, "id"));
            messages += self.all(&path).await.len();
        }
        (conversations.len(), messages)
    }
}

/// A text member of an object.
#[must_use]
pub fn text_of(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("no `{name}` in {value}")).to_owned()
}
