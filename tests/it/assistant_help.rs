//! What people ask of the assistant: drafts, which send nothing, and translations, which keep the original (A43).

use e2e::World;
use e2e::assistant::{ASSISTANT, everything, told, turns};
use e2e::desk::{Desk, MESSAGES, text_of};
use local::Options;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

/// Drafts and translations, and nothing by itself.
fn on_request() -> Value {
    let mut settings = everything();
    settings["auto_reply"] = json!(false);
    settings
}

async fn asked_for(desk: &Desk<'_>, conversation: &str) -> e2e::Answer {
    let bearer = format!("Bearer {}", desk.key());
    let path = format!("/v1/conversations/{conversation}/suggest");
    desk.world.send("POST", &path, &[("authorization", bearer.as_str())], "").await
}

#[tokio::test]
async fn a_draft_is_in_the_customers_language_and_is_not_sent() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let mut settings = on_request();
    settings["instructions"] = json!("We let villas in Dubai.");
    desk.connects(&settings).await;
    let conversation = desk.conversation(CUSTOMER, "هل الفيلا متاحة؟").await;
    let draft = asked_for(&desk, &conversation).await;
    assert_eq!(draft.status, 200, "{:?}", draft.json());
    let draft = draft.data();
    assert_eq!((&draft["language"], &draft["conversation_id"]), (&json!("ar"), &json!(conversation)));
    assert!(draft["text"].as_str().unwrap().contains("متاحة"), "{draft}");
    assert_eq!(draft["message_id"], desk.newest(&conversation).await["id"]);
    assert!(told(&world.asked()[0]).contains("We let villas in Dubai."));
    world.comes_to_rest().await;
    assert_eq!((desk.sent().len(), desk.stored().await), (0, (1, 1)));
    // Like anything that a person writes, it may be held, and goes when it is released.
    let body = json!({"conversation_id": conversation, "text": draft["text"], "hold": true});
    assert_eq!(desk.sends(&body).await["status"], "held");
}

#[tokio::test]
async fn who_asks_twice_with_one_key_has_one_draft() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let conversation = desk.conversation(CUSTOMER, "Is it available?").await;
    let bearer = format!("Bearer {}", desk.key());
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "draft-1")];
    let path = format!("/v1/conversations/{conversation}/suggest");
    let first = world.send("POST", &path, &headers, "").await;
    let second = world.send("POST", &path, &headers, "").await;
    assert_eq!((first.status.as_u16(), first.data()), (200, second.data()));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn without_an_assistant_or_an_answer_the_error_says_so() {
    let options = Options { provider_timeout_ms: Some(300), ..Options::default() };
    let world = World::start_with(options).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Is it available?").await;
    let message = text_of(&desk.newest(&conversation).await, "id");
    let translate =
        async || desk.post(&format!("{MESSAGES}/{message}/translate"), &json!({"to": "ar"})).await;
    for answer in [asked_for(&desk, &conversation).await, translate().await] {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "assistant_not_connected"));
    }
    desk.connects(&json!({"model": "demo-chat", "region": "UAE", "legal_basis": "contract"})).await;
    for (answer, switch) in
        [(asked_for(&desk, &conversation).await, "suggestions"), (translate().await, "translate")]
    {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "assistant_not_connected"));
        assert_eq!(answer.json()["error"]["details"]["switch"], switch);
    }
    desk.connects(&on_request()).await;
    for action in [
        json!({"error": {"status": 500}}),
        json!({"delay_ms": 2_000}),
        json!({"accept_with_body": "<html></html>"}),
        json!({"accept_with_body": "x".repeat(100_000)}),
    ] {
        world.model(action.clone()).await;
        for answer in [asked_for(&desk, &conversation).await, translate().await] {
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (503, "assistant_unavailable"),
                "{action}"
            );
            assert_eq!(answer.headers["retry-after"], "10");
        }
    }
    world.stack.simulator().behave_well();
    assert_eq!(asked_for(&desk, &conversation).await.status, 200, "nothing of that is remembered");
    assert_eq!(translate().await.status, 200);
}

