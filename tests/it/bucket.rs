//! The bucket of media through the production adapter.

use bytes::Bytes;
use domain::ids::{MessageId, TenantId};
use domain::time::Millis;
use e2e::World;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local::{Action, Options, Rule, Service};
use platform::bucket::{Bucket, ObjectKey};
use std::time::Duration;
use ulid::Ulid;

fn key(message: u128) -> ObjectKey {
    ObjectKey::of_message(TenantId::from_ulid(Ulid(1)), MessageId::from_ulid(Ulid(message)))
}

fn rule(operation: &str, action: Action, times: u64) -> Rule {
    Rule {
        service: Service::S3,
        operation: operation.to_owned(),
        table: None,
        contains: None,
        caller: None,
        action,
        status: None,
        ms: None,
        probability: None,
        after: None,
        times: Some(times),
    }
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_stored_and_is_gone_when_deleted() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    assert_eq!(bucket.get(&key(1)).await.unwrap(), None);
    assert_eq!(bucket.facts(&key(1)).await.unwrap(), None);
    let bytes = Bytes::from(vec![0xff; 3 << 20]);
    bucket.put(&key(1), "image/jpeg", bytes.clone()).await.unwrap();
    let object = bucket.get(&key(1)).await.unwrap().unwrap();
    assert!(object.bytes == bytes && object.content_type == "image/jpeg");
    let facts = bucket.facts(&key(1)).await.unwrap().unwrap();
    assert_eq!((facts.size, facts.content_type.as_str()), (3 << 20, "image/jpeg"));
    bucket.delete(&key(1)).await.unwrap();
    bucket.delete(&key(1)).await.unwrap();
    assert_eq!(bucket.get(&key(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_presigned_address_opens_one_object_for_its_time_and_as_a_download() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    bucket.put(&key(1), "image/jpeg", Bytes::from_static(b"photo")).await.unwrap();
    let now = Millis::from_unix_ms(world.now_s() * 1000);
    let disposition = "attachment; filename=\"___.jpg\"; filename*=UTF-8''%D8%B9%D9%82%D8%AF.jpg";
    let url = bucket.presigned_get(&key(1), 300, disposition, now).into_exposed();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let get = || client.request(Request::get(&url).body(Full::default()).unwrap());
    let answer = get().await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], disposition);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "photo");
    world.stack.clock().advance(Duration::from_secs(301));
    assert_eq!(get().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_bucket_that_stumbles_is_asked_again_and_one_that_falls_is_an_error() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    world.stack.faults().set(vec![
        rule("PutObject", Action::Throttle, 1),
        rule("PutObject", Action::DropAfter, 1),
        rule("GetObject", Action::Error, 2),
    ]);
    bucket.put(&key(1), "image/png", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(bucket.get(&key(1)).await.unwrap().unwrap().bytes, "x");
    world.stack.faults().set(vec![rule("GetObject", Action::Throttle, 9)]);
    assert!(bucket.get(&key(1)).await.unwrap_err().is_transient());
    world.stack.faults().clear();
    let nowhere = platform::config::Config { media_bucket: "no-such-bucket".into(), ..world.config() };
    assert!(!Bucket::new(&nowhere).unwrap().get(&key(1)).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn objects_outlive_the_stack() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { data_dir: Some(dir.path().to_path_buf()), ..Options::default() };
    let world = World::start_with(options()).await;
    let bucket = Bucket::new(&world.config()).unwrap();
    bucket.put(&key(1), "image/png", Bytes::from_static(b"x")).await.unwrap();
    world.stack.stop().await;
    let world = World::start_with(options()).await;
    let bucket = Bucket::new(&world.config()).unwrap();
    assert_eq!(bucket.get(&key(1)).await.unwrap().unwrap().bytes, "x");
}
