//! What the Cloud API refuses, with its code; and what it takes.

use crate::business::{Business, CUSTOMER, NUMBER, TOKEN, answered, text};
use serde_json::{Value, json};

fn message(kind: &str, content: Value) -> Value {
    json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": kind, kind: content})
}

fn template(name: &str, language: &str, components: Value) -> Value {
    message("template", json!({"name": name, "language": {"code": language}, "components": components}))
}

fn named(values: &[(&str, &str)]) -> Value {
    let parameters: Vec<_> = values
        .iter()
        .map(|(name, text)| json!({"type": "text", "parameter_name": name, "text": text}))
        .collect();
    json!({"type": "body", "parameters": parameters})
}

fn numbered(values: &[&str]) -> Value {
    let parameters: Vec<_> = values.iter().map(|text| json!({"type": "text", "text": text})).collect();
    json!({"type": "body", "parameters": parameters})
}

fn buttons(count: usize, title: &str) -> Value {
    let buttons: Vec<_> = (0..count)
        .map(|nth| json!({"type": "reply", "reply": {"id": format!("b{nth}"), "title": format!("{title}{nth}")}}))
        .collect();
    message(
        "interactive",
        json!({"type": "button", "body": {"text": "Which?"}, "action": {"buttons": buttons}}),
    )
}

fn list(rows: usize, sections: usize) -> Value {
    let sections: Vec<_> = (0..sections)
        .map(|section| {
            let rows: Vec<_> = (0..rows)
                .map(|row| json!({"id": format!("{section}-{row}"), "title": format!("Row {row}")}))
                .collect();
            json!({"title": format!("S{section}"), "rows": rows})
        })
        .collect();
    let action = json!({"button": "Choose", "sections": sections});
    message("interactive", json!({"type": "list", "body": {"text": "Which?"}, "action": action}))
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

fn without(mut body: Value, key: &str) -> Value {
    body.as_object_mut().unwrap().remove(key);
    body
}

fn viewing() -> Value {
    named(&[("agent_name", "Sara"), ("property_name", "Marina Gate"), ("viewing_time", "5 pm")])
}

fn picture() -> Value {
    json!({"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.ae/a.jpg"}}]})
}

fn button(value: &str) -> Value {
    json!({"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": value}]})
}

