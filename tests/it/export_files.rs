//! Files leave with everything else, and come in part by part.

use crate::erasure::{completed, erases};
use crate::export::{import, lines, pages};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ids::{MessageId, ObjectId, TenantId, derived_ulid};
use domain::tenant::Plan;
use e2e::World;
use e2e::desk::{Desk, text_of};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use platform::bucket::{Bucket, Folder, LARGEST, ObjectKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use ulid::Ulid;

const CUSTOMER: &str = "971501112244";
const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a flat with a view \xff\xd9";
const POOL: &[u8] = b"\xff\xd8\xff\xe0 the pool \xff\xd9";
/// The most bytes of a part.
pub(crate) const PART: usize = 2 << 20;

/// A document of three parts, in which no two are alike.
pub(crate) fn plan() -> Vec<u8> {
    let mut bytes = b"%PDF-1.4 ".to_vec();
    let mut seed = 7_u32;
    bytes.extend(
        std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(2 * PART),
    );
    bytes.resize(2 * PART + 500_000, b'x');
    bytes
}

pub(crate) fn bucket(world: &World) -> Bucket {
    Bucket::new(&world.config()).unwrap()
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

/// The messages with a file: a picture that came, a document that came, a picture that was sent from our bucket.
struct Talk {
    messages: [String; 3],
}

/// The customer sends a picture, a second later; the id of its message.
async fn pictured(desk: &Desk<'_>, talk: &str) -> String {
    desk.world.advance(1).await;
    let photo = json!({"kind": "image", "mime_type": "image/jpeg", "bytes": STANDARD.encode(PHOTO)});
    desk.hears(CUSTOMER, photo).await;
    text_of(&desk.newest(talk).await, "id")
}

async fn talked(desk: &Desk<'_>) -> Talk {
    let world = desk.world;
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let photo = pictured(desk, &talk).await;
    world.advance(1).await;
    let plan = json!({"kind": "document", "filename": "plan.pdf", "mime_type": "application/pdf",
        "bytes": STANDARD.encode(plan())});
    desk.hears(CUSTOMER, plan).await;
    let document = text_of(&desk.newest(&talk).await, "id");
    // A picture that nobody asks for stays with the provider.
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"kind": "image", "mime_type": "image/jpeg", "bytes": STANDARD.encode(POOL)}))
        .await;
    assert_eq!(desk.get(&format!("/v1/whatsapp/media/{photo}")).await.status, 200);
    assert_eq!(desk.get(&format!("/v1/whatsapp/media/{document}")).await.status, 302);
    let bearer = format!("Bearer {}", desk.key());
    let headers = [("authorization", bearer.as_str()), ("content-type", "image/jpeg")];
    let pool = world.send("POST", "/v1/whatsapp/media", &headers, POOL).await.data();
    let pool = text_of(&pool, "id");
    ObjectId::parse(&pool).unwrap();
    let sent = desk.sends(&json!({"conversation_id": talk, "media": {"kind": "image", "id": pool}})).await;
    Talk { messages: [photo, document, text_of(&sent, "id")] }
}

/// The files of messages, as a key sees them.
async fn shown(world: &World, talk: &Talk, key: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for message in &talk.messages {
        let answer = world.get(&format!("/v1/whatsapp/media/{message}"), key).await;
        let bytes = match answer.status.as_u16() {
            200 => answer.bytes,
            302 => {
                let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
                let request = Request::get(answer.headers["location"].to_str().unwrap());
                let lying = client.request(request.body(Full::default()).unwrap()).await.unwrap();
                assert_eq!(lying.headers()["content-type"], "application/pdf");
                lying.into_body().collect().await.unwrap().to_bytes()
            }
            _ => panic!("{message}: {:?}", answer.json()),
        };
        all.push(bytes.to_vec());
    }
    all
}

pub(crate) fn files(pages: &[String]) -> BTreeSet<String> {
    let files = lines(pages).into_iter().filter(|line| line["kind"] == "file");
    files.map(|line| line.to_string()).collect()
}

