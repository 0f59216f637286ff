//! Chatwoot as the desk of people (B30): both ways, in order, once each, whatever happens to it in between.

use e2e::World;
use e2e::desk::{Desk, text_of};
use local::Options;
use serde_json::{Value, json};
use std::time::Duration;

const CUSTOMER: &str = "971501234567";
const PATH: &str = "/v1/integrations/chatwoot";
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

/// What Chatwoot has.
pub(crate) async fn state(world: &World) -> Value {
    world.send("GET", "/_sim/chatwoot-desk", &[], "").await.json()
}

async fn behave(world: &World, how: Value) {
    let headers = [("content-type", "application/json")];
    assert_eq!(world.send("PUT", "/_sim/chatwoot-desk", &headers, how.to_string()).await.status, 200);
}

fn settings(world: &World) -> Value {
    let base = &world.stack.ready().base_url;
    json!({"base_url": format!("{base}/_sim/chatwoot/"), "account_id": 1, "inbox_id": 4,
        "api_access_token": "chatwoot-access-token", "webhook_secret": "chatwoot-webhook-secret"})
}

async fn put(desk: &Desk<'_>, body: &Value) -> e2e::Answer {
    desk.world.call("PUT", PATH, &desk.tenant.keys.live_admin, body).await
}

/// Connects the tenant, with webhooks that are signed.
pub(crate) async fn connected(desk: &Desk<'_>) {
    let world = desk.world;
    let made = put(desk, &settings(world)).await;
    assert_eq!(made.status, 200, "{:?}", made.json());
    let url = format!("{}{}", world.stack.ready().base_url, text_of(&made.data(), "webhook_path"));
    behave(world, json!({"webhook_url": url, "signs": true})).await;
    // The processor remembers tenants for a minute.
    world.advance(61).await;
}

/// An agent writes in the first conversation.
pub(crate) async fn writes(world: &World, body: Value) -> Value {
    let mut body = body;
    if body.get("conversation").is_none() {
        body["conversation"] = json!(1);
    }
    let headers = [("content-type", "application/json")];
    let answer = world.send("POST", "/_sim/chatwoot-desk/replies", &headers, body.to_string()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()
}

/// What stands in Chatwoot: who wrote it, and what.
async fn stands(world: &World) -> Vec<(&'static str, String)> {
    let state = state(world).await;
    let messages = state["messages"].as_array().unwrap();
    let of = |one: &Value| {
        let kind = match (one["private"].as_bool(), one["message_type"].as_u64()) {
            (Some(true), _) => "note",
            (_, Some(0)) => "customer",
            _ => "business",
        };
        (kind, one["content"].as_str().unwrap().to_owned())
    };
    messages.iter().map(of).collect()
}

/// What stands there but for the notes.
async fn said(world: &World) -> Vec<(&'static str, String)> {
    stands(world).await.into_iter().filter(|(kind, _)| *kind != "note").collect()
}

/// How often Chatwoot was called.
async fn calls(world: &World) -> u64 {
    state(world).await["calls"].as_u64().unwrap()
}

/// Waits until it was called once more.
async fn until_called(world: &World, before: u64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while calls(world).await == before {
        assert!(tokio::time::Instant::now() < deadline, "nobody tried");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A customer who asked for a person, carried over.
pub(crate) async fn handed_over(desk: &Desk<'_>) -> String {
    let conversation = desk.conversation(CUSTOMER, "Is it free?").await;
    desk.world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "I want to speak to someone"})).await;
    desk.world.settled().await;
    conversation
}