#[tokio::test]
async fn each_wrong_request_is_refused_with_its_code() {
    let business = Business::start().await;
    business.open_window().await;
    let long = |n: usize| "x".repeat(n);
    let price = named(&[("price", "1")]);
    let table: Vec<(&str, i64, Value)> = vec![
        ("no product", 100, without(text("x"), "messaging_product")),
        ("another product", 100, with(text("x"), "messaging_product", json!("sms"))),
        ("nobody", 100, without(text("x"), "to")),
        ("not a number", 131_009, with(text("x"), "to", json!("Sara"))),
        ("not a user id", 131_009, with(without(text("x"), "to"), "recipient", json!("1349"))),
        ("to oneself", 131_021, with(text("x"), "to", json!("+971 4 555 0100"))),
        ("a group", 100, with(text("x"), "recipient_type", json!("group"))),
        ("an unknown type", 100, with(text("x"), "type", json!("gif"))),
        ("an unknown field", 100, with(text("x"), "txt", json!("x"))),
        ("no content", 100, without(text("x"), "text")),
        ("an empty text", 100, text("")),
        ("a text too long", 100, text(&long(4097))),
        ("a text that is a number", 100, with(text("x"), "text", json!({"body": 5}))),
        (
            "a preview that is a text",
            100,
            with(text("x"), "text", json!({"body": "x", "preview_url": "yes"})),
        ),
        ("opaque data too long", 100, with(text("x"), "biz_opaque_callback_data", json!(long(513)))),
        ("a context without an id", 100, with(text("x"), "context", json!({}))),
        ("a picture from nowhere", 100, message("image", json!({"caption": "x"}))),
        ("a picture over http", 100, message("image", json!({"link": "http://example.ae/a.jpg"}))),
        ("a picture twice", 100, message("image", json!({"id": "1", "link": "https://example.ae/a.jpg"}))),
        ("an unknown file", 100, message("image", json!({"id": "123"}))),
        (
            "a caption too long",
            100,
            message("image", json!({"link": "https://example.ae/a.jpg", "caption": long(1025)})),
        ),
        (
            "a caption on audio",
            100,
            message("audio", json!({"link": "https://example.ae/a.ogg", "caption": "x"})),
        ),
        ("a place off the earth", 100, message("location", json!({"latitude": 91, "longitude": 0}))),
        ("a place without longitude", 100, message("location", json!({"latitude": 25.1}))),
        ("no cards", 100, message("contacts", json!([]))),
        ("a card without a name", 100, message("contacts", json!([{"phones": []}]))),
        ("a reaction to nothing", 100, message("reaction", json!({"emoji": "👍"}))),
        ("a reaction to no wamid", 100, message("reaction", json!({"message_id": "msg_1", "emoji": "👍"}))),
        ("a reaction without emoji", 100, message("reaction", json!({"message_id": "wamid.1"}))),
        (
            "a reaction with context",
            131_009,
            with(
                message("reaction", json!({"message_id": "wamid.1", "emoji": "👍"})),
                "context",
                json!({"message_id": "wamid.1"}),
            ),
        ),
        ("no buttons", 131_009, buttons(0, "B")),
        ("four buttons", 131_009, buttons(4, "B")),
        ("a title too long", 131_009, buttons(1, &long(20))),
        ("eleven rows", 131_009, list(11, 1)),
        ("eleven rows in two sections", 131_009, list(6, 2)),
        (
            "a list without a button",
            131_009,
            message(
                "interactive",
                json!({"type": "list", "body": {"text": "x"}, "action": {"sections": [{"rows": [{"id": "1", "title": "a"}]}]}}),
            ),
        ),
        (
            "a link without a URL",
            131_009,
            message(
                "interactive",
                json!({"type": "cta_url", "body": {"text": "x"}, "action": {"name": "cta_url", "parameters": {"display_text": "Go"}}}),
            ),
        ),
        (
            "an interactive without body",
            131_009,
            message("interactive", json!({"type": "button", "action": {"buttons": []}})),
        ),
        ("an unknown template", 132_001, template("nothing", "en", json!([]))),
        (
            "a language it does not have",
            132_001,
            template("viewing_confirmation_en", "ar", json!([viewing()])),
        ),
        ("a pending template", 132_001, template("pending_offer", "en", json!([]))),
        ("a rejected template", 132_001, template("rejected_offer", "en", json!([]))),
        ("a paused template", 132_015, template("paused_offer", "en", json!([]))),
        ("no values", 132_000, template("viewing_confirmation", "en", json!([]))),
        ("a value too few", 132_000, template("area_summary", "en", json!([numbered(&["Marina"])]))),
        ("a value too many", 132_000, template("office_hours", "en", json!([numbered(&["x"])]))),
        (
            "values without names",
            132_012,
            template("viewing_confirmation", "en", json!([numbered(&["a", "b", "c"])])),
        ),
        (
            "a name the template lacks",
            132_012,
            template(
                "viewing_confirmation",
                "en",
                json!([named(&[("agent_name", "a"), ("property_name", "b"), ("time", "c")])]),
            ),
        ),
        (
            "names it has not asked for",
            132_012,
            template("area_summary", "en", json!([named(&[("area", "a"), ("n", "b")])])),
        ),
        (
            "a value with a line break",
            132_008,
            template("area_summary", "en", json!([numbered(&["a\nb", "2"])])),
        ),
        (
            "values too long",
            132_005,
            template("area_summary", "en", json!([numbered(&[&long(600), &long(600)])])),
        ),
        (
            "no picture in the header",
            132_012,
            template("listing_share", "en", json!([price, button("mg-1")])),
        ),
        (
            "a video in the header",
            132_012,
            template(
                "listing_share",
                "en",
                json!([price, button("mg-1"), {"type": "header", "parameters": [{"type": "video", "video": {"link": "https://example.ae/a.mp4"}}]}]),
            ),
        ),
        ("no value for the button", 131_008, template("listing_share", "en", json!([picture(), price]))),
        (
            "a button it does not have",
            100,
            template(
                "listing_share",
                "en",
                json!([picture(), price, button("a"), {"type": "button", "sub_type": "url", "index": "1", "parameters": []}]),
            ),
        ),
        (
            "a read receipt for nothing",
            100,
            json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.unknown"}),
        ),
    ];
    for (what, code, body) in &table {
        let (status, answer) = business.send(body).await;
        assert_eq!(answer["error"]["code"], json!(code), "{what}: {status} {answer}");
        assert!((400..500).contains(&status), "{what}: {status}");
        assert_eq!(answer["error"]["type"], "OAuthException", "{what}");
        assert!(answer["error"]["fbtrace_id"].is_string(), "{what}");
    }
    let sent: Vec<_> = business.sim.sent().into_iter().filter(|sent| sent.accepted).collect();
    assert!(sent.is_empty(), "{sent:?}");
    assert!(business.posted().await.is_empty(), "nothing became of them");
}

