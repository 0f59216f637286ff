//! Templates, and what else the Graph API knows of a number and its account.

use crate::business::{Business, NUMBER, TOKEN, WABA, answered, read};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn page(business: &Business, query: &str) -> Value {
    let (status, body) = read(business.graph("GET", &format!("{WABA}/message_templates?{query}"))).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn the_list_has_pages_and_each_template_stands_on_one_of_them() {
    let business = Business::start().await;
    let (mut seen, mut pages, mut after) = (BTreeSet::new(), 0, String::new());
    loop {
        let body = page(&business, &format!("fields=id,name,language,status&limit=10{after}")).await;
        pages += 1;
        for one in body["data"].as_array().unwrap() {
            assert_eq!(one.as_object().unwrap().len(), 4, "only what was asked for: {one}");
            assert!(seen.insert(one["id"].as_str().unwrap().to_owned()));
        }
        match body["paging"]["next"].as_str() {
            Some(next) => {
                assert!(
                    next.starts_with(&format!("{}/graph/v26.0/{WABA}/message_templates?", business.root))
                );
                after = format!("&after={}", body["paging"]["cursors"]["after"].as_str().unwrap());
            }
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 29));
    let named = page(&business, "name=viewing_confirmation&language=ar").await;
    assert_eq!(named["data"][0]["parameter_format"], "NAMED");
    assert_eq!(named["data"].as_array().unwrap().len(), 1);
    let (status, body) =
        read(business.graph("GET", &format!("{WABA}/message_templates?after=nonsense"))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(100)));
}

fn draft(components: Value) -> Value {
    json!({"name": "open_house", "language": "en", "category": "MARKETING", "components": components})
}

fn body(text: &str, example: Value) -> Value {
    json!([{"type": "BODY", "text": text, "example": example}])
}

async fn create(business: &Business, draft: &Value) -> (u16, Value) {
    answered(business.graph("POST", &format!("{WABA}/message_templates")), draft).await
}

#[tokio::test]
async fn a_template_is_made_pending_and_can_be_sent_when_it_is_approved() {
    let business = Business::start().await;
    let text = "Hello {{1}}, our open house is on {{2}}. We would love to see you.";
    let made = draft(body(text, json!({"body_text": [["Sara", "Friday"]]})));
    let (status, told) = create(&business, &made).await;
    assert_eq!(
        (status, &told["status"], &told["category"]),
        (200, &json!("PENDING"), &json!("MARKETING")),
        "{told}"
    );
    let (_, again) = create(&business, &made).await;
    assert_eq!(again["error"]["error_subcode"], 2_388_024);
    let parameters = json!([{"type": "text", "text": "Sara"}, {"type": "text", "text": "Friday"}]);
    let send = json!({"messaging_product": "whatsapp", "to": "971501234567", "type": "template", "template":
        {"name": "open_house", "language": {"code": "en"}, "components": [{"type": "body", "parameters": parameters}]}});
    assert_eq!(business.send(&send).await.1["error"]["code"], 132_001);
    let approved = json!({"templates": [{"tenant_id": "tnt_m", "name": "open_house", "language": "en", "status": "APPROVED"}]});
    business.sim.behave(approved).await.unwrap();
    assert_eq!(business.send(&send).await.0, 200);

    let id = told["id"].as_str().unwrap();
    let edit = json!({"components": body("A shorter text for our open house.", Value::Null)});
    assert_eq!(answered(business.graph("POST", id), &edit).await.0, 200);
    let (_, too_soon) = answered(business.graph("POST", id), &edit).await;
    assert_eq!(too_soon["error"]["code"], 100, "it must be approved again first: {too_soon}");
    let gone = business.graph("DELETE", &format!("{WABA}/message_templates?name=open_house"));
    assert_eq!(read(gone).await, (200, json!({"success": true})));
    let (_, taken) = create(&business, &made).await;
    assert_eq!(taken["error"]["error_subcode"], 2_388_023, "the name rests for a month");
}

