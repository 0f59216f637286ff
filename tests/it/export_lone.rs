//! Imported files whose messages have not come: nothing says whose they are, and an erasure finds them all the same.

use crate::erasure::{completed, erases};
use crate::export::{import, pages};
use crate::export_files::{PART, bucket, cut, files, sha256, tenant};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{MessageId, derived_ulid};
use domain::tenant::Plan;
use e2e::World;
use e2e::desk::text_of;
use platform::bucket::{Folder, ObjectKey};
use serde_json::json;
use std::collections::BTreeSet;

const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a passport \xff\xd9";

#[tokio::test]
async fn an_erasure_takes_imported_files_without_messages_and_leaves_those_that_have_theirs() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = desk.tenant.keys.live_admin.clone();
    let own = tenant(&desk.tenant.id);
    let bucket = bucket(&world);
    let mut photos = Vec::new();
    let mut talks = Vec::new();
    for customer in ["971501112251", "971501112252"] {
        let talk = desk.conversation(customer, "Hello").await;
        world.advance(1).await;
        let photo = json!({"kind": "image", "mime_type": "image/jpeg", "bytes": STANDARD.encode(PHOTO)});
        desk.hears(customer, photo).await;
        let photo = text_of(&desk.newest(&talk).await, "id");
        assert_eq!(desk.get(&format!("/v1/whatsapp/media/{photo}")).await.status, 200);
        photos.push(MessageId::parse(&photo).unwrap());
        talks.push(talk);
    }
    let out = pages(&world, &admin).await;

    // A file whose message is there needs no mark; a small and a large one whose messages are not have theirs.
    let theirs = ObjectKey::of_message(own, photos[1]);
    bucket.delete(&theirs).await.unwrap();
    for line in files(&out) {
        assert_eq!(import(&world, &admin, &line).await.status, 200);
    }
    assert!(bucket.facts(&theirs).await.unwrap().is_some());
    assert_eq!(bucket.lone(own).await.unwrap(), []);
    let [small, large] = ["small", "large"].map(|name| derived_ulid(world.now_s() * 1000, &[name]));
    let long = vec![7; PART + 1];
    let uploaded = cut("out", small, PHOTO, &sha256(PHOTO));
    for line in cut("in", small, PHOTO, &sha256(PHOTO))
        .iter()
        .chain(&cut("in", large, &long, &sha256(&long)))
        .chain(&uploaded)
    {
        assert_eq!(import(&world, &admin, &line.to_string()).await.data()["imported"], 1);
    }
    let lone = |lone: Vec<MessageId>| lone.into_iter().map(|id| id.ulid()).collect::<BTreeSet<_>>();
    assert_eq!(lone(bucket.lone(own).await.unwrap()), BTreeSet::from([small, large]));
    // One that was marked because the index had not seen its message yet.
    let mark = ObjectKey::of_lone(own, photos[1]);
    bucket.put(&mark, "text/plain", bytes::Bytes::new()).await.unwrap();

    // Into an empty tenant, the files first: the messages come in time.
    let shop = world.shop("Another brokerage", Plan::Enterprise).await;
    for page in out.iter().rev() {
        assert_eq!(import(&world, &shop.admin, page).await.status, 200);
    }
    let came: BTreeSet<_> = photos.iter().map(|photo| photo.ulid()).collect();
    assert_eq!(lone(bucket.lone(tenant(&shop.id)).await.unwrap()), came);

    let contact = desk.contact_of(&talks[0]).await;
    let begun = erases(&desk, &contact, "erase").await;
    completed(&desk, begun.data()["id"].as_str().unwrap()).await;
    assert_eq!(bucket.lone(own).await.unwrap(), []);
    for (gone, file) in [(true, photos[0].ulid()), (true, small), (true, large), (false, photos[1].ulid())] {
        let key = ObjectKey::of_file(own, Folder::Received, file);
        assert_eq!(bucket.facts(&key).await.unwrap().is_none(), gone, "{file}");
    }
    let kept = ObjectKey::of_file(own, Folder::ToSend, small);
    assert!(bucket.facts(&kept).await.unwrap().is_some(), "it is the business's own");
    assert_eq!(
        lone(bucket.lone(tenant(&shop.id)).await.unwrap()),
        came,
        "another tenant's are not this one's"
    );
}
