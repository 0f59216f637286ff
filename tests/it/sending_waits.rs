//! What waits, and for whom: a recipient's limit, an account's limit, a number that must be repaired, a window that
//! closes meanwhile.

use crate::outbox::{platform, records, taken, tenant_id, texts};
use crm::credentials::secret_name;
use crm::provision::INTEGRATION_PURPOSE;
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::{Desk, text_of};
use platform::Platform;
use platform::clock::SystemClock;
use platform::config::Config;
use platform::dynamo::Integration;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const CUSTOMER: &str = "971501234567";
const OTHER: &str = "971507654321";

async fn says(desk: &Desk<'_>, conversation: &str, text: &str) -> String {
    let answer = desk.says(&json!({"conversation_id": conversation, "text": text})).await;
    assert_eq!(answer.status, 202, "{text}: {:?}", answer.json());
    text_of(&answer.data(), "id")
}

fn refusal(to: Option<&str>, times: Option<u64>, error: Value) -> Value {
    let mut rule = json!({"match": {"operation": "send"}, "action": {"error": error}});
    if let Some(to) = to {
        rule["match"]["to"] = json!(to);
    }
    if let Some(times) = times {
        rule["times"] = json!(times);
    }
    rule
}

/// Waits until the providers took that many messages in all.
async fn took(desk: &Desk<'_>, count: usize) {
    for _ in 0..2_000 {
        if taken(desk).len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("only {} were taken: {:?}", taken(desk).len(), desk.sent());
}

/// The same; whoever looked a moment too early looks again within a minute of the stack's time.
async fn took_within_a_minute(desk: &Desk<'_>, count: usize) {
    for _ in 0..12 {
        for _ in 0..200 {
            if taken(desk).len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        desk.world.advance(5).await;
    }
    // The minute is over: the sweeper comes, and wakes the lane whose place in the queue is spent.
    desk.world.stack.sweep().await.unwrap();
    took(desk, count).await;
}

/// The tenant's number as it is stored.
async fn number(desk: &Desk<'_>) -> Integration {
    let facts = platform(desk.world).store.tenant_facts(tenant_id(desk)).await.unwrap();
    facts.integrations.into_iter().next().unwrap()
}

/// An admin enters the number's secret again: the same secret, sealed anew.
async fn saves_again(desk: &Desk<'_>, secret: &str) {
    let config = Config { tokens_key_id: "alias/hadar-local-tokens".to_owned(), ..desk.world.config() };
    let platform = Platform::new(&config, Arc::new(SystemClock)).unwrap();
    let mut saved = number(desk).await;
    let name = secret_name(saved.number.provider);
    let field = saved.place(name);
    let sealed =
        platform.vault.seal(tenant_id(desk), INTEGRATION_PURPOSE, &field, secret.as_bytes()).await.unwrap();
    saved.sealed.insert(name.to_owned(), sealed.to_string());
    saved.status = "live".to_owned();
    saved.broken_reason = None;
    platform.store.save_integration(tenant_id(desk), &saved).await.unwrap();
}

fn secret_of(desk: &Desk<'_>) -> String {
    let tenant = &desk.tenant;
    let meta = tenant.meta.as_ref().map(|meta| meta.token.clone());
    let dialog360 = tenant.dialog360.as_ref().map(|one| one.api_key.clone());
    meta.or(dialog360).or(tenant.ultramsg.as_ref().map(|one| one.token.clone())).unwrap()
}

#[tokio::test]
async fn a_recipients_limit_holds_up_that_recipient_alone() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let limited = desk.conversation(CUSTOMER, "hello").await;
    let other = desk.conversation(OTHER, "hello").await;
    world.behave(json!({"rules": [refusal(Some(CUSTOMER), Some(2), json!({"code": 131_056}))]})).await;
    let first = says(&desk, &limited, "first").await;
    let second = says(&desk, &limited, "second").await;
    desk.until(&first, |message| message["error"].is_object()).await;
    says(&desk, &other, "other").await;
    took(&desk, 1).await;
    assert_eq!(texts(&desk), ["other"]);
    assert_eq!(desk.message(&second).await["status"], "queued");
    // 131056 says nothing of how long: five seconds, then ten.
    world.advance(6).await;
    desk.until(&first, |message| message["attempts"] == 2).await;
    world.advance(30).await;
    took(&desk, 3).await;
    assert_eq!(texts(&desk), ["other", "first", "second"]);
    world.settled().await;
    assert_eq!(desk.message(&first).await["attempts"], 3);
    assert_eq!(desk.sent().len(), 5);
}

#[tokio::test]
async fn what_the_provider_asks_to_wait_is_waited() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    for (n, error) in [
        json!({"code": 130_429, "retry_after": 120}),
        json!({"status": 429, "code": 4, "retry_after": 120}),
        json!({"status": 429, "body": "slow down", "retry_after": 120}),
    ]
    .into_iter()
    .enumerate()
    {
        world.behave(json!({"rules": [refusal(None, Some(1), error.clone())]})).await;
        let asked = desk.sent().len();
        let id = says(&desk, &conversation, &format!("{n}")).await;
        let waits = desk.until(&id, |message| message["error"].is_object()).await;
        assert_eq!(waits["status"], "queued", "{error}: {waits}");
        world.advance(100).await;
        world.stack.sweep().await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(desk.sent().len(), asked + 1, "{error}: asked again too early");
        world.advance(21).await;
        took_within_a_minute(&desk, n + 1).await;
        world.settled().await;
        assert_eq!(desk.message(&id).await["status"], "read", "{error}");
    }
}