#[tokio::test]
async fn right_requests_are_taken() {
    let business = Business::start().await;
    business.open_window().await;
    let price = named(&[("price", "AED 1,450,000")]);
    for body in [
        text("مرحبا"),
        text(&"م".repeat(4096)),
        with(text("x"), "context", json!({"message_id": "wamid.1"})),
        message("image", json!({"link": "https://example.ae/a.jpg", "caption": "x"})),
        message("audio", json!({"link": "https://example.ae/a.ogg", "voice": true})),
        message("document", json!({"link": "https://example.ae/a.pdf", "filename": "a.pdf"})),
        message(
            "location",
            json!({"latitude": "25.1", "longitude": 55.2, "name": "Marina", "address": "Dubai"}),
        ),
        message(
            "contacts",
            json!([{"name": {"formatted_name": "Sara Khan", "first_name": "Sara"}, "phones": [{"phone": "+971501112233"}]}]),
        ),
        message("reaction", json!({"message_id": "wamid.1", "emoji": ""})),
        buttons(3, "Button "),
        list(10, 1),
        list(5, 2),
        template("viewing_confirmation", "ar", json!([viewing()])),
        template("area_summary", "en", json!([numbered(&["Marina", "12"])])),
        template("listing_share", "en", json!([picture(), price, button("mg-1")])),
        template("login_code", "en", json!([numbered(&["123456"]), button("123456")])),
        template("office_hours", "ar", json!([])),
        without(template("office_hours", "en", json!([])), "recipient_type"),
    ] {
        let (status, answer) = business.send(&body).await;
        assert_eq!(status, 200, "{body}: {answer}");
        assert_eq!(answer["messaging_product"], "whatsapp");
        assert_eq!(answer["contacts"], json!([{"input": CUSTOMER, "wa_id": CUSTOMER}]));
        assert!(answer["messages"][0]["id"].as_str().unwrap().starts_with("wamid.HB"), "{answer}");
        let is_template = body["type"] == "template";
        assert_eq!(answer["messages"][0].get("message_status").is_some(), is_template, "{answer}");
    }
}

