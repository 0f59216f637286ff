//! Files that customers sent, as downloads (E02b, T24).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ids::{MessageId, TenantId};
use e2e::{Answer, World};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::{Action, Rule, Service};
use platform::bucket::{Bucket, ObjectKey};
use serde_json::{Value, json};
use std::time::Duration;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a flat with a view \xff\xd9";

/// A customer of a tenant sends a file; gives the id of the message.
async fn sent(world: &World, provider: &str, said: Value) -> String {
    let tenant = world.tenant(provider);
    let mut body = said;
    body["tenant_id"] = json!(tenant.id);
    let told = world.stack.simulator().customer_writes("971501112233", body).await.unwrap();
    assert_eq!(told["answers"], json!([200]), "{told}");
    world.settled().await;
    // Two messages of one second have no order: the id tells which is meant.
    let key = tenant.keys.live_viewer;
    let conversation = world.get("/v1/conversations", &key).await.items()[0]["id"].clone();
    let path = format!("/v1/conversations/{}/messages", conversation.as_str().unwrap());
    let messages = world.get(&path, &key).await.items();
    let meant = |message: &&Value| message["provider_message_id"] == told["message_ids"][0];
    messages.iter().find(meant).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn file(world: &World, provider: &str, message: &str) -> Answer {
    world.get(&format!("/v1/whatsapp/media/{message}"), &world.tenant(provider).keys.live_viewer).await
}

fn image(bytes: &[u8]) -> Value {
    json!({"kind": "image", "mime_type": "image/jpeg", "bytes": STANDARD.encode(bytes)})
}

/// From now on the providers answer nothing.
fn cut_off(world: &World) {
    world.stack.faults().set(vec![Rule {
        service: Service::Provider,
        operation: "*".to_owned(),
        table: None,
        contains: None,
        caller: None,
        action: Action::DropBefore,
        status: None,
        ms: None,
        probability: None,
        after: None,
        times: None,
    }]);
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn stored_at(world: &World, provider: &str, message: &str) -> ObjectKey {
    let tenant = TenantId::parse(&world.tenant(provider).id).unwrap();
    ObjectKey::of_message(tenant, MessageId::parse(message).unwrap())
}

#[tokio::test]
async fn a_file_comes_from_its_provider_once_and_from_the_bucket_ever_after() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    for provider in ["meta", "dialog360", "ultramsg"] {
        let message = sent(&world, provider, image(JPEG)).await;
        let first = file(&world, provider, &message).await;
        assert_eq!(first.status, 200, "{provider}: {:?}", first.json());
        assert_eq!(
            (first.bytes.as_ref(), header(&first, "content-type")),
            (JPEG, "image/jpeg"),
            "{provider}"
        );
        assert!(bucket.facts(&stored_at(&world, provider, &message)).await.unwrap().is_some(), "{provider}");
        cut_off(&world);
        let second = file(&world, provider, &message).await;
        assert_eq!((second.status.as_u16(), second.bytes.as_ref()), (200, JPEG), "{provider}");
        world.stack.faults().clear();
    }
}

#[tokio::test]
async fn a_page_that_calls_itself_a_photo_is_bytes_to_save_and_nothing_runs_it() {
    let world = World::start().await;
    let message = sent(&world, "meta", image(b"<html><script>alert(document.cookie)</script>")).await;
    let answer = file(&world, "meta", &message).await;
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer, "content-type"), "application/octet-stream");
    assert_eq!(header(&answer, "content-disposition"), format!("attachment; filename=\"{message}\""));
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(&answer, "content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert!(!header(&answer, "x-trace-id").is_empty());
}

#[tokio::test]
async fn a_document_keeps_its_arabic_name_and_loses_its_path() {
    let world = World::start().await;
    let document = |name: &str| json!({"kind": "document", "filename": name, "mime_type": "application/pdf", "bytes": STANDARD.encode(b"%PDF-1.4 x")});
    let message = sent(&world, "meta", document("../../عقد الإيجار.pdf")).await;
    let answer = file(&world, "meta", &message).await;
    let expected = "attachment; filename=\"___ _______.pdf\"; \
                    filename*=UTF-8''%D8%B9%D9%82%D8%AF%20%D8%A7%D9%84%D8%A5%D9%8A%D8%AC%D8%A7%D8%B1.pdf";
    assert_eq!(header(&answer, "content-disposition"), expected);
    assert_eq!(header(&answer, "content-type"), "application/pdf");
}