#[tokio::test]
async fn a_refused_token_stops_the_number_and_saving_it_again_sends_what_waited_once() {
    for provider in ["meta", "dialog360", "ultramsg"] {
        let world = World::start().await;
        let desk = world.desk(provider);
        let conversation = desk.conversation(CUSTOMER, "hello").await;
        let reject = json!({"match": {"operation": "send"}, "action": {"reject_token": true}});
        world.behave(json!({"rules": [reject]})).await;
        let first = says(&desk, &conversation, "first").await;
        let waits = desk.until(&first, |message| message["error"].is_object()).await;
        assert_eq!(waits["status"], "queued", "{provider}: {waits}");
        world.settled().await;
        let broken = number(&desk).await;
        assert_eq!(broken.status, "broken", "{provider}: {broken:?}");
        assert!(broken.broken_reason.is_some(), "{provider}");
        // What comes later waits as well, and nobody calls with the refused secret.
        let second = says(&desk, &conversation, "second").await;
        for _ in 0..3 {
            world.settled().await;
            world.advance(61).await;
            world.stack.sweep().await.unwrap();
        }
        world.settled().await;
        assert_eq!(desk.sent().len(), 1, "{provider}: {:?}", desk.sent());
        for id in [&first, &second] {
            assert_eq!(desk.message(id).await["status"], "queued", "{provider}");
        }
        let said = desk.message(&first).await["error"].clone();
        assert!(said["message"].is_string(), "{provider}: it says why: {said}");

        world.behave(json!({"rules": []})).await;
        saves_again(&desk, &secret_of(&desk)).await;
        world.advance(61).await;
        world.stack.sweep().await.unwrap();
        took(&desk, 2).await;
        world.settled().await;
        assert_eq!(desk.sent().len(), 3, "{provider}: one refusal, then each once");
        for id in [&first, &second] {
            let shown = desk.message(id).await;
            assert_eq!(
                (&shown["status"], &shown["error"]),
                (&json!("read"), &Value::Null),
                "{provider}: {shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_that_is_saved_again_while_its_old_secret_is_refused_is_not_broken() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let of_sends = json!({"operation": "send"});
    world
        .behave(json!({"rules": [
            {"match": of_sends, "times": 1, "action": {"delay_ms": 300}},
            {"match": of_sends, "times": 1, "action": {"reject_token": true}}]}))
        .await;
    let id = says(&desk, &conversation, "hello").await;
    desk.until(&id, |message| message["status"] == "sending").await;
    saves_again(&desk, &secret_of(&desk)).await;
    desk.until(&id, |message| message["error"].is_object()).await;
    world.advance(3).await;
    took(&desk, 1).await;
    assert_eq!(number(&desk).await.status, "live");
    world.settled().await;
    assert_eq!(desk.message(&id).await["status"], "read");
}

#[tokio::test]
async fn a_window_that_closes_while_a_message_waits_fails_the_message_and_nothing_is_sent() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let limited = refusal(None, Some(1), json!({"code": 130_429, "retry_after": 24 * 3_600}));
    world.behave(json!({"rules": [limited]})).await;
    let waits = says(&desk, &conversation, "too late").await;
    desk.until(&waits, |message| message["error"].is_object()).await;
    let behind = says(&desk, &conversation, "behind it").await;
    let variables = json!({"agent_name": "Sara", "property_name": "Marina Gate", "viewing_time": "5 pm"});
    let template = json!({"name": "viewing_confirmation", "language": "en", "variables": variables});
    let template = desk.says(&json!({"conversation_id": conversation, "template": template})).await;
    let template = text_of(&template.data(), "id");
    world.advance(24 * 3_600 + 1).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    for id in [&waits, &behind] {
        let failed = desk.message(id).await;
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!("outside_24h_window")),
            "{failed}"
        );
    }
    assert_eq!(desk.message(&template).await["status"], "read", "a template needs no window");
    assert_eq!(taken(&desk).into_keys().collect::<Vec<_>>(), [template]);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_took_nothing_and_is_tried_again() {
    let options =
        local::Options { meta_url: Some("http://127.0.0.1:9".to_owned()), ..local::Options::default() };
    let world = World::start_with(options).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let id = says(&desk, &conversation, "hello").await;
    for attempts in 1..=3 {
        let waits =
            desk.until(&id, |message| message["attempts"] == attempts && message["error"].is_object()).await;
        assert_eq!(
            (&waits["status"], &waits["error"]["code"]),
            (&json!("queued"), &json!("provider_unreachable"))
        );
        world.advance(60).await;
    }
    assert_eq!(records(&desk, &[id]).await[0].state, SendState::Queued);
    assert_eq!(desk.sent().len(), 0);
}

#[tokio::test]
async fn a_file_that_the_provider_could_not_take_is_tried_once_more_and_no_oftener() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let image = json!({"conversation_id": conversation,
        "media": {"kind": "image", "url": "https://files.example.ae/a.jpg"}});
    for (times, status, calls) in [(1, "delivered", 2), (2, "failed", 2)] {
        let before = desk.sent().len();
        world.behave(json!({"rules": [refusal(None, Some(times), json!({"code": 131_053}))]})).await;
        let id = text_of(&desk.says(&image).await.data(), "id");
        let waiting = desk.until(&id, |message| message["error"].is_object()).await;
        assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("queued"), &json!(1)), "{waiting}");
        world.advance(6).await;
        let last =
            desk.until(&id, |message| message["status"] != "queued" && message["status"] != "sending").await;
        world.settled().await;
        if status == "failed" {
            assert_eq!(
                (&last["status"], &last["error"]["code"]),
                (&json!(status), &json!("media_upload_failed"))
            );
        } else {
            assert_ne!(desk.message(&id).await["status"], "failed");
        }
        assert_eq!(desk.sent().len() - before, calls);
    }
}

