//! What an inbound message does.

use e2e::World;
use e2e::bodies::{escaped, ultramsg_chat};
use serde_json::json;

#[tokio::test]
async fn a_signed_arabic_text_becomes_a_message_in_a_conversation_with_an_open_window() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let now = world.now_s();
    let body = world.meta_body().text("971501234567", "wamid.AR1", now - 60, "السلام عليكم، هل الشقة متاحة؟");

    let answer = world.from_meta(escaped(&body.json())).await;
    world.settled().await;

    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["ok"], true);
    let trace = answer.json()["trace_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.headers["x-trace-id"], trace.as_str());
    let conversations = world.all("/v1/conversations", &tenant.keys.live_viewer).await;
    assert_eq!(conversations.len(), 1, "{conversations:?}");
    let conversation = &conversations[0];
    assert_eq!(conversation["language"], "ar");
    assert_eq!(conversation["provider"], "meta");
    assert_eq!(conversation["contact"]["phone"], "+971501234567");
    assert_eq!(conversation["contact"]["name"], "Customer 67");
    assert_eq!(conversation["window"]["open"], true);
    let left = conversation["window"]["seconds_left"].as_u64().unwrap();
    assert!((86_400 - 120..=86_400 - 59).contains(&left), "{left}");
    let id = conversation["id"].as_str().unwrap();
    let messages = world.all(&format!("/v1/conversations/{id}/messages"), &tenant.keys.live_viewer).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["text"], "السلام عليكم، هل الشقة متاحة؟");
    assert_eq!(messages[0]["direction"], "inbound");
    assert_eq!(messages[0]["kind"], "text");
    assert_eq!(messages[0]["trace_id"], trace.as_str());
    assert_eq!(messages[0]["provider_message_id"], "wamid.AR1");

    // One lead, with the message on its timeline under the same trace.
    let leads = world.all("/v1/leads", &tenant.keys.live_viewer).await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let lead = leads[0]["id"].as_str().unwrap();
    let timeline = world.all(&format!("/v1/leads/{lead}/timeline"), &tenant.keys.live_viewer).await;
    let received: Vec<_> =
        timeline.iter().filter(|event| event["type"] == "whatsapp.message.received").collect();
    assert_eq!(received.len(), 1, "{timeline:?}");
    assert_eq!(received[0]["trace_id"], trace.as_str());
}

#[tokio::test]
async fn three_providers_feed_one_inbox_with_conversations_of_one_shape() {
    let world = World::start().await;
    let at = world.now_s() - 5;
    let text = "Is the villa still available?";
    let dialog360 = e2e::bodies::MetaBody::of("106540352242922", "102290129340398").text(
        "971501234567",
        "wamid.D1",
        at,
        text,
    );
    let instance = world.tenant("ultramsg").ultramsg.unwrap().instance_id;
    assert_eq!(
        world
            .from_meta(world.meta_body().text("971501234567", "wamid.M1", at, text).json().to_string())
            .await
            .status,
        200
    );
    assert_eq!(world.from_dialog360(dialog360.json().to_string()).await.status, 200);
    let ultramsg = ultramsg_chat(&format!("instance{instance}"), "971501234567", "ABC1", at, text);
    assert_eq!(world.from_ultramsg(ultramsg.to_string()).await.status, 200);
    world.settled().await;

    let mut shapes = Vec::new();
    for provider in ["meta", "dialog360", "ultramsg"] {
        let tenant = world.tenant(provider);
        let conversations = world.all("/v1/conversations", &tenant.keys.live_agent).await;
        assert_eq!(conversations.len(), 1, "{provider}: {conversations:?}");
        assert_eq!(conversations[0]["provider"], provider);
        assert_eq!(conversations[0]["language"], "en");
        assert_eq!(conversations[0]["window"]["open"], true);
        assert_eq!(conversations[0]["contact"]["phone"], "+971501234567");
        let mut keys: Vec<String> = conversations[0].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        shapes.push(keys);
        let id = conversations[0]["id"].as_str().unwrap();
        let messages = world.all(&format!("/v1/conversations/{id}/messages"), &tenant.keys.live_agent).await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["text"], text);
    }
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0], shapes[2]);
}

#[tokio::test]
async fn a_duplicate_twenty_times_at_once_is_one_message() {
    let world = World::start().await;
    let body = world.meta_body().text("971501234567", "wamid.DUP", world.now_s(), "hello").json().to_string();

    let answers = futures_util::future::join_all((0..20).map(|_| world.from_meta(body.clone()))).await;
    world.settled().await;

    assert!(answers.iter().all(|answer| answer.status == 200));
    let key = world.tenant("meta").keys.live_viewer;
    let conversations = world.all("/v1/conversations", &key).await;
    assert_eq!(conversations.len(), 1);
    let id = conversations[0]["id"].as_str().unwrap();
    assert_eq!(world.all(&format!("/v1/conversations/{id}/messages"), &key).await.len(), 1);
    assert_eq!(world.all("/v1/leads", &key).await.len(), 1);
}