/// A file's lines as an export has them.
pub(crate) fn cut(folder: &str, file: Ulid, bytes: &[u8], sha256: &str) -> Vec<Value> {
    let parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    let line = |(number, part): (usize, &&[u8])| {
        let data = json!({"content_type": "application/pdf", "size": bytes.len(), "sha256": sha256,
            "parts": parts.len(), "bytes": {"$bytes": STANDARD.encode(part)}});
        json!({"kind": "file", "pk": folder, "sk": format!("{file}#{number}"), "data": data})
    };
    parts.iter().enumerate().map(line).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn an_export_takes_files_along_and_an_equal_tenant_serves_the_same_bytes() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let talk = talked(&desk).await;
    let admin = desk.tenant.keys.live_admin.clone();
    let own = shown(&world, &talk, &admin).await;
    assert!(own == [PHOTO.to_vec(), plan(), POOL.to_vec()]);
    let out = pages(&world, &admin).await;
    let left = files(&out);
    assert_eq!(left.len(), 1 + 3 + 1);
    for page in &out {
        // What Lambda answers, in base64, and what an import takes.
        assert!(page.len() * 4 / 3 < 6_000_000 && page.len() < 5 << 20, "{}", page.len());
    }

    let shop = world.shop("Another brokerage", Plan::Enterprise).await;
    assert!(files(&pages(&world, &shop.admin).await).is_empty(), "nobody sees another's files");
    let bucket = bucket(&world);
    for (key, id) in [(&shop.admin, Some(&shop.id)), (&shop.test_admin, None)] {
        let mut imported = 0;
        for page in out.iter().rev() {
            let done = import(&world, key, page).await;
            assert_eq!(done.status, 200, "{:?}", done.json());
            imported += done.data()["imported"].as_u64().unwrap();
        }
        assert!(imported > 5, "{imported}");
        let there = pages(&world, key).await;
        assert!(files(&there) == left, "the same files");
        assert!(shown(&world, &talk, key).await == own, "no number is connected, and there they are");
        for page in &out {
            let again = import(&world, key, page).await;
            assert_eq!((again.status.as_u16(), &again.data()["imported"]), (200, &json!(0)));
        }
        if let Some(id) = id {
            assert_eq!(bucket.unfinished(tenant(id)).await.unwrap(), Vec::new());
        }
    }
    assert!(files(&pages(&world, &admin).await) == left, "the first is as it was");
}

