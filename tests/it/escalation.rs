//! Words move a conversation to a person: at once, once, with everything the person needs (B26, B27, E14).

use crm::desk::{BotVerdict, may_bot_answer};
use domain::ids::{ConversationId, TenantId};
use e2e::World;
use e2e::desk::{Desk, text_of};
use e2e::receiver::Receiver;
use local::Options;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

async fn receiver(desk: &Desk<'_>) -> Receiver {
    let receiver = Receiver::start().await;
    desk.world.register(&desk.tenant.keys.live_admin, &receiver.url, &["conversation.handoff"]).await;
    receiver
}

async fn shown(desk: &Desk<'_>, conversation: &str) -> Value {
    desk.get(&format!("/v1/conversations/{conversation}")).await.data()
}

async fn verdict(desk: &Desk<'_>, conversation: &str) -> BotVerdict {
    let platform = desk.world.platform();
    let tenant = TenantId::parse(&desk.tenant.id).unwrap();
    let id = ConversationId::parse(conversation).unwrap();
    may_bot_answer(&platform.store, tenant, id, platform.clock.now()).await.unwrap()
}

/// The hand-offs on the timeline.
async fn handoffs(desk: &Desk<'_>, conversation: &str) -> Vec<Value> {
    let lead = text_of(&shown(desk, conversation).await, "lead_id");
    desk.all(&format!("/v1/leads/{lead}/timeline?type=conversation.handoff")).await
}

async fn patched(desk: &Desk<'_>, conversation: &str, body: Value) {
    let path = format!("/v1/conversations/{conversation}");
    let answer = desk.world.call("PATCH", &path, desk.key(), &body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
}

async fn set(desk: &Desk<'_>, body: Value) -> Value {
    let answer = desk.world.call("PATCH", "/v1/settings", &desk.tenant.keys.live_admin, &body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

#[tokio::test]
async fn a_lawyer_moves_the_conversation_to_a_person_at_once_and_everything_is_there() {
    for (provider, text) in [("meta", "My lawyer will call you"), ("ultramsg", "سأكلم المحامي")] {
        let world = world().await;
        let desk = world.desk(provider);
        let receiver = receiver(&desk).await;
        let conversation = desk.conversation(CUSTOMER, "Is the flat free?").await;
        assert_eq!(shown(&desk, &conversation).await["status"], "bot");
        assert_eq!(verdict(&desk, &conversation).await, BotVerdict::May);
        desk.post(&format!("/v1/conversations/{conversation}/notes"), &json!({"text": "Owner abroad."}))
            .await;
        world.advance(1).await;
        desk.hears(CUSTOMER, json!({"text": text})).await;
        world.settled().await;
        assert_eq!(shown(&desk, &conversation).await["status"], "human", "{provider}");
        assert_eq!(verdict(&desk, &conversation).await, BotVerdict::Human);

        let told = receiver.until(1).await;
        let data = told[0].json()["data"].clone();
        assert_eq!(data["reason"]["category"], "legal");
        assert_eq!(data["reason"]["kind"], "keyword");
        let texts: Vec<&str> =
            data["messages"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["Is the flat free?", text]);
        assert_eq!(data["messages"][1]["id"], data["reason"]["message_id"]);
        assert_eq!(data["contact"]["phone"], "+971501234567");
        assert_eq!(data["lead"]["id"], data["conversation"]["lead_id"]);
        assert_eq!(data["notes"][0]["text"], "Owner abroad.");
        let history = desk.get(&format!("/v1/conversations/{conversation}/handoff")).await.data();
        assert_eq!(history["reason"], data["reason"]);
        assert_eq!(history["handed_off_at"], data["handed_off_at"]);
        let timeline = handoffs(&desk, &conversation).await;
        assert_eq!((timeline.len(), &timeline[0]["data"]), (1, &data["reason"]));
        assert_eq!(timeline[0]["actor"], "escalation");
    }
}

#[tokio::test]
async fn a_message_that_comes_many_times_moves_it_once_and_not_again_after_the_bot_has_it_back() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk).await;
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    world.advance(1).await;
    let legal = world.meta_body().text(CUSTOMER, "wamid.LEGAL", world.now_s(), "I call the police");
    let body = legal.json().to_string();
    let copies = (0..6).map(|_| world.from_meta(body.clone()));
    for answer in futures_util::future::join_all(copies).await {
        assert_eq!(answer.status, 200);
    }
    world.settled().await;
    assert_eq!(handoffs(&desk, &conversation).await.len(), 1);
    assert_eq!(receiver.until(1).await.len(), 1);

    world.advance(1).await;
    patched(&desk, &conversation, json!({"status": "bot"})).await;
    assert_eq!(world.from_meta(body).await.status, 200);
    world.settled().await;
    assert_eq!(shown(&desk, &conversation).await["status"], "bot", "an old story moves nothing");
    assert_eq!(handoffs(&desk, &conversation).await.len(), 1);

    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "Where is your lawyer?"})).await;
    world.settled().await;
    assert_eq!(shown(&desk, &conversation).await["status"], "human", "a new one does");
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "Lawyer!"})).await;
    world.settled().await;
    assert_eq!(handoffs(&desk, &conversation).await.len(), 2, "a person has it already");
    assert_eq!(receiver.until(2).await.len(), 2);
}

