//! Answers that go wrong on demand, as a client sees them.

use crate::business::{Business, CUSTOMER, NUMBER, answered, read, text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn ready(rule: Value) -> Business {
    let business = Business::start().await;
    business.open_window().await;
    business.sim.behave(json!({"rules": [rule]})).await.unwrap();
    business
}

/// How a send ends for a client that waits half a second.
async fn sent(business: &Business) -> Result<(u16, String), String> {
    let request = business.graph("POST", &format!("{NUMBER}/messages")).timeout(Duration::from_millis(500));
    let request = request.header("content-type", "application/json").body(text("Hi").to_string());
    let response = request.send().await.map_err(|error| why(&error))?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(|error| format!("{status} then {}", why(&error)))?;
    Ok((status, body))
}

fn why(error: &reqwest::Error) -> String {
    match () {
        () if error.is_connect() => "not connected",
        () if error.is_timeout() => "timeout",
        () => "broken",
    }
    .to_owned()
}

async fn accepted(business: &Business) -> usize {
    // The client sees the end of the connection before the note is made.
    business.posted().await;
    business.sim.sent().iter().filter(|sent| sent.accepted).count()
}

#[tokio::test]
async fn a_refusal_has_the_code_the_status_and_the_words_asked_for_and_takes_nothing() {
    let business = ready(json!({"times": 1, "action": {"error":
        {"code": 131_056, "details": "Slow down", "subcode": 2_494_055, "retry_after": 6}}}))
    .await;
    let request =
        business.graph("POST", &format!("{NUMBER}/messages")).header("content-type", "application/json");
    let response = request.body(text("Hi").to_string()).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (400, &"6".parse().unwrap())
    );
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let error = &body["error"];
    assert_eq!(error["message"], "(#131056) (Business Account, Consumer Account) pair rate limit hit");
    assert_eq!(
        (&error["error_subcode"], &error["error_data"]["details"]),
        (&json!(2_494_055), &json!("Slow down"))
    );
    assert_eq!(accepted(&business).await, 0);
    assert_eq!(sent(&business).await.unwrap().0, 200, "the rule is spent");
    assert_eq!(accepted(&business).await, 1);
}

#[tokio::test]
async fn a_refusal_can_be_any_bytes() {
    let business =
        ready(json!({"action": {"error": {"status": 502, "body": "<html>Bad gateway</html>"}}})).await;
    assert_eq!(sent(&business).await, Ok((502, "<html>Bad gateway</html>".to_owned())));
}

#[tokio::test]
async fn a_rejected_token_is_refused_in_the_shape_of_each_provider() {
    let business = ready(json!({"action": {"reject_token": true}})).await;
    let (status, body) = sent(&business).await.unwrap();
    assert!(status == 401 && body.contains("\"code\":190"), "{status} {body}");
    let request = business.request("POST", "/360dialog/messages").header("D360-API-KEY", "d360");
    let (status, body) = answered(request, &text("Hi")).await;
    assert_eq!((status, &body["meta"]["http_code"]), (401, &json!(401)));
    let request = business.request("GET", "/ultramsg/instance41580/instance/status?token=um-token");
    let (status, body) = read(request).await;
    assert_eq!(
        (status, body),
        (200, json!({"error": "Wrong token. Please provide token as a GET parameter."}))
    );
    assert!(business.sim.sent().iter().all(|sent| !sent.headers_ok && !sent.accepted));
}

#[tokio::test]
async fn a_connection_that_is_cut_before_takes_nothing_and_one_that_is_cut_after_has_taken_it() {
    for (action, taken) in [("reset_before", 0), ("accept_then_reset", 1)] {
        let business = ready(json!({"action": {action: true}})).await;
        assert_eq!(sent(&business).await, Err("broken".to_owned()), "{action}");
        assert_eq!(accepted(&business).await, taken, "{action}");
        assert_eq!(business.sim.sent().len(), 1, "{action}: it was asked");
        assert_eq!(business.sim.sent()[0].answer, None, "{action}: nobody saw an answer");
        assert_eq!(business.posted().await.len(), taken * 3, "{action}: what was taken has its statuses");
    }
}

#[tokio::test]
async fn silence_before_takes_nothing_and_silence_after_has_taken_it() {
    for (action, taken) in [("hang", 0), ("accept_then_hang", 1)] {
        let business = ready(json!({"action": {action: true}})).await;
        assert_eq!(sent(&business).await, Err("timeout".to_owned()), "{action}");
        assert_eq!(accepted(&business).await, taken, "{action}");
        assert_eq!(business.posted().await.len(), taken * 3, "{action}");
    }
}