#[tokio::test]
async fn two_clients_at_once_and_one_that_was_cut_off_make_the_same_files() {
    let world = World::start().await;
    let [one, other] =
        [world.shop("One", Plan::Enterprise).await, world.shop("Other", Plan::Enterprise).await];
    let (bytes, file) = (plan(), derived_ulid(world.now_s() * 1000, &["plan"]));
    let parts = cut("in", file, &bytes, &sha256(&bytes));
    let small = cut("out", file, POOL, &sha256(POOL)).remove(0);
    let bucket = bucket(&world);
    let of = |id: &str, folder| ObjectKey::of_file(tenant(id), folder, file);
    let mut single = 0;
    for part in &parts {
        let page = format!("{part}\n{small}\n");
        let (first, second) =
            tokio::join!(import(&world, &one.admin, &page), import(&world, &one.admin, &page));
        for done in [first, second] {
            assert_eq!(done.status, 200, "{:?}", done.json());
            let done = done.data();
            assert_eq!(done["imported"].as_u64().unwrap() + done["present"].as_u64().unwrap(), 2, "{done}");
        }
        let done = import(&world, &one.admin, &small.to_string()).await.data();
        single += done["present"].as_u64().unwrap();
    }
    // All parts and all clients at once, in any order.
    for round in 0..3 {
        let file = derived_ulid(world.now_s() * 1000, &[&round.to_string()]);
        let parts = cut("in", file, &bytes, &sha256(&bytes));
        let pages: Vec<String> = parts.iter().chain(&parts).map(Value::to_string).collect();
        let all = pages.iter().map(|page| import(&world, &one.admin, page));
        for done in futures_util::future::join_all(all).await {
            assert_eq!(done.status, 200, "{:?}", done.json());
        }
        let key = ObjectKey::of_file(tenant(&one.id), Folder::Received, file);
        assert!(bucket.get(&key).await.unwrap().unwrap().bytes == bytes);
        assert_eq!(bucket.unfinished(tenant(&one.id)).await.unwrap(), Vec::new());
    }
    assert_eq!(single, 3, "it was there from the first page on");
    assert!(bucket.get(&of(&one.id, Folder::Received)).await.unwrap().unwrap().bytes == bytes);
    assert_eq!(bucket.unfinished(tenant(&one.id)).await.unwrap(), Vec::new());

    // The bucket does not answer in the middle: the same page again does the rest.
    for part in parts.iter().rev() {
        world
            .faults(json!([{"service": "s3", "operation": "PutObject", "caller": "transfer", "action": "drop_after"}]))
            .await;
        let cut_off = import(&world, &other.admin, &part.to_string()).await;
        assert_eq!((cut_off.status.as_u16(), cut_off.code()), (503, "service_unavailable".to_owned()));
        world.faults(json!([])).await;
        let again = import(&world, &other.admin, &part.to_string()).await;
        assert_eq!(again.status, 200, "{:?}", again.json());
    }
    assert!(bucket.get(&of(&other.id, Folder::Received)).await.unwrap().unwrap().bytes == bytes);
    assert_eq!(bucket.unfinished(tenant(&other.id)).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_broken_line_of_a_file_is_named_and_parts_that_do_not_fit_are_thrown_away() {
    let world = World::start().await;
    let shop = world.shop("Empty", Plan::Enterprise).await;
    let (bytes, file) = (plan(), derived_ulid(world.now_s() * 1000, &["plan"]));
    let bucket = bucket(&world);
    let good = cut("in", Ulid(9), PHOTO, &sha256(PHOTO)).remove(0);
    let with = |name: &str, value: Value| {
        let mut line = cut("in", file, PHOTO, &sha256(PHOTO)).remove(0);
        line["data"][name] = value;
        line
    };
    let keyed = |name: &str, value: &str| {
        let mut line = cut("in", file, PHOTO, &sha256(PHOTO)).remove(0);
        line[name] = json!(value);
        line
    };
    for broken in [
        with("bytes", json!({"$bytes": "no base64"})),
        with("bytes", json!({"$bytes": STANDARD.encode(POOL)})),
        with("sha256", json!("00".repeat(32))),
        with("parts", json!(2)),
        with("size", json!(LARGEST + 1)),
        with("content_type", json!("picture")),
        keyed("sk", "no-id#0"),
        keyed("sk", &format!("{file}#1")),
        keyed("pk", "part"),
        keyed("pk", &format!("in/{}", world.tenant("meta").id)),
    ] {
        let refused = import(&world, &shop.admin, &format!("{good}\n{broken}\n")).await;
        let seen = refused.json();
        let field = &seen["error"]["field"];
        assert_eq!((refused.status.as_u16(), field), (400, &json!("line 2")), "{broken}: {seen}");
    }
    assert!(files(&pages(&world, &shop.admin).await).is_empty(), "nothing of the pages was written");

    // Each part looks well, and together they are not what they say.
    let key = ObjectKey::of_file(tenant(&shop.id), Folder::Received, file);
    for (n, part) in cut("in", file, &bytes, &sha256(b"another")).iter().enumerate() {
        let done = import(&world, &shop.admin, &format!("\n{part}")).await;
        if n < 2 {
            assert_eq!((done.status.as_u16(), &done.data()["imported"]), (200, &json!(1)));
            assert_eq!(bucket.unfinished(tenant(&shop.id)).await.unwrap().len(), n + 1);
        } else {
            assert_eq!((done.status.as_u16(), done.code()), (409, "conflict".to_owned()));
            assert_eq!(done.json()["error"]["field"], "line 2");
        }
    }
    assert_eq!(bucket.unfinished(tenant(&shop.id)).await.unwrap(), Vec::new());
    assert_eq!(bucket.facts(&key).await.unwrap(), None);
    for part in cut("in", file, &bytes, &sha256(&bytes)) {
        assert_eq!(import(&world, &shop.admin, &part.to_string()).await.status, 200);
    }
    assert!(bucket.get(&key).await.unwrap().unwrap().bytes == bytes);
}

#[tokio::test]
async fn an_erasure_ends_unfinished_imports_and_an_old_export_brings_no_file_back() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = desk.tenant.keys.live_admin.clone();
    let own = tenant(&desk.tenant.id);
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let photo = pictured(&desk, &talk).await;
    assert_eq!(desk.get(&format!("/v1/whatsapp/media/{photo}")).await.status, 200);
    let old = pages(&world, &admin).await;
    assert_eq!(files(&old).len(), 1);
    let bytes = plan();
    let file = derived_ulid(world.now_s() * 1000, &["plan"]);
    let parts = cut("in", file, &bytes, &sha256(&bytes));
    assert_eq!(import(&world, &admin, &parts[1].to_string()).await.data()["imported"], 1);
    let bucket = bucket(&world);
    assert_eq!(bucket.unfinished(own).await.unwrap().len(), 1);
    // Another tenant's are not this one's.
    let shop = world.shop("Another brokerage", Plan::Enterprise).await;
    assert_eq!(import(&world, &shop.admin, &parts[1].to_string()).await.data()["imported"], 1);
    assert_eq!(bucket.unfinished(own).await.unwrap().len(), 1);

    let contact = desk.contact_of(&talk).await;
    // A file is being written while the erasure is asked for.
    let crossed = derived_ulid(world.now_s() * 1000, &["crossed"]);
    let line = cut("in", crossed, POOL, &sha256(POOL)).remove(0).to_string();
    world
        .faults(json!([{"service": "s3", "operation": "PutObject", "caller": "transfer", "action": "latency",
            "ms": 1_500, "times": 1}]))
        .await;
    let (done, begun) = tokio::join!(import(&world, &admin, &line), erases(&desk, &contact, "erase"));
    world.faults(json!([])).await;
    assert_eq!((&done.data()["imported"], &done.data()["skipped"]), (&json!(0), &json!(1)));
    let crossed = ObjectKey::of_file(own, Folder::Received, crossed);
    assert_eq!(bucket.facts(&crossed).await.unwrap(), None);
    completed(&desk, begun.data()["id"].as_str().unwrap()).await;
    assert_eq!(bucket.unfinished(own).await.unwrap(), Vec::new());
    assert_eq!(bucket.unfinished(tenant(&shop.id)).await.unwrap().len(), 1);
    let key = ObjectKey::of_message(own, MessageId::parse(&photo).unwrap());
    assert_eq!(bucket.facts(&key).await.unwrap(), None);
    // A file that an import brought before the erasure, and whose message it brings after it.
    bucket.put(&key, "image/jpeg", Bytes::from_static(PHOTO)).await.unwrap();
    for page in old.iter().chain([&parts[0].to_string()]) {
        let done = import(&world, &admin, page).await;
        assert_eq!((done.status.as_u16(), &done.data()["imported"]), (200, &json!(0)), "{:?}", done.json());
    }
    assert_eq!(bucket.facts(&key).await.unwrap(), None);
    assert!(files(&pages(&world, &admin).await).is_empty());
    // What is younger is nobody's who was erased.
    world.advance(1).await;
    let young = derived_ulid(world.now_s() * 1000, &["young"]);
    let young = cut("in", young, PHOTO, &sha256(PHOTO)).remove(0);
    assert_eq!(import(&world, &admin, &young.to_string()).await.data()["imported"], 1);
}