#[tokio::test]
async fn viewers_and_other_tenants_ask_for_nothing() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let conversation = desk.conversation(CUSTOMER, "Is it available?").await;
    let message = text_of(&desk.newest(&conversation).await, "id");
    let suggest = format!("/v1/conversations/{conversation}/suggest");
    let translate = format!("{MESSAGES}/{message}/translate");
    let other = world.tenant("dialog360").keys.live_agent;
    for (key, status) in [(&desk.tenant.keys.live_viewer, 403), (&other, 404)] {
        let bearer = format!("Bearer {key}");
        let drafted = world.send("POST", &suggest, &[("authorization", bearer.as_str())], "").await;
        assert_eq!(drafted.status, status);
        assert_eq!(world.post(&translate, key, &json!({"to": "en"})).await.status, status);
    }
    for body in [json!({}), json!({"to": "fr"}), json!({"to": "en", "from": "ar"}), json!({"to": null})] {
        assert_eq!(desk.post(&translate, &body).await.status, 400, "{body}");
    }
    assert_eq!(world.asked().len(), 0);
}

#[tokio::test]
async fn a_translation_stands_beside_the_original_and_nobody_is_asked_twice() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let conversation = desk.conversation(CUSTOMER, "هل الفيلا متاحة؟").await;
    let message = text_of(&desk.newest(&conversation).await, "id");
    let path = format!("{MESSAGES}/{message}/translate");
    let made = desk.post(&path, &json!({"to": "en"})).await;
    assert_eq!(made.status, 200, "{:?}", made.json());
    let made = made.data();
    assert_eq!((&made["original"], &made["original_language"]), (&json!("هل الفيلا متاحة؟"), &json!("ar")));
    assert_eq!(made["translation"]["text"], "Is it available?");
    assert_eq!(turns(&world.asked()[0]), [("user".to_owned(), "هل الفيلا متاحة؟".to_owned())]);
    assert_eq!(desk.post(&path, &json!({"to": "en"})).await.data(), made);
    assert_eq!(world.asked().len(), 1);
    let shown = desk.message(&message).await;
    assert_eq!(shown["text"], "هل الفيلا متاحة؟");
    assert_eq!(shown["translations"], json!([made["translation"]]));
    // What we write can be translated as well.
    let ours = desk.sends(&json!({"conversation_id": conversation, "text": "Can I visit you?"})).await;
    let theirs =
        desk.post(&format!("{MESSAGES}/{}/translate", text_of(&ours, "id")), &json!({"to": "ar"})).await;
    assert_eq!(theirs.data()["translation"]["text"], "هل يمكنني الزيارة؟");
    assert_eq!(desk.message(&text_of(&ours, "id")).await["translations"][0]["language"], "ar");
    // What has no words has no translation.
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"kind": "image"})).await;
    let image = text_of(&desk.newest(&conversation).await, "id");
    let none = desk.post(&format!("{MESSAGES}/{image}/translate"), &json!({"to": "en"})).await;
    assert_eq!((none.status.as_u16(), none.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn a_translation_goes_with_its_person_and_is_part_of_what_is_kept_about_them() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    let conversation = desk.conversation(CUSTOMER, "هل الفيلا متاحة؟").await;
    let contact = desk.contact_of(&conversation).await;
    let page = desk.get(&format!("/v1/conversations/{conversation}/messages")).await.items();
    let message = text_of(page.last().unwrap(), "id");
    let bearer = format!("Bearer {}", desk.key());
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "t1")];
    let path = format!("{MESSAGES}/{message}/translate");
    assert_eq!(world.send("POST", &path, &headers, json!({"to": "en"}).to_string()).await.status, 200);
    desk.until_texts(CUSTOMER, 1).await;
    world.comes_to_rest().await;
    let admin = &desk.tenant.keys.live_admin;
    let exported = world.all(&format!("/v1/contacts/{contact}/export"), admin).await;
    assert!(json!(exported).to_string().contains("Is it available?"), "{exported:?}");

    let bearer = format!("Bearer {admin}");
    let path = format!("/v1/contacts/{contact}/erasure");
    let begun = world.send("POST", &path, &[("authorization", bearer.as_str())], "").await;
    assert!(begun.status.is_success(), "{:?}", begun.json());
    for _ in 0..6 {
        world.advance(61).await;
        world.stack.sweep().await.unwrap();
        world.comes_to_rest().await;
    }
    for (table, item) in crate::erasure::dump(&world).await {
        let text = item.to_string();
        for said in ["Is it available?", "الفيلا متاحة", "الوحدة متاحة", CUSTOMER] {
            assert!(!text.contains(said), "{table}: {text}");
        }
    }
}