fn texts(sent: &[Value]) -> Vec<String> {
    sent.iter().map(|one| one["body"]["text"]["body"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn chatwoot_is_asked_before_it_is_connected_and_its_secrets_are_never_shown() {
    let world = world().await;
    let desk = world.desk("meta");
    let admin = &desk.tenant.keys.live_admin;
    assert_eq!(desk.get(PATH).await.data()["status"], "not_configured");
    let good = settings(&world);
    for (change, field) in [
        (json!({"api_access_token": "wrong"}), "api_access_token"),
        (json!({"inbox_id": 5}), "inbox_id"),
        (json!({"inbox_id": 9}), "inbox_id"),
        (json!({"account_id": 2}), "inbox_id"),
        (json!({"base_url": "http://127.0.0.1:9"}), "base_url"),
        (json!({"base_url": "https://10.0.0.1"}), "base_url"),
        (json!({"base_url": "http://chatwoot.example.ae"}), "base_url"),
        (json!({"base_url": "https://169.254.169.254/latest"}), "base_url"),
        (json!({"base_url": "https://user@example.com"}), "base_url"),
        (json!({"account_id": 0}), "account_id"),
        (json!({"api_access_token": "a b"}), "api_access_token"),
        (json!({"api_access_token": null}), "api_access_token"),
        (json!({"extra": 1}), "extra"),
    ] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = put(&desk, &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{change}"
        );
    }
    assert_eq!(desk.get(PATH).await.data()["status"], "not_configured", "nothing is saved");
    assert_eq!(world.call("PUT", PATH, desk.key(), &good).await.status, 403);

    let made = put(&desk, &good).await;
    assert_eq!((made.status.as_u16(), &made.data()["status"]), (200, &json!("live")));
    assert_eq!(made.data()["inbox_name"], "WhatsApp");
    let token = text_of(&made.data(), "token");
    let shown = desk.get(PATH).await;
    assert_eq!(shown.data()["secrets"]["api_access_token"], "oken");
    for secret in ["chatwoot-access-token", "chatwoot-webhook-secret", &token] {
        assert!(!shown.json().to_string().contains(secret));
    }
    // Without secrets those that are there stay; another place does not get them.
    let mut again = good.clone();
    again.as_object_mut().unwrap().remove("api_access_token");
    let second = put(&desk, &again).await;
    assert_eq!((second.status.as_u16(), &second.data()["token"]), (200, &Value::Null));
    again["base_url"] = json!(format!("{}/elsewhere", world.stack.ready().base_url));
    assert_eq!(put(&desk, &again).await.json()["error"]["field"], "api_access_token");
    assert_eq!(world.call("DELETE", PATH, admin, &json!({})).await.status, 200);
    assert_eq!(world.call("DELETE", PATH, admin, &json!({})).await.status, 404);
    let actions: Vec<String> =
        world.all("/v1/audit", admin).await.iter().map(|entry| text_of(entry, "action")).collect();
    assert!(
        actions.contains(&"chatwoot.connect".to_owned())
            && actions.contains(&"chatwoot.disconnect".to_owned())
    );
}

#[tokio::test]
async fn from_the_hand_off_on_both_sides_see_everything_once_and_nothing_echoes() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    let conversation = handed_over(&desk).await;
    let before = state(&world).await;
    assert_eq!(before["contacts"].as_array().unwrap().len(), 1);
    let contact = &before["contacts"][0];
    assert_eq!(contact["phone_number"], "+971501234567");
    assert!(text_of(contact, "identifier").starts_with("ctc_"));
    assert_eq!(before["conversations"][0]["custom_attributes"]["hadar_conversation_id"], conversation);
    let all = stands(&world).await;
    let people = |text: &str| ("customer", text.to_owned());
    assert_eq!(all[..2], [people("Is it free?"), people("I want to speak to someone")]);
    assert!(all[2].0 == "note" && all[2].1.contains("speak to someone"), "{all:?}");

    // The agent answers, in three copies; the customer gets it once, and Chatwoot has it once.
    world.advance(1).await;
    assert_eq!(
        writes(&world, json!({"content": "Good morning, Omar here.", "copies": 3})).await["status"],
        200
    );
    world.settled().await;
    assert_eq!(texts(&desk.sent()), ["Good morning, Omar here."]);
    let newest = desk.newest(&conversation).await;
    assert_eq!(
        (&newest["direction"], &newest["text"]),
        (&json!("outbound"), &json!("Good morning, Omar here."))
    );

    // The customer and the API write; the provider repeats itself.
    world.advance(1).await;
    let body = world.meta_body().text(CUSTOMER, "wamid.AGAIN", world.now_s(), "Thank you").json().to_string();
    for _ in 0..3 {
        world.from_meta(body.clone()).await;
        world.settled().await;
    }
    world.advance(1).await;
    desk.sends(&json!({"conversation_id": conversation, "text": "From the CRM."})).await;
    world.settled().await;
    let expected = [
        people("Is it free?"),
        people("I want to speak to someone"),
        ("business", "Good morning, Omar here.".to_owned()),
        people("Thank you"),
        ("business", "From the CRM.".to_owned()),
    ];
    assert_eq!(said(&world).await, expected);
    assert_eq!(texts(&desk.sent()), ["Good morning, Omar here.", "From the CRM."]);

    // What is no answer to the customer stays there.
    let sent = desk.sent().len();
    writes(&world, json!({"content": "between us", "private": true})).await;
    writes(&world, json!({"content": "I am a bot", "by": "agent_bot"})).await;
    world.settled().await;
    assert_eq!(desk.sent().len(), sent);
    assert!(world.all("/v1/events?state=parked", &desk.tenant.keys.live_admin).await.is_empty());
}

#[tokio::test]
async fn what_may_not_be_sent_is_said_back_to_the_agent_as_a_private_note() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    handed_over(&desk).await;
    world.advance(25 * 3600).await;
    writes(&world, json!({"content": "Are you still there?", "copies": 2})).await;
    writes(&world, json!({"content": "", "attachments": [{"file_type": "image"}]})).await;
    world.settled().await;
    assert!(desk.sent().is_empty(), "the window is closed");
    let notes: Vec<String> =
        stands(&world).await.into_iter().filter(|(kind, _)| *kind == "note").map(|(_, text)| text).collect();
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes.iter().any(|text| text.contains("24-hour window")), "{notes:?}");
    assert!(notes.iter().any(|text| text.contains("Files")), "{notes:?}");

    // A message that fails at the provider.
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "Yes"})).await;
    world
        .behave(json!({"statuses": {"play": []},
            "rules": [{"match": {"operation": "send"}, "action": {"error": {"code": 131_026}}}]}))
        .await;
    writes(&world, json!({"content": "Great"})).await;
    world.settled().await;
    let last = stands(&world).await.pop().unwrap();
    assert!(last.0 == "note" && last.1.starts_with("Not sent to the customer"), "{last:?}");
}

