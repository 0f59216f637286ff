//! The preflight's answer is the send's answer, whatever the situation and whenever it is asked (F3).

use domain::time::Millis;
use e2e::World;
use e2e::desk::{Desk, text_of};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::cell::Cell;

const HOUR: u64 = 3600;

#[derive(Debug, Clone)]
struct Situation {
    provider: &'static str,
    /// How long ago the customer wrote, in seconds, and in which words; never unless told.
    wrote: Option<(u64, &'static str)>,
    /// What was recorded, in order: purpose and state.
    consents: Vec<(&'static str, &'static str)>,
    content: Value,
    purpose: Option<&'static str>,
    confirm_language: bool,
}

fn contents() -> impl Strategy<Value = Value> {
    let values = json!({"agent_name": "Sara", "property_name": "Marina", "viewing_time": "11:00"});
    let templates = [
        json!({"name": "viewing_confirmation", "language": "en", "variables": values}),
        json!({"name": "viewing_confirmation", "language": "ar", "variables": values}),
        json!({"name": "viewing_confirmation", "variables": values}),
        json!({"name": "viewing_confirmation", "language": "fr", "variables": values}),
        json!({"name": "viewing_confirmation", "language": "en", "variables": {"agent_name": "Sara"}}),
        json!({"name": "area_summary", "language": "en", "variables": ["Marina", "12"]}),
        json!({"name": "area_summary", "language": "ar", "variables": ["Marina"]}),
        json!({"name": "login_code", "language": "en", "variables": ["123456"]}),
        json!({"name": "pending_offer", "language": "en"}),
        json!({"name": "paused_offer", "language": "en"}),
        json!({"name": "rejected_offer"}),
        json!({"name": "nobody_knows_it"}),
    ];
    let free = [
        json!({"text": "It is free."}),
        json!({"media": {"kind": "image", "url": "https://files.example.ae/a.jpg"}}),
        json!({"media": {"kind": "image", "id": "1234567890"}}),
        json!({"interactive": {"type": "buttons", "body": "?", "buttons": [{"id": "a", "title": "A"}]}}),
        json!({"text": ""}),
    ];
    prop_oneof![
        prop::sample::select(templates.to_vec()).prop_map(|template| json!({"template": template})),
        prop::sample::select(free.to_vec()),
    ]
}

fn situations() -> impl Strategy<Value = Situation> {
    let ago = prop::sample::select(vec![0, HOUR, 24 * HOUR - 120, 24 * HOUR - 30, 24 * HOUR + 1, 30 * HOUR]);
    let words = prop::sample::select(vec!["Hello, is the villa free?", "مرحبا، هل الفيلا متاحة؟", "123"]);
    let consent = prop::sample::select(vec![
        ("marketing", "granted"),
        ("marketing", "revoked"),
        ("channel", "revoked"),
        ("channel", "granted"),
    ]);
    (
        prop::sample::select(vec!["meta", "meta", "dialog360", "ultramsg", "sandbox"]),
        prop::option::weighted(0.8, (ago, words)),
        prop::collection::vec(consent, 0..3),
        contents(),
        prop::option::of(prop::sample::select(vec!["service", "utility", "marketing"])),
        any::<bool>(),
    )
        .prop_map(|(provider, wrote, consents, content, purpose, confirm_language)| Situation {
            provider,
            wrote,
            consents,
            content,
            purpose,
            confirm_language,
        })
}

/// Brings the situation about; the send body for it, with the key to use.
async fn arranged(desk: &Desk<'_>, situation: &Situation, phone: &str) -> (Value, String) {
    let sandbox = situation.provider == "sandbox";
    let key = if sandbox { desk.tenant.keys.test_admin.clone() } else { desk.key().to_owned() };
    if let Some((ago, words)) = situation.wrote.filter(|_| !sandbox) {
        desk.hears(phone, json!({"text": words, "seconds_ago": ago})).await;
        let conversations = desk.world.all("/v1/conversations", &key).await;
        let theirs =
            conversations.iter().find(|one| one["contact"]["phone"] == json!(format!("+{phone}"))).unwrap();
        let path = format!("/v1/contacts/{}/consents", text_of(theirs, "contact_id"));
        for (purpose, state) in &situation.consents {
            let consent = json!({"purpose": purpose, "state": state, "wording": "w", "language": "en", "source": "form"});
            let written = desk.world.post(&path, &key, &consent).await;
            assert_eq!(written.status, 201, "{:?}", written.json());
            // Two consents of one moment would be a tie.
            desk.world.advance(1).await;
        }
    }
    let mut body = situation.content.clone();
    body["to"] = json!(format!("+{phone}"));
    if let Some(purpose) = situation.purpose {
        body["purpose"] = json!(purpose);
    }
    if situation.confirm_language {
        body["confirm_language"] = json!(true);
    }
    (body, key)
}

/// Asks first and sends then: both must say the same. Answers the code.
async fn agree(desk: &Desk<'_>, situation: &Situation, body: &Value, key: &str) -> String {
    let world = desk.world;
    let stored = (world.all("/v1/conversations", key).await.len(), desk.sent().len());
    let asked = world.post("/v1/whatsapp/preflight", key, body).await;
    let again = world.post("/v1/whatsapp/preflight", key, body).await;
    world.settled().await;
    let now = (world.all("/v1/conversations", key).await.len(), desk.sent().len());
    assert_eq!(now, stored, "a preflight changes nothing: {situation:?}");
    assert_eq!(asked.data()["code"], again.data()["code"], "{situation:?}");

    let sent = world.post(e2e::desk::MESSAGES, key, body).await;
    world.settled().await;
    if asked.status != 200 {
        assert_eq!((asked.status, asked.code()), (sent.status, sent.code()), "{situation:?}");
        return sent.code();
    }
    let verdict = asked.data();
    let context = format!("{situation:?}\n{verdict}\n{:?}", sent.json());
    assert_eq!(verdict["allowed"], json!(sent.status == 202), "{context}");
    if sent.status == 202 {
        assert!(verdict["code"].is_null() && verdict["reasons"] == json!([]), "{context}");
        let shown =
            world.get(&format!("{}/{}", e2e::desk::MESSAGES, text_of(&sent.data(), "id")), key).await.data();
        assert_eq!(verdict["purpose"], shown["purpose"], "{context}");
        // What we allow, the provider takes, but for a file that is nobody's.
        let taken = ["sent", "delivered", "read"].contains(&shown["status"].as_str().unwrap_or_default());
        assert!(taken || body["media"]["id"].is_string(), "{context}\n{shown}");
        return "allowed".to_owned();
    }
    let error = &sent.json()["error"];
    let first = &verdict["reasons"][0];
    for member in ["code", "message"] {
        assert_eq!(verdict[member], error[member], "{member}: {context}");
        assert_eq!(first[member], error[member], "{member}: {context}");
    }
    assert_eq!(first["field"], error["field"], "{context}");
    for (name, value) in first["details"].as_object().into_iter().flatten() {
        assert_eq!(&error["details"][name], value, "{name}: {context}");
    }
    sent.code()
}

#[test]
fn a_preflight_says_what_the_send_will_say_at_every_tick() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(World::start());
    let number = Cell::new(0_u32);
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<String, u32>::new());
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..Config::default()
    });
    let ticks = prop::sample::select(vec![30, 60, 119, HOUR, 23 * HOUR, 24 * HOUR + 1]);
    let outcome = runner.run(&(situations(), ticks), |(situation, tick)| {
        number.set(number.get() + 1);
        let phone = format!("97150{:07}", 2_000_000 + number.get());
        let provider = if situation.provider == "sandbox" { "meta" } else { situation.provider };
        let desk = world.desk(provider);
        let before = runtime.block_on(async {
            let (body, key) = arranged(&desk, &situation, &phone).await;
            let now = agree(&desk, &situation, &body, &key).await;
            world.advance(tick).await;
            [now, agree(&desk, &situation, &body, &key).await]
        });
        for code in before {
            *seen.borrow_mut().entry(code).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // Forty cases that were all refused for one reason would prove little.
    let seen = seen.into_inner();
    assert!(seen.len() >= 5 && seen.contains_key("allowed"), "{seen:?}");
}

#[tokio::test]
async fn a_preflight_names_every_reason_and_what_can_be_sent_instead() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let phone = "971501234567";
    let conversation = desk.conversation(phone, "مرحبا، هل الفيلا متاحة؟").await;
    world.advance(25 * HOUR).await;
    let offer = json!({"conversation_id": conversation, "text": "An offer for you", "purpose": "marketing"});
    let verdict = desk.preflight(&offer).await.data();
    let codes: Vec<_> =
        verdict["reasons"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["outside_24h_window", "do_not_contact"], "{verdict}");
    assert_eq!((&verdict["window"]["open"], &verdict["purpose"]), (&json!(false), &json!("marketing")));
    let alternatives = verdict["alternatives"].as_array().unwrap();
    assert!(alternatives.iter().any(|one| one["name"] == "viewing_confirmation" && one["language"] == "ar"));
    assert!(alternatives.iter().all(|one| one["category"] != "marketing"), "{alternatives:?}");

    let english =
        json!({"conversation_id": conversation, "template": {"name": "contract_ready", "language": "en"}});
    let verdict = desk.preflight(&english).await.data();
    assert_eq!(
        (&verdict["allowed"], &verdict["code"]),
        (&json!(false), &json!("language_mismatch")),
        "{verdict}"
    );
    assert_eq!(
        verdict["template"],
        json!({"name": "contract_ready", "language": "en", "category": "utility", "status": "approved"})
    );
    let sent = desk.says(&english).await;
    assert_eq!((sent.status.as_u16(), sent.code().as_str()), (409, "language_mismatch"));
    let mut insisted = english.clone();
    insisted["confirm_language"] = json!(true);
    assert_eq!(desk.preflight(&insisted).await.data()["allowed"], json!(true));
    assert_eq!(desk.says(&insisted).await.status, 202);

    let arabic = json!({"conversation_id": conversation, "template": "contract_ready"});
    let verdict = desk.preflight(&arabic).await.data();
    assert_eq!(
        (&verdict["allowed"], &verdict["template"]["language"]),
        (&json!(true), &json!("ar")),
        "{verdict}"
    );
}

#[tokio::test]
async fn a_preflight_names_the_list_price_of_the_day_it_leaves() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation("971501234567", "Hello, is the villa free?").await;
    let template =
        json!({"conversation_id": conversation, "template": {"name": "contract_ready", "language": "en"}});
    let inside = desk.preflight(&template).await.data();
    assert_eq!(inside["cost"]["category"], "utility_in_window", "{inside}");
    assert_eq!((&inside["cost"]["market"], &inside["cost"]["currency"]), (&json!("AE"), &json!("USD")));
    // The same words would do as a text, and the window shuts before tomorrow.
    let advice = inside["alternatives"][0]["description"].as_str().unwrap();
    assert!(advice.contains("contract_ready") && advice.contains("costs no more"), "{advice}");
    let text = json!({"conversation_id": conversation, "text": "It is ready."});
    let now = desk.preflight(&text).await.data();
    assert_eq!((&now["cost"]["category"], &now["alternatives"]), (&json!("service"), &json!([])), "{now}");
    let tomorrow = Millis::from_unix_ms((world.now_s() + 25 * HOUR) * 1000).to_string();
    let mut late = text.clone();
    late["not_before"] = json!(tomorrow);
    let late = desk.preflight(&late).await.data();
    assert_eq!(late["allowed"], json!(true), "{late}");
    assert!(late["alternatives"][0]["description"].as_str().unwrap().contains("send it earlier"), "{late}");

    world.advance(25 * HOUR).await;
    let outside = desk.preflight(&template).await.data();
    assert_eq!((&outside["allowed"], &outside["cost"]["category"]), (&json!(true), &json!("utility")));
    assert!(outside["cost"]["amount_micros"].as_u64().unwrap() > 0, "{outside}");
    assert_eq!(outside["alternatives"], json!([]));

    let ultramsg = world.desk("ultramsg");
    let conversation = ultramsg.conversation("971501234568", "hello").await;
    let free = ultramsg.preflight(&json!({"conversation_id": conversation, "text": "hi"})).await.data();
    assert_eq!((&free["allowed"], free.get("cost")), (&json!(true), None), "no price per message");
}
