//! Files: uploaded, described, fetched for five minutes, by whoever has the token.

use crate::business::{Business, NUMBER, answered, read, text};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0000";

fn form(mime: &str, bytes: &[u8]) -> Form {
    let file = Part::bytes(bytes.to_vec()).file_name("file").mime_str(mime).unwrap();
    Form::new().text("messaging_product", "whatsapp").text("type", mime.to_owned()).part("file", file)
}

async fn upload(business: &Business, form: Form) -> (u16, Value) {
    read(business.graph("POST", &format!("{NUMBER}/media")).multipart(form)).await
}

async fn fetch(business: &Business, url: &str, token: &str) -> (u16, Vec<u8>) {
    let path = url.strip_prefix(&business.root).unwrap();
    let response = business.request("GET", path).header("authorization", token).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn an_uploaded_file_is_described_fetched_sent_and_deleted() {
    let business = Business::start().await;
    business.open_window().await;
    let (_, told) = upload(&business, form("image/png", PNG)).await;
    let id = told["id"].as_str().unwrap().to_owned();
    let (_, described) = read(business.graph("GET", &id)).await;
    assert_eq!((&described["mime_type"], &described["file_size"]), (&json!("image/png"), &json!(PNG.len())));
    assert_eq!(described["sha256"].as_str().unwrap().len(), 64, "in hex");
    let url = described["url"].as_str().unwrap().to_owned();
    assert_eq!(fetch(&business, &url, "Bearer EAAdemo").await, (200, PNG.to_vec()));
    for token in ["", "Bearer other"] {
        assert_eq!(fetch(&business, &url, token).await.0, 404, "{token}");
    }
    business.advance(5 * 60);
    assert_eq!(fetch(&business, &url, "Bearer EAAdemo").await.0, 404, "five minutes are over");
    let (_, fresh) = read(business.graph("GET", &id)).await;
    assert_eq!(fetch(&business, fresh["url"].as_str().unwrap(), "Bearer EAAdemo").await.0, 200);

    let mut picture = text("");
    picture["type"] = json!("image");
    picture["text"] = Value::Null;
    picture["image"] = json!({"id": id});
    assert_eq!(business.send(&picture).await.0, 200);
    picture["type"] = json!("audio");
    picture["audio"] = json!({"id": id});
    assert_eq!(business.send(&picture).await.1["error"]["code"], 131_053, "a picture is no sound");

    assert_eq!(read(business.graph("DELETE", &id)).await, (200, json!({"success": true})));
    assert_eq!(read(business.graph("GET", &id)).await.1["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn files_that_whatsapp_would_not_take_are_refused() {
    let business = Business::start().await;
    let ogg = |channels: u8| [b"OggS".as_slice(), &[0; 24], b"OpusHead\x01", &[channels]].concat();
    for (what, code, form) in [
        ("no product", 100, Form::new().part("file", Part::bytes(PNG.to_vec()).file_name("a"))),
        ("no file", 100, Form::new().text("messaging_product", "whatsapp")),
        ("an unknown type", 100, form("image/gif", b"GIF89a")),
        ("nothing", 100, form("image/png", b"")),
        ("not what it says", 131_053, form("image/jpeg", PNG)),
        ("too large", 131_053, form("image/png", &[PNG, &vec![0; 5 * 1024 * 1024]].concat())),
        ("a voice note in stereo", 131_053, form("audio/ogg", &ogg(2))),
    ] {
        let (status, answer) = upload(&business, form).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(code)), "{what}: {answer}");
    }
    assert_eq!(upload(&business, form("audio/ogg; codecs=opus", &ogg(1))).await.0, 200);
    let (status, _) = answered(business.graph("POST", &format!("{NUMBER}/media")), &json!({})).await;
    assert_eq!(status, 400, "no form");
}

#[tokio::test]
async fn a_customers_file_can_be_fetched_for_a_week_and_is_what_its_digest_says() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let business = Business::start().await;
    business
        .customer(json!({"tenant_id": "tnt_m", "kind": "voice", "transcript": "I will come at five"}))
        .await;
    let posted = business.posted().await[0].json();
    let audio = &posted["entry"][0]["changes"][0]["value"]["messages"][0]["audio"];
    assert_eq!((&audio["voice"], &audio["mime_type"]), (&json!(true), &json!("audio/ogg; codecs=opus")));
    let id = audio["id"].as_str().unwrap();
    let (_, described) = read(business.graph("GET", id)).await;
    let (_, bytes) = fetch(&business, described["url"].as_str().unwrap(), "Bearer EAAdemo").await;
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&bytes));
    assert_eq!(audio["sha256"], json!(digest), "in Base64");
    let again = upload(&business, form("audio/ogg", &bytes)).await;
    assert_eq!(again.0, 200, "a voice note that WhatsApp takes: {again:?}");
    business.advance(7 * 24 * 3600);
    assert_eq!(read(business.graph("GET", id)).await.0, 400);
}