#[tokio::test]
async fn an_hour_without_chatwoot_loses_nothing_and_keeps_the_order() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    handed_over(&desk).await;
    behave(&world, json!({"down": true})).await;
    for n in 0..4 {
        let before = calls(&world).await;
        let said = json!({"text": format!("message {n}"), "tenant_id": desk.tenant.id});
        world.stack.simulator().customer_writes(CUSTOMER, said).await.unwrap();
        if n == 0 {
            until_called(&world, before).await;
        }
        world.advance(900).await;
    }
    assert_eq!(said(&world).await.len(), 2, "nothing came through");
    // The call is counted there before its end is written down here.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while desk.get(PATH).await.data()["status"] != "unreachable" {
        assert!(tokio::time::Instant::now() < deadline, "its end was never noted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    behave(&world, json!({"down": false})).await;
    world.advance(301).await;
    world.send("POST", "/_local/sweep", &[], "").await;
    world.settled().await;
    let came: Vec<String> = said(&world).await.into_iter().skip(2).map(|(_, text)| text).collect();
    assert_eq!(came, ["message 0", "message 1", "message 2", "message 3"]);
    assert_eq!(desk.get(PATH).await.data()["status"], "live");
}

#[tokio::test]
async fn what_waits_goes_on_after_chatwoot_is_connected_again() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    handed_over(&desk).await;
    behave(&world, json!({"down": true})).await;
    let before = calls(&world).await;
    let waits = json!({"text": "Meanwhile", "tenant_id": desk.tenant.id});
    world.stack.simulator().customer_writes(CUSTOMER, waits).await.unwrap();
    until_called(&world, before).await;
    assert_eq!(world.call("DELETE", PATH, &desk.tenant.keys.live_admin, &json!({})).await.status, 200);
    behave(&world, json!({"down": false})).await;
    world.advance(901).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(said(&world).await.len(), 2, "nobody is told any more");
    connected(&desk).await;
    desk.hears(CUSTOMER, json!({"text": "And now"})).await;
    world.settled().await;
    let came: Vec<String> = said(&world).await.into_iter().skip(2).map(|(_, text)| text).collect();
    assert_eq!(came, ["Meanwhile", "And now"]);
}

