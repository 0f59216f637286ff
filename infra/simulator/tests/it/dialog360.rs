//! 360dialog: the same messages behind a key, and its own paths.

use crate::business::{Business, CUSTOMER, answered, read, text};
use reqwest::multipart::{Form, Part};
use serde_json::json;

fn call(business: &Business, method: &str, path: &str) -> reqwest::RequestBuilder {
    business.request(method, &format!("/360dialog/{path}")).header("D360-API-KEY", "d360")
}

#[tokio::test]
async fn a_wrong_key_is_the_gateways_refusal_and_a_wrong_message_is_metas() {
    let business = Business::start().await;
    let request = business.request("POST", "/360dialog/messages").header("D360-API-KEY", "wrong");
    let (status, body) = answered(request, &text("Hi")).await;
    assert_eq!(
        (status, &body["meta"]["http_code"], &body["meta"]["success"]),
        (401, &json!(401), &json!(false))
    );
    assert!(body["meta"]["developer_message"].is_string());
    let (status, body) = answered(call(&business, "POST", "messages"), &text("Hi")).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(131_047)));
    business.open_window().await;
    let (status, body) = answered(call(&business, "POST", "messages"), &text("Hi")).await;
    assert_eq!((status, &body["contacts"][0]["wa_id"]), (200, &json!(CUSTOMER)));
    let posted = business.posted().await;
    assert_eq!(posted.len(), 3);
    assert_eq!(posted[0].status()["biz_opaque_callback_data"], "msg_1.7");
    assert_eq!(read(call(&business, "GET", "nowhere/at/all")).await.1["meta"]["http_code"], 404);
}

#[tokio::test]
async fn a_file_is_fetched_from_the_same_path_on_360dialogs_own_host() {
    let business = Business::start().await;
    let file = Part::bytes(b"%PDF-1.4".to_vec()).file_name("a.pdf").mime_str("application/pdf").unwrap();
    let form = Form::new().text("messaging_product", "whatsapp").part("file", file);
    let (_, told) = read(call(&business, "POST", "media").multipart(form)).await;
    let (_, described) = read(call(&business, "GET", told["id"].as_str().unwrap())).await;
    let path =
        described["url"].as_str().unwrap().strip_prefix("https://lookaside.fbsbx.com/").unwrap().to_owned();
    let response = call(&business, "GET", &path).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/pdf".parse().unwrap())
    );
    assert_eq!(&response.bytes().await.unwrap()[..], b"%PDF-1.4");
    let keyless = business.request("GET", &format!("/360dialog/{path}"));
    assert_eq!(read(keyless).await.0, 401);
}

#[tokio::test]
async fn templates_have_pages_by_offset_and_states_in_lower_case() {
    let business = Business::start().await;
    let (_, page) = read(call(&business, "GET", "v1/configs/templates?limit=10&offset=20")).await;
    assert_eq!((&page["count"], &page["total"], &page["offset"]), (&json!(9), &json!(29), &json!(20)));
    let (_, all) = read(call(&business, "GET", "v1/configs/templates")).await;
    let found = all["waba_templates"].as_array().unwrap();
    assert!(found.iter().all(|one| one["status"].as_str().unwrap().chars().all(char::is_lowercase)));
    let made = json!({"name": "open_house", "language": "en", "category": "MARKETING",
        "components": [{"type": "BODY", "text": "An open house for you this Friday."}]});
    assert_eq!(answered(call(&business, "POST", "v1/configs/templates"), &made).await.0, 200);
    assert_eq!(read(call(&business, "DELETE", "v1/configs/templates/open_house")).await.0, 200);
    assert_eq!(read(call(&business, "DELETE", "v1/configs/templates/open_house")).await.0, 404);
}

#[tokio::test]
async fn health_profile_and_webhook_can_be_read() {
    let business = Business::start().await;
    let (_, health) = read(call(&business, "GET", "health_status")).await;
    assert_eq!(health["health_status"]["can_send_message"], "AVAILABLE");
    assert_eq!(read(call(&business, "GET", "whatsapp_business_profile")).await.0, 200);
    assert_eq!(read(call(&business, "GET", "v1/configs/webhook")).await.1["url"], "");
    let (status, _) =
        answered(call(&business, "POST", "v1/configs/webhook"), &json!({"url": "nowhere"})).await;
    assert_eq!(status, 400);
}