#[tokio::test]
async fn a_template_that_is_badly_made_is_refused_with_a_reason() {
    let business = Business::start().await;
    let long = "x ".repeat(600);
    let one = json!({"body_text": [["Sara"]]});
    let with = |key: &str, value: Value| {
        let mut draft = draft(json!([{"type": "BODY", "text": "An open house for you this Friday."}]));
        draft[key] = value;
        draft
    };
    let button = |button: Value| {
        draft(json!([{"type": "BODY", "text": "An open house."}, {"type": "BUTTONS", "buttons": [button]}]))
    };
    for (what, subcode, draft) in [
        ("a name with capitals", Value::Null, with("name", json!("Open House"))),
        ("no category", Value::Null, with("category", json!("NEWS"))),
        ("no language", Value::Null, with("language", json!("english"))),
        ("an unknown field", Value::Null, with("colour", json!("red"))),
        ("no body", Value::Null, draft(json!([{"type": "FOOTER", "text": "Hadar"}]))),
        (
            "two bodies",
            Value::Null,
            draft(json!([{"type": "BODY", "text": "a"}, {"type": "BODY", "text": "b"}])),
        ),
        ("a body too long", json!(2_388_040), draft(body(&long, Value::Null))),
        (
            "no example",
            json!(2_388_043),
            draft(body("Dear {{1}}, our open house is on Friday.", Value::Null)),
        ),
        (
            "a variable first",
            json!(2_388_299),
            draft(body("{{1}}, our open house is on Friday.", one.clone())),
        ),
        ("a variable last", json!(2_388_299), draft(body("Our open house is on {{1}}", one.clone()))),
        (
            "variables side by side",
            json!(2_388_072),
            draft(body("Dear {{1}} {{2}} our open house is on Friday.", json!({"body_text": [["a", "b"]]}))),
        ),
        ("mostly variables", json!(2_388_293), draft(body("Dear {{1}} ok.", one.clone()))),
        (
            "numbers that skip",
            Value::Null,
            draft(body("Dear {{2}}, our open house is on Friday.", one.clone())),
        ),
        (
            "a footer with a variable",
            json!(2_388_073),
            draft(json!([{"type": "BODY", "text": "a"}, {"type": "FOOTER", "text": "{{1}}"}])),
        ),
        (
            "a header too long",
            json!(2_388_047),
            draft(
                json!([{"type": "BODY", "text": "a"}, {"type": "HEADER", "format": "TEXT", "text": "x".repeat(61)}]),
            ),
        ),
        (
            "a picture without sample",
            json!(2_388_043),
            draft(json!([{"type": "BODY", "text": "a"}, {"type": "HEADER", "format": "IMAGE"}])),
        ),
        ("a button to nowhere", Value::Null, button(json!({"type": "URL", "text": "Go"}))),
        (
            "a button without sample",
            json!(2_388_043),
            button(json!({"type": "URL", "text": "Go", "url": "https://example.ae/{{1}}"})),
        ),
        ("a button too long", Value::Null, button(json!({"type": "QUICK_REPLY", "text": "x".repeat(26)}))),
    ] {
        let (status, answer) = create(&business, &draft).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(100)), "{what}: {answer}");
        assert_eq!(answer["error"]["error_subcode"], subcode, "{what}: {answer}");
    }
}

#[tokio::test]
async fn named_variables_need_named_examples() {
    let business = Business::start().await;
    let mut made = draft(body(
        "Dear {{first_name}}, our open house is on Friday.",
        json!({"body_text_named_params": [{"param_name": "first_name", "example": "Sara"}]}),
    ));
    assert_eq!(create(&business, &made).await.0, 400, "names need the format NAMED");
    made["parameter_format"] = json!("NAMED");
    let (status, told) = create(&business, &made).await;
    assert_eq!(status, 200, "{told}");
}