#[tokio::test]
async fn a_message_that_was_taken_without_an_answer_is_not_there_twice() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    handed_over(&desk).await;
    behave(&world, json!({"drops": 1})).await;
    world.advance(1).await;
    let said_it = json!({"text": "Only once", "tenant_id": desk.tenant.id});
    world.stack.simulator().customer_writes(CUSTOMER, said_it).await.unwrap();
    world.settled().await;
    world.advance(61).await;
    world.send("POST", "/_local/sweep", &[], "").await;
    world.settled().await;
    let all = said(&world).await;
    assert_eq!(all.iter().filter(|(_, text)| text == "Only once").count(), 1, "{all:?}");
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "And on"})).await;
    world.settled().await;
    assert_eq!(said(&world).await.last().unwrap().1, "And on");
}

#[tokio::test]
async fn only_chatwoot_gets_in_by_its_signature_or_by_the_token() {
    let world = world().await;
    let desk = world.desk("meta");
    let made = put(&desk, &settings(&world)).await.data();
    let (path, token) = (text_of(&made, "webhook_path"), text_of(&made, "token"));
    let body = json!({"event": "conversation_created"}).to_string();
    let now = world.now_s();
    let signed = |secret: &str, at: u64, body: &str| {
        format!("sha256={}", e2e::hmac_hex(secret, format!("{at}.{body}").as_bytes()))
    };
    let post = async |path: &str, signature: Option<String>, at: u64| {
        let at = at.to_string();
        let mut headers = vec![("content-type", "application/json"), ("x-chatwoot-timestamp", at.as_str())];
        if let Some(signature) = &signature {
            headers.push(("x-chatwoot-signature", signature));
        }
        world.send("POST", path, &headers, body.clone()).await.status.as_u16()
    };
    let with_token = format!("{path}?token={token}");
    let right = "chatwoot-webhook-secret";
    assert_eq!(post(&path, Some(signed(right, now, &body)), now).await, 200);
    assert_eq!(post(&with_token, None, now).await, 200, "an older version signs nothing");
    for (path, signature, at, why) in [
        (path.as_str(), None, now, "nothing"),
        (path.as_str(), Some(signed("other", now, &body)), now, "another secret"),
        (path.as_str(), Some(signed(right, now, "{}")), now, "another body"),
        (path.as_str(), Some(signed(right, now - 301, &body)), now - 301, "too old"),
        (path.as_str(), Some(signed(right, now, &body)), now + 1, "another time"),
        (with_token.as_str(), Some(signed("other", now, &body)), now, "a wrong signature beside the token"),
        (&format!("{path}?token=wrong"), None, now, "another token"),
        (
            &path.replace(&desk.tenant.id, &world.tenant("ultramsg").id),
            Some(signed(right, now, &body)),
            now,
            "a tenant without Chatwoot",
        ),
        ("/v1/webhooks/chatwoot/tnt_x", Some(signed(right, now, &body)), now, "nobody"),
    ] {
        assert_eq!(post(path, signature, at).await, 401, "{why}");
    }
    assert_eq!(world.send("GET", &path, &[], "").await.status, 405);
    world.settled().await;
    assert!(world.all("/v1/events?state=parked", &desk.tenant.keys.live_admin).await.is_empty());

    // What cannot be read, or is of a conversation that is not ours, waits for a person.
    let odd = json!({"event": "message_created", "id": 1, "message_type": "outgoing", "private": false, "created_at": now,
        "content": "x", "sender": {"type": "user"}, "account": {"id": 1}, "inbox": {"id": 4}, "conversation": {"id": 77}});
    let headers = [("content-type", "application/json")];
    assert_eq!(world.send("POST", &with_token, &headers, odd.to_string()).await.status, 200);
    let mut elsewhere = odd.clone();
    elsewhere["inbox"] = json!({"id": 5});
    assert_eq!(world.send("POST", &with_token, &headers, elsewhere.to_string()).await.status, 200);
    world.settled().await;
    let parked = world.all("/v1/events?state=parked", &desk.tenant.keys.live_admin).await;
    assert_eq!((parked.len(), &parked[0]["provider"]), (1, &Value::Null), "{parked:?}");
}