#[tokio::test]
async fn statuses_before_and_after_their_message_show_the_highest_and_keep_every_time() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let now = world.now_s();
    // `read` arrives before the echo it belongs to, `delivered` never, `sent` last.
    for body in [
        world.meta_body().status("wamid.OUT", "read", now - 10).json(),
        world.meta_body().echo("971501234567", "wamid.OUT", now - 60, "Sure, it is").json(),
        world.meta_body().status("wamid.OUT", "sent", now - 59).json(),
    ] {
        assert_eq!(world.from_meta(body.to_string()).await.status, 200);
        world.settled().await;
    }

    let conversations = world.all("/v1/conversations", &key).await;
    assert_eq!(conversations.len(), 1);
    // What the business writes opens no window and makes no lead.
    assert_eq!(conversations[0]["window"]["open"], false);
    assert!(world.all("/v1/leads", &key).await.is_empty());
    let id = conversations[0]["id"].as_str().unwrap();
    let messages = world.all(&format!("/v1/conversations/{id}/messages"), &key).await;
    assert_eq!(messages[0]["direction"], "outbound");
    assert_eq!(messages[0]["status"], "read");
    assert_eq!(messages[0]["statuses"]["read_at"], messages[0]["statuses"]["delivered_at"]);
    assert!(messages[0]["statuses"]["sent_at"].is_string());
}

#[tokio::test]
async fn edits_revocations_and_reactions_change_the_message_they_name() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let (now, from) = (world.now_s(), "971501234567");
    let body = world
        .meta_body()
        .text(from, "wamid.E", now - 30, "2pm")
        .text(from, "wamid.R", now - 29, "wrong chat")
        .message(from, json!({"from": from, "id": "wamid.E2", "timestamp": (now - 20).to_string(), "type": "edit",
            "edit": {"original_message_id": "wamid.E", "message": {"type": "text", "text": {"body": "3pm"}}}}))
        .message(from, json!({"from": from, "id": "wamid.R2", "timestamp": (now - 19).to_string(), "type": "revoke",
            "revoke": {"original_message_id": "wamid.R"}}))
        .message(from, json!({"from": from, "id": "wamid.X", "timestamp": (now - 18).to_string(), "type": "reaction",
            "reaction": {"message_id": "wamid.E", "emoji": "👍"}}));
    assert_eq!(world.from_meta(body.json().to_string()).await.status, 200);
    world.settled().await;

    let conversations = world.all("/v1/conversations", &key).await;
    let id = conversations[0]["id"].as_str().unwrap();
    let messages = world.all(&format!("/v1/conversations/{id}/messages"), &key).await;
    let find = |wamid: &str| {
        messages
            .iter()
            .find(|one| one["provider_message_id"] == wamid)
            .unwrap_or_else(|| panic!("{wamid} in {messages:?}"))
    };
    assert_eq!(find("wamid.E")["text"], "3pm");
    assert!(find("wamid.E")["edited_at"].is_string());
    assert!(find("wamid.E")["reactions"].to_string().contains("👍"));
    assert!(find("wamid.R")["revoked_at"].is_string());
    assert!(find("wamid.R")["text"].is_null());
}

#[tokio::test]
async fn the_language_stays_when_a_message_says_nothing_about_one() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let now = world.now_s();
    for (n, (text, expected)) in [
        ("mar7aba, keef el 7al", "ar"),
        ("👍👍", "ar"),
        ("1200000", "ar"),
        ("ok see you tomorrow", "en"),
        ("https://bayut.com/x", "en"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = world.meta_body().text("971501234567", &format!("wamid.{n}"), now - 100 + n as u64, text);
        world.from_meta(body.json().to_string()).await;
        world.settled().await;
        assert_eq!(world.all("/v1/conversations", &key).await[0]["language"], expected, "{text}");
    }
}

#[tokio::test]
async fn a_future_timestamp_does_not_hold_the_window_open() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let body =
        world.meta_body().text("971501234567", "wamid.F", world.now_s() + 30 * 86_400, "from the future");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;

    let window = world.all("/v1/conversations", &key).await[0]["window"].clone();
    assert!(window["seconds_left"].as_u64().unwrap() <= 86_400, "{window}");
    world.stack.clock().advance(std::time::Duration::from_secs(86_401));
    let window = world.all("/v1/conversations", &key).await[0]["window"].clone();
    assert_eq!(window["open"], false, "{window}");
}

#[tokio::test]
async fn groups_are_recorded_apart_and_are_never_leads() {
    let world = World::start().await;
    let tenant = world.tenant("ultramsg");
    let instance = tenant.ultramsg.clone().unwrap().instance_id;
    let mut body = ultramsg_chat(&instance, "971501234567", "G1", world.now_s(), "hello all");
    body["data"]["from"] = json!("120363041234567890@g.us");
    body["data"]["author"] = json!("971501234567@c.us");
    assert_eq!(world.from_ultramsg(body.to_string()).await.status, 200);
    world.settled().await;

    assert!(world.all("/v1/leads", &tenant.keys.live_viewer).await.is_empty());
    assert!(world.all("/v1/conversations", &tenant.keys.live_viewer).await.is_empty());
    assert!(world.all("/v1/events?state=parked", &tenant.keys.live_admin).await.is_empty());
}

#[tokio::test]
async fn two_hundred_customers_writing_at_once_are_two_hundred_conversations() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let now = world.now_s();
    let bodies: Vec<String> = (0..200)
        .map(|n| {
            world
                .meta_body()
                .text(&format!("97150{n:07}"), &format!("wamid.C{n}"), now - n, "hi")
                .json()
                .to_string()
        })
        .collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| world.from_meta(body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    world.settled().await;

    let conversations = world.all("/v1/conversations", &key).await;
    assert_eq!(conversations.len(), 200);
    let times: Vec<&str> = conversations.iter().map(|one| one["last_message_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
}
