//! How numbers stand with their customers: ratings, conservative mode, the messaging limit, opt-outs (A58-A62, R20, F13).

use crate::outbox::{platform, tenant_id};
use crm::audit::{verify, whole};
use domain::health::OptOuts;
use domain::provider::Provider;
use domain::tenant::Plan;
use domain::time::Millis;
use e2e::desk::{Desk, text_of};
use e2e::receiver::Receiver;
use e2e::{Shop, World};
use local::{Account, Options, SimulatedProvider};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: u64 = 3_600;

async fn card(desk: &Desk<'_>) -> Value {
    let answer = desk.get(&format!("/v1/integrations/whatsapp/{}", desk.tenant.provider)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

async fn rated(desk: &Desk<'_>, event: &str) {
    desk.world.behave(json!({"quality": {"tenant_id": desk.tenant.id, "event": event}})).await;
    desk.world.settled().await;
}

/// The number was flagged an hour ago and nothing got better.
async fn conservative(desk: &Desk<'_>) {
    rated(desk, "FLAGGED").await;
    sweep(desk.world).await;
    assert_eq!(card(desk).await["health"]["mode"], "normal", "not yet sustained");
    desk.world.advance(HOUR + 1).await;
    sweep(desk.world).await;
    let health = card(desk).await["health"].clone();
    assert_eq!(health["mode"], "conservative", "{health}");
}

async fn sweep(world: &World) {
    world.stack.sweep().await.unwrap();
}

fn viewing(to: &Value) -> Value {
    let variables = json!({"agent_name": "Sara", "property_name": "Marina Gate", "viewing_time": "5 pm"});
    let mut body =
        json!({"template": {"name": "viewing_confirmation", "language": "en", "variables": variables}});
    body.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
    body
}

async fn accepted(desk: &Desk<'_>, body: &Value) -> Value {
    let answer = desk.says(body).await;
    assert_eq!(answer.status, 202, "{body}: {:?}", answer.json());
    answer.data()
}

/// When the provider took each message, in milliseconds of the stack's clock.
fn taken(desk: &Desk<'_>) -> Vec<u64> {
    let all = desk.sent();
    let taken = all.iter().filter(|sent| sent["accepted"] == true);
    taken.map(|sent| Millis::parse(sent["at"].as_str().unwrap()).unwrap().unix_ms()).collect()
}

/// Waits until the provider took that many messages in all.
async fn took(desk: &Desk<'_>, count: usize) {
    for _ in 0..2_000 {
        if taken(desk).len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("only {} were taken: {:?}", taken(desk).len(), desk.sent());
}

#[tokio::test]
async fn a_rating_is_shown_and_an_older_webhook_does_not_undo_it() {
    let world = World::start().await;
    let desk = world.desk("meta");
    sweep(&world).await;
    let health = card(&desk).await["health"].clone();
    assert_eq!(
        (&health["quality"], &health["mode"]),
        (&json!("green"), &json!("normal")),
        "polled: {health}"
    );
    assert_eq!(health["messaging_limit"]["cap"], 2_000, "{health}");
    assert_eq!(health["messaging_limit"]["scope"], "portfolio");
    assert_eq!((&health["name_status"], &health["throughput"]), (&json!("APPROVED"), &json!("STANDARD")));

    world.advance(60).await;
    let flagged_at = world.now_s();
    rated(&desk, "FLAGGED").await;
    let shown = card(&desk).await;
    assert_eq!((&shown["quality_rating"], &shown["health"]["quality"]), (&json!("RED"), &json!("red")));
    let since = Millis::parse(shown["health"]["quality_since"].as_str().unwrap()).unwrap();
    assert!(since.unix_ms() / 1_000 >= flagged_at, "{since}");

    // What Meta said half a minute earlier comes now, and again.
    let meta = desk.tenant.meta.clone().unwrap();
    let late = json!({"object": "whatsapp_business_account", "entry": [{"id": meta.waba_id, "time": flagged_at - 30,
        "changes": [{"field": "phone_number_quality_update", "value": {"display_phone_number": "97145550100",
            "event": "UNFLAGGED", "current_limit": "TIER_250"}}]}]});
    for _ in 0..2 {
        assert_eq!(world.from_meta(late.to_string()).await.status, 200);
    }
    world.settled().await;
    let health = card(&desk).await["health"].clone();
    assert_eq!(health["quality"], "red", "{health}");
    assert_eq!(health["messaging_limit"]["cap"], 2_000, "{health}");

    // A webhook that got lost is made up for by asking; a check asks at once.
    world.advance(60).await;
    world.behave(json!({"accounts": [{"tenant_id": desk.tenant.id, "quality": "YELLOW"}]})).await;
    let check = "/v1/integrations/whatsapp/meta/check";
    assert_eq!(world.post(check, &desk.tenant.keys.live_admin, &json!({})).await.status, 200);
    assert_eq!(card(&desk).await["health"]["quality"], "yellow");
    world.behave(json!({"accounts": [{"tenant_id": desk.tenant.id, "quality": "GREEN"}]})).await;
    world.advance(7 * HOUR).await;
    sweep(&world).await;
    assert_eq!(card(&desk).await["health"]["quality"], "green");
    let other = card(&world.desk("dialog360")).await["health"].clone();
    assert_ne!(other["quality"], "red", "another tenant: {other}");
}

#[tokio::test]
async fn sustained_red_slows_the_number_and_holds_templates_and_green_lets_everything_go() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let desk = world.desk("meta");
    let receiver = Receiver::start().await;
    world.register(&desk.tenant.keys.live_admin, &receiver.url, &["integration.health"]).await;
    let mut conversations = Vec::new();
    for n in 0..8 {
        conversations.push(desk.conversation(&format!("97150123450{n}"), "hello").await);
    }
    conservative(&desk).await;
    let health = card(&desk).await["health"].clone();
    assert!(health["reason"].as_str().unwrap().contains("Red since"), "{health}");

    // A template is held, and says why; what the caller holds is the caller's.
    let to = json!({"conversation_id": conversations[0]});
    let preflight = desk.preflight(&viewing(&to)).await.data();
    assert_eq!((&preflight["allowed"], &preflight["held_for"]), (&json!(true), &json!("conservative_mode")));
    let number = &preflight["number"];
    assert_eq!(
        (&number["provider"], &number["status"], &number["quality"], &number["mode"]),
        (&json!("meta"), &json!("live"), &json!("red"), &json!("conservative")),
        "{preflight}"
    );
    let first = accepted(&desk, &viewing(&to)).await;
    assert_eq!(
        (&first["status"], &first["held_for"]),
        (&json!("held"), &json!("conservative_mode")),
        "{first}"
    );
    let second = accepted(&desk, &viewing(&to)).await;
    let approved = accepted(&desk, &viewing(&json!({"to": "+971509990001"}))).await;
    let own =
        accepted(&desk, &json!({"conversation_id": conversations[1], "text": "draft", "hold": true})).await;
    assert_eq!((&own["status"], &own["held_for"]), (&json!("held"), &json!("caller")), "{own}");
    let elsewhere = world.desk("dialog360");
    let sent = elsewhere.sends(&viewing(&json!({"to": "+971509990002"}))).await;
    assert_eq!(sent["status"], "read", "another tenant: {sent}");

    // Answers go, one in ten seconds.
    let mut answers = Vec::new();
    for conversation in &conversations {
        let answer = accepted(&desk, &json!({"conversation_id": conversation, "text": "Yes, it is."})).await;
        assert_eq!(answer["held_for"], Value::Null, "{answer}");
        answers.push(text_of(&answer, "id"));
    }
    took(&desk, 1).await;
    for id in &answers[1..] {
        let found =
            desk.until(id, |message| message["status"] != "queued" || message["error"].is_object()).await;
        if found["status"] == "queued" {
            assert_eq!(found["error"]["code"], "conservative_mode", "{found}");
            assert!(found["not_before"].is_string(), "{found}");
        }
    }
    assert_eq!(taken(&desk).len(), 1, "the others wait for their turns");
    for turns in 2..=4 {
        world.advance(10).await;
        took(&desk, turns).await;
    }
    let times = taken(&desk);
    assert_eq!(times.len(), 4, "{times:?}");
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= 9_000, "no faster than a turn each: {times:?}");
    }
    // A person approves one: it takes its turn like the others.
    let id = text_of(&approved, "id");
    let released = desk.post(&format!("/v1/whatsapp/messages/{id}/release"), &json!({})).await;
    assert_eq!((released.status.as_u16(), &released.data()["status"]), (200, &json!("queued")));
    assert_eq!(released.data()["held_for"], Value::Null);
    desk.until(&id, |message| message["error"]["code"] == "conservative_mode").await;

    // Green: the mode ends, turns are forgotten, what it held goes in the order accepted.
    world.behave(json!({"quality": {"tenant_id": desk.tenant.id, "event": "UNFLAGGED"}})).await;
    for _ in 0..200 {
        if card(&desk).await["health"]["quality"] != "red" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.advance(2).await;
    sweep(&world).await;
    took(&desk, 8 + 3).await;
    world.settled().await;
    let health = card(&desk).await["health"].clone();
    assert_eq!((&health["quality"], &health["mode"]), (&json!("green"), &json!("normal")), "{health}");
    assert_eq!(health["reason"], Value::Null);
    for id in answers.iter().chain([&text_of(&first, "id"), &text_of(&second, "id"), &id]) {
        let message = desk.message(id).await;
        assert_eq!((&message["status"], &message["error"]), (&json!("read"), &Value::Null), "{message}");
    }
    let order: Vec<&Value> = [&first, &second].into_iter().map(|message| &message["id"]).collect();
    let sent = desk.sent();
    let opaque = sent.iter().filter_map(|sent| sent["body"]["biz_opaque_callback_data"].as_str());
    let ours: Vec<&str> = opaque.filter_map(|opaque| opaque.split('.').next()).collect();
    let place = |id: &Value| ours.iter().position(|ours| *ours == id.as_str().unwrap());
    assert!(place(order[0]) < place(order[1]), "{ours:?}");
    let own = desk.message(&text_of(&own, "id")).await;
    assert_eq!((&own["status"], &own["held_for"]), (&json!("held"), &json!("caller")), "{own}");
    assert_eq!(accepted(&desk, &viewing(&to)).await["status"], "queued", "nothing is held any more");
    world.settled().await;

    // Both turns are in the audit log, once, and in what receivers are told.
    let store = platform(&world).store;
    let log = whole(&store, tenant_id(&desk)).await.unwrap();
    let head = store.audit_head(tenant_id(&desk)).await.unwrap();
    assert_eq!(verify(&log, Some(&head)), Ok(()));
    let turns: Vec<&str> = log
        .iter()
        .map(|entry| entry.action.as_str())
        .filter(|action| action.contains("conservative"))
        .collect();
    assert_eq!(turns, ["integration.conservative_begin", "integration.conservative_end"]);
    for _ in 0..3 {
        world.advance(61).await;
        sweep(&world).await;
    }
    world.settled().await;
    let told: Vec<(Value, Value)> = receiver
        .of("integration.health")
        .iter()
        .map(|got| (got.json()["data"]["quality"].clone(), got.json()["data"]["mode"].clone()))
        .collect();
    for stands in [("red", "normal"), ("red", "conservative"), ("green", "normal")] {
        let stands = (json!(stands.0), json!(stands.1));
        assert_eq!(told.iter().filter(|told| **told == stands).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn messages_of_one_conversation_keep_their_order_on_a_slow_number() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation("971501234500", "hello").await;
    conservative(&desk).await;
    for text in ["one", "two", "three"] {
        accepted(&desk, &json!({"conversation_id": conversation, "text": text})).await;
    }
    for turns in 1..=3 {
        took(&desk, turns).await;
        world.advance(10).await;
    }
    let said: Vec<Value> = desk.sent().iter().map(|sent| sent["body"]["text"]["body"].clone()).collect();
    assert_eq!(said, ["one", "two", "three"]);
}

/// A second number of a shop's portfolio; the simulator's name of its account.
async fn second_number(shop: &Shop<'_>, mark: &str) -> String {
    let name = format!("{}/second", shop.id);
    let (number, waba, token) = (format!("2001{mark}"), format!("2002{mark}"), format!("EAAmetatoken{mark}"));
    let app_secret = format!("appsecret{mark}");
    let body =
        json!({"phone_number_id": number, "waba_id": waba, "access_token": token, "app_secret": app_secret});
    let simulator = shop.world.stack.simulator();
    simulator.connect(Account {
        tenant_id: name.clone(),
        webhook_url: format!("/v1/webhooks/whatsapp/{}", shop.id),
        provider: SimulatedProvider::Meta {
            app_secret,
            verify_token: String::new(),
            phone_number_id: number,
            waba_id: waba,
            token,
        },
    });
    simulator.behave(json!({"accounts": [{"tenant_id": name, "portfolio": shop.id}]})).await.unwrap();
    let made = shop.put("meta", &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    name
}

#[tokio::test]
async fn two_numbers_share_the_limit_and_whoever_is_over_it_waits_without_a_refusal() {
    let world = World::start().await;
    let shop = world.shop("limited", Plan::Enterprise).await;
    let account = shop.account("meta", "21110001");
    assert_eq!(shop.connect(&account).await.status, 201);
    let second = second_number(&shop, "21110002").await;
    let simulator = world.stack.simulator();
    let says = async |body: &Value| {
        let answer = world.post("/v1/whatsapp/messages", &shop.agent, body).await;
        assert_eq!(answer.status, 202, "{body}: {:?}", answer.json());
        answer.data()
    };
    let message = async |id: &Value| {
        let path = format!("/v1/whatsapp/messages/{}", id.as_str().unwrap());
        world.get(&path, &shop.viewer).await.data()
    };
    // Somebody wrote to the second number long ago: what is said first to them leaves on that number.
    let wrote = json!({"tenant_id": second, "text": "hello"});
    simulator.customer_writes("971501110001", wrote).await.unwrap();
    world.settled().await;
    let conversation = world.all("/v1/conversations", &shop.viewer).await.remove(0);
    world.advance(25 * HOUR).await;
    let limit = json!({"capability": {"tenant_id": shop.id, "max_daily_conversations_per_business": 3}});
    simulator.behave(limit).await.unwrap();
    world.settled().await;

    for to in [
        json!({"to": "+971501110002"}),
        json!({"conversation_id": conversation["id"]}),
        json!({"to": "+971501110003"}),
        json!({"to": "+971501110002"}),
    ] {
        says(&viewing(&to)).await;
    }
    world.settled().await;
    let cards = shop.card("meta").await;
    let cards = cards["items"].as_array().unwrap();
    assert_eq!(cards.len(), 2);
    for card in cards {
        let limit = &card["health"]["messaging_limit"];
        assert_eq!(
            (&limit["cap"], &limit["used"], &limit["left"], &limit["window_hours"]),
            (&json!(3), &json!(3), &json!(0), &json!(24)),
            "people, not messages, on either number: {limit}"
        );
    }
    // A fourth person waits; preflight says so and until when.
    let fourth = viewing(&json!({"to": "+971501110004"}));
    let asked = world.post("/v1/whatsapp/preflight", &shop.agent, &fourth).await.data();
    assert_eq!(
        (&asked["allowed"], &asked["waits_for"]),
        (&json!(true), &json!("messaging_limit_used")),
        "{asked}"
    );
    let waits = says(&fourth).await["id"].clone();
    let also = says(&fourth).await["id"].clone();
    let other = says(&viewing(&json!({"to": "+971501110005"}))).await["id"].clone();
    world.settled().await;
    for id in [&waits, &also, &other] {
        let shown = message(id).await;
        assert_eq!(
            (&shown["status"], &shown["error"]["code"]),
            (&json!("queued"), &json!("messaging_limit_used")),
            "{shown}"
        );
        assert_eq!(shown["not_before"], asked["next_allowed_at"]);
    }
    let known = viewing(&json!({"to": "+971501110002"}));
    let again = world.post("/v1/whatsapp/preflight", &shop.agent, &known).await;
    assert_eq!(again.data()["next_allowed_at"], Value::Null, "who counts already does not wait");
    // Answers are neither limited nor counted, not even to somebody whose template waits.
    shop.hears("971501110004", "hello").await;
    let answer = says(&json!({"to": "+971501110004", "text": "Good morning"})).await["id"].clone();
    world.settled().await;
    assert_eq!(message(&answer).await["status"], "read");
    let used = |card: &Value| card["items"][0]["health"]["messaging_limit"]["used"].clone();
    assert_eq!(used(&shop.card("meta").await), 3);

    // The limit is raised by one: one of the two people goes, the other goes on waiting.
    world.advance(2).await;
    let limit = json!({"capability": {"tenant_id": shop.id, "max_daily_conversations_per_business": 4}});
    simulator.behave(limit).await.unwrap();
    world.settled().await;
    sweep(&world).await;
    world.settled().await;
    assert_eq!(
        message(&waits).await["status"],
        "read",
        "the customer's window is open: it does not even count"
    );
    assert_eq!(message(&other).await["status"], "read");
    assert_eq!(used(&shop.card("meta").await), 4);
    let late = says(&viewing(&json!({"to": "+971501110006"}))).await["id"].clone();
    world.settled().await;
    let shown = message(&late).await;
    assert_eq!(shown["error"]["code"], "messaging_limit_used", "{shown}");
    let until = Millis::parse(shown["not_before"].as_str().unwrap()).unwrap().unix_ms() / 1_000;
    world.advance(until - world.now_s() + 1).await;
    sweep(&world).await;
    world.settled().await;
    assert_eq!(message(&late).await["status"], "read");
    let refused: Vec<_> = world.stack.simulator().sent().into_iter().filter(|sent| !sent.accepted).collect();
    assert!(refused.is_empty(), "the provider never had to refuse: {refused:?}");
}

#[tokio::test]
async fn the_limit_holds_however_many_are_written_to_at_once() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let limit =
        json!({"capability": {"tenant_id": desk.tenant.id, "max_daily_conversations_per_business": 5}});
    world.behave(limit).await;
    world.settled().await;
    let bodies: Vec<Value> = (10..30).map(|n| viewing(&json!({"to": format!("+9715022200{n}")}))).collect();
    futures_util::future::join_all(bodies.iter().map(|body| accepted(&desk, body))).await;
    world.settled().await;
    assert_eq!(taken(&desk).len(), 5);
    assert_eq!(desk.sent().len(), 5, "the others were not even tried");
    let limit = card(&desk).await["health"]["messaging_limit"].clone();
    assert_eq!((&limit["used"], &limit["left"]), (&json!(5), &json!(0)), "{limit}");
}

#[tokio::test]
async fn more_than_five_opt_outs_among_a_thousand_messages_are_a_warning() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let customer = "971501234567";
    let conversation = desk.conversation(customer, "hello").await;
    desk.sends(&json!({"conversation_id": conversation, "text": "Good morning"})).await;
    let opt_out = async || card(&desk).await["health"]["opt_out"].clone();
    assert_eq!(
        (&opt_out().await["sends"], &opt_out().await["opt_outs"]),
        (&json!(1), &json!(0)),
        "one message left"
    );
    let number = desk.tenant.meta.as_ref().unwrap().phone_number_id.clone();
    let store = platform(&world).store;
    let now = Millis::from_unix_ms(world.now_s() * 1_000);
    let more = OptOuts { sends: 999, opt_outs: 5 };
    store.add_opt_outs(tenant_id(&desk), Provider::Meta, &number, more, now).await.unwrap();
    let shown = opt_out().await;
    assert_eq!(
        (&shown["sends"], &shown["opt_outs"], &shown["warning"]),
        (&json!(1_000), &json!(5), &json!(false))
    );
    assert_eq!(shown["rate"], 0.005);
    // STOP, twice: one person.
    for _ in 0..2 {
        world.advance(1).await;
        desk.hears(customer, json!({"text": "STOP"})).await;
    }
    let shown = opt_out().await;
    assert_eq!((&shown["opt_outs"], &shown["warning"]), (&json!(6), &json!(true)), "{shown}");
    world.advance(8 * 24 * HOUR).await;
    assert_eq!(opt_out().await["warning"], false, "a week later they do not count any more");
}
