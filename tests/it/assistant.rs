//! The assistant answers by itself: once, in the customer's language, knowing what was said before (B18, B21, A04, A42).

use e2e::World;
use e2e::assistant::{ASSISTANT, everything, told, turns};
use e2e::desk::{Desk, text_of};
use futures_util::future::join_all;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn connected(world: &World) -> Desk<'_> {
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    desk
}

async fn shown(desk: &Desk<'_>) -> Value {
    desk.all("/v1/conversations").await.remove(0)
}

#[tokio::test]
async fn who_connected_no_assistant_or_switched_it_off_answers_alone() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    world.comes_to_rest().await;
    let off = json!({"model": "demo-chat", "region": "UAE", "legal_basis": "contract"});
    let view = desk.connects(&off).await;
    for switch in ["suggestions", "translate", "auto_reply"] {
        assert_eq!(view[switch], false, "{switch}");
    }
    // What the processor knows of a tenant is a minute old at most.
    world.advance(61).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    world.comes_to_rest().await;
    assert_eq!((world.asked().len(), desk.texts_to(CUSTOMER).len()), (0, 0));
}

#[tokio::test]
async fn a_customer_is_answered_once_in_the_language_of_the_thread() {
    for (provider, text, language, expected) in [
        ("meta", "Is the villa available?", "en", "Yes, the unit is available"),
        ("dialog360", "هل الفيلا متاحة؟", "ar", "نعم، الوحدة متاحة"),
        ("ultramsg", "mar7aba, sho el akhbar", "ar", "شكرا لتواصلكم"),
    ] {
        let world = World::start().await;
        let desk = world.desk(provider);
        desk.connects(&everything()).await;
        desk.reads(CUSTOMER, json!({"text": text})).await;
        let texts = desk.until_texts(CUSTOMER, 1).await;
        assert!(texts[0].starts_with(expected), "{provider}: {texts:?}");
        world.comes_to_rest().await;
        assert_eq!(desk.texts_to(CUSTOMER).len(), 1, "{provider}");
        let asked = world.asked();
        assert_eq!(asked.len(), 1, "{provider}");
        assert_eq!(asked[0]["key"], "sk-of-the-model-7777");
        assert!(told(&asked[0]).contains(&format!("lang={language}")), "{}", told(&asked[0]));
        assert_eq!(turns(&asked[0]), [("user".to_owned(), text.to_owned())]);
        assert!(!asked[0].to_string().contains(CUSTOMER), "nobody's number is told");

        let conversation = shown(&desk).await;
        assert_eq!((&conversation["status"], &conversation["language"]), (&json!("bot"), &json!(language)));
        let reply = desk.newest(&text_of(&conversation, "id")).await;
        assert_eq!((&reply["direction"], &reply["purpose"]), (&json!("outbound"), &json!("service")));
        assert_eq!(reply["text"], texts[0].as_str());
    }
}

#[tokio::test]
async fn the_second_turn_knows_the_first_and_nobody_elses() {
    let world = World::start().await;
    let desk = connected(&world).await;
    desk.reads("971507777777", json!({"text": "I am Someone Else"})).await;
    desk.reads(CUSTOMER, json!({"text": "My name is Huda"})).await;
    desk.until_texts(CUSTOMER, 1).await;
    world.comes_to_rest().await;
    desk.reads(CUSTOMER, json!({"kind": "image", "caption": "my tooth hurts here"})).await;
    desk.until_texts(CUSTOMER, 2).await;
    let asked = world.asked();
    let last = turns(asked.last().unwrap());
    let said: Vec<(&str, &str)> = last.iter().map(|(who, what)| (who.as_str(), what.as_str())).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], ("user", "My name is Huda"));
    assert_eq!(said[1].0, "assistant");
    assert_eq!(said[2], ("user", "[image] my tooth hurts here"));

    // The window closed: what was said before it is not told any more.
    world.comes_to_rest().await;
    world.advance(25 * 3600).await;
    desk.reads(CUSTOMER, json!({"text": "Hello again"})).await;
    desk.until_texts(CUSTOMER, 3).await;
    assert_eq!(turns(world.asked().last().unwrap()), [("user".to_owned(), "Hello again".to_owned())]);
}

#[tokio::test]
async fn a_burst_of_messages_is_answered_once_with_all_of_it() {
    let world = World::start().await;
    let desk = connected(&world).await;
    for text in ["Hello", "I saw the villa", "in the Springs", "Can I visit it?"] {
        desk.reads(CUSTOMER, json!({"text": text})).await;
        world.advance(1).await;
    }
    desk.until_texts(CUSTOMER, 1).await;
    world.comes_to_rest().await;
    let asked = world.asked();
    assert_eq!((asked.len(), desk.texts_to(CUSTOMER).len()), (1, 1));
    let said: Vec<String> = turns(&asked[0]).into_iter().map(|(_, text)| text).collect();
    assert_eq!(said, ["Hello", "I saw the villa", "in the Springs", "Can I visit it?"]);
}

