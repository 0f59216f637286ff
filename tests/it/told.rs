//! What customer webhooks tell: each thing once, as the API shows it, to those who asked (A08, C35, I-16).

use e2e::World;
use e2e::desk::Desk;
use e2e::desk::text_of;
use e2e::receiver::{DELIVERIES, ENDPOINTS, Got, Receiver, Reply};
use local::Options;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CUSTOMER: &str = "971501234567";

async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

/// A receiver of the desk's tenant.
async fn receiver(desk: &Desk<'_>, events: &[&str]) -> Receiver {
    let receiver = Receiver::start().await;
    desk.world.register(&desk.tenant.keys.live_admin, &receiver.url, events).await;
    receiver
}

fn kinds(got: &[Got]) -> Vec<String> {
    got.iter().map(Got::kind).collect()
}

/// The steps that a message was said to have come to, sorted.
fn steps(got: &[Got]) -> BTreeSet<String> {
    got.iter().map(|got| text_of(&got.json()["data"], "status")).collect()
}

#[tokio::test]
async fn a_first_message_is_a_lead_and_a_message_each_told_once_however_often_it_comes() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["*"]).await;
    let only_leads = self::receiver(&desk, &["lead.created"]).await;
    let elsewhere = self::receiver(&world.desk("dialog360"), &["*"]).await;
    let body =
        world.meta_body().text(CUSTOMER, "wamid.FIRST", world.now_s(), "Is it free?").json().to_string();
    for _ in 0..5 {
        assert_eq!(world.from_meta(body.clone()).await.status, 200);
    }
    world.settled().await;
    let got = receiver.until(2).await;
    let mut told = kinds(&got);
    told.sort();
    assert_eq!(told, ["lead.created", "message.received"]);
    assert_eq!(kinds(&only_leads.got()), ["lead.created"]);
    assert!(elsewhere.got().is_empty(), "another tenant");

    let conversation = world.all("/v1/conversations", desk.key()).await.remove(0);
    let messages = format!("/v1/conversations/{}/messages", text_of(&conversation, "id"));
    let message = world.all(&messages, desk.key()).await.remove(0);
    let payload = receiver.of("message.received").remove(0).json();
    assert_eq!(payload["data"], message);
    assert_eq!(payload["tenant_id"], desk.tenant.id);
    assert_eq!(payload["trace_id"], message["trace_id"]);
    assert_eq!(payload["created_at"], message["created_at"]);
    let lead = world.all("/v1/leads", desk.key()).await.remove(0);
    let told = receiver.of("lead.created").remove(0).json();
    assert_eq!((&told["data"]["id"], &told["data"]["source"]), (&lead["id"], &json!("whatsapp")));
    // The other receiver has the same event under another delivery.
    let (one, other) = (receiver.of("lead.created").remove(0), only_leads.got().remove(0));
    assert_eq!(one.body, other.body);
    assert_ne!(one.header("x-hadar-delivery"), other.header("x-hadar-delivery"));

    // The second message of the same customer is no lead.
    desk.hears(CUSTOMER, json!({"text": "Hello?"})).await;
    world.settled().await;
    assert_eq!(receiver.of("message.received").len(), 2);
    assert_eq!(receiver.of("lead.created").len(), 1);
    // Who is new is told nothing old, also when a provider repeats itself.
    let late = self::receiver(&desk, &["*"]).await;
    world.advance(61).await;
    assert_eq!(world.from_meta(body).await.status, 200);
    world.settled().await;
    assert!(late.got().is_empty(), "{:?}", kinds(&late.got()));
    assert!(world.all(DELIVERIES, &world.tenant("ultramsg").keys.live_admin).await.is_empty());
}

#[tokio::test]
async fn every_step_of_a_message_of_ours_is_told_once_and_a_failure_says_why() {
    for provider in ["meta", "dialog360", "ultramsg"] {
        let world = world().await;
        let desk = world.desk(provider);
        let receiver = receiver(&desk, &["message.status", "message.failed"]).await;
        let conversation = desk.conversation(CUSTOMER, "Hello").await;
        let message = desk.sends(&json!({"conversation_id": conversation, "text": "Welcome."})).await;
        world.settled().await;
        let got = receiver.got();
        assert_eq!(steps(&got), ["delivered", "read", "sent"].map(str::to_owned).into(), "{provider}");
        assert_eq!(got.len(), 3, "{provider}: {:?}", kinds(&got));
        for one in &got {
            assert_eq!(
                (one.kind(), &one.json()["data"]["id"]),
                ("message.status".to_owned(), &message["id"])
            );
        }
    }
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["message.status", "message.failed"]).await;
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    world
        .behave(json!({"statuses": {"play": []},
            "rules": [{"match": {"operation": "send"}, "action": {"error": {"code": 131_026}}}]}))
        .await;
    let message = desk.sends(&json!({"conversation_id": conversation, "text": "Welcome."})).await;
    assert_eq!(message["status"], "failed");
    world.settled().await;
    let failed = receiver.of("message.failed").remove(0).json();
    assert_eq!((&failed["data"]["id"], &failed["data"]["status"]), (&message["id"], &json!("failed")));
    assert_eq!(failed["data"]["error"], message["error"]);
    let mut all = kinds(&receiver.got());
    all.sort();
    assert_eq!(all, ["message.failed", "message.status"]);
}

