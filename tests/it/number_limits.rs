//! How many people a business may write to first, by all its numbers together, and how many want to hear no more (A59,
//! A60, R20, F13).

use crate::number_health::{HOUR, accepted, card, sweep, taken, viewing};
use crate::outbox::{platform, tenant_id};
use domain::health::OptOuts;
use domain::provider::Provider;
use domain::tenant::Plan;
use domain::time::Millis;
use e2e::{Shop, World};
use local::{Account, SimulatedProvider};
use serde_json::{Value, json};

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
