//! The language model's stand-in.

use crate::business::{Business, answered, read};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

async fn chat(business: &Business, body: &Value) -> (u16, Value) {
    answered(business.request("POST", "/llm/v1/chat/completions"), body).await
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer_in_its_own_language() {
    let business = Business::start().await;
    let ask = |question: &str| json!({"model": "demo-chat", "messages": [{"role": "system", "content": "You are an agent."}, {"role": "user", "content": question}]});
    let (_, one) = chat(&business, &ask("هل الشقة متاحة؟")).await;
    let (_, two) = chat(&business, &ask("هل الشقة متاحة؟")).await;
    assert_eq!(one["choices"], two["choices"]);
    let content = one["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("متاحة"), "{content}");
    assert_eq!(
        (&one["choices"][0]["finish_reason"], &one["object"]),
        (&json!("stop"), &json!("chat.completion"))
    );
    assert!(one["usage"]["total_tokens"].as_u64().unwrap() > 0);
    let mut short = ask("Can I visit tomorrow?");
    short["max_tokens"] = json!(3);
    let (_, cut) = chat(&business, &short).await;
    assert_eq!(
        (&cut["choices"][0]["finish_reason"], &cut["choices"][0]["message"]["content"]),
        (&json!("length"), &json!("We would be"))
    );
    let mut schema = ask("How much is it?");
    schema["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "a", "schema":
        {"type": "object", "properties": {"reply": {"type": "string"}, "intent": {"enum": ["price", "other"]}}}}});
    let (_, filled) = chat(&business, &schema).await;
    let content: Value =
        serde_json::from_str(filled["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["intent"], "price");
    assert!(content["reply"].as_str().unwrap().contains("price"));
}

#[tokio::test]
async fn the_instructions_name_the_language_and_every_question_is_remembered() {
    let business = Business::start().await;
    let ask = |told: &str, question: &str| json!({"model": "demo-chat", "messages": [{"role": "system", "content": told}, {"role": "user", "content": question}]});
    let said = async |told: &str, question: &str| {
        let (_, answer) = chat(&business, &ask(told, question)).await;
        answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    assert!(said("Answer (lang=ar).", "Is it available?").await.contains("متاحة"));
    assert_eq!(said("Translate (lang=en).", "هل الشقة متاحة؟").await, "Is it available?");
    let asked = business.sim.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1]["body"]["messages"][1]["content"], "هل الشقة متاحة؟");
}

#[tokio::test]
async fn wrong_requests_are_refused_in_openais_shape_and_rules_act_here_too() {
    let business = Business::start().await;
    for wrong in [
        json!({"messages": [{"role": "user", "content": "x"}]}),
        json!({"model": "m", "messages": []}),
        json!({"model": "m", "messages": [{"role": "boss"}]}),
        json!({"model": "demo-chat", "messages": [{"role": "user"}]}),
        json!({"model": "demo-chat", "messages": [{"role": "user", "content": 7}]}),
        json!({"model": "demo-chat", "messages": [{"role": "user", "content": "x"}], "temperature": 3}),
        json!({"model": "demo-chat", "messages": [{"role": "user", "content": "x"}], "max_tokens": 0}),
    ] {
        let (status, body) = chat(&business, &wrong).await;
        assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")), "{wrong}");
    }
    let unknown = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(chat(&business, &unknown).await.0, 404, "the model does not exist");
    let (_, models) = read(business.request("GET", "/llm/v1/models")).await;
    assert_eq!(models["data"][0]["id"], "demo-chat");
    let down = json!({"rules": [{"match": {"provider": "llm", "operation": "chat"}, "action": {"error": {"status": 503}}}]});
    business.sim.behave(down).await.unwrap();
    let (status, body) =
        chat(&business, &json!({"model": "m", "messages": [{"role": "user", "content": "x"}]})).await;
    assert_eq!((status, &body["error"]["type"]), (503, &json!("server_error")));
    assert_eq!(read(business.request("GET", "/llm/v1/models")).await.0, 200);
}

#[tokio::test]
async fn a_voice_note_is_transcribed_to_what_the_customer_said() {
    let business = Business::start().await;
    business
        .customer(json!({"tenant_id": "tnt_u", "kind": "voice", "transcript": "أريد معاينة الشقة غدا"}))
        .await;
    let data = business.posted().await[0].json()["data"].clone();
    assert_eq!(data["type"], "ptt");
    let path = data["media"].as_str().unwrap().strip_prefix(&business.root).unwrap().to_owned();
    let bytes = business.request("GET", &path).send().await.unwrap().bytes().await.unwrap();
    let form = |name: &'static str| {
        let file = Part::bytes(bytes.to_vec()).file_name(name);
        Form::new().text("model", "demo-whisper").text("response_format", "json").part("file", file)
    };
    let ask = |form: Form| business.request("POST", "/llm/v1/audio/transcriptions").multipart(form);
    assert_eq!(read(ask(form("note.ogg"))).await, (200, json!({"text": "أريد معاينة الشقة غدا"})));
    assert_eq!(read(ask(form("note"))).await.0, 400, "the file's name tells its format");
    assert_eq!(read(ask(Form::new().text("model", "m"))).await.0, 400);
}