#[tokio::test]
async fn an_address_inside_or_a_model_that_does_not_answer_is_not_connected() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = &desk.tenant.keys.live_admin;
    let put = async |body: &Value| desk.world.call("PUT", ASSISTANT, admin, body).await;
    for url in [
        "http://llm.example.com/v1",
        "https://127.0.0.1/v1",
        "http://127.0.0.1:8000/v1",
        "http://localhost:8000/v1",
        "https://10.0.0.7/v1",
        "https://169.254.169.254/latest",
        "https://[::1]/v1",
        "https://user:pass@example.com/v1",
        "https://example.com/v1?key=1",
        "ftp://example.com",
        "",
    ] {
        let mut body = on_request();
        body["base_url"] = json!(url);
        let answer = put(&body).await;
        assert_eq!(answer.status, 400, "{url}");
        assert_eq!(answer.json()["error"]["field"], "base_url", "{url}: {:?}", answer.json());
    }
    for (field, value) in [
        ("model", json!("")),
        ("model", json!("not-a-model")),
        ("region", json!("")),
        ("legal_basis", json!(" ")),
        ("max_replies", json!(0)),
        ("max_replies", json!(51)),
        ("api_key", json!("with blank")),
        ("instructions", json!("x".repeat(8_001))),
    ] {
        let mut body = on_request();
        body[field] = value.clone();
        let answer = put(&body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{value}"
        );
    }
    for (action, field) in
        [(json!({"reject_token": true}), "api_key"), (json!({"error": {"status": 500}}), "base_url")]
    {
        world.model(action).await;
        let answer = put(&on_request()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!(field)));
    }
    assert_eq!(desk.get(ASSISTANT).await.data()["status"], "not_configured");
}

#[tokio::test]
async fn a_key_that_was_given_for_one_place_is_not_shown_to_another() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let keys = || -> Vec<Value> {
        world.stack.simulator().asked().iter().map(|asked| asked["key"].clone()).collect()
    };
    let mut same = on_request();
    same.as_object_mut().unwrap().remove("api_key");
    assert_eq!(desk.connects(&same).await["secrets"]["api_key"], "7777");
    assert_eq!(keys().last().unwrap(), "sk-of-the-model-7777");
    let mut other = same.clone();
    other["base_url"] = json!(format!("{}/llm/v1", world.stack.ready().sim_url));
    assert_eq!(desk.connects(&other).await["secrets"], json!({}));
    assert_eq!(keys().last().unwrap(), "");
}

#[tokio::test]
async fn an_export_of_the_tenant_names_the_assistant_and_keeps_its_key_out() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let conversation = desk.conversation(CUSTOMER, "هل الفيلا متاحة؟").await;
    let message = text_of(&desk.newest(&conversation).await, "id");
    desk.post(&format!("{MESSAGES}/{message}/translate"), &json!({"to": "en"})).await;
    let pages = crate::export::pages(&world, &desk.tenant.keys.live_admin).await;
    let records = crate::export::lines(&pages);
    let of = |kind: &str| -> Vec<&Value> { records.iter().filter(|one| one["kind"] == kind).collect() };
    let [assistant] = of("assistant")[..] else { panic!("{:?}", of("assistant")) };
    assert_eq!(assistant["data"]["model"], "demo-chat");
    assert!(assistant["data"].get("sealed").is_none(), "{assistant}");
    let told = json!(of("message")).to_string();
    assert!(told.contains("Is it available?"), "the translation goes with its message: {told}");
}

#[tokio::test]
async fn who_names_no_service_uses_the_one_that_the_deployment_was_started_with() {
    let elsewhere = World::start().await;
    let llm_url = Some(format!("{}/llm/v1", elsewhere.stack.ready().sim_url));
    let world = World::start_with(Options { llm_url, ..Options::default() }).await;
    let desk = world.desk("meta");
    desk.connects(&on_request()).await;
    let conversation = desk.conversation(CUSTOMER, "Is it available?").await;
    assert_eq!(asked_for(&desk, &conversation).await.status, 200);
    assert_eq!((elsewhere.asked().len(), world.asked().len()), (1, 0));
}