#[tokio::test]
async fn a_message_without_such_words_costs_no_further_call() {
    let world = world().await;
    let desk = world.desk("meta");
    desk.conversation(CUSTOMER, "Hello").await;
    world.advance(1).await;
    let calls = || -> u64 {
        let all = world.stack.aws_calls();
        let tables = all.get("processor").into_iter().flatten();
        tables.filter(|(name, _)| name.starts_with("dynamodb.")).map(|(_, count)| count).sum()
    };
    let mut costs = Vec::new();
    for _ in 0..6 {
        world.advance(1).await;
        let before = calls();
        desk.hears(CUSTOMER, json!({"text": "Is the two-bedroom flat still free?"})).await;
        world.settled().await;
        costs.push(calls() - before);
    }
    // A cold process reads the tenant first.
    assert_eq!(costs.iter().min(), Some(&3), "whose it is, the message, the conversation: {costs:?}");
}

#[tokio::test]
async fn two_complaints_of_a_day_move_it_and_one_does_not() {
    let world = world().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "This is a complaint").await;
    assert_eq!(shown(&desk, &conversation).await["status"], "bot");
    world.advance(25 * 3600).await;
    desk.hears(CUSTOMER, json!({"text": "I want a refund"})).await;
    assert_eq!(shown(&desk, &conversation).await["status"], "bot", "the first was yesterday");
    world.advance(60).await;
    desk.hears(CUSTOMER, json!({"text": "خدمة سيئة"})).await;
    world.settled().await;
    assert_eq!(shown(&desk, &conversation).await["status"], "human");
    let reason = handoffs(&desk, &conversation).await[0]["data"].clone();
    assert_eq!((&reason["category"], &reason["count"]), (&json!("complaint"), &json!(2)));
    // The count begins anew once somebody gave it back.
    world.advance(1).await;
    patched(&desk, &conversation, json!({"status": "bot"})).await;
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "a complaint again"})).await;
    assert_eq!(shown(&desk, &conversation).await["status"], "bot");
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "refund!"})).await;
    world.settled().await;
    assert_eq!(shown(&desk, &conversation).await["status"], "human");
}

#[tokio::test]
async fn a_tenant_has_its_own_words_and_thresholds() {
    let world = world().await;
    let desk = world.desk("meta");
    let known = set(
        &desk,
        json!({"escalation": {"complaint": {"words": ["snagging list"], "threshold": 1},
        "legal": {"threshold": 0}}}),
    )
    .await;
    assert_eq!(known["escalation"]["complaint"], json!({"words": ["snagging list"], "threshold": 1}));
    assert_eq!(known["escalation"]["legal"]["threshold"], 0);
    assert!(known["escalation"]["person"]["words"].as_array().unwrap().len() > 5);
    // The rules are remembered for a minute.
    world.advance(61).await;
    let conversation = desk.conversation(CUSTOMER, "My lawyer").await;
    assert_eq!(shown(&desk, &conversation).await["status"], "bot");
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "where is the SNAGGING list?"})).await;
    assert_eq!(shown(&desk, &conversation).await["status"], "human");
    set(&desk, json!({"escalation": {"enabled": false}})).await;
    world.advance(61).await;
    let other = desk.conversation("971501234568", "emergency").await;
    assert_eq!(shown(&desk, &other).await["status"], "bot");
    for (body, field) in [
        (json!({"escalation": {}}), "escalation"),
        (json!({"escalation": {"legal": {"words": ["!"]}}}), "escalation.legal.words"),
        (json!({"escalation": {"legal": {"threshold": 21}}}), "escalation.legal.threshold"),
    ] {
        let answer = world.call("PATCH", "/v1/settings", &desk.tenant.keys.live_admin, &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_person_who_takes_over_is_told_of_once_and_a_bot_waits_for_whoever_is_answering() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk).await;
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let history = format!("/v1/conversations/{conversation}/handoff");
    let before = desk.get(&history).await.data();
    assert_eq!((&before["reason"], before["messages"].as_array().unwrap().len()), (&Value::Null, 1));
    desk.post(&format!("/v1/conversations/{conversation}/lock"), &json!({"agent": "Omar"})).await;
    assert_eq!(verdict(&desk, &conversation).await, BotVerdict::Locked);
    patched(&desk, &conversation, json!({"status": "human"})).await;
    patched(&desk, &conversation, json!({"status": "human", "assignee": "Omar"})).await;
    world.settled().await;
    let told = receiver.until(1).await;
    assert_eq!((told.len(), &told[0].json()["data"]["reason"]["kind"]), (1, &json!("operator")));
    assert_eq!(verdict(&desk, &conversation).await, BotVerdict::Human);
    world.advance(1).await;
    patched(&desk, &conversation, json!({"status": "closed"})).await;
    assert_eq!(verdict(&desk, &conversation).await, BotVerdict::Closed);
    assert_eq!(world.desk("dialog360").get(&history).await.status, 404);
}