#[tokio::test]
async fn an_operators_change_a_stop_and_a_consent_are_told() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["conversation.updated", "consent.changed"]).await;
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let path = format!("/v1/conversations/{conversation}");
    let change = json!({"status": "human", "assignee": "sara"});
    assert_eq!(world.call("PATCH", &path, desk.key(), &change).await.status, 200);
    assert_eq!(world.call("PATCH", &path, desk.key(), &json!({"read": true})).await.status, 200);
    world.settled().await;
    let told = receiver.until(1).await;
    assert_eq!(kinds(&told), ["conversation.updated"], "a read mark is no update");
    let data = &told[0].json()["data"];
    assert_eq!((&data["status"], &data["assignee"]), (&json!("human"), &json!("sara")));
    assert_eq!(data["id"], conversation);

    desk.hears(CUSTOMER, json!({"text": "STOP"})).await;
    let contact = desk.contact_of(&conversation).await;
    let granted = json!({"purpose": "marketing", "state": "granted", "wording": "Yes", "language": "en", "source": "form"});
    let path = format!("/v1/contacts/{contact}/consents");
    assert_eq!(world.post(&path, desk.key(), &granted).await.status, 201);
    world.settled().await;
    let told = receiver.of("consent.changed");
    let states: BTreeSet<String> = told.iter().map(|got| text_of(&got.json()["data"], "state")).collect();
    assert_eq!((told.len(), states), (2, ["granted", "revoked"].map(str::to_owned).into()));
    let rows: BTreeSet<String> =
        world.all(&path, desk.key()).await.iter().map(|row| text_of(row, "id")).collect();
    let ids: BTreeSet<String> = told.iter().map(|got| text_of(&got.json()["data"], "id")).collect();
    assert_eq!(ids, rows);
    assert!(told.iter().all(|got| got.json()["data"]["contact_id"] == contact));
}

#[tokio::test]
async fn a_window_that_closes_within_the_hour_is_told_once_and_not_when_the_customer_wrote_again() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["conversation.window_closing"]).await;
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let sweep = async |seconds| {
        world.advance(seconds).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
    };
    sweep(22 * 3_600).await;
    assert!(receiver.got().is_empty());
    desk.hears(CUSTOMER, json!({"text": "Still there?"})).await;
    sweep(3_600 + 60).await;
    assert!(receiver.got().is_empty(), "the customer wrote again");
    sweep(22 * 3_600).await;
    sweep(60).await;
    let got = receiver.got();
    assert_eq!(kinds(&got), ["conversation.window_closing"]);
    let data = &got[0].json()["data"];
    assert_eq!(data["id"], conversation);
    assert_eq!(data["window"]["open"], true);
    assert!(data["window"]["seconds_left"].as_u64().unwrap() <= 3_600, "{data}");
    sweep(2 * 3_600).await;
    assert_eq!(receiver.got().len(), 1);
}

#[tokio::test]
async fn a_broken_number_a_parked_webhook_and_a_paused_template_are_told() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["integration.broken", "event.parked", "template.status"]).await;
    let admin = desk.tenant.keys.live_admin.clone();
    let conversation = desk.conversation(CUSTOMER, "Hello").await;

    // A webhook about a template that we know.
    assert_eq!(world.post("/v1/whatsapp/templates/sync", &admin, &json!({})).await.status, 200);
    let event = json!({"tenant_id": desk.tenant.id, "name": "viewing_confirmation", "language": "en", "status": "PAUSED"});
    world.behave(json!({"templates": [event]})).await;
    world.settled().await;
    let told = receiver.of("template.status");
    assert_eq!(told.len(), 1, "{:?}", kinds(&receiver.got()));
    let data = &told[0].json()["data"];
    assert_eq!((&data["name"], &data["status"]), (&json!("viewing_confirmation"), &json!("paused")));

    // A webhook that nobody can read, twice the same bytes.
    let nonsense = json!({"object": "whatsapp_business_account", "entry": "nonsense"}).to_string();
    for _ in 0..2 {
        assert_eq!(world.from_meta(nonsense.clone()).await.status, 200);
    }
    world.settled().await;
    let parked = world.all("/v1/events?state=parked", &admin).await.remove(0);
    let told = receiver.of("event.parked");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].json()["data"]["id"], parked["id"]);
    assert_eq!(told[0].json()["data"]["reason"], parked["reason"]);
    assert_eq!(told[0].json()["data"]["payload"], Value::Null);
    // A replay that fails again is another event.
    let replay = format!("/v1/events/{}/replay", text_of(&parked, "id"));
    assert_eq!(world.post(&replay, &admin, &json!({})).await.status, 202);
    world.settled().await;
    assert_eq!(receiver.of("event.parked").len(), 2);

    // A token that the provider no longer accepts, met by two messages.
    world
        .behave(json!({"rules": [{"match": {"operation": "send"}, "action": {"error": {"code": 190}}}]}))
        .await;
    for text in ["one", "two"] {
        desk.says(&json!({"conversation_id": conversation, "text": text})).await;
    }
    world.settled().await;
    world.advance(120).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    let told = receiver.of("integration.broken");
    assert_eq!(told.len(), 1, "{:?}", kinds(&receiver.got()));
    let data = &told[0].json()["data"];
    assert_eq!((&data["provider"], &data["status"]), (&json!("meta"), &json!("broken")));
    assert!(data["broken_reason"].is_string());
}