#[tokio::test]
async fn an_answer_can_be_cut_after_any_of_its_bytes() {
    let business = ready(json!({"action": {"delay_ms": 0}})).await;
    let whole = sent(&business).await.unwrap().1.len();
    for bytes in [0, 1, 10, whole / 2, whole - 1, whole, whole + 100] {
        business
            .sim
            .behave(json!({"rules": [{"action": {"accept_then_cut_after_bytes": bytes}}]}))
            .await
            .unwrap();
        assert_eq!(sent(&business).await, Err("200 then broken".to_owned()), "{bytes} of {whole}");
    }
    assert_eq!(accepted(&business).await, 8);
}

#[tokio::test]
async fn a_cut_answer_has_the_bytes_that_were_asked_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let business = ready(json!({"action": {"accept_then_cut_after_bytes": 7}})).await;
    let host = business.root.trim_start_matches("http://").trim_end_matches("/_sim").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let body = text("Hi").to_string();
    let head = format!(
        "POST /_sim/graph/v26.0/{NUMBER}/messages HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        crate::business::TOKEN,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, rest) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(rest.len(), 7, "{rest}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(length.parse::<usize>().unwrap() > 100, "the whole length is announced: {length}");
}

#[tokio::test]
async fn a_taken_message_can_be_answered_with_nonsense() {
    for (action, expected) in [
        (json!({"accept_then_status": 500}), (500, String::new())),
        (json!({"accept_with_body": "{\"messages\":[]}"}), (200, "{\"messages\":[]}".to_owned())),
        (json!({"accept_with_body": ""}), (200, String::new())),
    ] {
        let business = ready(json!({"action": action})).await;
        assert_eq!(sent(&business).await, Ok(expected), "{action}");
        assert_eq!(accepted(&business).await, 1, "{action}");
    }
}

#[tokio::test]
async fn a_rule_waits_and_lets_the_next_one_decide() {
    let business = Business::start().await;
    business.open_window().await;
    let rules = json!({"rules": [{"action": {"delay_ms": 120}}, {"action": {"error": {"status": 503}}}]});
    business.sim.behave(rules).await.unwrap();
    let began = Instant::now();
    assert_eq!(sent(&business).await.unwrap().0, 503);
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_rule_hits_the_calls_it_matches_and_no_others() {
    let business = Business::start().await;
    for (calls, hit) in [
        (json!({"tenant_id": "tnt_m"}), true),
        (json!({"tenant_id": "tnt_d"}), false),
        (json!({"to": "+971 50 123 4567"}), true),
        (json!({"to": "971500000000"}), false),
        (json!({"provider": "meta", "operation": "send"}), true),
        (json!({"provider": "meta", "operation": "templates"}), false),
        (json!({"provider": "ultramsg"}), false),
        (json!({}), true),
    ] {
        business.open_window().await;
        let rule = json!({"match": calls, "action": {"error": {"status": 503}}});
        business.sim.behave(json!({"rules": [rule]})).await.unwrap();
        assert_eq!(sent(&business).await.unwrap().0 == 503, hit, "{calls}");
    }
    let never = json!({"rules": [{"probability": 0, "action": {"error": {"status": 503}}}]});
    business.sim.behave(never).await.unwrap();
    assert_eq!(sent(&business).await.unwrap().0, 200);
}

#[tokio::test]
async fn the_controls_say_what_is_in_force_and_refuse_what_they_do_not_know() {
    let business = Business::start().await;
    let rules = json!({"rules": [{"times": 3, "match": {"operation": "send"}, "action": {"hang": true}}]});
    let (status, _) = answered(business.request("PUT", "/behaviour"), &rules).await;
    assert_eq!(status, 200);
    let (_, told) = read(business.request("GET", "/behaviour")).await;
    assert_eq!(told["rules"], rules["rules"]);
    for wrong in [
        json!({"rules": [{"action": {"explode": true}}]}),
        json!({"rules": [{"acton": {"hang": true}}]}),
        json!({"statuses": {"plays": []}}),
        json!({"templates": [{"tenant_id": "tnt_m", "name": "no", "language": "en"}]}),
        json!({"quality": {"tenant_id": "tnt_x", "event": "FLAGGED"}}),
    ] {
        let (status, body) = answered(business.request("PUT", "/behaviour"), &wrong).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("validation_error")), "{wrong}");
    }
    let (_, told) = read(business.request("GET", "/behaviour")).await;
    assert_eq!(told["rules"], rules["rules"], "a refused change changes nothing");
    let (_, told) = read(business.request("DELETE", "/behaviour")).await;
    assert_eq!(told["rules"], json!([]));
    let who = format!("/customers/{CUSTOMER}/messages");
    for wrong in [
        json!({"text": "no tenant"}),
        json!({"tenant_id": "tnt_m", "txt": "Hi"}),
        json!({"tenant_id": "tnt_m", "kind": "gif"}),
        json!({"tenant_id": "tnt_m", "kind": "button_reply"}),
        json!({"tenant_id": "tnt_u", "kind": "button_reply", "id": "1", "title": "Yes"}),
        json!({"tenant_id": "tnt_m", "text": "Hi", "user_id": "no user id"}),
        json!({"tenant_id": "tnt_m", "kind": "image", "bytes": "%"}),
    ] {
        let (status, body) = answered(business.request("POST", &who), &wrong).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("validation_error")), "{wrong}");
    }
    assert_eq!(read(business.request("GET", "/nothing")).await.0, 404);
    assert!(business.posted().await.is_empty());
}