#[tokio::test]
async fn free_form_messages_need_a_window_and_templates_do_not() {
    let business = Business::start().await;
    let code = |answer: &(u16, Value)| answer.1["error"]["code"].clone();
    assert_eq!(code(&business.send(&text("Hi")).await), 131_047);
    assert_eq!(business.send(&template("office_hours", "en", json!([]))).await.0, 200);
    business.customer(json!({"tenant_id": "tnt_m", "text": "Hello"})).await;
    business.advance(24 * 3600 - 1);
    assert_eq!(
        business.send(&with(text("Hi"), "to", json!("+971 50 123 4567"))).await.0,
        200,
        "one second is left"
    );
    business.advance(1);
    assert_eq!(code(&business.send(&text("Hi")).await), 131_047);
    // Another number of another tenant has windows of its own.
    let (status, _) =
        answered(business.request("POST", "/360dialog/messages").header("D360-API-KEY", "d360"), &text("Hi"))
            .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_user_id_is_an_address_but_not_for_login_codes() {
    let business = Business::start().await;
    let hidden = json!({"tenant_id": "tnt_m", "text": "Hello", "user_id": "AE.13491208655302741918", "hide_phone": true});
    business.customer(hidden).await;
    let posted = business.posted().await[0].json();
    let value = &posted["entry"][0]["changes"][0]["value"];
    assert!(
        value["messages"][0].get("from").is_none() && value["contacts"][0].get("wa_id").is_none(),
        "{value}"
    );
    assert_eq!(value["messages"][0]["from_user_id"], "AE.13491208655302741918");

    let to = |body: Value| with(without(body, "to"), "recipient", json!("AE.13491208655302741918"));
    let (status, answer) = business.send(&to(text("Hi"))).await;
    assert_eq!(status, 200, "{answer}");
    let contact = json!([{"input": "AE.13491208655302741918", "user_id": "AE.13491208655302741918"}]);
    assert_eq!(answer["contacts"], contact);
    let status = business.posted().await[1].status();
    assert_eq!(
        (status.get("recipient_id"), &status["recipient_user_id"]),
        (None, &json!("AE.13491208655302741918"))
    );
    let code = to(template("login_code", "en", json!([numbered(&["123456"]), button("123456")])));
    assert_eq!(business.send(&code).await.1["error"]["code"], 131_062);
}

#[tokio::test]
async fn credentials_versions_and_ids_are_looked_at() {
    let business = Business::start().await;
    let path = format!("/graph/v26.0/{NUMBER}/messages");
    for (path, token, status, code, subcode) in [
        (path.as_str(), "Bearer wrong", 401, 190, Value::Null),
        (path.as_str(), "", 401, 190, Value::Null),
        ("/graph/v26.0/999/messages", &format!("Bearer {TOKEN}"), 400, 100, json!(33)),
        (&format!("/graph/v20.0/{NUMBER}/messages"), &format!("Bearer {TOKEN}"), 400, 2500, Value::Null),
        (&format!("/graph/v27.0/{NUMBER}/messages"), &format!("Bearer {TOKEN}"), 400, 2500, Value::Null),
    ] {
        let request = business.request("POST", path).header("authorization", token);
        let (got, answer) = answered(request, &text("Hi")).await;
        let error = &answer["error"];
        assert_eq!(
            (got, &error["code"], &error["error_subcode"]),
            (status, &json!(code), &subcode),
            "{path} {token}"
        );
    }
    let noted = business.sim.sent();
    assert_eq!(noted.len(), 5, "what was refused is noted as well");
    assert!(!noted[0].headers_ok && !noted[0].accepted && noted[0].answer.as_ref().unwrap().status == 401);
    assert_eq!(noted[0].tenant_id.as_deref(), Some("tnt_m"), "the path tells whose number it was");
}

#[tokio::test]
async fn what_a_customer_wrote_can_be_marked_as_read() {
    let business = Business::start().await;
    let told = business.customer(json!({"tenant_id": "tnt_m", "text": "Hello"})).await;
    let id = &told["message_ids"][0];
    let receipt = json!({"messaging_product": "whatsapp", "status": "read", "message_id": id, "typing_indicator": {"type": "text"}});
    assert_eq!(business.send(&receipt).await, (200, json!({"success": true})));
    assert!(business.sim.sent().is_empty(), "a receipt is no message");
}