#[tokio::test]
async fn who_never_stops_writing_is_answered_after_fifteen_seconds() {
    let world = World::start().await;
    let desk = connected(&world).await;
    let mut wrote = 0;
    while world.asked().is_empty() {
        desk.reads(CUSTOMER, json!({"text": "and another thing"})).await;
        world.advance(2).await;
        world.drained("assistant").await;
        wrote += 1;
        assert!(wrote < 12, "nobody answers");
    }
    assert!(wrote > 3, "they were interrupted after {wrote} messages");
}

#[tokio::test]
async fn what_is_written_while_the_model_thinks_is_answered_with_the_rest() {
    let world = World::start().await;
    let desk = connected(&world).await;
    world.model(json!({"delay_ms": 400})).await;
    desk.reads(CUSTOMER, json!({"text": "Hello"})).await;
    desk.until_asked(1).await;
    desk.reads(CUSTOMER, json!({"text": "Is it available?"})).await;
    // No time passes until the model is done with the first.
    world.drained("assistant").await;
    assert_eq!(desk.texts_to(CUSTOMER), Vec::<String>::new());
    desk.until_texts(CUSTOMER, 1).await;
    world.comes_to_rest().await;
    assert_eq!(desk.texts_to(CUSTOMER).len(), 1);
    let asked = world.asked();
    assert_eq!(turns(asked.last().unwrap()).len(), 2);
}

#[tokio::test]
async fn the_same_webhook_twenty_times_and_the_same_job_again_is_one_question_and_one_answer() {
    let world = World::start().await;
    let desk = connected(&world).await;
    let body = world.meta_body().text(CUSTOMER, "wamid.ONE", world.now_s(), "Is it available?");
    let body = body.json().to_string();
    let copies = join_all((0..20).map(|_| world.from_meta(body.clone()))).await;
    assert!(copies.iter().all(|answer| answer.status == 200));
    world.drained("inbound").await;
    let contact = text_of(&shown(&desk).await, "contact_id");
    for _ in 0..5 {
        desk.queues_again(&contact).await;
    }
    desk.until_texts(CUSTOMER, 1).await;
    world.comes_to_rest().await;
    for _ in 0..5 {
        desk.queues_again(&contact).await;
    }
    world.from_meta(body).await;
    world.comes_to_rest().await;
    assert_eq!((world.asked().len(), desk.texts_to(CUSTOMER).len()), (1, 1));
    let path = format!("/v1/conversations/{}/messages", text_of(&shown(&desk).await, "id"));
    assert_eq!(desk.all(&path).await.len(), 2);
}

#[tokio::test]
async fn many_customers_are_heard_at_once_while_the_model_says_nothing() {
    const CUSTOMERS: usize = 20;
    let world = World::start().await;
    let desk = connected(&world).await;
    world.model(json!({"hang": true})).await;
    let phones: Vec<String> = (0..CUSTOMERS).map(|n| format!("9715012340{n:02}")).collect();
    let now = world.now_s();
    let write = |phone: &String| {
        world.meta_body().text(phone, &format!("wamid.{phone}"), now, "Is it available?").json().to_string()
    };
    let answers = join_all(phones.iter().map(|phone| world.from_meta(write(phone)))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    world.drained("inbound").await;
    desk.until_asked(1).await;
    // The model still hangs: the inbox has them all, and more can be written.
    assert_eq!(desk.all("/v1/conversations").await.len(), CUSTOMERS);
    let more = world.meta_body().text(&phones[0], "wamid.MORE", now + 1, "Hello?").json().to_string();
    assert_eq!(world.from_meta(more).await.status, 200);
    world.drained("inbound").await;
    assert_eq!(desk.texts_to(&phones[0]), Vec::<String>::new());
}

#[tokio::test]
async fn only_admins_connect_it_and_nobody_sees_its_key() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let keys = &desk.tenant.keys;
    for key in [&keys.live_agent, &keys.live_viewer] {
        assert_eq!(world.call("PUT", ASSISTANT, key, &everything()).await.status, 403);
        assert_eq!(world.call("DELETE", ASSISTANT, key, &Value::Null).await.status, 403);
    }
    let view = desk.connects(&everything()).await;
    assert_eq!((&view["status"], &view["secrets"]["api_key"]), (&json!("live"), &json!("7777")));
    assert_eq!(view["max_replies"], 10);
    let seen = world.get(ASSISTANT, &keys.live_viewer).await;
    assert!(!seen.json().to_string().contains("sk-of-the-model"));
    for (table, item) in crate::erasure::dump(&world).await {
        assert!(!item.to_string().contains("sk-of-the-model"), "{table}: {item}");
    }
    // Where the key goes, and by what right, is in the register.
    let register = world.get("/v1/transfers", &keys.live_admin).await.json();
    assert!(register.to_string().contains("language model"), "{register}");
    let bearer = format!("Bearer {}", keys.live_admin);
    let gone = world.send("DELETE", ASSISTANT, &[("authorization", bearer.as_str())], "").await;
    assert_eq!(gone.data()["status"], "not_configured", "{:?}", gone.json());
    desk.reads(CUSTOMER, json!({"text": "Hello"})).await;
    world.comes_to_rest().await;
    assert_eq!(world.asked().len(), 0);
}