#[tokio::test]
async fn what_was_sent_is_listed_by_recipient_and_tenant_and_can_be_forgotten() {
    let business = Business::start().await;
    business.open_window().await;
    business.send(&text("Hi")).await;
    let mut other = text("Hi");
    other["to"] = json!("+971 50 999 8877");
    business.send(&other).await;
    let items = async |query: &str| {
        let (_, told) = read(business.request("GET", &format!("/sent{query}"))).await;
        told["items"].as_array().unwrap().clone()
    };
    assert_eq!(items("").await.len(), 2);
    let found = items("?to=%2B971%2050%20999%208877&tenant_id=tnt_m").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["body"], other, "the body as it came");
    assert_eq!(found[0]["answer"]["body"]["error"]["code"], 131_047);
    assert_eq!(
        (&found[0]["at"], &found[0]["headers_ok"]),
        (&json!("2026-11-20T08:00:00.000Z"), &json!(true))
    );
    assert!(items("?tenant_id=tnt_d").await.is_empty());
    read(business.request("DELETE", "/sent")).await;
    assert!(items("").await.is_empty());
}

#[tokio::test]
async fn templates_are_judged_anew_and_the_business_is_told() {
    let business = Business::start().await;
    let one = |more: Value| {
        let mut change = json!({"tenant_id": "tnt_m", "name": "area_summary", "language": "ar"});
        change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"templates": [change]})
    };
    let told = business.sim.behave(one(json!({"status": "PAUSED"}))).await.unwrap();
    assert_eq!(told["answers"], json!([200]));
    business.sim.behave(one(json!({"category": "utility", "quality": "red"}))).await.unwrap();
    let quality =
        json!({"quality": {"tenant_id": "tnt_m", "event": "DOWNGRADE", "current_limit": "TIER_250"}});
    business.sim.behave(quality).await.unwrap();
    let changes: Vec<Value> = business
        .posted()
        .await
        .iter()
        .map(|posted| posted.json()["entry"][0]["changes"][0].clone())
        .collect();
    let fields: Vec<_> = changes.iter().map(|change| change["field"].as_str().unwrap()).collect();
    let expected = [
        "message_template_status_update",
        "template_category_update",
        "message_template_quality_update",
        "phone_number_quality_update",
    ];
    assert_eq!(fields, expected);
    assert_eq!(changes[0]["value"]["event"], "PAUSED");
    assert!(changes[0]["value"]["message_template_id"].is_u64());
    assert_eq!(changes[1]["value"]["new_category"], "UTILITY");
    assert_eq!(
        (&changes[3]["value"]["old_limit"], &changes[3]["value"]["current_limit"]),
        (&json!("TIER_2K"), &json!("TIER_250"))
    );
    assert!(business.posted().await[0].json()["entry"][0]["time"].is_i64());
    let template = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template",
        "template": {"name": "area_summary", "language": {"code": "ar"}}});
    assert_eq!(business.send(&template).await.1["error"]["code"], 132_015);
}