#[tokio::test]
async fn what_happens_while_an_endpoint_is_too_new_to_be_known_is_told_by_the_sweeper() {
    let world = world().await;
    let desk = world.desk("meta");
    // The processor remembers that this tenant has no endpoint.
    let conversation = desk.conversation("971500000001", "before").await;
    let receiver = receiver(&desk, &["message.received", "lead.created", "message.status"]).await;
    desk.hears(CUSTOMER, json!({"text": "in between"})).await;
    desk.sends(&json!({"conversation_id": conversation, "text": "Hello."})).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    let received = receiver.of("message.received");
    assert_eq!(received.len(), 1, "{:?}", kinds(&receiver.got()));
    assert_eq!(received[0].json()["data"]["text"], "in between");
    assert_eq!(receiver.of("lead.created").len(), 1);
    assert_eq!(
        steps(&receiver.of("message.status")),
        ["delivered", "read", "sent"].map(str::to_owned).into()
    );
    assert_eq!(receiver.of("message.status").len(), 3);
    world.advance(80).await;
    world.stack.sweep().await.unwrap();
    desk.hears(CUSTOMER, json!({"text": "afterwards"})).await;
    assert_eq!(receiver.of("message.received").len(), 2);
}

#[tokio::test]
async fn a_processor_that_is_killed_again_and_again_tells_everything_once() {
    let world = world().await;
    let desk = world.desk("meta");
    let receiver = receiver(&desk, &["message.received"]).await;
    let at = world.now_s();
    let bodies: Vec<String> = (0..60)
        .map(|n| {
            let from = format!("9715{:08}", n % 20);
            world.meta_body().text(&from, &format!("wamid.K{n}"), at, "hi").json().to_string()
        })
        .collect();
    let killing = async {
        for _ in 0..12 {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            world.stack.kill_invocations("processor");
        }
    };
    let posting = async {
        for body in &bodies {
            assert_eq!(world.from_meta(body.clone()).await.status, 200);
        }
    };
    tokio::join!(killing, posting);
    for _ in 0..40 {
        if world.stack.wait_idle(std::time::Duration::from_secs(2)).await {
            break;
        }
        world.advance(181).await;
    }
    world.advance(120).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    let told: Vec<String> =
        receiver.got().iter().map(|got| text_of(&got.json()["data"], "provider_message_id")).collect();
    let each: BTreeSet<&String> = told.iter().collect();
    assert_eq!(each.len(), 60, "lost");
    let deliveries =
        world.all(&format!("{DELIVERIES}?event_type=message.received"), &desk.tenant.keys.live_admin).await;
    assert_eq!(deliveries.len(), 60, "one delivery for each message");
    assert!(deliveries.iter().all(|one| one["status"] == "succeeded"));
}

#[tokio::test]
async fn a_deleted_endpoint_gets_nothing_more_and_its_deliveries_are_cancelled() {
    let world = world().await;
    let desk = world.desk("meta");
    let admin = desk.tenant.keys.live_admin.clone();
    let receiver = Receiver::start().await;
    let (id, _) = world.register(&admin, &receiver.url, &["message.received"]).await;
    receiver.answers(Reply::status(500));
    let body = world.meta_body().text(CUSTOMER, "wamid.ONE", world.now_s(), "one").json().to_string();
    assert_eq!(world.from_meta(body).await.status, 200);
    receiver.until(1).await;
    assert_eq!(world.call("DELETE", &format!("{ENDPOINTS}/{id}"), &admin, &json!({})).await.status, 200);
    let count = receiver.got().len();
    world.advance(400).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert!(receiver.got().len() <= count + 1);
    let delivery = world.all(DELIVERIES, &admin).await.remove(0);
    assert_eq!(delivery["status"], "cancelled", "{delivery}");
}