#[tokio::test]
async fn a_large_file_lies_at_an_address_that_is_good_for_five_minutes() {
    let world = World::start().await;
    let mut film = b"%PDF-1.4 ".to_vec();
    film.resize(5 << 20, b'x');
    let said = json!({"kind": "document", "filename": "plan.pdf", "mime_type": "application/pdf", "bytes": STANDARD.encode(&film)});
    let message = sent(&world, "meta", said).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    for _first_from_the_provider_then_from_the_bucket in 0..2 {
        let answer = file(&world, "meta", &message).await;
        assert_eq!((answer.status.as_u16(), answer.bytes.len()), (302, 0), "{:?}", answer.json());
        let get = || client.request(Request::get(header(&answer, "location")).body(Full::default()).unwrap());
        let lying = get().await.unwrap();
        assert_eq!(lying.headers()["content-disposition"], "attachment; filename=\"plan.pdf\"");
        assert_eq!(lying.headers()["content-type"], "application/pdf");
        assert!(lying.into_body().collect().await.unwrap().to_bytes() == film);
        world.stack.clock().advance(Duration::from_secs(301));
        assert_eq!(get().await.unwrap().status(), 403);
    }
}

#[tokio::test]
async fn what_is_not_the_tenants_or_has_no_file_is_not_found() {
    let world = World::start().await;
    let message = sent(&world, "meta", image(JPEG)).await;
    let absent = file(&world, "meta", "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
    assert_eq!((absent.status.as_u16(), absent.code().as_str()), (404, "not_found"));
    // Fetched or not, it is nobody else's.
    for _ in 0..2 {
        let foreign = file(&world, "dialog360", &message).await;
        assert_eq!(foreign.status, 404);
        let (foreign, absent) =
            (foreign.json()["error"]["message"].clone(), absent.json()["error"]["message"].clone());
        assert_eq!(foreign, absent);
        let twin =
            world.get(&format!("/v1/whatsapp/media/{message}"), &world.tenant("meta").keys.test_admin).await;
        assert_eq!(twin.status, 404);
        assert_eq!(file(&world, "meta", &message).await.status, 200);
    }
    for odd in ["msg_1", "1234567890", "..%2F..%2Fetc", "obj_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        assert_eq!(file(&world, "meta", odd).await.status, 404, "{odd}");
    }
    let text = sent(&world, "meta", json!({"text": "no file"})).await;
    assert_eq!(file(&world, "meta", &text).await.status, 404);
    let odd = world
        .get(&format!("/v1/whatsapp/media/{message}?inline=1"), &world.tenant("meta").keys.live_viewer)
        .await;
    assert_eq!(odd.json()["error"]["field"], "inline");
}

#[tokio::test]
async fn a_photo_that_was_taken_back_is_not_given_even_when_it_is_kept() {
    let world = World::start().await;
    let message = sent(&world, "meta", image(JPEG)).await;
    assert_eq!(file(&world, "meta", &message).await.status, 200);
    let key = world.tenant("meta").keys.live_viewer;
    let shown = world.get(&format!("/v1/whatsapp/messages/{message}"), &key).await.data();
    let revoke = json!({"from": "971501112233", "id": "wamid.revoke", "timestamp": world.now_s().to_string(),
        "type": "revoke", "revoke": {"original_message_id": shown["provider_message_id"]}});
    world.from_meta(world.meta_body().message("971501112233", revoke).json().to_string()).await;
    world.settled().await;
    assert_eq!(file(&world, "meta", &message).await.status, 404);
}

#[tokio::test]
async fn a_file_that_nobody_asked_for_in_seven_days_is_gone_and_the_answer_says_so() {
    let world = World::start().await;
    let message = sent(&world, "meta", image(JPEG)).await;
    world.stack.clock().advance(Duration::from_secs(8 * 24 * 3600));
    let gone = file(&world, "meta", &message).await;
    assert_eq!((gone.status.as_u16(), gone.code().as_str()), (404, "not_found"));
    let said = gone.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("7 days"), "{said}");
}

#[tokio::test]
async fn a_provider_that_is_silent_is_a_503_and_nothing_is_kept() {
    let world = World::start().await;
    let message = sent(&world, "meta", image(JPEG)).await;
    cut_off(&world);
    let answer = file(&world, "meta", &message).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "service_unavailable"));
    assert_eq!(answer.json()["error"]["details"]["provider"], "meta");
    world.stack.faults().clear();
    assert_eq!(file(&world, "meta", &message).await.status, 200);
}

#[tokio::test]
async fn a_customer_of_the_demo_may_send_a_document_of_several_megabytes() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let document = [b"%PDF-1.4\n".as_slice(), &[7; 3_000_000]].concat();
    let said = json!({"tenant_id": tenant.id, "kind": "document", "mime_type": "application/pdf",
        "bytes": STANDARD.encode(&document)});
    let told = world.send("POST", "/_sim/customers/971501112233/messages", &[], said.to_string()).await;
    assert_eq!((told.status.as_u16(), &told.json()["answers"]), (200, &json!([200])));
    world.settled().await;
    let conversation =
        world.get("/v1/conversations", &tenant.keys.live_viewer).await.items()[0]["id"].clone();
    let path = format!("/v1/conversations/{}/messages", conversation.as_str().unwrap());
    let message = world.get(&path, &tenant.keys.live_viewer).await.items()[0]["id"].clone();
    let answer = file(&world, "meta", message.as_str().unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, document.len()));
}
