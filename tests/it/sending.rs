//! Messages go out: the window, the rules, the receipts, one provider call each.

use e2e::World;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

/// The customer writes, so the window is open; answers the conversation's id.
async fn conversation(world: &World, provider: &str, text: &str) -> String {
    let tenant = world.tenant(provider);
    let body = json!({"tenant_id": tenant.id, "text": text});
    let wrote = world.stack.simulator().customer_writes(CUSTOMER, body).await;
    assert!(wrote.is_ok(), "{wrote:?}");
    world.settled().await;
    let found = world.all("/v1/conversations", &tenant.keys.live_agent).await;
    found[0]["id"].as_str().unwrap().to_owned()
}

/// What the providers were asked to send to customers, by any path that sends.
fn sent(world: &World) -> Vec<Value> {
    let all = world.stack.simulator().sent();
    all.iter().map(|one| serde_json::to_value(one).unwrap()).collect()
}

async fn send(world: &World, key: &str, body: &Value) -> e2e::Answer {
    world.post("/v1/whatsapp/messages", key, body).await
}

async fn message(world: &World, key: &str, answer: &e2e::Answer) -> Value {
    let id = answer.data()["id"].as_str().unwrap_or_else(|| panic!("{:?}", answer.json())).to_owned();
    world.get(&format!("/v1/whatsapp/messages/{id}"), key).await.data()
}

#[tokio::test]
async fn a_text_in_the_window_reaches_the_customer_through_each_provider_and_its_receipts_come_back() {
    let world = World::start().await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        world.stack.simulator().reset();
        let keys = world.tenant(provider).keys;
        let conversation = conversation(&world, provider, "Is the villa free?").await;
        let answer =
            send(&world, &keys.live_agent, &json!({"conversation_id": conversation, "text": "It is."})).await;
        assert_eq!(answer.status, 202, "{provider}: {:?}", answer.json());
        world.settled().await;
        let shown = message(&world, &keys.live_viewer, &answer).await;
        assert_eq!(shown["status"], "read", "{provider}: {shown}");
        assert_eq!(shown["direction"], "outbound");
        assert_eq!(shown["text"], "It is.");
        assert_eq!(shown["provider"], provider);
        for at in ["sent_at", "delivered_at", "read_at"] {
            assert!(shown["statuses"][at].is_string(), "{provider} {at}: {shown}");
        }
        let asked = sent(&world);
        assert_eq!(asked.len(), 1, "{provider}: {asked:?}");
        let timeline =
            world.all(&format!("/v1/conversations/{conversation}/messages"), &keys.live_viewer).await;
        assert_eq!(timeline.len(), 2, "{provider}: {timeline:?}");
        assert_eq!(timeline[0]["id"], shown["id"]);
    }
}

#[tokio::test]
async fn a_template_opens_a_conversation_and_a_text_outside_the_window_is_refused_with_what_is_allowed() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let to = format!("+{CUSTOMER}");
    let refused = send(&world, &keys.live_agent, &json!({"to": to, "text": "Hello"})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "outside_24h_window"));
    let details = &refused.json()["error"]["details"];
    assert_eq!(details["legacy_code"], "WINDOW_CLOSED");
    let allowed = details["templates_allowed"].as_array().unwrap();
    let variables =
        json!({"agent_name": "Sara", "property_name": "Marina Vista 2BR", "viewing_time": "Saturday 11:00"});
    let body = json!({"to": to, "template": {"name": "viewing_confirmation", "language": "en", "variables": variables}});
    let answer = send(&world, &keys.live_agent, &body).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    world.settled().await;
    let shown = message(&world, &keys.live_agent, &answer).await;
    assert_eq!(shown["status"], "read", "{shown}");
    assert!(shown["text"].as_str().unwrap().contains("Sara"), "{shown}");
    assert_eq!(shown["purpose"], "utility");
    let _names = allowed.len();

    let by_name = json!({"to": to, "template": "viewing_confirmation_en", "variables": variables});
    assert_eq!(send(&world, &keys.live_agent, &by_name).await.status, 202);
    world.settled().await;
    assert_eq!(sent(&world).len(), 2);
}

#[tokio::test]
async fn the_same_idempotency_key_sends_once_and_answers_the_same() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let conversation = conversation(&world, "meta", "hi").await;
    let body = json!({"conversation_id": conversation, "text": "one"}).to_string();
    let bearer = format!("Bearer {}", keys.live_agent);
    let post = |key: &'static str, body: String| {
        let headers = [
            ("authorization", bearer.clone()),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", key.to_owned()),
        ];
        let world = &world;
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            world.send("POST", "/v1/whatsapp/messages", &headers, body).await
        }
    };
    let first = post("order-1", body.clone()).await;
    let second = post("order-1", body.clone()).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let other = post("order-1", body.replace("one", "two")).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "conflict"));

    let twins = futures_util::future::join_all((0..50).map(|_| post("order-2", body.clone()))).await;
    for twin in &twins {
        assert!([202, 409].contains(&twin.status.as_u16()), "{:?}", twin.json());
    }
    world.settled().await;
    assert_eq!(sent(&world).len(), 2, "one for each key");
}
