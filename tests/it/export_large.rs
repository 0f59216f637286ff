//! A large file goes out and comes in like any other.

use crate::export::{import, pages};
use crate::export_files::{PART, bucket, cut, files, plan, sha256, tenant};
use bytes::Bytes;
use domain::tenant::Plan;
use e2e::World;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use platform::bucket::{Folder, ObjectKey};
use serde_json::{Value, json};
use ulid::Ulid;

/// An object as an operator may have copied it there: S3 keeps no digest of the whole.
async fn copied(world: &World, key: &ObjectKey, bytes: Bytes) {
    let config = world.config();
    let at = config.aws.endpoint_url.as_ref().unwrap();
    let request = Request::put(format!("{at}/{}/{}", config.media_bucket, key.as_str()))
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=x/20260101/me-central-1/s3/aws4_request, Signature=x",
        )
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .header("content-type", "application/pdf");
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    assert_eq!(client.request(request.body(Full::new(bytes)).unwrap()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn many_files_take_several_pages_and_a_large_one_goes_out_and_comes_in_like_any_other() {
    let world = World::start().await;
    let shop = world.shop("Full", Plan::Enterprise).await;
    let bucket = bucket(&world);
    let key = |n: u128| ObjectKey::of_file(tenant(&shop.id), Folder::Received, Ulid(n));
    for n in 1..=70 {
        bucket.put(&key(n), "image/jpeg", Bytes::from(n.to_string())).await.unwrap();
    }
    // More than an answer of S3 or a function carries, and the last part is short.
    let large: Bytes = plan().into_iter().cycle().take(8 * PART + (1 << 20) + 3).collect();
    bucket.put(&key(80), "application/pdf", large.clone()).await.unwrap();
    let other = Bytes::from(plan());
    copied(&world, &key(90), other.clone()).await;
    assert_eq!(bucket.facts_with_digest(&key(90)).await.unwrap().unwrap().sha256, None);
    let out = pages(&world, &shop.admin).await;
    let given = files(&out);
    assert_eq!(given.len(), 70 + 9 + 3);
    assert!(out.iter().all(|page| page.len() < 5 << 20 && page.lines().count() <= 51));
    for (n, bytes) in [(80, &large), (90, &other)] {
        let expected = cut("in", Ulid(n), bytes, &sha256(bytes)).into_iter().map(|line| line.to_string());
        assert!(expected.into_iter().all(|line| given.contains(&line)), "{n}");
    }

    let other = world.shop("Other", Plan::Enterprise).await;
    let mut imported = 0;
    for page in out.iter().filter(|page| page.contains("\"file\"")).rev() {
        let done = import(&world, &other.admin, page).await;
        assert_eq!(done.status, 200, "{:?}", done.json());
        imported += done.data()["imported"].as_u64().unwrap();
    }
    assert_eq!(imported, 70 + 9 + 3);
    assert!(files(&pages(&world, &other.admin).await) == given, "the same bytes");
    assert_eq!(bucket.unfinished(tenant(&other.id)).await.unwrap(), Vec::new());

    // As exports once named a file of more than 16 MiB.
    let bare = json!({"kind": "file", "pk": "in", "sk": format!("{}#0", Ulid(80)),
        "data": {"content_type": "application/pdf", "size": large.len(), "parts": 0}});
    let done = import(&world, &other.admin, &bare.to_string()).await.data();
    assert_eq!((&done["imported"], &done["skipped"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn the_last_parts_of_several_files_in_one_page_make_all_of_them() {
    let world = World::start().await;
    let shop = world.shop("Several", Plan::Enterprise).await;
    let files: Vec<(Ulid, Vec<u8>)> =
        (1..=3).map(|n| (Ulid(n), vec![u8::try_from(n).unwrap(); PART + 10])).collect();
    let mut last = String::new();
    for (file, bytes) in &files {
        let [first, second] = <[Value; 2]>::try_from(cut("in", *file, bytes, &sha256(bytes))).unwrap();
        assert_eq!(import(&world, &shop.admin, &first.to_string()).await.data()["imported"], 1);
        // The same part twice: one of them finds the file made.
        last.push_str(&format!("{second}\n{second}\n"));
    }
    let done = import(&world, &shop.admin, &last).await;
    assert_eq!(done.status, 200, "{:?}", done.json());
    let done = done.data();
    assert_eq!(done["imported"].as_u64().unwrap() + done["present"].as_u64().unwrap(), 6, "{done}");
    let bucket = bucket(&world);
    for (file, bytes) in files {
        let key = ObjectKey::of_file(tenant(&shop.id), Folder::Received, file);
        assert!(bucket.get(&key).await.unwrap().unwrap().bytes == bytes);
    }
    assert_eq!(bucket.unfinished(tenant(&shop.id)).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_file_whose_last_step_was_cut_off_is_made_by_the_same_page_again() {
    let world = World::start().await;
    let shop = world.shop("Slow", Plan::Enterprise).await;
    let bucket = bucket(&world);
    for (n, operation, after) in [(1, "GetObject", 1), (2, "PutObject", 1), (3, "DeleteObject", 0)] {
        let bytes = vec![n; PART + 10];
        let file = Ulid(n.into());
        let [first, last] = <[Value; 2]>::try_from(cut("in", file, &bytes, &sha256(&bytes)))
            .unwrap()
            .map(|line| line.to_string());
        assert_eq!(import(&world, &shop.admin, &first).await.data()["imported"], 1);
        world
            .faults(json!([{"service": "s3", "operation": operation, "caller": "transfer", "action": "drop_before",
                "after": after}]))
            .await;
        let cut_off = import(&world, &shop.admin, &last).await;
        assert_eq!(cut_off.status, 503, "{operation}: {:?}", cut_off.json());
        world.faults(json!([])).await;
        let key = ObjectKey::of_file(tenant(&shop.id), Folder::Received, file);
        let is_made = operation == "DeleteObject";
        assert_eq!(bucket.facts(&key).await.unwrap().is_some(), is_made, "{operation}");
        let again = import(&world, &shop.admin, &last).await;
        assert_eq!((again.status.as_u16(), &again.data()["present"]), (200, &json!(1)), "{operation}");
        assert!(bucket.get(&key).await.unwrap().unwrap().bytes == bytes, "{operation}");
    }
}
