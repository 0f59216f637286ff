//! Files to send, taken.

use bytes::Bytes;
use crm::media::source_for_send;
use domain::ids::{ObjectId, TenantId};
use domain::outgoing::MediaSource;
use domain::time::Millis;
use e2e::{Answer, World};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use platform::bucket::{Bucket, ObjectKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 the pool \xff\xd9";

async fn upload(
    world: &World,
    key: &str,
    kind: &str,
    query: &str,
    body: &[u8],
    more: &[(&str, &str)],
) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![("authorization", bearer.as_str()), ("content-type", kind)];
    headers.extend_from_slice(more);
    world.send("POST", &format!("/v1/whatsapp/media{query}"), &headers, body.to_vec()).await
}

#[tokio::test]
async fn a_file_goes_to_the_provider_that_keeps_uploads_at_once() {
    let world = World::start().await;
    for provider in ["meta", "dialog360"] {
        let key = world.tenant(provider).keys.live_agent;
        let answer = upload(&world, &key, "image/jpeg", "?filename=pool.jpg", JPEG, &[]).await;
        assert_eq!(answer.status, 201, "{provider}: {:?}", answer.json());
        let made = answer.data();
        let id = made["id"].as_str().unwrap();
        assert!(!id.starts_with("obj_") && id.parse::<u64>().is_ok(), "{made}");
        assert_eq!((&made["kind"], &made["mime_type"]), (&json!("image"), &json!("image/jpeg")));
        assert_eq!((&made["size"], &made["filename"]), (&json!(JPEG.len()), &json!("pool.jpg")));
        assert_eq!(made["sha256"], hex::encode(Sha256::digest(JPEG)));
        let day = |text: &str| text[..10].to_owned();
        let expires = i64::try_from(world.now_s()).unwrap() + 30 * 24 * 3600;
        let until = Millis::from_unix_ms(u64::try_from(expires).unwrap() * 1000);
        assert_eq!(day(made["expires_at"].as_str().unwrap()), day(json!(until).as_str().unwrap()));
    }
}

#[tokio::test]
async fn what_the_provider_does_not_keep_is_kept_by_us_and_sent_by_its_address() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    let now = Millis::from_unix_ms(world.now_s() * 1000);
    for (provider, kind, bytes) in [
        ("ultramsg", "image/jpeg", JPEG),
        ("meta", "application/zip", b"PK\x03\x04 plans"),
        ("dialog360", "text/csv", b"unit,price\n1,2\n"),
    ] {
        let tenant = world.tenant(provider);
        let answer = upload(&world, &tenant.keys.live_agent, kind, "", bytes, &[]).await;
        assert_eq!(answer.status, 201, "{provider}: {:?}", answer.json());
        let id = answer.data()["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("obj_"), "{id}");
        let owner = TenantId::parse(&tenant.id).unwrap();
        let source = MediaSource::Id(id.clone());
        let source = source_for_send(&bucket, owner, &source, Some("صورة.jpg"), now).await.unwrap().unwrap();
        let MediaSource::Url(url) = source else { panic!("an address was expected: {source:?}") };
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let given = client.request(Request::get(&url).body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(given.headers()["content-type"], kind);
        assert!(given.into_body().collect().await.unwrap().to_bytes() == bytes, "{provider}");
        // It is nobody else's.
        let other =
            TenantId::parse(&world.tenant(if provider == "meta" { "ultramsg" } else { "meta" }).id).unwrap();
        assert_eq!(source_for_send(&bucket, other, &MediaSource::Id(id), None, now).await.unwrap(), None);
    }
    for source in [MediaSource::Id("1234567890".into()), MediaSource::Url("https://example.com/a.jpg".into())]
    {
        let owner = TenantId::parse(&world.tenant("meta").id).unwrap();
        assert_eq!(source_for_send(&bucket, owner, &source, None, now).await.unwrap(), Some(source));
    }
}

#[tokio::test]
async fn a_test_key_uploads_to_nobody() {
    let world = World::start().await;
    let answer = upload(&world, &world.tenant("meta").keys.test_admin, "image/jpeg", "", JPEG, &[]).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    let id = ObjectId::parse(answer.data()["id"].as_str().unwrap()).unwrap();
    // Under the twin, not under the tenant.
    let live = ObjectKey::to_send(TenantId::parse(&world.tenant("meta").id).unwrap(), id);
    assert_eq!(Bucket::new(&world.config()).unwrap().facts(&live).await.unwrap(), None);
}

#[tokio::test]
async fn a_repeated_upload_is_the_same_upload() {
    let world = World::start().await;
    let key = world.tenant("ultramsg").keys.live_agent;
    let once = [("idempotency-key", "photo-1")];
    let first = upload(&world, &key, "image/jpeg", "", JPEG, &once).await;
    let again = upload(&world, &key, "image/jpeg", "", JPEG, &once).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{:?}", again.json());
    assert_eq!(first.data(), again.data());
    let other = upload(&world, &key, "image/jpeg", "", b"\xff\xd8\xff other", &once).await;
    assert_eq!(other.status, 409);
}

#[tokio::test]
async fn a_file_that_whatsapp_would_not_take_is_refused_by_field() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let large = [JPEG, &vec![0; 4_500_001]].concat();
    let sticker = [&b"RIFF\x10\0\0\0WEBPVP8 "[..], &[0; 200_000]].concat();
    for (kind, query, body, status, field) in [
        ("image/jpeg", "", &b"<html>"[..], 415, "file"),
        ("image/png", "", JPEG, 415, "file"),
        ("text/html", "", b"<html>", 415, "content_type"),
        ("image/svg+xml", "", b"<svg/>", 415, "content_type"),
        ("", "", JPEG, 415, "content_type"),
        ("image/webp", "", &sticker, 413, "file"),
        ("image/jpeg", "", b"", 400, "file"),
        ("image/jpeg", "?name=x", JPEG, 400, "name"),
        ("image/jpeg", "?filename=", JPEG, 400, "filename"),
        ("application/json", "", b"{}", 400, "body"),
        ("application/json", "", b"{\"url\":\"https://example.com\",\"x\":1}", 400, "x"),
    ] {
        let answer = upload(&world, &keys.live_agent, kind, query, body, &[]).await;
        let error = answer.json()["error"].clone();
        assert_eq!(
            (answer.status.as_u16(), &error["field"]),
            (status, &json!(field)),
            "{kind} {query}: {error}"
        );
    }
    let answer = upload(&world, &keys.live_agent, "image/jpeg", "", &large, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "payload_too_large"));
    let viewer = upload(&world, &keys.live_viewer, "image/jpeg", "", JPEG, &[]).await;
    assert_eq!(viewer.status, 403);
}

