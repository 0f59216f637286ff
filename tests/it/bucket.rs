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
use platform::bucket::{Bucket, Folder, ObjectKey};
use sha2::{Digest as _, Sha256};
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
async fn parts_of_an_object_are_fetched_alone_and_its_digest_is_known_without_it() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    // More than one answer carries.
    let size = (17 << 20) + 5;
    let bytes = Bytes::from((0..size).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<u8>>());
    bucket.put(&key(1), "video/mp4", bytes.clone()).await.unwrap();
    assert!(bucket.get(&key(1)).await.is_err());
    for range in [0..1, 0..2 << 20, (2 << 20)..(4 << 20), (16 << 20)..size, (size - 1)..size] {
        let given = bucket.get_range(&key(1), range.clone(), size).await.unwrap().unwrap();
        assert!(given == bytes.slice(range.clone()), "{range:?}");
    }
    assert_eq!(bucket.get_range(&key(2), 0..1, size).await.unwrap(), None);
    // Another object than was thought: longer, shorter, and too short for the range.
    for (range, of) in [(0..1, size - 1), (0..1, size + 1), (size - 1..size + 1, size + 1)] {
        assert!(bucket.get_range(&key(1), range.clone(), of).await.is_err(), "{range:?} of {of}");
    }
    assert!(bucket.get_range(&key(1), size..size + 1, size + 1).await.is_err());
    let facts = bucket.facts_with_digest(&key(1)).await.unwrap().unwrap();
    assert_eq!((facts.size, facts.sha256), (size.try_into().unwrap(), Some(Sha256::digest(&bytes).into())));
    assert_eq!(bucket.facts(&key(1)).await.unwrap().unwrap().sha256, None, "nobody asked");
    assert_eq!(bucket.facts_with_digest(&key(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_object_takes_nobodys_place() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    let [first, second] = [&b"first"[..], b"second"].map(Bytes::from_static);
    assert!(bucket.put_new(&key(1), "image/png", first).await.unwrap());
    assert!(!bucket.put_new(&key(1), "image/png", second).await.unwrap());
    assert_eq!(bucket.get(&key(1)).await.unwrap().unwrap().bytes, "first");
}

#[tokio::test]
async fn files_are_listed_by_tenant_and_folder_in_order_and_go_on_after_any_of_them() {
    let world = World::start().await;
    let bucket = Bucket::new(&world.config()).unwrap();
    let [tenant, other] = [1, 2].map(|n| TenantId::from_ulid(Ulid(n)));
    for (owner, folder, file) in [
        (tenant, Folder::Received, 3),
        (tenant, Folder::Received, 1),
        (tenant, Folder::Received, 2),
        (tenant, Folder::ToSend, 4),
        (other, Folder::Received, 5),
    ] {
        let key = ObjectKey::of_file(owner, folder, Ulid(file));
        bucket.put(&key, "image/png", Bytes::from_static(b"x")).await.unwrap();
        let part = ObjectKey::of_part(owner, folder, Ulid(file), 0);
        bucket.put(&part, "image/png", Bytes::from_static(b"x")).await.unwrap();
    }
    let listed = async |owner, folder, after: Option<u128>| {
        let files = bucket.files(owner, folder, after.map(Ulid)).await.unwrap();
        files.into_iter().map(|file| file.0).collect::<Vec<u128>>()
    };
    assert_eq!(listed(tenant, Folder::Received, None).await, [1, 2, 3]);
    assert_eq!(listed(tenant, Folder::Received, Some(2)).await, [3]);
    assert_eq!(listed(tenant, Folder::ToSend, None).await, [4]);
    assert_eq!(listed(other, Folder::ToSend, None).await, [0; 0]);
    let part = |file| ObjectKey::of_part(tenant, Folder::Received, Ulid(file), 0);
    assert_eq!(bucket.parts(tenant, Folder::Received, Ulid(1)).await.unwrap(), [part(1)]);
    assert_eq!(bucket.unfinished(tenant).await.unwrap().len(), 4);
    assert_eq!(bucket.unfinished(other).await.unwrap().len(), 1);
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