#[tokio::test]
async fn an_override_is_set_only_when_it_answers_the_challenge() {
    let business = Business::start().await;
    let path = format!("{WABA}/subscribed_apps");
    let front = business.root.trim_end_matches("/_sim").to_owned();
    let set = |url: String, token: &str| json!({"override_callback_uri": url, "verify_token": token});
    for wrong in [
        set(format!("{front}/hooks/other"), "wrong"),
        set("https://example.com/hook".to_owned(), "verify"),
        json!({"override_callback_uri": format!("{front}/hooks/other")}),
        set(format!("{front}/{}", "x".repeat(200)), "verify"),
    ] {
        let (status, body) = answered(business.graph("POST", &path), &wrong).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    let url = format!("{front}/hooks/other");
    assert_eq!(answered(business.graph("POST", &path), &set(url.clone(), "verify")).await.0, 200);
    let (_, listed) = read(business.graph("GET", &path)).await;
    assert_eq!(listed["data"][0]["override_callback_uri"], json!(url));
    business.customer(json!({"tenant_id": "tnt_m", "text": "Hello"})).await;
    assert_eq!(business.posted().await[0].uri.path(), "/hooks/other");
    let quality = json!({"quality": {"tenant_id": "tnt_m", "event": "UNFLAGGED"}});
    business.sim.behave(quality).await.unwrap();
    assert_eq!(business.posted().await[1].uri.path(), "/hooks/tnt_m", "the account is the app's business");
    assert_eq!(answered(business.graph("POST", &path), &json!({})).await.0, 200);
    business.customer(json!({"tenant_id": "tnt_m", "text": "Hello"})).await;
    assert_eq!(business.posted().await[2].uri.path(), "/hooks/tnt_m", "back on the app's URL");
    assert_eq!(read(business.graph("DELETE", &path)).await.0, 200);
    assert_eq!(read(business.graph("GET", &path)).await.1, json!({"data": []}));
}

#[tokio::test]
async fn numbers_tokens_and_registration() {
    let business = Business::start().await;
    let fields =
        "fields=display_phone_number,quality_rating,status,whatsapp_business_manager_messaging_limit";
    let (_, number) = read(business.graph("GET", &format!("{NUMBER}?{fields}"))).await;
    assert_eq!(
        (&number["quality_rating"], &number["status"], &number["id"]),
        (&json!("GREEN"), &json!("CONNECTED"), &json!(NUMBER))
    );
    assert_eq!(read(business.graph("GET", &format!("{NUMBER}?fields=colour"))).await.1["error"]["code"], 100);
    let (_, numbers) = read(business.graph("GET", &format!("{WABA}/phone_numbers"))).await;
    assert_eq!(numbers["data"][0]["id"], NUMBER);
    assert_eq!(read(business.graph("GET", "999/phone_numbers")).await.1["error"]["error_subcode"], 33);

    let debug = |token: &str, input: &str| {
        let request = business.request("GET", &format!("/graph/v26.0/debug_token?input_token={input}"));
        request.header("authorization", format!("Bearer {token}"))
    };
    for token in [TOKEN, "100|s3cret"] {
        let (_, told) = read(debug(token, TOKEN)).await;
        assert_eq!(
            (&told["data"]["is_valid"], &told["data"]["granular_scopes"][0]["target_ids"]),
            (&json!(true), &json!([WABA]))
        );
        assert_eq!(read(debug(token, "other")).await.1["data"]["is_valid"], false);
    }
    assert_eq!(read(debug("100|wrong", TOKEN)).await.0, 401);

    let register = format!("{NUMBER}/register");
    let (_, told) = answered(
        business.graph("POST", &register),
        &json!({"messaging_product": "whatsapp", "pin": "123456"}),
    )
    .await;
    assert_eq!(told, json!({"success": true}));
    assert_eq!(
        answered(business.graph("POST", &register), &json!({"messaging_product": "whatsapp", "pin": "1"}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_sample_is_uploaded_in_two_calls_and_becomes_a_handle() {
    let business = Business::start().await;
    let begin = |query: &str| business.graph("POST", &format!("100000000000001/uploads?{query}"));
    assert_eq!(read(begin("file_length=4&file_type=text/html")).await.0, 400);
    assert_eq!(read(begin("file_type=image/png")).await.0, 400);
    let (_, session) = read(begin("file_name=a.png&file_length=4&file_type=image/png")).await;
    let path = format!("/graph/v26.0/{}", session["id"].as_str().unwrap());
    let bytes = |token: &str, offset: &str, bytes: &'static str| {
        let request = business.request("POST", &path).header("authorization", format!("OAuth {token}"));
        request.header("file_offset", offset.to_owned()).body(bytes)
    };
    assert_eq!(read(bytes("wrong", "0", "abcd")).await.0, 401);
    assert_eq!(read(bytes(TOKEN, "2", "abcd")).await.0, 400);
    assert_eq!(read(bytes(TOKEN, "0", "abc")).await.0, 400, "a byte is missing");
    let (status, told) = read(bytes(TOKEN, "0", "abcd")).await;
    assert!(status == 200 && told["h"].as_str().unwrap().starts_with("4::"), "{told}");
}