#[tokio::test]
async fn no_address_inside_is_fetched() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    for url in [
        world.stack.ready().base_url.as_str(),
        "http://example.com/a.jpg",
        "https://127.0.0.1/a.jpg",
        "https://localhost/a.jpg",
        "https://169.254.169.254/latest/meta-data/iam/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://user@example.com/",
        "https://example.com:22/",
        "https://metadata.google.internal/",
        "ftp://example.com/",
        "not a url",
    ] {
        let body = json!({"url": url}).to_string();
        let answer = upload(&world, &key, "application/json", "", body.as_bytes(), &[]).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status.as_u16(), &error["field"]), (400, &json!("url")), "{url}: {error}");
    }
}

#[tokio::test]
async fn an_uploaded_file_reaches_the_customer_through_each_provider_and_can_be_read_back() {
    let world = World::start().await;
    for (provider, kind, bytes, media) in [
        ("meta", "image/jpeg", JPEG, "image"),
        ("dialog360", "image/jpeg", JPEG, "image"),
        ("ultramsg", "image/jpeg", JPEG, "image"),
        ("meta", "application/zip", b"PK\x03\x04 plans", "document"),
    ] {
        world.stack.simulator().reset();
        let tenant = world.tenant(provider);
        let key = tenant.keys.live_agent;
        let wrote = json!({"tenant_id": tenant.id, "text": "Have you a photo?"});
        world.stack.simulator().customer_writes("971501112233", wrote).await.unwrap();
        world.settled().await;
        let id = upload(&world, &key, kind, "", bytes, &[]).await.data()["id"].clone();
        let body = json!({"to": "+971501112233", "media": {"kind": media, "id": id}});
        let answer = world.post("/v1/whatsapp/messages", &key, &body).await;
        assert_eq!(answer.status, 202, "{provider}: {:?}", answer.json());
        world.settled().await;
        let message = answer.data()["id"].as_str().unwrap().to_owned();
        let shown = world.get(&format!("/v1/whatsapp/messages/{message}"), &key).await.data();
        assert_eq!(shown["status"], "read", "{provider} {kind}: {shown}");
        assert_eq!(shown["media"]["id"], id, "{provider} {kind}: {shown}");
        let asked = world.stack.simulator().sent();
        let asked = asked.iter().map(|one| serde_json::to_string(one).unwrap()).collect::<String>();
        let by_address = id.as_str().unwrap().starts_with("obj_");
        assert_eq!(asked.contains("X-Amz-Signature"), by_address, "{provider} {kind}: {asked}");
        let read = world.get(&format!("/v1/whatsapp/media/{message}"), &key).await;
        assert_eq!(
            (read.status.as_u16(), read.bytes.as_ref()),
            (200, bytes),
            "{provider} {kind}: {:?}",
            read.json()
        );
    }
}

#[tokio::test]
async fn an_uploaded_file_that_is_no_longer_kept_fails_the_message_and_says_what_to_do() {
    let world = World::start().await;
    let tenant = world.tenant("ultramsg");
    let key = tenant.keys.live_agent;
    let wrote = json!({"tenant_id": tenant.id, "text": "Have you a photo?"});
    world.stack.simulator().customer_writes("971501112233", wrote).await.unwrap();
    world.settled().await;
    let body =
        json!({"to": "+971501112233", "media": {"kind": "image", "id": "obj_01ARZ3NDEKTSV4RRFFQ69G5FAV"}});
    let answer = world.post("/v1/whatsapp/messages", &key, &body).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    world.settled().await;
    let message = answer.data()["id"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/v1/whatsapp/messages/{message}"), &key).await.data();
    assert_eq!(
        (&shown["status"], &shown["error"]["code"]),
        (&json!("failed"), &json!("media_not_found")),
        "{shown}"
    );
    assert!(world.stack.simulator().sent().is_empty());
}