/// Waits until the webhook about the template was applied; messages that wait for their time may lie in the queue.
async fn template_stands(desk: &Desk<'_>, status: &str) {
    for _ in 0..2_000 {
        let rows = desk.all("/v1/whatsapp/templates?name=contract_ready&language=en").await;
        if rows.iter().any(|row| row["status"] == status) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the template is not {status}");
}

#[tokio::test]
async fn a_message_whose_template_is_paused_waits_until_it_is_approved_and_holds_up_nobody() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let template =
        json!({"conversation_id": conversation, "template": {"name": "contract_ready", "language": "en"}});
    world.behave(json!({"rules": [refusal(None, Some(1), json!({"code": 132_015}))]})).await;
    let refused = text_of(&desk.says(&template).await.data(), "id");
    let waiting = desk.until(&refused, |message| message["error"].is_object()).await;
    assert_eq!(
        (&waiting["status"], &waiting["error"]["code"]),
        (&json!("queued"), &json!("template_paused"))
    );
    says(&desk, &conversation, "meanwhile").await;
    took(&desk, 1).await;
    assert_eq!(texts(&desk), ["meanwhile"]);

    // The webhook comes while another one waits for its time.
    let mut later = template.clone();
    later["not_before"] = json!(domain::time::Millis::from_unix_ms((world.now_s() + 600) * 1000).to_string());
    let later = text_of(&desk.says(&later).await.data(), "id");
    let moves = |status: &str| {
        json!({"templates": [{"tenant_id": desk.tenant.id, "name": "contract_ready", "language": "en",
            "status": status}]})
    };
    world.behave(moves("PAUSED")).await;
    template_stands(&desk, "paused").await;
    assert_eq!(desk.says(&template).await.code(), "template_not_approved");
    for _ in 0..3 {
        world.advance(3_700).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
    }
    for id in [&refused, &later] {
        let message = desk.message(id).await;
        assert_eq!(message["status"], "queued", "{message}");
    }
    assert_eq!(taken(&desk).len(), 1);
    world.behave(moves("APPROVED")).await;
    template_stands(&desk, "approved").await;
    world.advance(3_700).await;
    world.stack.sweep().await.unwrap();
    took(&desk, 3).await;
    world.settled().await;

    // A week is enough.
    world.behave(json!({"rules": [refusal(None, None, json!({"code": 132_015}))]})).await;
    let never = text_of(&desk.says(&template).await.data(), "id");
    desk.until(&never, |message| message["error"].is_object()).await;
    world.behave(moves("PAUSED")).await;
    template_stands(&desk, "paused").await;
    world.advance(7 * 24 * 3_600 + 60).await;
    world.stack.sweep().await.unwrap();
    let last = desk.until(&never, |message| message["status"] == "failed").await;
    assert_eq!(last["error"]["code"], "template_not_approved", "{last}");
}
