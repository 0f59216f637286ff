//! UltraMsg: forms, refusals with HTTP 200, acknowledgements by reference.

use crate::business::{Business, CUSTOMER, answered, read};
use serde_json::{Value, json};

const ROOT: &str = "/ultramsg/instance41580";

async fn post(business: &Business, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("token", "um-token")];
    form.extend_from_slice(fields);
    let body = serde_urlencoded::to_string(form).unwrap();
    let request = business.request("POST", &format!("{ROOT}/{path}"));
    read(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}

async fn get(business: &Business, path: &str) -> (u16, Value) {
    let join = if path.contains('?') { '&' } else { '?' };
    read(business.request("GET", &format!("{ROOT}/{path}{join}token=um-token"))).await
}

#[tokio::test]
async fn a_message_is_queued_and_acknowledged_by_its_reference() {
    let business = Business::start().await;
    let fields = [("to", "+971501234567"), ("body", "Your viewing is at 5"), ("referenceId", "msg_1")];
    let (status, told) = post(&business, "messages/chat", &fields).await;
    assert_eq!((status, &told["sent"], &told["message"]), (200, &json!("true"), &json!("ok")));
    let id = told["id"].as_u64().unwrap();
    let posted: Vec<Value> = business.posted().await.iter().map(crate::business::Posted::json).collect();
    let seen: Vec<_> = posted
        .iter()
        .map(|one| (one["event_type"].as_str().unwrap(), one["data"]["ack"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("message_create", "pending"),
            ("message_ack", "server"),
            ("message_ack", "device"),
            ("message_ack", "read")
        ]
    );
    for one in &posted {
        assert_eq!((&one["referenceId"], &one["instanceId"]), (&json!("msg_1"), &json!("41580")));
        assert_eq!((&one["data"]["id"], &one["data"]["fromMe"]), (&posted[0]["data"]["id"], &json!(true)));
        assert!(one["data"]["id"].as_str().unwrap().starts_with(&format!("true_{CUSTOMER}@c.us_")));
    }
    let (_, listed) = get(&business, "messages?referenceId=msg_1").await;
    assert_eq!((&listed["total"], &listed["messages"][0]["id"]), (&json!(1), &json!(id)));
    let noted = &business.sim.sent()[0];
    assert_eq!(
        (noted.to.as_deref(), noted.provider_message_id.clone()),
        (Some(CUSTOMER), Some(id.to_string()))
    );
    assert_eq!(
        noted.body,
        json!({"to": "+971501234567", "body": "Your viewing is at 5", "referenceId": "msg_1"})
    );
    assert!(!serde_json::to_string(noted).unwrap().contains("um-token"), "the token is not shown");
}

#[tokio::test]
async fn refusals_come_with_http_200_and_name_the_field() {
    let business = Business::start().await;
    let long = "x".repeat(4097);
    for (path, fields, field) in [
        ("messages/chat", vec![("body", "Hi")], "to"),
        ("messages/chat", vec![("to", "Sara"), ("body", "Hi")], "to"),
        ("messages/chat", vec![("to", "+971501234567")], "body"),
        ("messages/chat", vec![("to", "+971501234567"), ("body", &long)], "body"),
        ("messages/chat", vec![("to", "+971501234567"), ("body", "Hi"), ("priority", "11")], "priority"),
        ("messages/image", vec![("to", "+971501234567")], "image"),
        ("messages/image", vec![("to", "+971501234567"), ("image", "no picture!")], "image"),
        (
            "messages/document",
            vec![("to", "+971501234567"), ("document", "https://example.ae/a.pdf")],
            "filename",
        ),
        (
            "messages/location",
            vec![("to", "+971501234567"), ("lat", "91"), ("lng", "0"), ("address", "x")],
            "lat",
        ),
        ("messages/reaction", vec![("emoji", "👍")], "msgId"),
    ] {
        let (status, told) = post(&business, path, &fields).await;
        assert_eq!(status, 200, "{path} {field}");
        assert!(told["error"][0][field].is_string(), "{path} {field}: {told}");
    }
    assert!(business.sim.sent().iter().all(|sent| !sent.accepted && sent.headers_ok));
}

#[tokio::test]
async fn json_wrong_tokens_and_unknown_instances_are_refused() {
    let business = Business::start().await;
    let request = business.request("POST", &format!("{ROOT}/messages/chat?token=um-token"));
    let (status, told) = answered(request, &json!({"to": "+971501234567", "body": "Hi"})).await;
    assert!(status == 200 && told["error"].is_string(), "{told}");
    let (status, told) = read(business.request("GET", &format!("{ROOT}/instance/status?token=wrong"))).await;
    assert_eq!(
        (status, told),
        (200, json!({"error": "Wrong token. Please provide token as a GET parameter."}))
    );
    let (status, _) =
        read(business.request("GET", "/ultramsg/instance999/instance/status?token=um-token")).await;
    assert_eq!(status, 404);
    assert_eq!(get(&business, "nowhere").await.0, 404);
    assert!(!business.sim.sent()[0].headers_ok);
}

#[tokio::test]
async fn every_kind_of_message_is_taken() {
    let business = Business::start().await;
    let to = ("to", "971501234567@c.us");
    for (path, fields) in [
        ("messages/image", vec![to, ("image", "https://example.ae/a.jpg"), ("caption", "The view")]),
        ("messages/video", vec![to, ("video", "https://example.ae/a.mp4")]),
        ("messages/document", vec![to, ("document", "JVBERi0="), ("filename", "a.pdf")]),
        ("messages/audio", vec![to, ("audio", "https://example.ae/a.mp3")]),
        ("messages/voice", vec![to, ("audio", "data:audio/ogg;base64,T2dnUw==")]),
        ("messages/sticker", vec![to, ("sticker", "https://example.ae/a.webp")]),
        ("messages/location", vec![to, ("lat", "25.1"), ("lng", "55.2"), ("address", "Marina")]),
        ("messages/contact", vec![to, ("contact", "971501112233@c.us")]),
        ("messages/vcard", vec![to, ("vcard", "BEGIN:VCARD\nEND:VCARD")]),
        ("messages/reaction", vec![("msgId", "false_971501234567@c.us_3EB0"), ("emoji", "")]),
        ("messages/delete", vec![("msgId", "true_971501234567@c.us_3EB0")]),
    ] {
        let (_, told) = post(&business, path, &fields).await;
        assert_eq!(told["sent"], "true", "{path}: {told}");
    }
    let (_, page) = get(&business, "messages?limit=5&page=3").await;
    assert_eq!(
        (&page["total"], &page["pages"], page["messages"].as_array().unwrap().len()),
        (&json!(11), &json!(3), 1)
    );
}

#[tokio::test]
async fn settings_switch_webhooks_and_the_instance_knows_itself() {
    let business = Business::start().await;
    let (_, status) = get(&business, "instance/status").await;
    assert_eq!(
        status["status"]["accountStatus"],
        json!({"status": "authenticated", "substatus": "connected"})
    );
    assert_eq!(get(&business, "instance/me").await.1["id"], "97145550102@c.us");
    let (_, settings) =
        post(&business, "instance/settings", &[("webhook_message_create", "false"), ("nonsense", "1")]).await;
    assert_eq!(
        (&settings["webhook_message_create"], &settings["webhook_message_ack"]),
        (&json!(false), &json!(true))
    );
    assert!(settings.get("nonsense").is_none());
    post(&business, "messages/chat", &[("to", "+971501234567"), ("body", "Hi")]).await;
    assert!(business.posted().await.iter().all(|one| one.json()["event_type"] == "message_ack"));
    let (_, check) = get(&business, "contacts/check?chatId=971501234567@c.us").await;
    assert_eq!(check["status"], "valid");
}

#[tokio::test]
async fn what_a_customer_wrote_can_be_looked_up_and_its_file_fetched() {
    let business = Business::start().await;
    business.customer(json!({"tenant_id": "tnt_u", "kind": "image", "caption": "Is it this one?"})).await;
    let data = business.posted().await[0].json()["data"].clone();
    assert_eq!(
        (&data["type"], &data["body"], &data["fromMe"]),
        (&json!("image"), &json!("Is it this one?"), &json!(false))
    );
    let (_, found) = get(&business, &format!("chats/messages?chatId={CUSTOMER}@c.us")).await;
    assert_eq!(found[0]["id"], data["id"]);
    let path = data["media"].as_str().unwrap().strip_prefix(&business.root).unwrap().to_owned();
    let response = business.request("GET", &path).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
    let (file, _) = path.split_once('?').unwrap();
    assert_eq!(read(business.request("GET", file)).await.0, 404, "the URL is the key");
    business.customer(json!({"tenant_id": "tnt_u", "text": "Hi", "hide_phone": true})).await;
    let hidden = business.posted().await[1].json()["data"]["from"].as_str().unwrap().to_owned();
    assert!(hidden.ends_with("@lid") && !hidden.contains(CUSTOMER), "{hidden}");
}
